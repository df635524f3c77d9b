# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The scenarios on services that run in Kubernetes: the same trees, words, gates and reports as on containers."""

from __future__ import annotations

import contextlib
import functools
import json
import pathlib
import typing as t

import docker
import pytest
from runs import ROOT, Run
from runs import play as play_any
from servers import until

from lab import config, kubernetes, locks, workloads
from lab.faults import pods
from lab.faults.model import Lab
from lab.kubernetes_api import Api, path

pytestmark = pytest.mark.kubernetes

TARGET = "gateway-pods"
DEPLOYMENT = f"/apis/apps/v1/namespaces/{workloads.NAMESPACE}/deployments/gateway"
BOTH = (str(ROOT / "inventory/lab"), str(ROOT / "inventory/lab_kubernetes"))
HUNGRY = "undersized"
BREAKS = "panic: bad deploy"
SHOWS = 90.0

Object = dict[str, t.Any]


def play(state: pathlib.Path, *arguments: str, playbook: str, **variables: t.Any) -> Run:
    more = ("-i", BOTH[1], *arguments)
    return play_any(state, *more, playbook=f"playbooks/{playbook}.yml", inventory=BOTH[0], **variables)


service = functools.partial(play, playbook="scenario_service")
memory = functools.partial(play, playbook="scenario_memory")


@pytest.fixture
def lab() -> t.Iterator[Lab]:
    settings = config.load()
    with locks.held(settings.project_state / "lock", "a test", 60) as lock:
        yield Lab(docker.from_env(), settings, lock)


def standing(lab: Lab) -> Object:
    return workloads.gateway(kubernetes.service_image(lab.config))


@contextlib.contextmanager
def broken_revision(lab: Lab) -> t.Iterator[None]:
    """A deploy of gateway that crashes; the pods of before go on, as its rolling update lets them."""
    wanted = standing(lab)
    wanted["spec"]["template"]["spec"]["containers"][0]["command"] = [
        "sh",
        "-c",
        f"echo '{BREAKS}' >&2; exit 2",
    ]
    try:
        lab.kubernetes.apply(wanted)
        until("it to crash", lambda: "CrashLoopBackOff" in reasons(lab), SHOWS)
        yield
    finally:
        lab.kubernetes.apply(standing(lab))
        until("gateway to be well", lambda: well(lab), SHOWS)


def reasons(lab: Lab) -> list[str]:
    found = lab.kubernetes.list(f"/api/v1/namespaces/{workloads.NAMESPACE}/pods", app="gateway")
    states = [one.get("state", {}) for pod in found for one in pods.statuses(pod)]
    return [state["waiting"].get("reason", "") for state in states if "waiting" in state]


def well(lab: Lab) -> bool:
    return kubernetes.complete(lab.client, lab.config) is None


def target(where: pathlib.Path, name: str, page: bool = False) -> tuple[str, ...]:
    """Arguments for a play whose only target is a workload of a fault. page: ask for a health page that nobody has."""
    runtime = {"kind": "kubernetes", "host": "kubernetes-lab", "namespace": workloads.FAULTS, "workload": name}
    urls = dict.fromkeys(("http_health_url", "http_metrics_url", "go_metrics_url", "go_pprof_url"))
    own = {"lab_service": f"{name}:8080"} if page else urls
    hosts = {"http_services": {"children": {"pods": {"hosts": {name: {"runtime": runtime, **own}}}}}}
    inventory = where / "hosts.json"
    inventory.write_text(json.dumps({"all": {"children": hosts}}))
    return "-i", str(inventory), "--limit", name


def planned(run: Run) -> list[Object]:
    """The actions, as what is to be done: reasons have ages and numbers of the moment in them."""
    actions = run.decision["plan"]["actions"]
    return [{name: value for name, value in action.items() if name != "reason"} for action in actions]


def test_a_healthy_service_is_left_alone(lab: Lab, tmp_path: pathlib.Path) -> None:
    run = service(tmp_path, "--limit", TARGET, incident_mode="auto")
    assert (run.outcome, run.status) == ("healthy", 0), run.output


