# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kubernetes_health_info against the lab's real node: every fault gives exactly its findings, and no twin any.

Faults that are objects of their own are put in all together and seen by one look: each is a workload of its own, so
what is found about it is told by its component. Those that touch the node or its API come one by one.
"""

from __future__ import annotations

import collections
import contextlib
import json
import typing as t

import docker
import pytest
from ansible_collections.incident.response.plugins.module_utils.checks.kubernetes_health import CHECK
from ansible_collections.incident.response.plugins.module_utils.module.check import perform
from servers import until

from lab import config, faults, kubernetes, locks, workloads
from lab.faults import pods
from lab.faults.kubernetes import TABLE as PODS
from lab.faults.kubernetes_hostile import CANARY
from lab.faults.kubernetes_hostile import TABLE as HOSTILE
from lab.faults.kubernetes_room import TABLE as ROOM
from lab.faults.kubernetes_twins import TABLE as TWINS
from lab.faults.model import Lab

pytestmark = pytest.mark.kubernetes

WHOLE = ("quota",)
"""What holds for all that is in a namespace comes alone, too."""
TOGETHER = {
    row[0].name: (row[0], set(row[2]), set(row[3]))
    for row in (*PODS, *ROOM, *TWINS, *HOSTILE)
    if row[0].name not in WHOLE
}
ALONE = [
    fault
    for fault in faults.ALL.values()
    if fault.profile == "kubernetes"
    and fault.scenario != "kafka"
    and fault.id.removeprefix("kubernetes_").replace("_", "-") not in TOGETHER
]
SOON: dict[str, t.Any] = {
    "unscheduled_seconds": {"warn": 1, "crit": 900},
    "unready_seconds": {"warn": 4, "crit": 900},
    "starting_seconds": {"warn": 4, "crit": 900},
    "stale_seconds": {"warn": 1, "crit": 900},
    "node_seconds": {"warn": 1, "crit": 600},
    "pressure_seconds": {"warn": 1, "crit": 900},
    "hpa_seconds": {"warn": 1, "crit": 3600},
    "pdb_seconds": {"warn": 1, "crit": 3600},
    "volume_seconds": {"warn": 1, "crit": 900},
}
"""What is found of a workload depends on how long it has been so: thresholds as short as the lab is fast."""
WORDS = {"kubernetes_certificate_expired": "the client certificate expired at "}
"""What is told besides, as the id alone does not tell it from others."""
NEW = {"crashing-new": True, "crashing-new-set": True, "crashing": False, "oom-one": False}
"""Whether a new revision brought it: ReplicaSets say so of a Deployment, ControllerRevisions of a StatefulSet."""
SLOW = 90.0
"""Seconds until the kubelet, the scheduler and the controllers have said everything, on a busy machine."""


@pytest.fixture(scope="module")
def lab() -> t.Iterator[Lab]:
    settings = config.load()
    with locks.held(settings.project_state / "lock", "a test", 60) as lock:
        yield Lab(docker.from_env(), settings, lock)


def look(lab: Lab, **options: t.Any) -> dict[str, t.Any]:
    """With the check's own thresholds, where no others are given, and with the patience that a busy machine needs."""
    params = {name: option.get("default") for name, option in CHECK.spec.options.items()}
    params |= {"connect_timeout": 10.0, "timeout": 20.0}
    return perform(CHECK, {**params, "kubeconfig": str(lab.config.kubeconfig), "component": "lab", **options})


def by_workload(result: t.Mapping[str, t.Any]) -> dict[str, set[str]]:
    """Name of a fault -> ids of what was found about its objects, which all have its name."""
    found: dict[str, set[str]] = collections.defaultdict(set)
    for finding in result["findings"]:
        found[str(finding["details"].get("name") or finding["component"])].add(finding["id"])
    return dict(found)


