# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The templates that a workload had before, and which of them it goes back to. Pure.

A Deployment keeps them as its ReplicaSets, the other kinds as ControllerRevisions.
"""

from __future__ import annotations

import copy
import dataclasses
import typing as t

from .kubernetes_plan import CHANGE_CAUSE, Change, Refused
from .kubernetes_target import Raw, Workload, part, rows, whole

REVISION = "deployment.kubernetes.io/revision"
HASH = "pod-template-hash"


@dataclasses.dataclass(frozen=True)
class Revision:
    number: int
    template: dict[str, t.Any]
    cause: str = ""


def history(workload: Workload, owned: t.Iterable[Raw]) -> list[Revision]:
    """The newest first. owned: ReplicaSets or ControllerRevisions of the namespace, of whomever."""
    found = []
    for raw in owned:
        meta = part(raw, "metadata")
        owners = rows(meta, "ownerReferences")
        if not any(row.get("uid") == workload.uid and row.get("controller") for row in owners):
            continue
        annotations = part(meta, "annotations")
        cause = str(annotations.get(CHANGE_CAUSE) or "")
        number, template = _of_set(raw, annotations) if workload.kind == "Deployment" else _of_revision(raw)
        if number and template:
            found.append(Revision(number, template, cause))
    return sorted(found, key=lambda revision: -revision.number)


def _of_set(raw: Raw, annotations: Raw) -> tuple[int, dict[str, t.Any]]:
    template = copy.deepcopy(part(raw, "spec", "template"))
    # The label that the Deployment's controller adds; left in, each rollback would make a template of its own.
    part(template, "metadata", "labels").pop(HASH, None)
    number = str(annotations.get(REVISION) or "")
    return int(number) if number.isdigit() else 0, template


def _of_revision(raw: Raw) -> tuple[int, dict[str, t.Any]]:
    template = copy.deepcopy(part(raw, "data", "spec", "template"))
    template.pop("$patch", None)
    return whole(raw.get("revision")), template


def roll_back(workload: Workload, revisions: t.Sequence[Revision], wanted: int | None) -> Change:
    """To the wanted revision, or to the newest one that is another template than now. Raises Refused."""
    known = ", ".join(str(revision.number) for revision in revisions) or "none"
    if wanted is None:
        current = next((r.number for r in revisions if same(r.template, workload.template)), None)
        older = [r for r in revisions if not same(r.template, workload.template)]
        # What is newer than the current one was left by a rollback: back from there is not forward again.
        older = [r for r in older if current is None or r.number < current] or older
        if not older:
            raise Refused(
                f"{workload.said} has no revision to go back to (kept are: {known}). Nothing was done; deploy the older"
                " image again"
            )
        chosen = older[0]
    else:
        found = [revision for revision in revisions if revision.number == wanted]
        if not found:
            raise Refused(f"{workload.said} has no revision {wanted}: kept are {known}. Nothing was done")
        chosen = found[0]
    if same(chosen.template, workload.template):
        return Change(f"{workload.said} is at revision {chosen.number} already")
    images = ", ".join(str(row.get("image") or "") for row in rows(chosen.template, "spec", "containers"))
    return Change(
        f"roll {workload.said} back to revision {chosen.number} ({images})",
        template=chosen.template,
        annotations=_cause(workload, chosen),
        notes=("ConfigMaps, Secrets and the schema of a database stay as they are: only the template goes back",),
    )


def _cause(workload: Workload, chosen: Revision) -> dict[str, str | None]:
    """What a history says about it belongs to the template, so it goes back with it."""
    if chosen.cause:
        return {CHANGE_CAUSE: chosen.cause} if part(workload.meta, "annotations") else {}
    return {CHANGE_CAUSE: None} if CHANGE_CAUSE in part(workload.meta, "annotations") else {}


def same(one: Raw, other: Raw) -> bool:
    """Whether two templates are one. An empty mapping or list is the same as none: kinds store that differently."""
    return bool(_bare(one) == _bare(other))


def _bare(value: t.Any) -> t.Any:
    if isinstance(value, dict):
        bare = {key: _bare(item) for key, item in value.items()}
        return {key: item for key, item in bare.items() if item not in (None, {}, [])}
    return [_bare(item) for item in value] if isinstance(value, list) else value
