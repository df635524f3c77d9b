# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is different between two versions of a workload, and nothing else of them. Pure."""

from __future__ import annotations

import typing as t

from .kubernetes_plan import CHANGE_CAUSE
from .kubernetes_target import Workload, part


def wish_of(workload: Workload) -> dict[str, t.Any]:
    """All of it that a change here may touch."""
    found: dict[str, t.Any] = {"template": workload.template}
    if workload.kind != "DaemonSet":
        found["replicas"] = workload.replicas
    cause = part(workload.meta, "annotations").get(CHANGE_CAUSE)
    return {**found, **({"annotations": {CHANGE_CAUSE: cause}} if cause is not None else {})}


def differing(before: t.Any, after: t.Any) -> tuple[t.Any, t.Any]:
    """Both without what is the same. Rows with a name are compared by it and keep it, so that what a value is for
    (the name of an environment variable) is still known where it has to be hidden."""
    if isinstance(before, dict) and isinstance(after, dict):
        left: dict[str, t.Any] = {}
        right: dict[str, t.Any] = {}
        for key in sorted({*before, *after}, key=str):
            if before.get(key) == after.get(key) and (key in before) == (key in after):
                continue
            one, other = differing(before.get(key), after.get(key))
            left.update({key: one} if key in before else {})
            right.update({key: other} if key in after else {})
        return left, right
    named = _named(before), _named(after)
    if named[0] is None or named[1] is None:
        return before, after
    return _differing_rows(named[0], named[1])


def _differing_rows(before: dict[str, t.Any], after: dict[str, t.Any]) -> tuple[list[t.Any], list[t.Any]]:
    left, right = [], []
    for name in sorted({*before, *after}):
        one, other = before.get(name), after.get(name)
        if one == other:
            continue
        if one is not None and other is not None:
            one, other = differing(one, other)
        left += [{"name": name, **one}] if one is not None else []
        right += [{"name": name, **other}] if other is not None else []
    return left, right


def _named(value: t.Any) -> dict[str, dict[str, t.Any]] | None:
    if not isinstance(value, list) or not all(
        isinstance(row, dict) and isinstance(row.get("name"), str) for row in value
    ):
        return None
    found = {row["name"]: row for row in value}
    return found if len(found) == len(value) else None
