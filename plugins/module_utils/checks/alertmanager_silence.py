# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What alertmanager_silence does, apart from Ansible: refuse, set or end a silence, read back what became of it."""

from __future__ import annotations

import time
import typing as t

from ..clients.alertmanager_silences import Silences
from ..clients.deadline import Deadline
from ..clients.errors import CollectError
from ..clients.http_call import Caller
from ..core import alertmanager_silence as rules
from ..core.alertmanager_snapshot import Alert, Silence
from ..core.alertmanager_summary import silence_row
from ..core.redact import Redactor
from ..module.alertmanager_options import ALERTMANAGER_CONNECTION, OURS, address, validate_connection
from ..module.argspec import ArgumentSpec
from ..module.check import Misuse
from .alertmanager_health import connection

MOST = 100
"""Alerts that a result lists."""
SLACK = 1.0
"""Seconds by which an end may be earlier than wanted and still be as wanted."""
EARLY = 2.0
"""Seconds by which a silence begins before now: a clock that is a little ahead must not leave it pending."""

SPEC = ALERTMANAGER_CONNECTION.merge(
    ArgumentSpec(
        options={
            "state": {"type": "str", "default": "present", "choices": ["present", "expired"]},
            "id": {"type": "str"},
            "matchers": {
                "type": "list",
                "elements": "dict",
                "options": {
                    "name": {"type": "str", "required": True},
                    "value": {"type": "str", "required": True},
                    "is_regex": {"type": "bool", "default": False},
                    "is_equal": {"type": "bool", "default": True},
                },
            },
            "allow_regex": {"type": "bool", "default": False},
            "duration": {"type": "float", "default": 900.0},
            "extend": {"type": "bool", "default": False},
            "max_alerts": {"type": "int", "default": 20},
            "created_by": {"type": "str", "default": OURS},
            "incident": {"type": "str"},
            "comment": {"type": "str"},
            "deadline": {"type": "float", "default": 30.0},
        },
        required_if=(("state", "present", ("matchers", "incident", "comment")),),
    )
)


class Server(t.NamedTuple):
    """What one run works with."""

    silences: Silences
    params: t.Mapping[str, t.Any]
    check_mode: bool


def perform(params: dict[str, t.Any], check_mode: bool) -> dict[str, t.Any]:
    """The result for Ansible; its key problem says what is wrong. Raises Misuse and CollectError."""
    validate_connection(params)
    _validate(params)
    url = address("url", params.get("url"))
    options = connection(params, (url,))
    hide = Redactor(options.secrets).clean
    server = Server(Silences(Caller(options, Deadline(params["deadline"])), url), params, check_mode)
    try:
        result = _present(server) if params["state"] == "present" else _expired(server)
    except rules.Refused as error:
        raise Misuse(str(error)) from None
    except CollectError as error:
        where = "" if url in error.message else f"{url}: "
        raise CollectError(error.kind, str(hide(where + error.message))) from None
    return dict(hide({name: value for name, value in result.items() if value is not None}))


def _validate(params: t.Mapping[str, t.Any]) -> None:
    if not 0 < params["duration"] <= rules.LONGEST:
        raise Misuse(
            f"duration: {params['duration']:g} is not a number of seconds from 1 to {rules.LONGEST:g}."
            " What is silenced for longer is forgotten: set it again with extend while it is needed"
        )
    if params["max_alerts"] < 1:
        raise Misuse(f"max_alerts: {params['max_alerts']} is below 1")
    for name in ("created_by", "incident", "comment"):
        text = params.get(name)
        if text is not None and not text.strip():
            raise Misuse(f"{name}: it is empty, and it is what says why the alerts are silent")
    if params["state"] == "expired" and not params.get("id") and not params.get("incident"):
        raise Misuse("state: expired needs id, or incident (with created_by): without any it would end those of others")


