# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The stacks that a program prints on SIGQUIT, read from its log before a restart loses them."""

from __future__ import annotations

import typing as t

from ..core.docker_snapshot import Container
from ..core.log_lines import Line
from ..core.stacks import stacks
from .deadline import Deadline
from .docker_engine import Engine
from .errors import CollectError

_LINES = 5000
_POLL = 0.25


def take_dump(engine: Engine, container: Container, seconds: float) -> dict[str, t.Any]:
    """Never raises for what the engine does: a dump that fails is no reason not to restart."""
    deadline = Deadline(seconds)
    found = {"name": container.name, "id": container.id, "kind": "", "text": "", "lines": 0, "cut": False, "error": ""}
    try:
        seen = _stamp(engine.tail(container.id, container.tty, 1, None, deadline).lines)
        engine.signal(container.id, "SIGQUIT")
        lines, cut = _read(engine, container, seen, deadline)
    except CollectError as error:
        return {**found, "error": error.message}
    kind, text, count, more = stacks(lines)
    if not kind:
        return {**found, "error": f"it printed no stacks within {seconds:g} s of SIGQUIT"}
    return {**found, "kind": kind, "text": text, "lines": count, "cut": cut or more}


def _read(engine: Engine, container: Container, seen: str, deadline: Deadline) -> tuple[list[Line], bool]:
    """What is new in the log, when it grows no more."""
    before = -1
    while True:
        tail = engine.tail(container.id, container.tty, _LINES, None, Deadline(max(1.0, deadline.left())))
        new = [line for line in tail.lines if line.at > seen]
        if (stacks(new)[0] and len(new) == before) or not deadline.wait(_POLL):
            return new, tail.cut
        before = len(new)


def _stamp(lines: t.Sequence[Line]) -> str:
    return lines[-1].at if lines else ""
