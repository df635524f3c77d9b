# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A restart under traffic: all pods are replaced, and every request is answered."""

from __future__ import annotations

import typing as t

import docker
import pytest
from ansible_collections.incident.response.plugins.module_utils.clients.kubernetes_workload import apply
from ansible_collections.incident.response.plugins.module_utils.module.kubernetes_workload_options import SPEC
from pod_traffic import A_SECOND, Traffic
from servers import until

from lab import config, kubernetes, locks, stack, workloads
from lab.kubernetes_api import Api

pytestmark = pytest.mark.kubernetes

NAME = "gateway"
WORK = "/api/orders/1?token=lab-token"
TASK: dict[str, t.Any] = {
    **{name: option.get("default") for name, option in SPEC.options.items()},
    "namespace": workloads.NAMESPACE,
    "name": NAME,
    "state": "restarted",
    # The machine that the cluster runs on may be busy with other tests.
    "connect_timeout": 20.0,
    "timeout": 40.0,
}


def test_a_restart_under_traffic_loses_no_request() -> None:
    settings = config.load()
    api, client = Api(settings), docker.from_env()
    with locks.held(settings.project_state / "lock", "a test", 60):
        until("the lab to be well", lambda: kubernetes.complete(client, settings) is None, 60)
        node = stack.container(client, settings, kubernetes.SERVICE).attrs["State"]["Pid"]
        with Traffic(api, workloads.NAMESPACE, NAME, WORK, node) as traffic:
            before = traffic.ready
            until("the old pods to be asked", lambda: set(traffic.answered) == before)
            done = apply({**TASK, "kubeconfig": str(settings.kubeconfig)}, False)
            until("the old pods to be left alone", lambda: not before & set(traffic.answered[-2 * A_SECOND :]), 60)
            after = traffic.ready
    assert (done["changed"], done["notes"]) == (True, [])
    assert len(before) == len(after) == workloads.REPLICAS and not before & after, "every pod is another one"
    assert after <= set(traffic.answered)
    assert traffic.lost == []
