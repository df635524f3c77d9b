# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The gates between a plan and a change. They fail closed; every refusal names its gate and the override. Pure."""

from __future__ import annotations

import dataclasses
import datetime
import typing as t

from .findings import RISKS
from .plan import Plan
from .quantities import span

MODES = ("observe", "propose", "ask", "auto")
OVERRIDABLE = ("freeze", "budget", "evidence", "floor")
"""Gates that incident_override can open (it is recorded). The others open only by what they ask for."""


PATIENT = "wait for"
"""The verb of an action that changes nothing: it costs no budget."""


class GateError(ValueError):
    """A setting of a gate makes no sense. The text says which, and what to write instead."""


@dataclasses.dataclass(frozen=True)
class Done:
    """An action that was taken earlier: at in epoch seconds."""

    at: float
    service: str
    verb: str
    key: str = ""


@dataclasses.dataclass(frozen=True)
class Settings:
    """What a site decided. freeze: windows {from, until, reason}; budget: so many actions in so many seconds."""

    mode: str = "ask"
    max_risk: str = "low"
    approve: str = ""
    confirm: str = ""
    freeze: tuple[t.Mapping[str, t.Any], ...] = ()
    budget: tuple[tuple[int, float], ...] = ((1, 900.0), (3, 86400.0))
    override: tuple[str, ...] = ()

    def __post_init__(self) -> None:
        if self.mode not in MODES:
            raise GateError(f"incident_mode is one of {', '.join(MODES)}, not {self.mode!r}")
        if self.max_risk not in RISKS[:-1]:
            raise GateError(
                f"incident_max_risk is one of {', '.join(RISKS[:-1])}, not {self.max_risk!r}"
                " (destructive actions always need incident_confirm and incident_approve)"
            )
        wrong = set(self.override) - set(OVERRIDABLE)
        if wrong:
            raise GateError(
                f"incident_override knows {', '.join(OVERRIDABLE)}, not {', '.join(sorted(map(str, wrong)))}"
            )
        for window in self.freeze:
            freeze_window(window)


@dataclasses.dataclass(frozen=True)
class Passed:
    """One gate's answer. ok with an override says so in the reason."""

    gate: str
    ok: bool
    reason: str
    override: str = ""

    def to_dict(self) -> dict[str, t.Any]:
        return dataclasses.asdict(self)


def freeze_window(window: t.Mapping[str, t.Any]) -> tuple[float, float, str]:
    """A freeze window as epoch seconds and reason. Raises GateError; a time without a zone is refused, never
    guessed."""
    try:
        start, end = (
            datetime.datetime.fromisoformat(str(window[name]).replace("Z", "+00:00")) for name in ("from", "until")
        )
    except KeyError as error:
        raise GateError(f"incident_freeze: a window has from, until and reason; {error.args[0]} is missing") from None
    except ValueError as error:
        raise GateError(f"incident_freeze: {error}; write 2026-12-24T00:00:00+00:00") from None
    if start.tzinfo is None or end.tzinfo is None:
        raise GateError("incident_freeze: a time needs its zone, such as 2026-12-24T00:00:00+00:00")
    if end <= start:
        raise GateError(f"incident_freeze: until ({window['until']}) is not after from ({window['from']})")
    return start.timestamp(), end.timestamp(), str(window.get("reason") or "no reason given")


def check_freeze(settings: Settings, now: float) -> Passed:
    for window in settings.freeze:
        start, end, reason = freeze_window(window)
        if start <= now < end:
            return _override(settings, "freeze", f"changes are frozen until {window['until']}: {reason}")
    return Passed("freeze", True, "no freeze now")


def check_budget(settings: Settings, plan: Plan, done: t.Iterable[Done], now: float) -> Passed:
    """So that automation can't become the restart loop itself."""
    earlier = [item for item in done if not item.verb.startswith(PATIENT)]
    for action in (action for action in plan.actions if action.risk != "none"):
        for limit, window in settings.budget:
            recent = [item for item in earlier if item.service == action.service and now - item.at < window]
            if len(recent) >= limit:
                last = max(item.at for item in recent)
                text = (
                    f"{action.service} had {len(recent)} action(s) in the last {span(window)}, allowed is {limit};"
                    f" the last one {span(now - last)} ago"
                )
                return _override(settings, "budget", text)
    return Passed("budget", True, "within the budget of actions")