def _present(server: Server) -> dict[str, t.Any]:
    params, silences = server.params, server.silences
    matchers = rules.matchers_from(params.get("matchers") or (), params["allow_regex"])
    before = rules.same(silences.all(), matchers, params["created_by"])
    alerts = silences.alerts()
    hidden = rules.affected(matchers, alerts)
    now = time.time() + silences.skew
    if before is not None and not _to_extend(params, before, now):
        return _result(server, before, before, hidden, "it is silenced already")
    problem = rules.too_much(matchers, hidden, [a for a in alerts if not _by(a, before)], params["max_alerts"])
    if problem:
        return {**_result(server, before, before, hidden, problem), "problem": problem}
    wanted = Silence(
        id=before.id if before else "",
        state="active",
        matchers=matchers,
        created_by=params["created_by"],
        comment=before.comment if before else rules.comment_of(params["comment"], params["incident"]),
        starts=before.starts if before else now - EARLY,
        ends=now + params["duration"],
    )
    if server.check_mode:
        return _result(server, before, wanted, hidden, f"it would be silenced, {rules.said_of(hidden)}")
    after = _set(silences, wanted, now)
    return _result(server, before, after, hidden, f"silenced, {rules.said_of(hidden)}")


def _by(alert: Alert, silence: Silence | None) -> bool:
    return silence is not None and silence.id in alert.silenced_by


def _to_extend(params: t.Mapping[str, t.Any], before: Silence, now: float) -> bool:
    return bool(params["extend"]) and (before.ends or 0.0) + SLACK < now + params["duration"]


def _set(silences: Silences, wanted: Silence, now: float) -> Silence:
    """Set it and read it back. Raises CollectError where what stands then is not what was wanted."""
    ends = wanted.ends if wanted.ends is not None else now
    starts = wanted.starts if wanted.starts is not None else now
    identifier = silences.set(wanted.matchers, ends, starts, wanted.created_by, wanted.comment, wanted.id)
    after = silences.one(identifier)
    if after is None or after.state not in ("active", "pending") or sorted(after.matchers) != sorted(wanted.matchers):
        seen = "it is not there" if after is None else f"it is {after.state}"
        raise CollectError("failed", f"the silence {identifier} was set, and when it was read back {seen}")
    return after


def _expired(server: Server) -> dict[str, t.Any]:
    silences = server.silences
    chosen = _chosen(server)
    alive = rules.standing(chosen)
    if not alive:
        return {"changed": False, "silences": [silence_row(one) for one in chosen], "msg": "no such silence stands"}
    hidden = [alert for alert in silences.alerts() if any(_by(alert, one) for one in alive)]
    after = alive
    if not server.check_mode:
        for one in alive:
            silences.expire(one.id)
        after = [silences.one(one.id) or one._replace(state="expired") for one in alive]
    left = [one.id for one in after if one.state != "expired"] if not server.check_mode else []
    problem = f"told to end, and still there: {', '.join(left)}" if left else None
    ended = len(alive) - len(left)
    return {
        "changed": ended > 0,
        "silences": [silence_row(one) for one in after],
        **_alerts(hidden),
        "problem": problem,
        "msg": problem or f"{ended} silence{'' if ended == 1 else 's'} {'would be ' if server.check_mode else ''}ended",
        "diff": {"before": _lines(alive), "after": _lines(one for one in after if one.id in left)},
    }


def _chosen(server: Server) -> list[Silence]:
    """Those that are meant. Raises Misuse for one that somebody else made."""
    params = server.params
    if params.get("id"):
        one = server.silences.one(params["id"])
        if one is not None and one.created_by != params["created_by"]:
            raise Misuse(
                f"Refused, nothing was changed: the silence {one.id} was made by {one.created_by or 'nobody known'},"
                f" not by {params['created_by']}. Ask them, or set created_by"
            )
        return [one] if one is not None else []
    return rules.of_incident(server.silences.all(), params["created_by"], params["incident"], params.get("comment"))


def _result(
    server: Server, before: Silence | None, after: Silence | None, hidden: t.Sequence[Alert], said: str
) -> dict[str, t.Any]:
    return {
        "changed": after is not before,
        "silence": silence_row(after) if after else None,
        **_alerts(hidden),
        "msg": said,
        "diff": {"before": _lines([before] if before else []), "after": _lines([after] if after else [])},
    }


def _alerts(hidden: t.Sequence[Alert]) -> dict[str, t.Any]:
    return {
        "alerts": [{"labels": alert.labels, "state": alert.state} for alert in hidden[:MOST]],
        "alerts_total": len(hidden),
    }


def _lines(silences: t.Iterable[Silence]) -> str:
    rows = [silence_row(silence) for silence in silences]
    return "".join(f"{row['matchers']} until {row['ends'] or 0:.0f}: {row['comment']}\n" for row in rows)