def test_a_revision_that_fails_goes_back_where_that_is_allowed(lab: Lab, tmp_path: pathlib.Path) -> None:
    with broken_revision(lab):
        limited = ("--limit", TARGET)
        checked = service(tmp_path / "c", "--check", *limited, incident_mode="auto", incident_max_risk="disruptive")
        assert checked.finding_ids == ["kubernetes.pod.crashloop"]
        assert checked.titles == [f"roll_back {TARGET}"]
        assert (checked.outcome, checked.status) == ("checked", 0), checked.output
        refused = service(tmp_path / "r", *limited, incident_mode="auto")
        assert (refused.outcome, refused.status) == ("refused", 2), refused.output
        assert "CrashLoopBackOff" in reasons(lab), "mode auto takes low risk only: it is a deploy"
        run = service(tmp_path / "r", *limited, incident_mode="auto", incident_max_risk="disruptive")
        assert (run.outcome, run.status) == ("fixed", 0), run.output
        now = lab.kubernetes.get(DEPLOYMENT)
        assert now["spec"]["template"]["spec"]["containers"][0]["command"] == ["gateway"]
        assert run.report["samples"][-1]["good"]
        assert planned(run) == planned(checked), "check mode shows what the real run then does"


def test_triage_names_the_revision_and_its_scenario(lab: Lab, tmp_path: pathlib.Path) -> None:
    with broken_revision(lab):
        run = play(tmp_path, playbook="triage")
        verdict = run.last("incident_triage")["verdict"]
        assert (verdict["target"], verdict["scenario"]) == (TARGET, "service"), run.output
        assert len(verdict["treatments"]) == 1, run.output
        (log,) = [row for row in verdict["logs"] if row["component"] == f"container:{TARGET}"]
        assert [line["text"] for line in log["lines"] if line["at"]][-1].endswith(BREAKS), log
        assert log["follow"] in run.output


def test_a_limit_that_is_too_small_is_raised(lab: Lab, tmp_path: pathlib.Path) -> None:
    """Its shell needs more than the 16 MiB that it may take, and less than the 32 that it then may."""
    script = "x=$(head -c 10000000 /dev/zero | tr '\\0' a); echo ${#x}; sleep infinity & wait"
    room = {"requests": {"cpu": "5m", "memory": "8Mi"}, "limits": {"cpu": "500m", "memory": "16Mi"}}
    image = kubernetes.service_image(lab.config)
    wanted = pods.workload(HUNGRY, [pods.container(image, script, resources=room)])
    try:
        lab.kubernetes.apply(wanted)
        pods.await_shown(lab, HUNGRY, pods.both(pods.ended_with("OOMKilled"), pods.restarted(1)), SHOWS)
        run = memory(tmp_path, *target(tmp_path, HUNGRY), incident_mode="auto", incident_max_risk="disruptive")
        assert run.finding_ids == ["kubernetes.memory.oom"], run.output
        assert run.titles == [f"raise_memory {HUNGRY}"]
        assert (run.outcome, run.status) == ("fixed", 0), run.output
        assert limit(lab.kubernetes.get(path(wanted))) == "32Mi"
    finally:
        lab.kubernetes.remove(path(wanted))
        pods.await_gone(lab, HUNGRY)


def limit(deployment: Object) -> str:
    return str(deployment["spec"]["template"]["spec"]["containers"][0]["resources"]["limits"]["memory"])


def test_what_a_restart_would_not_mend_is_refused_with_the_reason(fault: t.Any, tmp_path: pathlib.Path) -> None:
    """A ConfigMap is missing: new pods would not start either."""
    finding = "kubernetes.config.missing"
    with fault("kubernetes_config"):
        run = service(
            tmp_path, *target(tmp_path, "config", page=True), incident_mode="auto", incident_max_risk="disruptive"
        )
        assert finding in run.finding_ids, run.output
        assert not run.ran("incident_act"), run.output
        assert (run.outcome, run.status) == ("escalated", 2), run.output
        assert f"{finding}: a restart would not cure it" in run.output


def test_who_waits_for_its_dependency_is_left_alone(fault: t.Any, tmp_path: pathlib.Path) -> None:
    """Its pods are not ready because auth is stopped: they are not restarted, and auth is named."""
    before = uids()
    with fault("service_stopped"):
        run = service(tmp_path, "--limit", TARGET, incident_mode="auto", incident_max_risk="disruptive")
        assert f"auth is the cause, so {TARGET} is left alone" in run.output
        assert not run.ran("incident_act"), run.output
        assert (run.outcome, run.status) == ("escalated", 2), run.output
        assert "scenario_service --limit auth" in run.output
    assert uids() == before


def uids() -> set[str]:
    found = Api(config.load()).list(f"/api/v1/namespaces/{workloads.NAMESPACE}/pods", app="gateway")
    return {pod["metadata"]["uid"] for pod in found}
