# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a run made bearable and did not mend: what is left, and when it is expected back. Pure."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

DAY = 86400.0
"""Seconds after which silence counts where nobody knows when it comes back."""
LEAST = 900.0
"""The same where it was expected back sooner: a pace that was seen for seconds is no clock."""


@dataclasses.dataclass(frozen=True)
class Mitigation:
    """at: epoch seconds of the action. why: for people. leaves: what a person still has to mend ("the leak in f").

    recurs: seconds until it comes back, None where that is not known. seen: when a later run found something again.
    """

    at: float
    why: str
    leaves: str = ""
    recurs: float | None = None
    seen: float | None = None

    @property
    def last(self) -> float:
        """When it was treated, or seen since."""
        return max(self.at, self.seen or 0.0)

    @property
    def until(self) -> float:
        """From then on, silence means that it did not come back."""
        return self.last + (DAY if self.recurs is None else max(LEAST, self.recurs))

    @property
    def expected(self) -> str:
        """When it is expected back, for people."""
        return "at a time that is not known" if self.recurs is None else f"about {moment(self.last + self.recurs)}"

    @property
    def item(self) -> str:
        """What a person has to do, for the report."""
        before = f"before {self.expected}" if self.recurs is not None else "before it comes back (when is not known)"
        return f"Find and mend {self.leaves or 'what came back or will'} {before}"

    def to_dict(self) -> dict[str, t.Any]:
        return dataclasses.asdict(self)

    @classmethod
    def from_dict(cls, data: t.Mapping[str, t.Any]) -> Mitigation:
        return cls(**{field.name: data[field.name] for field in dataclasses.fields(cls) if field.name in data})


def of_plan(plan: t.Mapping[str, t.Any], at: float) -> Mitigation | None:
    """What the actions of a plan, as a dict, only mitigate; None where they mend. The one that comes back first
    counts."""
    actions = [action for action in plan.get("actions") or () if action.get("mitigates")]
    if not actions:
        return None
    known = [float(action["recurs"]) for action in actions if action.get("recurs") is not None]
    leaves = [str(action["leaves"]) for action in actions if action.get("leaves")]
    why = "; ".join(str(action["mitigates"]) for action in actions)
    return Mitigation(at, why, ", ".join(leaves), min(known, default=None))


def moment(at: float) -> str:
    """Epoch seconds for people."""
    return datetime.datetime.fromtimestamp(at, datetime.timezone.utc).strftime("%Y-%m-%d %H:%M:%S UTC")
