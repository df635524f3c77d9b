# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What postgresql_sessions does, apart from Ansible: look, choose, end, and say who and why."""

from __future__ import annotations

import typing as t

from ..clients.deadline import Deadline
from ..clients.errors import CollectError
from ..clients.postgresql import look_at_sessions, read_slots
from ..clients.postgresql_options import PostgresqlOptions
from ..clients.postgresql_sessions import Ended, end
from ..core.postgresql_dose import ACTIONS, CRITERIA, IDLE, IDLE_IN_TRANSACTION, Choice, Wish, choose
from ..core.postgresql_reach import fault_of
from ..core.postgresql_snapshot import OK, PostgresqlSnapshot, Session
from ..core.redact import clean
from ..module.argspec import ArgumentSpec
from ..module.check import Misuse
from ..module.option_values import seconds_from_0
from .postgresql_health import POSTGRESQL_CONNECTION, PROTECTION, protection, validate

MOST = 200
NAMES: dict[str, t.Any] = {"type": "list", "elements": "str"}

SPEC = POSTGRESQL_CONNECTION.merge(PROTECTION).merge(
    ArgumentSpec(
        options={
            "criteria": {"type": "str", "required": True, "choices": list(CRITERIA)},
            "action": {"type": "str", "required": True, "choices": list(ACTIONS)},
            "min_age": {"type": "float", "default": 300.0},
            "headroom": {"type": "float"},
            "max_share": {"type": "float", "default": 0.25},
            "count": {"type": "int"},
            "identity": {"type": "dict"},
            "users": dict(NAMES),
            "databases": dict(NAMES),
            "applications": dict(NAMES),
            "deadline": {"type": "float", "default": 30.0},
        }
    )
)


def perform(params: dict[str, t.Any], check_mode: bool) -> dict[str, t.Any]:
    """The result for Ansible; its key problem says what is wrong. Raises Misuse, and CollectError where it can't
    look."""
    wish = wish_from(params)
    options = PostgresqlOptions.from_params(params)
    deadline = Deadline(params["deadline"])
    link, snapshot = look_at_sessions(options, deadline)
    if link is None:
        raise CollectError("failed", _no_entry(snapshot))
    try:
        _must_see(snapshot, wish)
        choice = choose(snapshot, wish)
        before = snapshot.slots
        done = Ended() if check_mode else end(link, snapshot, choice, wish, deadline)
        after = before if check_mode else read_slots(link, snapshot)
    finally:
        link.close()
    if before is None or after is None:
        raise AssertionError("_must_see() lets nobody through who can't see the slots")
    result = {
        "changed": bool(choice.go if check_mode else done.ended),
        "chosen": [_row(session, snapshot) for session in choice.go],
        "ended": [session.pid for session in choice.go if session in done.ended],
        "untouched": [{"pid": session.pid, "why": why} for session, why in _skipped(done)],
        "kept": [{"pid": k.session.pid, "who": k.session.name, "why": k.why} for k in choice.kept[:MOST]],
        "kept_total": len(choice.kept),
        "needed": choice.needed,
        "limit": choice.limit,
        "connections": {"before": before.used, "after": after.used, "capacity": before.capacity},
        "problem": _problem(choice, wish, done, check_mode),
    }
    result["msg"] = result["problem"] or _said(choice, wish, done, check_mode)
    result["diff"] = _diff(choice, done, wish, check_mode)
    return dict(clean({name: value for name, value in result.items() if value is not None}))


def wish_from(params: t.Mapping[str, t.Any]) -> Wish:
    """Raises Misuse for what makes no sense, or would match everything by mistake."""
    validate(params)
    headroom, share, count = params.get("headroom"), params["max_share"], params.get("count")
    if headroom is not None and not 1 <= headroom < 100:
        raise Misuse(f"headroom: {headroom:g} is no percentage from 1 to 99" + _meant(headroom))
    if not 0 < share <= 1:
        raise Misuse(f"max_share: {share:g} is no part from 0 to 1; write 0.25 for a quarter")
    if count is not None and count < 1:
        raise Misuse(f"count: {count} is below 1")
    seconds_from_0(params, "min_age")
    for name in ("users", "databases", "applications"):
        if params.get(name) is not None and not params[name]:
            raise Misuse(f"{name}: an empty list is not all; leave it out, or name some")
    if params["criteria"] in (IDLE, IDLE_IN_TRANSACTION) and params["action"] == "cancel":
        raise Misuse(f"action: a session that is {params['criteria']} runs nothing to cancel; use terminate")
    return Wish(
        criteria=params["criteria"],
        action=params["action"],
        min_age=params["min_age"],
        headroom_percent=headroom,
        max_share=share,
        count=count,
        only=(_identity(params["identity"]),) if params.get("identity") else (),
        protection=protection(params),
        **{name: tuple(params.get(name) or ()) for name in ("users", "databases", "applications")},
    )


