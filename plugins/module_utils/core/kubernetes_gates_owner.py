# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who else writes what would be changed: an autoscaler, an operator, a GitOps manager. Pure."""

from __future__ import annotations

import json
import re
import typing as t

from .kubernetes_diff import differing
from .kubernetes_plan import Refusal
from .kubernetes_scene import Case
from .kubernetes_target import Raw, part, rows

MANAGERS = re.compile(
    r"argocd.*|gitops-.*|kustomize-controller|helm-controller|flux.*|fleet-?(agent|apply).*|.*configsync.*"
    r"|kapp(-controller)?|sveltos.*|carvel.*",
    re.IGNORECASE,
)
"""Field managers of what keeps a cluster as a repository says: they undo what somebody else does."""
DEPLOYERS = re.compile(r"helm|terraform|hashicorp|pulumi.*|ansible|kubectl-client-side-apply")
"""Tools that write when somebody runs them: the next run undoes it, which is worth a note and no refusal."""
_KEY = re.compile(r"k:(\{.*\})", re.DOTALL)


def autoscaler(case: Case) -> list[Refusal]:
    """What it wants overwrites what is set here, within seconds."""
    if case.scene.autoscalers is None:
        return case.unread("autoscalers", "whether an autoscaler owns the replicas", "autoscaler")
    for raw in case.scene.autoscalers:
        target = part(raw, "spec", "scaleTargetRef")
        if target.get("kind") != case.workload.kind or target.get("name") != case.workload.name:
            continue
        name, spec = part(raw, "metadata").get("name"), part(raw, "spec")
        low, high = spec.get("minReplicas") or 1, spec.get("maxReplicas")
        why = f"the autoscaler {name} owns the replicas ({low} to {high}) and would undo it: change its limits instead"
        return [Refusal("autoscaler", why, True)]
    return []


def controller(case: Case) -> list[Refusal]:
    """An operator writes the workload as its own resource says."""
    for row in rows(case.workload.meta, "ownerReferences"):
        if row.get("controller"):
            owner = f"{row.get('kind')} {row.get('name')}"
            return [Refusal("controller", f"{owner} owns {case.workload.said}: change it there, or it is undone", True)]
    return []


def gitops(case: Case) -> list[Refusal]:
    """The very fields that would change are kept as a repository says."""
    owners = sorted(name for name in owners_of(case) if MANAGERS.fullmatch(name))
    if not owners:
        return []
    what = "spec.replicas" if case.change.replicas is not None else "the part of the template that would change"
    why = f"{', '.join(owners)} keeps {what} as a repository says and would undo it: change it there"
    return [Refusal("gitops", why, True)]


def deployers(case: Case) -> list[str]:
    """Who deploys the fields that would change, for a note."""
    found = sorted(name for name in owners_of(case) if DEPLOYERS.fullmatch(name))
    return (
        [f"{', '.join(found)} wrote what is changed here: the next deploy with it goes back to that"] if found else []
    )


def owners_of(case: Case) -> set[str]:
    """The field managers of what the change touches."""
    paths = touched(case)
    found = set()
    for row in rows(case.workload.meta, "managedFields"):
        fields = part(row, "fieldsV1")
        if row.get("subresource") != "status" and any(_owns(fields, path) for path in paths):
            found.add(str(row.get("manager") or ""))
    return found


def touched(case: Case) -> list[tuple[str, ...]]:
    """Paths of the values that change; a row of a list is named by its name."""
    if case.change.replicas is not None:
        return [("spec", "replicas")]
    if case.change.template is None:
        return []
    before, after = differing(case.workload.template, case.change.template)
    return [("spec", "template", *path) for path in sorted({*_paths(before), *_paths(after)})]


def _paths(value: t.Any) -> t.Iterator[tuple[str, ...]]:
    if isinstance(value, dict) and value:
        for key, item in value.items():
            for path in _paths(item):
                yield (str(key), *path)
    elif isinstance(value, list) and value and all(isinstance(row, dict) and "name" in row for row in value):
        for row in value:
            rest = {key: item for key, item in row.items() if key != "name"}
            for path in _paths(rest):
                yield (str(row["name"]), *path)
    else:
        yield ()


def _owns(fields: Raw, path: tuple[str, ...]) -> bool:
    """Whether a set of owned fields has a path, or owns it as a whole (an atomic list or map ends the set)."""
    at: t.Any = fields
    for step in path:
        found = _child(at, step)
        if found is None:
            return False
        if not found:
            return True
        at = found
    return True


def _child(fields: Raw, step: str) -> Raw | None:
    if f"f:{step}" in fields:
        return part(fields, f"f:{step}")
    for key in fields:
        match = _KEY.fullmatch(str(key))
        if match and _key_value(match.group(1)) == step:
            return part(fields, key)
    return None


def _key_value(text: str) -> str:
    try:
        keys = json.loads(text)
    except ValueError:
        return ""
    return str(keys.get("name") or "") if isinstance(keys, dict) else ""
