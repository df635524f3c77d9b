# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan for scenario 4, Redis: the smallest safe remedy for each root cause, and what only a person may decide.

Rulings: a server that is down is started, a paused one unpaused (low). One that loads is waited for and never
restarted. A read-only script is stopped (low); idle clients go within the dose (disruptive); keys go only by
redis_flush, behind its gate (destructive). A restart is the last resort, and never of a primary whose data lives on in
its replicas only: it would come back empty, and they would copy that.
"""

from __future__ import annotations

import dataclasses
import functools
import math
import typing as t

from ..findings import Finding
from ..plan import Plan
from ..runtimes import by_hand, supported
from ..scope import Runtime
from .base import Case
from .containers import VERBS, component_of, first, runtime_of
from .draft import Draft, on_target
from .redis_scope import (
    expected_replicas,
    flush_options,
    headroom,
    min_idle,
    snapshot_of,
)
from .running import action_on
from .variables import flag

CONNECTION = (
    "host",
    "port",
    "unix_socket",
    "username",
    "password",
    "db",
    "tls",
    "validate_certs",
    "ca_file",
    "cert_file",
    "key_file",
    "protocol",
    "timeout",
    "patience",
)
"""Options that an action takes over from the target's variables; secrets are among them, so none is in a plan."""
_call = functools.partial(on_target, inherits=CONNECTION)
MEMORY = ("redis.memory.full", "redis.memory.high")
CLIENTS = ("redis.clients.full", "redis.clients.high")
MAX_SHARE = 0.25
STEP = 5
"""A dose is rounded up to steps, so that a plan's hash outlives one client more or less; no more go than are needed."""
GRACE_SECONDS = 60


def plan(case: Case) -> Plan:
    draft = Draft()
    for finding in case.verdict.roots:
        _treat(case, finding, draft)
    return draft.plan("redis", case)


def _treat(case: Case, finding: Finding, draft: Draft) -> None:
    runtime = _runtime(case)
    if runtime is not None and finding.component == component_of(runtime):
        _bring_back(case, finding, runtime, draft)
        return
    treatments: dict[str, t.Callable[[Case, Finding, Draft], None]] = {
        "redis.server.loading": _wait,
        "redis.server.busy": _stop_script,
        "redis.server.silent": _hung,
        "redis.server.paused": _paused,
        "redis.writes.refused": _writes,
        "redis.latency.high": _slow,
        "redis.replication.down": _no_primary,
        **dict.fromkeys(CLIENTS, _end_idle),
        **dict.fromkeys(MEMORY, _full),
    }
    treatment = treatments.get(finding.id)
    if treatment is None:
        draft.leave(finding, f"no safe automatic remedy for {finding.id}")
    else:
        treatment(case, finding, draft)


def _runtime(case: Case) -> Runtime | None:
    return runtime_of(case.scope.target, case.scope.settings)


# The container


def _bring_back(case: Case, finding: Finding, runtime: Runtime, draft: Draft) -> None:
    """Start, unpause or continue what is down, paused or frozen. Anything else about a container is for a person."""
    verb = VERBS.get(finding.id)
    found = first(case.observed, runtime)
    if verb is None or found is None or not supported(runtime):
        draft.leave(finding, f"{finding.id}: {runtime.service} is not touched by itself")
        return
    if verb == "start" and _would_empty_replicas(case):
        draft.leave(finding, _empty_replicas(case, "start"))
        return
    draft.act(
        action_on(
            runtime.service,
            (runtime, found),
            verb,
            finding,
            undo=by_hand(runtime, "stop") if verb == "start" else "",
        )
    )


def _would_empty_replicas(case: Case) -> bool:
    """A primary that comes back empty makes its replicas copy that. Declared, or seen while it still answers."""
    snapshot = snapshot_of(case.observed)
    target, settings = case.scope.target, case.scope.settings
    replicas = expected_replicas(target, settings)
    if snapshot.get("replication"):
        if snapshot["replication"].get("role") == "slave":
            return False
        replicas = max(replicas, int(snapshot["replication"].get("connected_slaves") or 0))
    return replicas > 0 and not _saves(case)


def _saves(case: Case) -> bool:
    """Whether its data outlives a restart: as declared, else as its configuration says; unknown counts as no."""
    declared = flag(case.scope.target, case.scope.settings, "redis_persistent")
    if declared is not None:
        return declared
    snapshot = snapshot_of(case.observed)
    aof = (snapshot.get("persistence") or {}).get("aof_enabled") == 1
    return aof or bool((snapshot.get("config") or {}).get("save"))


def _empty_replicas(case: Case, verb: str) -> str:
    return (
        f"{case.scope.target} is not {verb}ed: it has replicas, and nothing says that it saves (redis_persistent)."
        " It would come back empty, and they would copy that: promote a replica first"
    )


# A server that gets ready by itself, one that a script holds, and one that hangs


def _wait(case: Case, finding: Finding, draft: Draft) -> None:
    draft.notes.append("It gets ready by itself. A restart would begin the loading anew, so none is done or proposed")
    draft.act(_call(case, "wait for", "redis_wait", {"wait": 10.0}, finding, "none", "0 changes", "it loads"))


