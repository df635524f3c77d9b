# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a client raises when it could not look, or could not act; and how other errors are read."""

from __future__ import annotations

import typing as t


class CollectError(Exception):
    """A system could not be read.

    kind is one of: dns, refused, timeout, silent, reset, not_protocol, tls, auth, permission, advertised, gone,
    unsupported, deadline, failed. message is for people and holds no secret; address says where.
    """

    def __init__(self, kind: str, message: str, address: str = "") -> None:
        super().__init__(message)
        self.kind = kind
        self.message = message
        self.address = address


class Failed(Exception):
    """It was not done, or not done to the end. result is what a module returns, msg included."""

    def __init__(self, result: dict[str, t.Any]) -> None:
        super().__init__(result["msg"])
        self.result = result


def causes_of(error: BaseException | None) -> t.Iterator[BaseException]:
    """An exception with its causes, contexts and the exceptions among its arguments, the innermost last."""
    waiting: list[t.Any] = [error]
    seen: set[int] = set()
    while waiting:
        current = waiting.pop(0)
        if isinstance(current, BaseException) and id(current) not in seen and len(seen) < 50:
            seen.add(id(current))
            yield current
            waiting += [current.__cause__, current.__context__, getattr(current, "reason", None), *current.args]
