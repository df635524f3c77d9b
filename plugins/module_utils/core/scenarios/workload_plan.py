# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done about a workload of Kubernetes, for the plans of all scenarios.

Rulings: where a new revision brought the trouble, the one before it comes back (disruptive: it is a deploy). A memory
limit that was met is raised once (disruptive: it restarts the pods). Anything else a restart would not mend.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..docker_resource_findings import suggested_limit
from ..findings import Finding
from ..kubernetes_kills import LATE, LIKELY, SOON
from ..plan import Action
from ..quantities import size
from ..runtimes import by_hand
from ..scope import Observed, Runtime, Scope
from .base import Case, Proof, findings_of
from .draft import Draft
from .running import first
from .service_actions import act_on_target, seen_of
from .service_scope import container
from .workloads import OOM, Workload

MIB = 2**20


def is_about_one(finding: Finding) -> bool:
    return finding.id.startswith("kubernetes.")


def treat(case: Case, finding: Finding, draft: Draft) -> None:
    """Plan what is safe, or say why nothing is."""
    target, found = case.scope.target, _seen(case)
    if found is None:
        draft.leave(finding, f"{finding.id}: nothing here can act on what runs {target}")
    elif finding.details.get("new_revision"):
        _roll_back(case, finding, found, draft)
    elif finding.id == OOM:
        _raise_once(case, finding, found, draft)
    else:
        draft.leave(finding, f"no safe automatic remedy for {finding.id}: a restart would not cure it")


def _seen(case: Case) -> tuple[Runtime, Workload] | None:
    found = seen_of(case)
    return (found[0], found[1]) if found and isinstance(found[1], Workload) else None


def _roll_back(case: Case, finding: Finding, found: tuple[Runtime, Workload], draft: Draft) -> None:
    """Once: where the revision before fails too, a second step back would only be a guess."""
    target, key = case.scope.target, f"revision:{case.scope.target}"
    draft.proposals.extend(finding.remedies)
    if case.was_done(key):
        draft.escalate.append(f"{target} was rolled back for this before, and it is so again: find out why")
        return
    draft.notes.append(f"{target} fails since a new revision, so the one before comes back; deploy it mended")
    draft.act(_action(case, "roll_back", finding, found, key))


def _raise_once(case: Case, finding: Finding, found: tuple[Runtime, Workload], draft: Draft) -> None:
    """A limit that was met is filled to 70 % then. No second time: then it was no small limit."""
    target, key = case.scope.target, f"undersized:{case.scope.target}"
    container = str(finding.details.get("container") or "")
    limit = found[1].limits.get(container, 0)
    draft.proposals.extend(finding.remedies)
    if case.was_done(key):
        draft.escalate.append(f"the limit of {target} was raised for this before: find out what takes the memory")
    elif not limit:
        draft.escalate.append(f"{target} has no memory limit of its own: what ran out is the memory of its node")
    else:
        wanted = suggested_limit(limit)
        draft.notes.append(_leaks(target, finding.details.get("lived_seconds")))
        draft.notes.append("the limit holds until it is deployed again: write it into the manifest")
        if finding.details.get("confidence") == LIKELY:
            draft.notes.append(f"that {target} ran out of memory is likely, and not certain: read the causes first")
        action = _action(case, "raise_memory", finding, found, key)
        options = {"container": container, "memory": f"{wanted // MIB}Mi"}
        draft.act(dataclasses.replace(action, dose=f"{size(limit)} to {size(wanted)}", options=options))


def _leaks(target: str, seconds: float | None) -> str:
    """What the time that it took to fill its limit tells; nothing here sees the heap of a pod."""
    if seconds is not None and seconds <= SOON:
        return f"{target} was killed {seconds:.0f} s after its start: a limit that is too small, rather than a leak"
    if seconds is not None and seconds >= LATE:
        minutes = seconds / 60
        return f"{target} ran for {minutes:.0f} min until its limit was full: if it leaks, a larger one fills too"
    return f"whether {target} leaks is not seen from here: a larger limit is filled too, if it does"


def _action(case: Case, verb: str, finding: Finding, found: tuple[Runtime, Workload], key: str) -> Action:
    action = act_on_target(case, verb, finding, found, "is as it was seen")
    return dataclasses.replace(action, risk="disruptive", undo=by_hand(found[0], "roll_back"), key=key)


def workload_proof(scope: Scope, runtime: Runtime, observed: t.Sequence[Observed]) -> Proof:
    """Good: all of its pods are available, and nothing is found about it any more."""
    seen = first(observed, runtime)
    if not isinstance(seen, Workload):
        return Proof(False, f"{runtime.service} was not seen", None)
    missing = float(max(0, seen.wanted - seen.available))
    note = f"{seen.available} of {seen.wanted} pods available"
    own = (scope.target, container(scope.target))
    still = [f.summary for f in findings_of(observed) if f.component in own and f.severity != "P4"]
    if still:
        return Proof(False, f"{note}; still {still[0]}", missing)
    return Proof(seen.healthy, note, missing)