def check_floor(settings: Settings, plan: Plan, healthy: t.Mapping[str, int]) -> Passed:
    """Never touch the last healthy replica of a service that nothing blames."""
    for action in plan.actions:
        if action.verb == "restart" and not action.blames and healthy.get(action.service, 0) <= 1:
            return _override(
                settings, "floor", f"{action.service} has no other healthy replica, and nothing blames this one"
            )
    return Passed("floor", True, "no last healthy replica is touched")


def check_evidence(settings: Settings, problem: str) -> Passed:
    if problem:
        return _override(settings, "evidence", f"evidence could not be written: {problem}")
    return Passed("evidence", True, "evidence is written, with its manifest")


def needs_typing(plan: Plan) -> bool:
    return plan.risk == "destructive"


def check_approval(settings: Settings, plan: Plan, answer: str = "") -> Passed:
    """Approved by the mode, by the plan's hash, or by the answer typed at a terminal (yes; the target where
    destructive)."""
    if settings.mode == "observe":
        return Passed("approval", False, "mode observe changes nothing", "incident_mode=ask")
    by_hash = bool(settings.approve) and settings.approve == plan.hash
    if settings.approve and not by_hash:
        reason = (
            f"incident_approve={settings.approve} names another plan; this one is {plan.hash}: it changed meanwhile"
        )
        return Passed("approval", False, reason, f"incident_approve={plan.hash}")
    if needs_typing(plan):
        return _destructive(settings, plan, by_hash, answer)
    if by_hash:
        return Passed("approval", True, f"plan {plan.hash} was approved by its hash")
    if settings.mode == "auto":
        return _automatic(settings, plan)
    if settings.mode == "ask" and answer.strip().lower() in ("y", "yes"):
        return Passed("approval", True, "approved at the terminal")
    reason = "mode propose changes nothing" if settings.mode == "propose" else "nobody approved it"
    return Passed("approval", False, reason, f"incident_approve={plan.hash}")


def _automatic(settings: Settings, plan: Plan) -> Passed:
    if RISKS.index(plan.risk) <= RISKS.index(settings.max_risk):
        return Passed("approval", True, f"mode auto takes risk up to {settings.max_risk}; this is {plan.risk}")
    reason = f"its risk is {plan.risk}, and mode auto takes {settings.max_risk} at most"
    return Passed("approval", False, reason, f"incident_approve={plan.hash} (or incident_max_risk={plan.risk})")


def _destructive(settings: Settings, plan: Plan, by_hash: bool, answer: str) -> Passed:
    typed = settings.confirm == plan.target or (settings.mode == "ask" and answer.strip() == plan.target)
    if typed and (by_hash or settings.mode == "ask" and answer):
        return Passed("approval", True, f"{plan.target} was typed back for plan {plan.hash}")
    return Passed(
        "approval",
        False,
        "a destructive plan needs the target's name and the plan's hash",
        f"incident_confirm={plan.target} incident_approve={plan.hash}",
    )


def standing_gates(
    settings: Settings, plan: Plan, done: t.Iterable[Done], healthy: t.Mapping[str, int], now: float
) -> list[Passed]:
    """The gates that need no person: checked before anybody is asked, so that nobody approves what can't happen."""
    return [
        check_freeze(settings, now),
        check_budget(settings, plan, done, now),
        check_floor(settings, plan, healthy),
    ]


def same_plan(before: Plan, after: Plan) -> Passed:
    """Still failing, and in the same way: the plan of a fresh look has the hash of the one that was approved."""
    if not after.actions:
        return Passed("still failing", False, "it recovered meanwhile: nothing is left to do")
    if before.hash != after.hash:
        return Passed("still failing", False, f"it changed meanwhile: the plan is now {after.hash}", "run again")
    return Passed("still failing", True, "a fresh look gives the same plan")


def _override(settings: Settings, gate: str, reason: str) -> Passed:
    if gate in settings.override:
        return Passed(gate, True, f"{reason}; overridden by incident_override")
    return Passed(gate, False, reason, f"incident_override={gate}")
