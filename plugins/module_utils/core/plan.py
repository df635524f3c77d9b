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
    """One change of one thing. blames: ids of the findings that ask for it. key: what it would be tried again for.

    A verb is carried out by the runtime, or, where module is set, by that module on the target, with these options and
    the target's own values for the options that inherits names (connection, secrets): those are never part of a plan.

    mitigates: set where it only gains time: a sentence for people about what comes back. leaves: what a person still
    has to mend. recurs: seconds until it comes back, None where that is not known. None of them is in the plan's hash.
    """

    verb: str
    service: str
    runtime: Runtime | None
    dose: str
    risk: str
    reason: str
    precondition: str
    undo: str
    identity: dict[str, t.Any]
    blames: tuple[str, ...]
    key: str = ""
    module: str = ""
    host: str = ""
    options: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    inherits: tuple[str, ...] = ()
    mitigates: str = ""
    leaves: str = ""
    recurs: float | None = None

    def __post_init__(self) -> None:
        if self.risk not in RISKS:
            raise ValueError(f"risk is one of {', '.join(RISKS)}, not {self.risk!r}")
        if not self.runs_on:
            raise ValueError(f"{self.title}: an action needs a runtime, or a module and the host that it runs on")

    def to_dict(self) -> dict[str, t.Any]:
        data = dataclasses.asdict(self)
        data["blames"], data["inherits"] = list(self.blames), list(self.inherits)
        data["title"], data["runs_on"] = self.title, self.runs_on
        return data

    @property
    def title(self) -> str:
        return f"{self.verb} {self.service}"

    @property
    def runs_on(self) -> str:
        """The inventory host that the change is made from."""
        return self.host or (self.runtime.host if self.runtime and not self.module else "")

    @property
    def core(self) -> list[t.Any]:
        """What the plan's hash is made of."""
        runtime = dataclasses.asdict(self.runtime) if self.runtime else None
        core = [self.verb, self.service, runtime, self.dose, self.risk, self.identity]
        return core + [self.module, self.host, self.options] if self.module or self.options else core

    @classmethod
    def from_dict(cls, data: t.Mapping[str, t.Any]) -> Action:
        values = {field.name: data[field.name] for field in dataclasses.fields(cls) if field.name in data}
        values["runtime"] = Runtime(**data["runtime"]) if data.get("runtime") else None
        for name in ("blames", "inherits"):
            values[name] = tuple(data.get(name) or ())
        return cls(**values)


@dataclasses.dataclass(frozen=True)
class Plan:
    """What will be done (actions), what a person may do (proposals), and what to know meanwhile (notes).

    waits_for: inventory hosts that are to blame instead of the target; each is treated as a target of its own.
    """

    scenario: str
    target: str
    actions: tuple[Action, ...] = ()
    proposals: tuple[Remedy, ...] = ()
    notes: tuple[str, ...] = ()
    escalate: str = ""
    waits_for: tuple[str, ...] = ()

    @property
    def hash(self) -> str:
        """Names target, identity, action and dose; not lag, age or ETA, which change while a person reads."""
        core = [self.scenario, self.target, [action.core for action in self.actions]]
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
            "waits_for": list(self.waits_for),
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
            waits_for=tuple(data.get("waits_for") or ()),
        )
