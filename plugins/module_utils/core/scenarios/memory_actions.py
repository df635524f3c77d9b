# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the plan for high memory does: one restart that gains time, or a larger limit. Each once; then a person."""

from __future__ import annotations

import dataclasses
import typing as t

from ..docker_memory import RESERVE
from ..docker_resource_findings import suggested_limit
from ..findings import Finding, Remedy
from ..go_settings import MIB
from ..plan import Action
from ..quantities import size, span
from ..runtimes import limit_by_hand, persist_by_hand, supported
from ..scope import Runtime
from .base import Case
from .containers import Container
from .draft import Draft
from .memory_scope import State, function_of
from .service_actions import act_on_target
from .variables import flag

DOWN = ("created", "exited", "dead")
FOLLOW = 0.9
"""Part of the container's limit that GOMEMLIMIT should be."""


def _seen(state: State) -> tuple[Runtime, Container] | None:
    """What runs the target, where it was seen and something here can act on it."""
    if state.runtime is None or state.container is None or not supported(state.runtime, "raise_memory"):
        return None
    return state.runtime, state.container


def left(state: State, finding: Finding) -> tuple[float | None, float]:
    """(seconds until it reaches its limit at this pace, None where nobody knows; bytes per second)."""
    observed = finding.observed if isinstance(finding.observed, dict) else {}
    rate = float(observed.get("bytes_per_second") or state.slope)
    seen, known = state.container, observed.get("seconds_to_limit")
    rooms = [float(known)] if known is not None else []
    if seen and seen.limit and seen.working_set is not None and rate > 0:
        rooms.append(max(0.0, seen.limit - seen.working_set) / rate)
    return min(rooms, default=None), rate


def restart_once(case: Case, state: State, finding: Finding, draft: Draft) -> None:
    """A restart frees what leaked and mends nothing, so it is done once and says when it will be so again."""
    target, key, found = case.scope.target, f"leak:{case.scope.target}", _seen(state)
    if found is None or found[1].status != "running":
        draft.escalate.append(f"{finding.id}: nothing that runs {target} was seen, so nothing is restarted")
        return
    if case.was_done(key):
        draft.escalate.append(f"{target} was restarted for this before, and it is back: mend {_leak_of(finding)}")
        return
    seconds, rate = left(state, finding)
    grown = (finding.observed or {}).get("growth_bytes") if finding.id == "go.heap.leak" else None
    again = None if seconds is None else seconds + (float(grown or 0.0) / rate if rate > 0 else 0.0)
    back = "when its memory is at the limit again is unknown"
    if again is not None:
        back = f"at {size(rate)} per second its memory is at the limit again in about {span(again)}"
    what = _leak_of(finding)
    action = act_on_target(case, "restart", finding, found)
    draft.act(
        dataclasses.replace(
            action,
            key=key,
            mitigates=f"a restart frees the memory and does not mend {what}: {back}",
            leaves=what,
            recurs=again,
        )
    )


def _leak_of(finding: Finding) -> str:
    function = function_of(finding)
    if finding.id == "go.memory.offheap":
        return "what holds the memory outside of Go's heap"
    return f"the leak in {function}" if function else "the leak (in which function is not known)"


def raise_once(case: Case, state: State, finding: Finding, draft: Draft) -> None:
    """A limit that peaks fill to 70 %, while the container runs on. No second time: then it was no small limit."""
    target, key, found = case.scope.target, f"undersized:{case.scope.target}", _seen(state)
    if found is None:
        draft.escalate.append(f"{finding.id}: nothing here can raise the memory limit of {target}")
        return
    if case.was_done(key):
        draft.escalate.append(f"the limit of {target} was raised for this before: find out what takes the memory")
        return
    wanted, why = _new_limit(state, found[1], finding)
    if why:
        draft.escalate.append(f"the limit of {target} is not raised: {why}")
        return
    draft.act(_raise(case, found, finding, wanted, key))
    if found[1].status in DOWN:
        draft.act(dataclasses.replace(act_on_target(case, "start", finding, found), key=key))
    _say_what_follows(case, state, found[0], wanted, draft)


def _new_limit(state: State, seen: Container, finding: Finding) -> tuple[int, str]:
    """(bytes, "" or why not)."""
    if not seen.limit:
        return 0, "it has none of its own, so what it met is the memory of the machine"
    killed = finding.id == "docker.memory.oom_killed"
    peak = max(seen.peak or 0, seen.working_set or 0, seen.limit if killed else 0)
    wanted = suggested_limit(peak)
    if wanted <= seen.limit:
        return 0, f"its peak of {size(peak)} is below 70 % of the {size(seen.limit)} that it has"
    growth = wanted - (0 if seen.status in DOWN else seen.working_set or 0)
    if state.room is not None and growth > state.room - RESERVE:
        return 0, f"the machine has {size(state.room)} available, and {size(growth)} more could be taken then"
    return wanted, ""


def _raise(case: Case, found: tuple[Runtime, Container], finding: Finding, wanted: int, key: str) -> Action:
    runtime, seen = found
    options: dict[str, t.Any] = {"memory": _mebibytes(wanted)}
    if persists(case):
        options["persist"] = True
    return Action(
        verb="raise_memory",
        service=case.scope.target,
        runtime=runtime,
        dose=f"{size(seen.limit)} to {size(wanted)}",
        risk="disruptive",
        reason=finding.summary,
        precondition=f"container {seen.id[:12]} is the one that was seen, and its machine has the room",
        undo=limit_by_hand(runtime, seen.identity, seen.limit),
        identity={"id": seen.id},  # of any of its lives: one that is killed again and again has a new one each time
        blames=(finding.id,),
        key=key,
        options=options,
    )


def persists(case: Case) -> bool:
    return bool(flag(case.scope.target, case.scope.settings, "memory_persist"))


def _mebibytes(number: float) -> str:
    return f"{int(number) // MIB}m"


def _say_what_follows(case: Case, state: State, runtime: Runtime, wanted: int, draft: Draft) -> None:
    target, memory = case.scope.target, _mebibytes(wanted)
    if not persists(case):
        draft.notes.append(f"the new limit of {target} holds until it is deployed again: write it down (see by hand)")
        draft.proposals.append(
            Remedy(
                f"Write {memory} into what {target} is deployed from, which replaces its container",
                "disruptive",
                persist_by_hand(runtime, memory),
            )
        )
    set_now = (state.go.get("heap") or {}).get("gomemlimit")
    if state.go:
        now = f"{size(int(set_now))} now" if set_now else "not set now"
        value = int(wanted * FOLLOW / MIB)
        draft.notes.append(f"GOMEMLIMIT does not follow ({now}): set GOMEMLIMIT={value}MiB with the next deployment")
