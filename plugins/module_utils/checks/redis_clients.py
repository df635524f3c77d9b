# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What redis_clients does, apart from Ansible: look, choose, end, and say who and why."""

from __future__ import annotations

import collections
import math
import typing as t

from ..clients.deadline import Deadline
from ..clients.errors import CollectError
from ..clients.redis_kill import Ended, Seen, busy, end, kill_script, listed, look
from ..clients.redis_link import Link
from ..clients.redis_options import RedisOptions
from ..clients.redis_probe import enter
from ..core.redact import Redactor
from ..core.redis_dose import SENTINELS, Choice, Wish, choose, describe
from ..module.argspec import ArgumentSpec
from ..module.check import Misuse
from ..module.option_values import seconds_above_0
from ..module.redis_options import REDIS_CONNECTION, validate_connection

MOST = 200
NAMES: dict[str, t.Any] = {"type": "list", "elements": "str"}
POLL = 0.05

SPEC = REDIS_CONNECTION.merge(
    ArgumentSpec(
        options={
            "state": {"type": "str", "default": "killed", "choices": ["killed", "script_killed"]},
            "min_idle": {"type": "float"},
            "names": dict(NAMES),
            "addresses": dict(NAMES),
            "users": dict(NAMES),
            "clients": {"type": "list", "elements": "dict"},
            "headroom": {"type": "float"},
            "max_share": {"type": "float", "default": 0.25},
            "count": {"type": "int"},
            "protected_names": {**NAMES, "default": list(SENTINELS)},
            "protected_addresses": {**NAMES, "default": []},
            "protected_users": {**NAMES, "default": []},
            "identity": {"type": "dict"},
            "deadline": {"type": "float", "default": 30.0},
        }
    )
)


def perform(params: dict[str, t.Any], check_mode: bool) -> dict[str, t.Any]:
    """The result for Ansible; its key problem says what is wrong. Raises Misuse, and CollectError."""
    validate_connection(params)
    seconds_above_0(params, "deadline")
    wish = wish_from(params)
    options = RedisOptions.from_params(params)
    deadline = Deadline(params["deadline"])
    with enter(options, deadline) as link:
        if params["state"] == "script_killed":
            result = _kill_script(link, deadline, check_mode)
        else:
            seen = look(link)
            same_server(seen.info, params.get("identity"))
            choice = choose(seen.clients, seen.own_id, seen.maxclients, wish)
            done = Ended() if check_mode else end(link, choice, wish)
            after = len(seen.clients) if check_mode else len(listed(link))
            result = _result(seen, choice, done, wish, after, check_mode)
    hide = Redactor([options.password] if options.password else []).clean
    return dict(hide({name: value for name, value in result.items() if value is not None}))


def same_server(info: t.Mapping[str, str], identity: t.Mapping[str, t.Any] | None) -> None:
    """Refuse a server that was restarted since the plan was made."""
    wanted = str((identity or {}).get("run_id") or "")
    if wanted and wanted != info.get("run_id"):
        raise CollectError(
            "gone",
            f"It is not the server that was looked at: run_id {info.get('run_id')}, expected {wanted}."
            " It was restarted meanwhile. Nothing was changed; look again",
        )


def wish_from(params: t.Mapping[str, t.Any]) -> Wish:
    """Raises Misuse for what makes no sense, or would match everything by mistake."""
    for name in ("names", "addresses", "users", "clients"):
        if params.get(name) is not None and not params[name]:
            raise Misuse(f"{name}: an empty list is not all; leave it out, or name some")
    headroom, share, count, idle = (params.get(n) for n in ("headroom", "max_share", "count", "min_idle"))
    if headroom is not None and not 1 <= headroom < 100:
        hint = f"; write {headroom * 100:g}" if 0 < headroom < 1 else ""
        raise Misuse(f"headroom: {headroom:g} is no percentage from 1 to 99{hint}")
    if share is None or not 0 < share <= 1:
        raise Misuse(f"max_share: {share} is no part from 0 to 1; write 0.25 for a quarter")
    if count is not None and count < 1:
        raise Misuse(f"count: {count} is below 1")
    if idle is not None and not 1 <= idle < math.inf:
        raise Misuse(f"min_idle: {idle:g} is not a number of seconds from 1 up")
    wish = Wish(
        min_idle=idle,
        only=tuple(_identity(row) for row in params["clients"]) if params.get("clients") else None,
        headroom=headroom,
        max_share=share,
        count=count,
        **{name: _names(params, name) for name in ("names", "addresses", "users")},
        **{f"protected_{n}": _names(params, f"protected_{n}") or () for n in ("names", "addresses", "users")},
    )
    if params.get("state", "killed") == "killed" and not wish.says_whom:
        raise Misuse("say whom: one of min_idle, names, addresses, users, clients; without any it would be everybody")
    return wish


