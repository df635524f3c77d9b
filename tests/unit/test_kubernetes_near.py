# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A closer look at one workload: how far it may grow, by the gates of a change, and what its well pods say."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.incident.response.plugins.module_utils.clients.kubernetes_errors import Forbidden
from ansible_collections.incident.response.plugins.module_utils.clients.kubernetes_link import Text
from ansible_collections.incident.response.plugins.module_utils.clients.kubernetes_near import MOST_PODS, near
from ansible_collections.incident.response.plugins.module_utils.core.kubernetes_growth import growth
from ansible_collections.incident.response.plugins.module_utils.core.kubernetes_snapshot import Key
from ansible_collections.incident.response.plugins.module_utils.module.check import Misuse
from kubernetes_made import cluster, look, looked
from kubernetes_workload_made import NAMESPACE, node, pod_raw, scene, workload
from kubernetes_workload_stub import APPS, CORE, StubCluster

KEY = Key("Deployment", NAMESPACE, "orders")
QUOTA = {
    "metadata": {"name": "small"},
    "spec": {},
    "status": {"hard": {"pods": "4"}, "used": {"pods": "2"}},
}
SCALER = {
    "metadata": {"name": "orders"},
    "spec": {"scaleTargetRef": {"kind": "Deployment", "name": "orders"}, "minReplicas": 1, "maxReplicas": 5},
}


class Talking(StubCluster):
    """A cluster whose pods have logs."""

    def __init__(self, **spec: t.Any) -> None:
        super().__init__(**spec)
        self.many[f"{APPS}/deployments"] = [self.deployment]
        self.asked: list[tuple[str, t.Any]] = []

    def text(self, path: str, query: t.Any = None, _limit: int = 0) -> Text:
        if path in self.forbidden:
            raise Forbidden("permission", f"User cannot get {path}")
        self.asked.append((path, query))
        return Text("2026-01-01T00:00:00Z first\n\n2026-01-01T00:00:01Z \x1b[31mlast\n", False)


def test_nothing_stands_against_as_many_as_were_asked_about() -> None:
    found = growth(workload(), scene(), 5)
    assert found.to_dict() == {"replicas": 2, "fits": 3, "against": []}


def test_one_more_is_asked_about_however_many_there_are() -> None:
    assert growth(workload(replicas=7), scene(), 3).fits == 1


def test_the_first_that_does_not_fit_is_told_with_its_reason() -> None:
    found = growth(workload(), scene(quotas=[QUOTA]), 6)
    assert found.fits == 2
    assert [refusal.reason for refusal in found.against] == ["quota"]


@pytest.mark.parametrize(
    ("around", "reason"),
    [
        (scene(autoscalers=[SCALER]), "autoscaler"),
        (scene(autoscalers=None), "autoscaler"),
        (scene(nodes=[node(pods="2")], everywhere=[pod_raw("orders-a"), pod_raw("orders-b")]), "room"),
    ],
    ids=["an autoscaler", "one that may not be seen", "full nodes"],
)
def test_what_stands_against_a_change_stands_against_growth(around: t.Any, reason: str) -> None:
    found = growth(workload(), around, 3)
    assert (found.fits, [refusal.reason for refusal in found.against]) == (0, [reason])


def test_a_daemon_set_does_not_grow() -> None:
    found = growth(workload("DaemonSet"), scene(), 3)
    assert found.fits == 0 and "no replicas to scale" in found.against[0].why


def test_logs_of_well_pods_are_read_and_are_inert() -> None:
    api = Talking()
    found = near(t.cast("t.Any", api), KEY, 50, None)
    assert found.growth is None and not found.problem
    assert {pod for pod, _at, _text in found.logs} == {raw["metadata"]["name"] for raw in api.pods}
    assert [text for _pod, _at, text in found.logs[:2]][0] == "first"
    assert "\x1b" not in found.logs[1][2] and "last" in found.logs[1][2]
    assert all(query["tailLines"] == 50 and not query["previous"] for _path, query in api.asked)


def test_logs_of_some_pods_are_enough_and_none_are_read_unasked() -> None:
    api = Talking()
    api.pods.extend([pod_raw(f"orders-{number}") for number in range(20)])
    assert len({pod for pod, _at, _text in near(t.cast("t.Any", api), KEY, 5, None).logs}) == MOST_PODS
    api.asked.clear()
    quiet = near(t.cast("t.Any", api), KEY, 0, 3)
    assert quiet.logs == () and not api.asked
    assert quiet.growth is not None and quiet.growth.fits == 1


@pytest.mark.parametrize("path", [f"{CORE}/pods", f"{APPS}/deployments"])
def test_what_may_not_be_read_is_said_and_is_no_error(path: str) -> None:
    api = Talking()
    api.forbidden.add(path)
    found = near(t.cast("t.Any", api), KEY, 5, 3)
    assert found.growth is None and "cannot list" in found.problem


def test_what_matters_less_and_may_not_be_read_is_named() -> None:
    api = Talking()
    api.forbidden.add(f"/apis/coordination.k8s.io/v1/namespaces/{NAMESPACE}/leases")
    found = near(t.cast("t.Any", api), KEY, 0, 3)
    assert found.growth is not None and found.growth.fits == 1
    assert len(found.unread) == 1 and "leases" in found.unread[0]


def test_a_workload_that_went_away_is_said() -> None:
    api = Talking()
    api.many[f"{APPS}/deployments"] = []
    assert "gone" in near(t.cast("t.Any", api), KEY, 5, 3).problem


def test_the_check_looks_closely_only_where_it_is_asked_to() -> None:
    plain = looked(cluster(), names=["app"])
    assert all("near" not in row for row in plain["snapshot"]["workloads"].values())
    asked = looked(cluster(), names=["app"], scale_to=3, well_logs=True)
    (row,) = asked["snapshot"]["workloads"].values()
    assert set(row["near"]) == {"growth", "logs", "problem", "unread"}


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ({"scale_to": 3}, "names says at which"),
        ({"well_logs": True}, "names says at which"),
        ({"names": ["app"], "scale_to": 0}, "scale_to: 0"),
        ({"names": ["app"], "scale_to": 100_000}, "scale_to"),
    ],
)
def test_options_that_make_no_sense_are_refused(options: dict[str, t.Any], said: str) -> None:
    with pytest.raises(Misuse, match=said):
        look("https://127.0.0.1:1", **options)
