# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""scenario_kafka on a consumer that runs in Kubernetes: scaled out by as much as it needs where that helps and is
allowed, left alone with the reason where not, restarted where it hangs. The cluster itself is asked what was done."""

from __future__ import annotations

import concurrent.futures
import functools
import pathlib
import typing as t

import pytest
from runs import ROOT, Run, planned, play

from lab import config, workloads
from lab.faults import ALL
from lab.faults.pods_consumers import DEPLOYMENT
from lab.kubernetes_api import Api

pytestmark = pytest.mark.kubernetes

Fault = t.Callable[[str], t.ContextManager[None]]


def run(state: pathlib.Path, *arguments: str, **variables: t.Any) -> Run:
    """In mode auto up to disruptive, where nothing else is said."""
    more = ("-i", str(ROOT / "inventory/lab_kubernetes"), *arguments)
    return play(state, *more, **{"incident_mode": "auto", "incident_max_risk": "disruptive", **variables})


def replicas() -> int:
    return int(Api(config.load()).get(DEPLOYMENT)["spec"]["replicas"])


def actions(of: Run) -> list[dict[str, t.Any]]:
    return [planned(action) for action in of.decision["plan"]["actions"]]


def test_a_slow_consumer_gets_the_replicas_that_it_needs_where_that_is_allowed(
    fault: Fault, tmp_path: pathlib.Path
) -> None:
    with fault("pods_consumer_slow"):
        looks: dict[str, t.Callable[[pathlib.Path], Run]] = {
            "proposed": functools.partial(run, incident_mode="propose"),
            "checked": lambda state: run(state, "--check"),
            "capped": functools.partial(run, kafka_scale_most=workloads.REPLICAS),
        }
        with concurrent.futures.ThreadPoolExecutor(2) as pool:
            begun = {name: pool.submit(look, tmp_path / name) for name, look in looks.items()}
            seen = {name: job.result() for name, job in begun.items()}
        outcomes = {name: (one.outcome, one.status) for name, one in seen.items()}
        assert outcomes == {"proposed": ("proposed", 0), "checked": ("checked", 0), "capped": ("escalated", 2)}
        assert replicas() == workloads.REPLICAS, "none of them changes anything"
        why = seen["capped"].decision["plan"]["escalate"]
        assert "at most 2 replicas without asking somebody" in why
        assert not seen["capped"].ran("incident_act")

        cured = run(tmp_path / "cured", incident_watch_deadline=120)
        assert cured.finding_ids == ["kafka.lag.slow"], cured.output
        assert [(a["title"], a["dose"], a["risk"]) for a in cured.decision["plan"]["actions"]] == [
            ("scale notification-pods", "2 to 3 replicas", "disruptive")
        ]
        assert actions(cured) == actions(seen["checked"]) == actions(seen["proposed"])
        assert (cured.outcome, cured.status) == ("fixed", 0), cured.output
        assert replicas() == 3
        said = pathlib.Path(cured.last("incident_close")["report"]).read_text()
        assert "one replica handles" in said and "3 are needed" in said, "the report tells how the number came about"


LEFT_ALONE = {
    "pods_consumer_owned": "the autoscaler notification owns the replicas (2 to 5) and would undo it",
    "pods_consumer_full": "all 3 partitions are taken",
    "pods_consumer_zero": "notification-pods is scaled to zero",
}


@pytest.mark.parametrize("name", LEFT_ALONE)
def test_where_more_replicas_do_not_help_or_are_not_ours_it_says_why_and_does_nothing(
    name: str, fault: Fault, tmp_path: pathlib.Path
) -> None:
    with fault(name):
        before = replicas()
        seen = run(tmp_path)
        seen.shows_exactly(ALL[name])
        assert (seen.outcome, seen.status) == ("escalated", 2), seen.output
        assert LEFT_ALONE[name] in seen.decision["plan"]["escalate"]
        assert seen.report["proposals"], "what would help instead is said"
        assert not seen.ran("incident_act") and replicas() == before


def test_a_consumer_with_a_pod_that_hangs_is_restarted_one_pod_after_the_other(
    fault: Fault, tmp_path: pathlib.Path
) -> None:
    with fault("pods_consumer_hung"):
        cured = run(tmp_path, incident_max_risk="low")
        assert cured.finding_ids == ["kafka.lag.stalled"], cured.output
        (action,) = cured.decision["plan"]["actions"]
        assert (action["title"], action["dose"]) == ("restart notification-pods", "1 pod after the other")
        assert (cured.outcome, cured.status) == ("fixed", 0), cured.output
        assert replicas() == workloads.REPLICAS


def test_three_pods_that_keep_up_are_left_alone(fault: Fault, tmp_path: pathlib.Path) -> None:
    with fault("pods_consumer_keeps_up"):
        seen = run(tmp_path)
        assert (seen.outcome, seen.status) == ("healthy", 0), seen.output