def test_all_that_is_an_object_of_its_own_is_found_as_exactly_that(lab: Lab) -> None:
    image = kubernetes.service_image(lab.config)
    with contextlib.ExitStack() as stack:
        for recipe, _must, _may in TOGETHER.values():
            stack.callback(recipe.clear, lab)
            recipe.stand(lab, image)
        for recipe, _must, _may in TOGETHER.values():
            recipe.await_well(lab, SLOW)
            for wanted in recipe.objects(recipe.name, image):
                lab.kubernetes.apply(wanted)
        for recipe, _must, _may in TOGETHER.values():
            pods.await_shown(lab, recipe.name, recipe.shows, SLOW)
        history = look(lab, namespaces=[workloads.FAULTS], depth="full")["samples"]
        # Told by the comparison itself, which names what is still wrong.
        with contextlib.suppress(AssertionError):
            until("every fault to be found as itself, and no twin", lambda: not seen(lab, history), SLOW)
        assert seen(lab, history) == {}
        result = look(lab, namespaces=[workloads.FAULTS])
        told_safely(result)
        assert {name for name in NEW if blamed(result, name)} == {name for name, new in NEW.items() if new}


def blamed(result: dict[str, t.Any], name: str) -> bool:
    """Whether a new revision is said to have brought it."""
    return any(row["details"].get("new_revision") for row in result["findings"] if row["details"].get("name") == name)


def told_safely(result: dict[str, t.Any]) -> None:
    """What the hostile pod wrote was read, and is harmless."""
    own = [finding for finding in result["findings"] if finding["details"].get("name") == "hostile"]
    text = json.dumps(result, ensure_ascii=False)
    assert "error: {{ lookup" in json.dumps(own), "its log is in what was found"
    assert CANARY not in text
    assert not [char for char in text if char in "\x00\x07\x1b\u202e\ufeff" or "\ud800" <= char <= "\udfff"]
    assert len(text) < 400_000, "one line of 300,000 characters is cut"


def seen(lab: Lab, history: t.Any) -> dict[str, str]:
    """What is wrong with two looks: one that is patient, as everywhere, and one that takes seconds for minutes."""
    own = {"namespaces": [workloads.FAULTS], "depth": "full", "history": history}
    soon, calm = (by_workload(look(lab, thresholds=pairs, **own)) for pairs in (SOON, {}))
    told = wrong(calm)
    return {name: why for name, why in wrong(soon).items() if name in told}


def wrong(found: t.Mapping[str, set[str]]) -> dict[str, str]:
    """Name -> what is missing or too much."""
    told = {}
    for name, (_recipe, must, may) in TOGETHER.items():
        ids = found.get(name, set())
        if must - ids or ids - must - may:
            told[name] = f"missing {sorted(must - ids)}, extra {sorted(ids - must - may)}"
    for name in found.keys() - TOGETHER.keys():
        told[name] = f"extra {sorted(found[name])}"
    return told


@pytest.mark.parametrize("fault", ALONE, ids=lambda fault: str(fault.id))
def test_what_touches_the_node_or_its_api_is_found_as_exactly_that(fault: t.Any, lab: Lab) -> None:
    try:
        fault.inject(lab)

        def strange() -> str:
            ids = {finding["id"] for finding in look(lab, thresholds=SOON)["findings"]}
            missing, extra = set(fault.findings) - ids, ids - set(fault.findings) - set(fault.possible)
            return f"missing {missing}, extra {extra}" if missing or extra else ""

        with contextlib.suppress(AssertionError):
            until("it to be found as exactly that", lambda: not strange(), SLOW)
        assert not strange()
        assert WORDS.get(fault.id, "") in str(look(lab)["findings"])
    finally:
        fault.clear(lab)
        until("the cluster to be well again", lambda: not look(lab)["findings"], SLOW)


def test_a_healthy_cluster_is_silent(lab: Lab) -> None:
    result = look(lab)
    assert (result["status"], result["findings"]) == ("ok", [])
    seen = {row["name"] for row in result["snapshot"]["workloads"].values()}
    assert {"gateway", "notification"} <= seen
