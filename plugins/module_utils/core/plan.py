# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A plan: ordered actions with dose, risk, reason, precondition and undo, and the hash that names it. Pure."""

from __future__ import annotations

import dataclasses
import hashlib
import json
import typing as t

from .findings import RISKS, Remedy
from .scope import Runtime


@dataclasses.dataclass(frozen=True)
class Action:
    """One change of one thing. blames: ids of the findings that ask for it. key: what it would be tried again for."""

    verb: str
    service: str
    runtime: Runtime
    dose: str
    risk: str
    reason: str
    precondition: str
    undo: str
    identity: dict[str, t.Any]
    blames: tuple[str, ...]
    key: str = ""

    def __post_init__(self) -> None:
        if self.risk not in RISKS:
            raise ValueError(f"risk is one of {', '.join(RISKS)}, not {self.risk!r}")

    def to_dict(self) -> dict[str, t.Any]:
        data = dataclasses.asdict(self)
        data["blames"] = list(self.blames)
        data["title"] = self.title
        return data

    @property
    def title(self) -> str:
        return f"{self.verb} {self.service}"

    @classmethod
    def from_dict(cls, data: t.Mapping[str, t.Any]) -> Action:
        values = {field.name: data[field.name] for field in dataclasses.fields(cls) if field.name in data}
        values["runtime"] = Runtime(**data["runtime"])
        values["blames"] = tuple(data.get("blames") or ())
        return cls(**values)


@dataclasses.dataclass(frozen=True)
class Plan:
    """What will be done (actions), what a person may do (proposals), and what to know meanwhile (notes)."""

    scenario: str
    target: str
    actions: tuple[Action, ...] = ()
    proposals: tuple[Remedy, ...] = ()
    notes: tuple[str, ...] = ()
    escalate: str = ""

    @property
    def hash(self) -> str:
        """Names target, identity, action and dose; not lag, age or ETA, which change while a person reads."""
        core = [
            self.scenario,
            self.target,
            [[a.verb, a.service, dataclasses.asdict(a.runtime), a.dose, a.risk, a.identity] for a in self.actions],
        ]
        text = json.dumps(core, sort_keys=True, separators=(",", ":"))
        return hashlib.sha256(text.encode()).hexdigest()[:12]

    @property
    def risk(self) -> str:
        return max((action.risk for action in self.actions), key=RISKS.index, default="none")

    def to_dict(self) -> dict[str, t.Any]:
        return {
            "scenario": self.scenario,
            "target": self.target,
            "hash": self.hash if self.actions else "",
            "risk": self.risk,
            "actions": [action.to_dict() for action in self.actions],
            "proposals": [remedy.to_dict() for remedy in self.proposals],
            "notes": list(self.notes),
            "escalate": self.escalate,
        }

    @classmethod
    def from_dict(cls, data: t.Mapping[str, t.Any]) -> Plan:
        return cls(
            scenario=data["scenario"],
            target=data["target"],
            actions=tuple(Action.from_dict(action) for action in data.get("actions") or ()),
            proposals=tuple(Remedy(**remedy) for remedy in data.get("proposals") or ()),
            notes=tuple(data.get("notes") or ()),
            escalate=str(data.get("escalate") or ""),
        )
