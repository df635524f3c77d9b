# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What redis_flush does, apart from Ansible: ask the gate, copy, look again, remove, and say what is left."""

from __future__ import annotations

import math
import os
import typing as t

from ..clients import redis_flush as client
from ..clients.deadline import Deadline
from ..clients.redis_copy import Run, take
from ..clients.redis_link import Link, ReplyError
from ..clients.redis_options import RedisOptions
from ..clients.redis_probe import enter
from ..core.redact import Redactor
from ..core.redis_flush_gate import Condition, Copy, Facts, conditions, copied, refusal, refused
from ..core.redis_parse import databases, pairs
from ..module.argspec import ArgumentSpec
from ..module.check import Misuse
from ..module.redis_options import REDIS_CONNECTION, validate_connection
from .redis_clients import same_server

YES: dict[str, t.Any] = {"type": "bool", "default": False}
REWRITE = "auto-aof-rewrite-percentage"

SPEC = REDIS_CONNECTION.merge(
    ArgumentSpec(
        options={
            "pattern": {"type": "str"},
            "whole": dict(YES),
            "role": {"type": "str", "choices": ["cache", "store"]},
            "copy_dir": {"type": "path"},
            "rate": {"type": "float", "default": 5000.0},
            "expected_size": {"type": "int"},
            "protected_prefixes": {"type": "list", "elements": "str", "default": []},
            "memory_limit": {"type": "int"},
            "postgresql_headroom": {"type": "float"},
            "without_postgresql": dict(YES),
            "without_copy": dict(YES),
            "aof_acknowledged": dict(YES),
            "cluster_node_only": dict(YES),
            "identity": {"type": "dict"},
            "deadline": {"type": "float", "default": 300.0},
        },
        mutually_exclusive=(("pattern", "whole"),),
        required_one_of=(("pattern", "whole"),),
    )
)


def perform(params: dict[str, t.Any], check_mode: bool, run: Run | None = None) -> dict[str, t.Any]:
    """The result for Ansible; its key problem says what is wrong. run: for the tool that verifies a large copy.

    Raises Misuse, and CollectError.
    """
    _validate(params)
    options = RedisOptions.from_params(params)
    deadline = Deadline(params["deadline"])
    with enter(options, deadline) as link:
        result = _flush(link, params, check_mode, deadline, run)
    hide = Redactor([options.password] if options.password else []).clean
    return dict(hide({name: value for name, value in result.items() if value is not None}))


def _validate(params: t.Mapping[str, t.Any]) -> None:
    validate_connection(params)
    pattern = params.get("pattern")
    if params["whole"] is False and not pattern:
        raise Misuse("pattern: an empty pattern matches nothing; name one such as cache:*, or set whole=true")
    if pattern is not None and not pattern.strip("*?"):
        raise Misuse(f"pattern: {pattern!r} is every key; say whole=true where that is meant")
    if not check_rate(params["rate"]) or not check_rate(params["deadline"]):
        raise Misuse("rate and deadline: numbers above 0")
    headroom = params.get("postgresql_headroom")
    if headroom is not None and not (headroom == 0 or 1 <= headroom <= 100):
        hint = f"; write {headroom * 100:g}" if 0 < headroom < 1 else ""
        raise Misuse(f"postgresql_headroom: {headroom:g} is no percentage from 0 to 100{hint}")
    if not params["without_copy"] and not params.get("copy_dir"):
        raise Misuse(
            "copy_dir: name a directory for the copy of the data, or set without_copy=true to lose it for good"
        )
    if params.get("copy_dir") and not os.path.isdir(params["copy_dir"]):
        raise Misuse(f"copy_dir: {params['copy_dir']} is no directory here; create it, for root or its owner only")


def check_rate(value: float) -> bool:
    return 0 < value < math.inf


