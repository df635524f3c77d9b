"""The fault table: what the collection's tests rely on, and what the README says."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest

from lab import config, faults
from lab.errors import LabError
from lab.faults import table

NOT_RUNNING, UNHEALTHY = "docker.container.not_running", "docker.container.unhealthy"
# What each fault has to be found as: this test's own list.
EXPECTED = {
    "consumer_stopped": {NOT_RUNNING, "kafka.lag.stopped"},
    "consumer_frozen": {"docker.process.frozen", "kafka.lag.stopped"},
    "consumer_slow": {"kafka.lag.slow"},
    "poison_message": {"kafka.lag.stalled", "kafka.record.poison"},
    "broker_stopped": {NOT_RUNNING, "kafka.broker.unreachable", UNHEALTHY},
    "broker_paused": {"docker.container.paused", "kafka.broker.silent", UNHEALTHY},
    "broker_impostor": {NOT_RUNNING, "kafka.broker.not_kafka", UNHEALTHY},
    "topic_missing": {"kafka.topic.missing"},
    "offsets_expired": {NOT_RUNNING, "kafka.lag.stopped", "kafka.offset.expired"},
    "offsets_rewound": {NOT_RUNNING, "kafka.lag.rewound"},
    "cluster_broker_gone": {
        NOT_RUNNING,
        "kafka.broker.missing",
        "kafka.broker.unreachable",
        "kafka.partition.offline",
        "kafka.partition.under_replicated",
        "kafka.partition.under_min_isr",
    },
    "cluster_no_quorum": {NOT_RUNNING, "kafka.broker.unreachable", "kafka.quorum.no_leader"},
    "burst": set(),
    "idle_topic": set(),
    "empty_group": set(),
}


DATABASE = {
    "postgres_idle": {"postgresql.connections.full", "postgresql.connections.idle"},
    "postgres_traps": {"postgresql.connections.full", "postgresql.connections.idle"},
    "postgres_transaction": {"postgresql.transaction.idle"},
    "postgres_chain": {"postgresql.locks.blocked"},
    "postgres_long": {"postgresql.query.long"},
    "postgres_storm": {"postgresql.connections.storm"},
    "postgres_role_limit": {"postgresql.connections.role_limit"},
    "postgres_full": {"postgresql.connections.full", "postgresql.unmeasured"},
    "postgres_stopped": {NOT_RUNNING, "postgresql.server.refused"},
    "postgres_frozen": {"docker.process.frozen", "postgresql.server.silent"},
    "postgres_recovering": {"postgresql.server.recovering"},
    "postgres_recovering_german": {"postgresql.server.recovering"},
    "postgres_rejected": {"postgresql.auth.rejected"},
    "postgres_rejected_german": {"postgresql.auth.rejected"},
    "postgres_password": {"postgresql.auth.password"},
    "postgres_pooler": {"postgresql.pooler.waiting"},
    "postgres_quiet": set(),
    "postgres_german": set(),
}


SERVICE = {
    "service_stopped": {NOT_RUNNING, "http.connect.refused"},
    "service_paused": {"docker.container.paused", "http.response.silent"},
    "service_frozen": {"docker.process.frozen", "http.response.silent"},
    "service_hanging": {"http.response.silent"},
    "service_dependency": {NOT_RUNNING, "http.health.failing", "redis.server.refused"},
    "service_killed": {NOT_RUNNING, "http.connect.refused"},
    "service_crashing": {"docker.container.crash_loop"},
    "service_crashing_late": {"docker.container.crash_loop"},
    "service_dropped": {"http.connect.timeout"},
    "service_rejected": {"http.connect.refused"},
    "service_loopback": {"docker.port.loopback_only", "http.response.reset"},
    "service_failing": {"http.errors.high", "http.health.shallow"},
    "service_flapping": {"http.health.flapping"},
    "service_slow": {"http.health.slow"},
    "metrics_page": {"http.metrics.broken"},
    "metrics_cut": {"http.metrics.broken"},
    "metrics_twice": {"http.metrics.broken"},
    "metrics_failing": {"http.metrics.broken"},
    "metrics_empty": {"http.metrics.broken"},
    "metrics_endless": {"http.metrics.broken"},
    "log_hostile": set(),
}


MEMORY = {
    "memory_leak": {"go.heap.leak"},
    "goroutine_leak": {"go.goroutines.leak"},
    "memory_undersized": {"docker.memory.high"},
    "memory_oom": {"docker.memory.oom_killed"},
    "memory_oom_beside": {"docker.memory.oom_killed"},
    "memory_oom_loop": {"docker.memory.oom_killed"},
    "memory_database": {"go.goroutines.waiting_database"},
    "pprof_absent": {"go.pprof.absent"},
    "pprof_forbidden": {"go.pprof.forbidden"},
    "pprof_broken": {"go.pprof.broken"},
    "pprof_stalled": {"go.pprof.stalled"},
    "memory_burst": set(),
    "memory_cache": set(),
}


HOST = {
    "host_disk_full": {
        "docker.container.crash_loop",
        "docker.disk.high",
        "http.health.failing",
        "redis.persistence.failing",
    },
    "host_disk_elsewhere": set(),
    "host_memory_short": {"docker.host.memory", "docker.memory.oom_killed"},
    "host_memory_cached": set(),
}


KUBERNETES = {
    "kubernetes_crashing": {"kubernetes.pod.crashloop"},
    "kubernetes_crashing_late": {"kubernetes.pod.crashloop"},
    "kubernetes_crashing_new": {"kubernetes.pod.crashloop"},
    "kubernetes_crashing_new_set": {"kubernetes.pod.crashloop"},
    "kubernetes_killed": {"kubernetes.pod.crashloop"},
    "kubernetes_oom": {"kubernetes.memory.oom"},
    "kubernetes_oom_one": {"kubernetes.memory.oom"},
    "kubernetes_image": {"kubernetes.image.pull"},
    "kubernetes_image_never": {"kubernetes.image.pull"},
    "kubernetes_config": {"kubernetes.config.missing"},
    "kubernetes_config_key": {"kubernetes.config.missing"},
    "kubernetes_config_secret": {"kubernetes.config.missing"},
    "kubernetes_config_volume": {"kubernetes.config.missing"},
    "kubernetes_command": {"kubernetes.command.bad"},
    "kubernetes_init": {"kubernetes.init.failing"},
    "kubernetes_readiness_path": {"kubernetes.readiness.failing"},
    "kubernetes_readiness_dependency": {"kubernetes.readiness.failing"},
    "kubernetes_liveness": {"kubernetes.liveness.killing"},
    "kubernetes_rollout": {"kubernetes.rollout.stuck"},
    "kubernetes_throttled": {"kubernetes.cpu.throttled"},
    "kubernetes_pending_memory": {"kubernetes.pod.unschedulable"},
    "kubernetes_pending_selector": {"kubernetes.pod.unschedulable"},
    "kubernetes_pending_volume": {"kubernetes.volume.pending"},
    "kubernetes_quota": {"kubernetes.replicas.refused"},
    "kubernetes_hpa_blind": {"kubernetes.hpa.blind"},
    "kubernetes_pdb": {"kubernetes.pdb.blocked"},
    "kubernetes_selector": {"kubernetes.endpoints.none"},
    "kubernetes_evicted": {"kubernetes.pod.evicted"},
    "kubernetes_job": {"kubernetes.job.failed"},
    "kubernetes_taint": {"kubernetes.pod.unschedulable"},
    "kubernetes_cron_late": {"kubernetes.cronjob.late"},
    "kubernetes_node_gone": {"kubernetes.node.notready"},
    "kubernetes_node_pressure": {"kubernetes.node.pressure"},
    "kubernetes_api_stopped": {"kubernetes.api.unreachable"},
    "kubernetes_api_paused": {"kubernetes.api.silent"},
    "kubernetes_api_tls": {"kubernetes.api.tls"},
    "kubernetes_unauthorized": {"kubernetes.auth.failed"},
    "kubernetes_certificate_expired": {"kubernetes.auth.failed"},
    "kubernetes_forbidden": {"kubernetes.auth.forbidden"},
    "kubernetes_stale": {"kubernetes.status.stale"},
    "kubernetes_rolling": set(),
    "kubernetes_job_done": set(),
    "kubernetes_restarted_once": set(),
    "kubernetes_scaled_to_zero": set(),
    "kubernetes_cron_suspended": set(),
    "kubernetes_hostile": {"kubernetes.pod.crashloop"},
    "kubernetes_hostile_well": set(),
    "kubernetes_hpa_max": {"kubernetes.hpa.max"},
    "kubernetes_hpa_enough": set(),
    "kubernetes_restarted_long_ago": set(),
}


PODS = {
    "pods_consumer_slow": {"kafka.lag.slow"},
    "pods_consumer_full": {"kafka.lag.slow"},
    "pods_consumer_owned": {"kafka.lag.slow"},
    "pods_consumer_hung": {"kafka.lag.stalled"},
    "pods_consumer_zero": {"kafka.lag.stopped"},
    "pods_consumer_keeps_up": set(),
}
"""Consumers in Kubernetes: the faults of scenario_kafka on its other runtime."""


ALL_DOWN = {
    "all_dropped": {"http.connect.timeout", "triage.network.gone"},
    "all_stopped": {NOT_RUNNING, "http.connect.refused"},
}


@pytest.mark.parametrize(
    ("scenario", "expected"),
    [("kafka", EXPECTED), ("database", DATABASE), ("service", SERVICE), ("memory", MEMORY), (None, ALL_DOWN | HOST)],
)
def test_every_fault_is_to_be_found_as_agreed(scenario: str | None, expected: dict[str, set[str]]) -> None:
    own = {name: fault for name, fault in faults.ALL.items() if fault.profile != "kubernetes"}
    found = {name: set(fault.findings) for name, fault in own.items() if fault.scenario == scenario}
    assert found == expected


def test_every_fault_of_kubernetes_is_to_be_found_as_agreed() -> None:
    own = {name: fault for name, fault in faults.ALL.items() if fault.profile == "kubernetes"}
    assert {name: set(fault.findings) for name, fault in own.items()} == {**KUBERNETES, **PODS}
    assert {name for name, fault in own.items() if fault.scenario == "kafka"} == set(PODS)
    assert {name for name, fault in own.items() if fault.scenario == "memory"} == {
        "kubernetes_oom",
        "kubernetes_oom_one",
    }


@pytest.mark.parametrize("fault", faults.ALL.values(), ids=faults.ALL)
def test_a_fault_is_well_formed(fault: faults.Fault) -> None:
    assert fault.what
    assert fault.twin == (not fault.findings)
    assert len(set(fault.findings)) == len(fault.findings)
    assert not set(fault.findings) & set(fault.possible)
    assert all(re.fullmatch(r"[a-z]+(\.[a-z_]+){1,2}", name) for name in (*fault.findings, *fault.possible))
    assert fault.profile in (None, *config.PROFILES)
    assert fault.profile or not fault.id.startswith(("cluster_", "kubernetes_"))


def test_the_readme_has_the_table() -> None:
    readme = (config.HOME / "README.md").read_text()
    assert table.markdown() in readme, "paste the output of `lab faults --format markdown` into lab/README.md"


def test_the_json_table_says_it_all() -> None:
    rows = {row["id"]: row for row in json.loads(table.as_json())}
    assert {name: set(row["findings"]) for name, row in rows.items()}.items() >= {
        **EXPECTED,
        **DATABASE,
        **SERVICE,
        **MEMORY,
        **KUBERNETES,
    }.items()
    assert rows["offsets_rewound"]["needs_history"] is True


def test_injected_faults_are_remembered_in_order(tmp_path: Path) -> None:
    settings = config.load({"LAB_STATE_DIR": str(tmp_path), "LAB_CACHE_DIR": str(tmp_path)})
    assert faults.injected(settings) == []
    for name in ("broker_stopped", "burst", "broker_stopped"):
        faults.remember(settings, name)
    assert faults.injected(settings) == ["burst", "broker_stopped"]
    faults.forget(settings, "burst")
    assert faults.injected(settings) == ["broker_stopped"]
    faults.forget(settings)
    assert faults.injected(settings) == []


def test_an_unknown_fault_is_named_with_those_that_are_known() -> None:
    with pytest.raises(LabError, match="no fault 'consumer_gone'") as raised:
        faults.get("consumer_gone")
    assert "consumer_stopped" in raised.value.hint