def _meant(headroom: float) -> str:
    return f"; write {headroom * 100:g}" if 0 < headroom < 1 else ""


def _identity(given: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    try:
        return {"pid": int(given["pid"]), "backend_start": str(given["backend_start"])}
    except (KeyError, TypeError, ValueError):
        raise Misuse("identity: needs pid and backend_start, as the check returned them") from None


def _no_entry(snapshot: PostgresqlSnapshot) -> str:
    fault = fault_of(snapshot.ordinary or snapshot.answer)
    does = fault.does if fault else "can't be used"
    why = "; ".join(item.why for item in snapshot.unmeasured) or snapshot.answer.message
    return f"PostgreSQL at {snapshot.address} {does}: {why}. Nothing was ended"


def _must_see(snapshot: PostgresqlSnapshot, wish: Wish) -> None:
    """Fails closed: who can't be seen may be protected."""
    if snapshot.unmeasured:
        item = snapshot.unmeasured[0]
        raise CollectError("permission", f"Not seen: {item.what} ({item.why}). Nothing was ended")
    pooler = snapshot.pooler
    if pooler is not None and pooler.answer.kind != OK and not wish.protection.pooler_addresses:
        raise CollectError(
            "permission",
            f"PgBouncer at {pooler.answer.address} does not say which connections are its own"
            f" ({pooler.answer.message}). Nothing was ended; name its addresses in pooler_addresses",
        )


def _row(session: Session, snapshot: PostgresqlSnapshot) -> dict[str, t.Any]:
    seconds = 0.0 if session.since is None else snapshot.now - session.since
    row = {"who": session.name, "state": session.state, "seconds": round(seconds), "query": session.query}
    return {**session.identity, **row}


def _skipped(done: Ended) -> list[tuple[Session, str]]:
    return [*done.skipped, *((session, "it was told to end, and is still there") for session in done.left)]


def _problem(choice: Choice, wish: Wish, done: Ended, check_mode: bool) -> str | None:
    """Nobody ended where somebody was to be is a failure, whatever the reason."""
    if choice.needed == 0:
        return None
    if not choice.go and (wish.count or wish.only or choice.needed):
        return f"None of the sessions asked for can be ended: {_reasons(choice)}. Look again"
    if choice.go and not check_mode and not done.ended:
        why = sorted({why for _session, why in _skipped(done)})
        return f"None of {len(choice.go)} sessions was ended: {'; '.join(why)}. Look again"
    return None


def _reasons(choice: Choice) -> str:
    counts: dict[str, int] = {}
    for kept in choice.kept:
        counts[kept.why] = counts.get(kept.why, 0) + 1
    most = sorted(counts.items(), key=lambda pair: (-pair[1], pair[0]))[:5]
    return "; ".join(f"{number} x {why}" for why, number in most) or "there is none any more"


def _said(choice: Choice, wish: Wish, done: Ended, check_mode: bool) -> str:
    if choice.needed == 0:
        return f"{wish.headroom_percent:g} % of the slots are free: nobody has to go"
    if check_mode:
        return f"{len(choice.go)} sessions would be ended, {len(choice.kept)} stay"
    return f"{len(done.ended)} of {len(choice.go)} sessions ended, {len(choice.kept)} stay"


def _diff(choice: Choice, done: Ended, wish: Wish, check_mode: bool) -> dict[str, str]:
    gone = {session.pid for session in (choice.go if check_mode else done.ended)}
    before = [session.name for session in choice.go]
    verb = "cancelled" if wish.action == "cancel" else "ended"
    after = [f"{s.name}: {verb}" if s.pid in gone else s.name for s in choice.go]
    return {"before": "\n".join(before) + "\n" if before else "", "after": "\n".join(after) + "\n" if after else ""}