def _flush(
    link: Link, params: dict[str, t.Any], check_mode: bool, deadline: Deadline, run: Run | None
) -> dict[str, t.Any]:
    pattern = params.get("pattern") or ""
    before = client.info(link)
    same_server(before, params.get("identity"))
    sampled = client.sample(link, pattern, params["protected_prefixes"])
    facts = _facts(before, params, sampled)
    answers = list(conditions(facts))
    if refused(answers) or check_mode:
        return _answer(params, before, answers, None, check_mode)
    copy = None if params["without_copy"] else take(link, params["copy_dir"], deadline, run)
    answers.append(copied(facts, copy))
    if refused(answers):
        return _answer(params, before, answers, copy, check_mode)
    now = client.info(link)
    same_server(now, {"run_id": before.get("run_id")})
    again = [answer for answer in conditions(_facts(now, params, sampled)) if answer.name in ("replica", "database")]
    if refused(again):
        return _answer(params, now, again, copy, check_mode)
    note = _keep_aof_history(link, now)
    if pattern:
        removed = client.remove_matching(link, pattern, params["rate"], deadline)
    else:
        removed = client.remove_all(link, deadline)
    return _done(params, now, client.info(link), answers, copy, removed, note)


def _facts(info: t.Mapping[str, str], params: t.Mapping[str, t.Any], sampled: t.Any) -> Facts:
    return Facts(
        info=info,
        db=params["db"],
        role=params.get("role") or "",
        pattern=params.get("pattern") or "",
        sampled=sampled,
        expected_keys=params.get("expected_size"),
        memory_limit=params.get("memory_limit"),
        aof_acknowledged=params["aof_acknowledged"],
        cluster_acknowledged=params["cluster_node_only"],
        postgresql_headroom=params.get("postgresql_headroom"),
        without_postgresql=params["without_postgresql"],
        without_copy=params["without_copy"],
    )


def _answer(
    params: t.Mapping[str, t.Any],
    info: t.Mapping[str, str],
    answers: t.Sequence[Condition],
    copy: Copy | None,
    check_mode: bool,
) -> dict[str, t.Any]:
    """Nothing was removed: refused, or check mode."""
    keys = databases(info).get(params["db"], {"keys": 0})["keys"]
    what = f"keys that match {params['pattern']}" if params.get("pattern") else f"all {keys} keys"
    result = {
        "changed": False,
        "conditions": [answer.to_dict() for answer in answers],
        "databases": {str(number): db["keys"] for number, db in databases(info).items()},
        "saved": _copy(copy),
    }
    if refused(answers):
        result["problem"] = result["msg"] = refusal(answers)
        return result
    target = f"db {params['db']} of Redis at {RedisOptions.from_params(params).address}"
    return {**result, "changed": True, "msg": f"{what} of {target} would be removed, after a copy was taken"}


def _copy(copy: Copy | None) -> dict[str, t.Any] | None:
    if copy is None:
        return None
    return {"path": copy.path, "bytes": copy.bytes, "sha256": copy.sha256, "problem": copy.problem}


def _keep_aof_history(link: Link, info: t.Mapping[str, str]) -> str:
    """Until the next rewrite the AOF still has what is removed: no rewrite by itself, and say how to undo that."""
    if info.get("aof_enabled") != "1":
        return ""
    try:
        was = pairs(link.ask("CONFIG", "GET", REWRITE)).get(REWRITE, "100")
        link.ask("CONFIG", "SET", REWRITE, "0")
    except ReplyError as error:
        return f"the AOF may be rewritten at any moment ({error.text})"
    return f"{REWRITE} was set from {was} to 0, so that the AOF keeps its history; undo: CONFIG SET {REWRITE} {was}"


def _done(
    params: t.Mapping[str, t.Any],
    before: t.Mapping[str, str],
    after: t.Mapping[str, str],
    answers: t.Sequence[Condition],
    copy: Copy | None,
    removed: client.Removed,
    note: str,
) -> dict[str, t.Any]:
    sizes = [{str(n): db["keys"] for n, db in databases(info).items()} for info in (before, after)]
    kept = f"; the copy is {copy.path}" if copy else "; no copy was taken"
    text = f"{removed.keys} keys were removed from db {params['db']}{kept}"
    result = {
        "changed": removed.keys > 0,
        "conditions": [answer.to_dict() for answer in answers],
        "databases": sizes[1],
        "databases_before": sizes[0],
        "saved": _copy(copy),
        "removed": removed.keys,
        "pending": removed.pending,
        "note": note or None,
        "msg": text,
        "diff": {"before": f"{sizes[0]}\n", "after": f"{sizes[1]}\n"},
        "problem": None,
    }
    if not removed.complete:
        result["problem"] = f"The time was up before all were removed: {text}. Run it again for the rest"
    elif not removed.keys:
        result["problem"] = f"Nothing was removed, though {sizes[0]} were there: look again"
    return result
