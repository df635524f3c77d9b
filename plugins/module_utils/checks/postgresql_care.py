# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What postgresql_wait and postgresql_checkpoint do, apart from Ansible."""

from __future__ import annotations

import typing as t

from ..clients.deadline import Deadline
from ..clients.errors import CollectError
from ..clients.postgresql import connect
from ..clients.postgresql_connection import QueryError
from ..clients.postgresql_options import Login, PostgresqlOptions
from ..clients.postgresql_probe import probe
from ..core.postgresql_reach import fault_of
from ..core.postgresql_snapshot import Answer
from ..module.argspec import ArgumentSpec
from ..module.option_values import seconds_from_0
from .postgresql_health import POSTGRESQL_CONNECTION, validate

GETTING_READY = ("postgresql.server.starting", "postgresql.server.recovering")
PAUSE = 0.5

WAIT_SPEC = POSTGRESQL_CONNECTION.merge(ArgumentSpec(options={"timeout": {"type": "float", "default": 60.0}}))
CHECKPOINT_SPEC = POSTGRESQL_CONNECTION.merge(ArgumentSpec(options={"deadline": {"type": "float", "default": 120.0}}))


def wait(params: dict[str, t.Any], check_mode: bool) -> dict[str, t.Any]:
    """Ask until the server takes sessions, or the time is over. Nothing is changed either way."""
    validate(params)
    seconds_from_0(params, "timeout")
    login = PostgresqlOptions.from_params(params).ordinary
    limit = Deadline(0.0 if check_mode else params["timeout"])
    while True:
        answer = probe(login, Deadline(params["connect_timeout"]))
        state = _state(answer)
        if state != "getting ready" or not limit.wait(PAUSE):
            break
    ready = state == "ready"
    result = {
        "changed": False,
        "ready": ready,
        "answer": answer.message,
        "seconds": round(limit.seconds - limit.left()),
    }
    result["msg"] = "it takes sessions" if ready else f"not ready yet: {answer.message}"
    if state == "other":
        result["problem"] = f"PostgreSQL at {answer.address} does not get ready by itself: {answer.message}"
    return result


def _state(answer: Answer) -> str:
    """A refused login is an answer of a server that runs."""
    fault = fault_of(answer)
    if fault is None or fault.id.startswith(("postgresql.auth.", "postgresql.connections.", "postgresql.database.")):
        return "ready"
    return "getting ready" if fault.id in GETTING_READY else "other"


def checkpoint(params: dict[str, t.Any], check_mode: bool) -> dict[str, t.Any]:
    """CHECKPOINT as the ordinary role, or where that may not, as the reserve. Raises CollectError where neither can."""
    validate(params)
    options = PostgresqlOptions.from_params(params)
    if check_mode:
        return {"changed": True, "msg": "a checkpoint would be made"}
    whys = []
    for login in (options.ordinary, options.reserve):
        why = _checkpoint(login, options.connect_timeout, params["deadline"]) if login else ""
        if login and not why:
            return {"changed": True, "msg": f"a checkpoint was made as {login.user}"}
        whys += [f"{login.user}: {why}"] if login else []
    raise CollectError("permission", f"No checkpoint was made; {'; '.join(whys)} (docs/postgresql_grants.md)")


def _checkpoint(login: Login, seconds: float, deadline: float) -> str:
    """Why it did not work, an empty text where it did."""
    link, answer = connect(login, seconds, Deadline(deadline), statement_seconds=deadline)
    if link is None:
        return answer.message
    try:
        link.query("CHECKPOINT")
    except (QueryError, CollectError) as error:
        return error.message
    finally:
        link.close()
    return ""
