# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a run ended: one word, whether that is what its mode promises, and whether a person has to be told. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from .mitigation import Mitigation, moment, of_plan
from .watch import FIXED


@dataclasses.dataclass(frozen=True)
class Ending:
    """outcome: healthy, restored, mitigated, checked, observed, proposed, refused, escalated, unknown, failed, or one
    of a watch's.

    ok: the exit status is 0. closed: nothing is left to do about the incident. tell: a person has to know. why: for
    people.
    """

    outcome: str
    ok: bool
    closed: bool
    tell: bool
    why: str


def ending(
    *,
    mode: str,
    check_mode: bool,
    adopted: bool,
    failure: str,
    verdict: t.Mapping[str, t.Any] | None,
    plan: t.Mapping[str, t.Any] | None,
    gate: t.Mapping[str, t.Any] | None,
    watched: str,
    mended: t.Sequence[str] = (),
    mitigated: Mitigation | None = None,
    now: float = 0.0,
) -> Ending:
    """The first rule that fits. What was refused, not fixed, unknown or failed is never ok.

    mended: other targets of the same run that were to blame at first, where the verdict is of a look after that.
    mitigated: what an earlier run of the same incident only made bearable. now: epoch seconds.
    """
    if failure:
        return Ending("failed", False, False, True, failure)
    if verdict is None or plan is None:
        return Ending("failed", False, False, True, "it ended before anything was decided")
    if not verdict["roots"]:
        return _not_measured(verdict) or _still_mitigated(mitigated, now) or _nothing_found(adopted, mended, mitigated)
    if watched:
        return _watched(plan, watched)
    if gate and gate.get("state") == "refused":
        return Ending("refused", False, False, True, "; ".join(f"{g['gate']}: {g['reason']}" for g in gate["refused"]))
    if check_mode:
        return Ending("checked", True, False, False, "check mode: nothing was changed")
    return _not_acted(mode, plan)


def _watched(plan: t.Mapping[str, t.Any], watched: str) -> Ending:
    gained = of_plan(plan, 0.0) if watched == FIXED else None
    if gained:
        return Ending("mitigated", False, False, True, gained.why)
    return Ending(watched, watched == FIXED, watched == FIXED, watched != FIXED, plan["escalate"])


def _not_measured(verdict: t.Mapping[str, t.Any]) -> Ending | None:
    if not verdict["unknown"]:
        return None
    what = ", ".join(sorted({finding["summary"] for finding in verdict["unknown"]}))
    return Ending("unknown", False, False, True, f"not measured: {what}")


def _still_mitigated(mitigated: Mitigation | None, now: float) -> Ending | None:
    """Nothing was found because it is not back yet: that is no cure, until the time has passed or a person says so."""
    if mitigated is None or now >= mitigated.until:
        return None
    why = f"healthy now; mitigated at {moment(mitigated.at)}, and expected back {mitigated.expected}: {mitigated.why}"
    return Ending("mitigated", False, False, True, why)


def _nothing_found(adopted: bool, mended: t.Sequence[str], mitigated: Mitigation | None) -> Ending:
    if mended:
        return Ending("restored", True, True, True, f"it is healthy again: {', '.join(mended)} was to blame, not it")
    if mitigated:
        why = f"what was only mitigated at {moment(mitigated.at)} was not seen again until {moment(mitigated.until)}"
        return Ending("restored", True, True, True, why)
    if adopted:
        return Ending("restored", True, True, True, "it is healthy again; what an earlier run left open is closed")
    return Ending("healthy", True, True, False, "")


def _not_acted(mode: str, plan: t.Mapping[str, t.Any]) -> Ending:
    if mode == "observe":
        return Ending("observed", True, False, False, "mode observe: nothing was planned or changed")
    if mode == "auto":
        return Ending(
            "escalated", False, False, True, plan["escalate"] or "there is nothing that may be done automatically"
        )
    return Ending("proposed", True, False, False, plan["escalate"])
