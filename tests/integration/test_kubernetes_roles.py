# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The roles of docs/kubernetes.md are enough for what they are for, and without them it is said what is missing."""

from __future__ import annotations

import pathlib
import re
import typing as t

import docker
import pytest
import yaml
from ansible_collections.incident.response.plugins.module_utils.checks.kubernetes_health import CHECK
from ansible_collections.incident.response.plugins.module_utils.clients.errors import Failed
from ansible_collections.incident.response.plugins.module_utils.clients.kubernetes_workload import apply
from ansible_collections.incident.response.plugins.module_utils.module.check import perform
from ansible_collections.incident.response.plugins.module_utils.module.kubernetes_workload_options import SPEC

from lab import config, workloads
from lab.faults.model import Lab
from lab.kubernetes_api import path

pytestmark = pytest.mark.kubernetes

DOCS = pathlib.Path(__file__).resolve().parents[2] / "docs/kubernetes.md"
RBAC = "rbac.authorization.k8s.io"
USERS = {"incident-looker": ["incident-look"], "incident-actor": ["incident-look", "incident-act"]}
STRANGER = "incident-stranger"


def documented() -> list[dict[str, t.Any]]:
    blocks = re.findall(r"```yaml\n(.*?)```", DOCS.read_text(), re.DOTALL)
    return [item for block in blocks for item in yaml.safe_load_all(block) if item.get("kind") == "ClusterRole"]


def binding(user: str, role: str) -> dict[str, t.Any]:
    return {
        "apiVersion": f"{RBAC}/v1",
        "kind": "ClusterRoleBinding",
        "metadata": {"name": f"{user}-{role}"},
        "roleRef": {"apiGroup": RBAC, "kind": "ClusterRole", "name": role},
        "subjects": [{"apiGroup": RBAC, "kind": "User", "name": user}],
    }


@pytest.fixture(scope="module")
def lab() -> t.Iterator[Lab]:
    found = Lab(docker.from_env(), config.load(), 0)
    made = [*documented(), *(binding(user, role) for user, roles in USERS.items() for role in roles)]
    assert len(made) == 5
    for wanted in made:
        found.kubernetes.apply(wanted)
    yield found
    for wanted in reversed(made):
        found.kubernetes.remove(path(wanted))


def params(spec: t.Any, lab: Lab, user: str, **options: t.Any) -> dict[str, t.Any]:
    own = {name: option.get("default") for name, option in spec.options.items()}
    return {**own, "kubeconfig": str(lab.config.kubeconfig), "impersonate_user": user, **options}


def test_who_may_look_sees_everything(lab: Lab) -> None:
    result = perform(CHECK, params(CHECK.spec, lab, "incident-looker", depth="full"))
    assert (result["status"], result["findings"]) == ("ok", [])
    assert result["snapshot"]["unread"] == []


def test_who_may_look_sees_how_far_a_workload_may_grow(lab: Lab) -> None:
    asked = {"names": ["notification"], "scale_to": 3, "well_logs": True}
    result = perform(CHECK, params(CHECK.spec, lab, "incident-looker", **asked))
    near = result["snapshot"]["workloads"][f"{workloads.NAMESPACE}/notification"]["near"]
    assert near["growth"] == {"replicas": 2, "fits": 1, "against": []}
    assert near["logs"] and not near["problem"] and not near["unread"]


def restart(lab: Lab, user: str) -> t.Any:
    wanted = {"namespace": workloads.NAMESPACE, "name": "notification", "state": "restarted"}
    return apply(params(SPEC, lab, user, **wanted), check_mode=False)


def test_who_may_act_restarts(lab: Lab) -> None:
    assert restart(lab, "incident-actor")["changed"]


def test_who_may_only_look_restarts_nothing_and_is_told_why(lab: Lab) -> None:
    with pytest.raises(Failed, match="incident-looker"):
        restart(lab, "incident-looker")


def test_who_may_nothing_is_told_so(lab: Lab) -> None:
    result = perform(CHECK, params(CHECK.spec, lab, STRANGER))
    assert [finding["id"] for finding in result["findings"]] == ["kubernetes.auth.forbidden"]
    assert STRANGER in str(result["findings"])
