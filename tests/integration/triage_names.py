# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What triage has to name for each fault of the lab: the component that is to blame and the scenario that treats it."""

from __future__ import annotations

import pathlib
import typing as t

from ansible_collections.incident.response.plugins.module_utils.core.scenarios.registry import SCENARIOS
from runs import Run, play

from lab import faults
from lab.faults.model import Fault

INVENTORY = {"cluster": "inventory/lab_cluster"}
HOSTS = {"database": "postgres-main", "redis": "redis-main", "service": "auth", "memory": "auth"}
"""Scenario -> the host that its faults are about."""
CONSUMER, BROKER = ("consumer_", "offsets_", "poison_"), ("broker_", "topic_")
OF_CONTAINER = ("docker.container.", "docker.memory.", "docker.port.", "docker.process.")
NOTHING = ("", "")
NOT_KNOWN = ("pprof_absent", "pprof_broken", "pprof_forbidden", "pprof_stalled", "redis_restricted")
"""Faults that leave something unmeasured: nothing is to blame, and it is not healthy either."""
MOVES = ("consumer_slow", "goroutine_leak", "memory_leak", "postgres_storm", "service_failing", "service_flapping")
"""Faults that show in movement only: without a past they take a look in full."""
EXCEPTIONS: dict[str, tuple[str, str]] = {
    "all_dropped": ("network", ""),
    # Each of them is a root of its own; which one comes first is told by when it stopped.
    "all_stopped": ("container:gateway", "service"),
    # What the machine lacks is why everything on it fails, and a person has to look.
    "host_disk_full": ("docker-local", ""),
    "host_memory_short": ("docker-local", ""),
    "service_dependency": ("container:redis-main", "redis"),
    # The transaction that holds the table is to blame, not the program that waits.
    "memory_database": ("postgres-main", "database"),
    "postgres_pooler": ("pooler:postgres-main", "database"),
    "redis_replica_orphaned": ("redis-replica", "redis"),
    "cluster_broker_gone": ("container:kafka-cluster/3", "kafka"),
    "cluster_no_quorum": ("container:kafka-cluster/2", "kafka"),
}
"""Faults whose row does not follow from their fields."""


def expected(fault: Fault) -> tuple[str, str]:
    """(component of the root cause, scenario) for a fault; nothing for a twin, which is healthy."""
    if fault.twin or not fault.findings or fault.id in NOT_KNOWN:
        return NOTHING
    if fault.id in EXCEPTIONS:
        return EXCEPTIONS[fault.id]
    scenario = str(fault.scenario)
    boxed = any(name.startswith(OF_CONTAINER) and name != "docker.container.unhealthy" for name in fault.findings)
    if scenario == "kafka":
        if fault.id.startswith(CONSUMER):
            return ("container:notification" if boxed else "group:notification"), scenario
        return ("container:kafka-main" if boxed else "kafka-main"), scenario
    host = HOSTS[scenario]
    inside = "program:" if fault.findings[0].startswith("go.") else ""
    return f"{'container:' if boxed else inside}{host}", scenario if scenario in SCENARIOS else "service"


TABLE: dict[str, tuple[str, str]] = {
    name: expected(fault) for name, fault in faults.ALL.items() if fault.profile != "kubernetes"
}
"""Those of Kubernetes are workloads of their own, which no inventory knows: see test_kubernetes_faults.py."""


def triage(state: pathlib.Path, *arguments: str, inventory: str = "inventory/lab", **variables: t.Any) -> Run:
    return play(state, *arguments, playbook="playbooks/triage.yml", inventory=inventory, **variables)


def verdict_of(run: Run) -> dict[str, t.Any]:
    return t.cast("dict[str, t.Any]", run.last("incident_triage")["verdict"])


def triage_names(name: str, state: pathlib.Path) -> dict[str, t.Any]:
    """Look at all targets while a fault is in: it names the row of TABLE and nothing else. Returns the verdict."""
    fault = faults.ALL[name]
    inventory = INVENTORY.get(fault.profile or "", "inventory/lab")
    run = triage(state, inventory=inventory, incident_triage_depth="full" if name in MOVES else "quick")
    verdict = verdict_of(run)
    component, scenario = TABLE[name]
    assert (verdict["component"], verdict["scenario"]) == (component, scenario), run.output
    assert len(verdict["treatments"]) == bool(component), f"something else is blamed too\n{run.output}"
    outcome = "unknown" if name in NOT_KNOWN else "found" if component else "healthy"
    assert (verdict["outcome"], run.status) == (outcome, 0 if outcome == "healthy" else 2), run.output
    if scenario:
        assert verdict["command"].endswith(f"incident.response.scenario_{scenario} --limit {verdict['target']}")
    return verdict
