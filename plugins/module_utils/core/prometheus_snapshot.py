# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Prometheus answered in one look, without judgement. Nothing here does I/O."""

from __future__ import annotations

import dataclasses
import typing as t

from .http_snapshot import Probe

OK = "ok"
ABSENT = "absent"
FOREIGN = ("html", "not_json", "proxy", "status", ABSENT)
"""Kinds of answers to the simplest question that no Prometheus gives."""


class Row(t.NamedTuple):
    """One sample of a vector."""

    labels: t.Mapping[str, str]
    value: float


class Part(t.NamedTuple):
    """One question to the API and its answer.

    kind: ok; absent (this server has no such thing); auth; bad_data (400), execution (422), timeout (503), limited
    (429), internal: what the API says about a query; not_ready (503); proxy (502, 504); html, not_json, status: no
    answer of this API; too_large; or a kind of Probe where no whole answer came. data: as the API returns it.
    at: local time in the middle of the question.
    """

    kind: str = OK
    message: str = ""
    status: int = 0
    data: t.Any = None
    warnings: tuple[str, ...] = ()
    infos: tuple[str, ...] = ()
    text: str = ""
    at: float = 0.0
    ms: float = 0.0


@dataclasses.dataclass(frozen=True)
class Snapshot:
    """One look. now: local time when it began. ready: the answer of /-/ready. parts: name of a question -> its answer.

    metrics: what the server's own page of metrics said, None where there is none. program: whose page that is.
    status_labels: labels of the requests that hold a status.
    """

    now: float
    ready: Probe = Probe()
    parts: t.Mapping[str, Part] = dataclasses.field(default_factory=dict)
    metrics: t.Mapping[str, float] | None = None
    program: str = ""
    status_labels: tuple[str, ...] = ()

    def part(self, name: str) -> Part | None:
        """The answer to a question, None where it was not asked."""
        return self.parts.get(name)

    def data(self, name: str) -> t.Any:
        """What a whole answer holds, None where there was none."""
        part = self.parts.get(name)
        return part.data if part and part.kind == OK else None

    @property
    def foreign(self) -> bool:
        """Whether the answer to the simplest question is none of a Prometheus. One that is late or fails may be."""
        clock = self.parts.get("clock")
        return bool(clock and not self.speaks and clock.kind in (*FOREIGN, OK))

    @property
    def speaks(self) -> bool:
        """Whether it answered a question of the API as a Prometheus does."""
        clock = self.parts.get("clock")
        return bool(clock and clock.kind == OK and isinstance(clock.data, dict) and "resultType" in clock.data)