def _stop_script(case: Case, finding: Finding, draft: Draft) -> None:
    what = str(finding.details.get("kind") or "script")
    draft.notes.append(
        "Redis refuses to stop a script that has written; then nothing was changed, and a person decides"
    )
    options = {"state": "script_killed"}
    draft.act(
        _call(case, "stop the script in", "redis_clients", options, finding, "low", f"1 {what}", "a script holds it")
    )


def _hung(case: Case, finding: Finding, draft: Draft) -> None:
    """Its process is not stopped, and it says nothing: a long command ends, a hang does not."""
    runtime = _runtime(case)
    found = first(case.observed, runtime) if runtime else None
    draft.proposals.extend(finding.remedies)
    if _would_empty_replicas(case):
        draft.escalate.append(_empty_replicas(case, "restart"))
        return
    if runtime is None or found is None or not supported(runtime):
        draft.escalate.append(f"{finding.id}: a restart is the last resort, and nothing here can do it")
        return
    lost = "" if _saves(case) else "; it does not save, so all of its data is lost"
    draft.escalate.append(
        f"{finding.id}: a restart is the last resort; somebody has to type back its name and hash{lost}"
    )
    draft.act(
        action_on(
            runtime.service,
            (runtime, found),
            "restart",
            finding,
            risk="destructive",
            dose=f"1 server, every client{lost}",
            options={"stop_timeout": GRACE_SECONDS},
        )
    )


def _paused(case: Case, finding: Finding, draft: Draft) -> None:
    draft.leave(finding, "somebody paused its clients on purpose, a failover perhaps; the pause ends by itself")


def _slow(case: Case, finding: Finding, draft: Draft) -> None:
    commands = ", ".join(finding.details.get("commands") or ()) or "nothing in its slowlog"
    draft.leave(finding, f"it was held up ({commands}); a restart would not make it faster")


def _no_primary(case: Case, finding: Finding, draft: Draft) -> None:
    primary = finding.details.get("primary") or "its primary"
    draft.leave(
        finding, f"look at {primary}: a replica follows again by itself, and a restart would copy everything anew"
    )


# Clients


def _end_idle(case: Case, finding: Finding, draft: Draft) -> None:
    """As few as give room again. At the door nobody sees who is there: the module knocks until a place comes free."""
    target, settings = case.scope.target, case.scope.settings
    wanted, idle = headroom(target, settings), min_idle(target, settings)
    options: dict[str, t.Any] = {"min_idle": idle, "headroom": wanted, "max_share": MAX_SHARE}
    draft.proposals.extend(finding.remedies)
    if finding.details.get("at_the_door"):
        draft.notes.append("Nobody can get in to see who holds the connections; it is tried until a place comes free")
        options["deadline"] = 30.0
        amount = f"at most {MAX_SHARE:.0%} of the clients, idle for {idle:g} s or more, until {wanted:g} % are free"
    else:
        count = _dose(finding, wanted)
        amount = f"at most {count} clients, idle for {idle:g} s or more, until {wanted:g} % are free"
        options["count"] = count
    call = _call(case, "kill idle clients of", "redis_clients", options, finding, "disruptive", amount, "they are idle")
    draft.act(dataclasses.replace(call, identity=_identity(case)))


def _dose(finding: Finding, wanted: float) -> int:
    connected, limit = int(finding.details["connected"]), int(finding.details["maxclients"])
    needed = connected - math.floor(limit * (100.0 - wanted) / 100.0)
    steps = STEP * math.ceil(max(1, needed) / STEP)
    return max(1, min(steps, math.floor(connected * MAX_SHARE)))


def _identity(case: Case) -> dict[str, t.Any]:
    run_id = (snapshot_of(case.observed).get("server") or {}).get("run_id")
    return {"run_id": run_id} if run_id else {}


# Memory


def _writes(case: Case, finding: Finding, draft: Draft) -> None:
    """Refused for a reason; where one is known, that is treated."""
    here = {other.id for other in case.verdict.roots}
    if here & {*MEMORY, "redis.persistence.failing", "redis.replication.down"}:
        draft.notes.append(finding.summary)
        return
    draft.leave(finding, f"{finding.id}: {finding.causes[0] if finding.causes else 'its cause is for a person'}")


def _full(case: Case, finding: Finding, draft: Draft) -> None:
    """What to give up is for a person. Where the inventory says which keys may go, the flush is ready for approval."""
    draft.proposals.extend(finding.remedies)
    options = flush_options(case.scope.target, case.scope.settings)
    if not options:
        draft.escalate.append(f"{finding.id}: what may be given up is for a person; redis_flush can say it beforehand")
        return
    role = case.scope.settings.get("redis_role")
    what = f"keys that match {options['pattern']}" if options.get("pattern") else "all keys of one database"
    options = {**({"role": role} if role else {}), **options}
    agreed = "its own gate agrees, and a copy is taken"
    call = _call(case, "flush", "redis_flush", options, finding, "destructive", what, agreed)
    draft.act(dataclasses.replace(call, identity=_identity(case)))
    draft.escalate.append(f"{finding.id}: keys may go as redis_flush says; somebody has to type back name and hash")