def _names(params: t.Mapping[str, t.Any], name: str) -> t.Any:
    return None if params.get(name) is None else tuple(params[name])


def _identity(row: t.Mapping[str, t.Any]) -> tuple[int, str]:
    try:
        return int(row["id"]), str(row["addr"])
    except (KeyError, TypeError, ValueError):
        raise Misuse("clients: each needs id and addr, as CLIENT LIST has them") from None


def _result(seen: Seen, choice: Choice, done: Ended, wish: Wish, after: int, check_mode: bool) -> dict[str, t.Any]:
    gone = {client.id for client in (choice.go if check_mode else done.gone)}
    problem = _problem(choice, done, wish, check_mode)
    lines = {c.id: f"id {c.id} {c.address} idle {c.idle} s" for c in choice.go}
    return {
        "changed": bool(gone),
        "chosen": [describe(client) for client in choice.go[:MOST]],
        "chosen_total": len(choice.go),
        "killed": len(done.gone),
        "skipped": [{**describe(client), "why": why} for client, why in done.skipped[:MOST]],
        "kept": [{**describe(kept.client), "why": kept.why} for kept in choice.kept[:MOST]],
        "kept_why": dict(collections.Counter(kept.why for kept in choice.kept)),
        "needed": choice.needed,
        "limit": choice.limit,
        "connections": {"before": len(seen.clients), "after": after, "maxclients": seen.maxclients},
        "problem": problem,
        "msg": problem or _said(choice, done, check_mode),
        "diff": {
            "before": "".join(f"{line}\n" for line in lines.values()),
            "after": "".join(f"{line}\n" for number, line in lines.items() if number not in gone),
        },
    }


def _problem(choice: Choice, done: Ended, wish: Wish, check_mode: bool) -> str | None:
    """Nobody ended where somebody was to be is a failure, whatever the reason."""
    if choice.needed == 0:
        return None
    if not choice.go and (wish.count or wish.only or choice.needed):
        return f"None of the clients asked for can be killed: {_reasons(k.why for k in choice.kept)}. Look again"
    if choice.go and not check_mode and not done.gone:
        return f"None of {len(choice.go)} clients was killed: {_reasons(why for _c, why in done.skipped)}. Look again"
    return None


def _reasons(reasons: t.Iterable[str]) -> str:
    counts = collections.Counter(reasons).most_common(5)
    return "; ".join(f"{number} x {why}" for why, number in counts) or "nobody fits any more"


def _said(choice: Choice, done: Ended, check_mode: bool) -> str:
    if choice.needed == 0:
        return "there is room enough: nobody has to go"
    if check_mode:
        return f"{len(choice.go)} clients would be killed, {len(choice.kept)} that fit stay"
    return f"{len(done.gone)} of {len(choice.go)} clients killed, {len(choice.kept)} that fit stay"


def _kill_script(link: Link, deadline: Deadline, check_mode: bool) -> dict[str, t.Any]:
    kind = busy(link)
    if not kind:
        return {"changed": False, "msg": "no script holds the server"}
    if check_mode:
        return {"changed": True, "msg": f"the {kind} that holds the server would be stopped"}
    refused = kill_script(link, kind)
    if refused:
        text = (
            f"Redis refuses to stop the {kind}: {refused}. Once it has written, only its end or SHUTDOWN NOSAVE helps"
        )
        return {"changed": False, "problem": text, "msg": text}
    while busy(link):
        if not deadline.wait(POLL):
            text = f"the {kind} was told to stop and still holds the server; look again"
            return {"changed": False, "problem": text, "msg": text}
    return {"changed": True, "msg": f"the {kind} was stopped, and the server answers"}
