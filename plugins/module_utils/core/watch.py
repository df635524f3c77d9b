# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proof of a cure: N good samples in a row, then one soak sample. A pure reducer over the samples seen so far."""

from __future__ import annotations

import dataclasses
import typing as t

from .decide import Graph, decide
from .findings import Finding

FIXED, IMPROVED, UNCHANGED, WORSE = "fixed", "improved", "unchanged", "worse"


@dataclasses.dataclass(frozen=True)
class Sample:
    """One look after the action. at: seconds since the action. good: the symptom is gone AND there is a sign of life.

    metric: what is charted and compared (lag, connections), lower is better; None where it could not be measured.
    harm: see harm_of. note: one line for people.
    """

    at: float
    good: bool
    note: str
    metric: float | None = None
    harm: tuple[str, ...] = ()
    remaining: tuple[str, ...] = ()

    def to_dict(self) -> dict[str, t.Any]:
        data = dataclasses.asdict(self)
        data["harm"], data["remaining"] = list(self.harm), list(self.remaining)
        return data

    @classmethod
    def from_dict(cls, data: t.Mapping[str, t.Any]) -> Sample:
        values = {field.name: data[field.name] for field in dataclasses.fields(cls) if field.name in data}
        values["harm"] = tuple(data.get("harm") or ())
        values["remaining"] = tuple(data.get("remaining") or ())
        return cls(**values)


@dataclasses.dataclass(frozen=True)
class Timing:
    """good: samples in a row; spacing, soak, deadline in seconds (soak after the last good one, deadline after the
    action)."""

    good: int = 3
    spacing: float = 10.0
    soak: float = 60.0
    deadline: float = 300.0

    def __post_init__(self) -> None:
        if self.good < 1 or self.spacing < 0 or self.soak < 0:
            raise ValueError(
                "incident_watch_good is at least 1; incident_watch_spacing and incident_watch_soak are not negative"
            )
        least = (self.good - 1) * self.spacing + self.soak
        if self.deadline < least:
            raise ValueError(
                f"incident_watch_deadline ({self.deadline:g} s) is shorter than"
                f" {self.good} samples {self.spacing:g} s apart"
                f" and {self.soak:g} s of soak ({least:g} s): nothing could ever be proven"
            )


@dataclasses.dataclass(frozen=True)
class Progress:
    """Where a watch stands: done with an outcome, or the seconds to wait until the next sample is due."""

    done: bool
    outcome: str
    wait: float
    streak: int
    text: str


def harm_of(
    findings: t.Iterable[Finding], graph: Graph, earlier: t.Collection[str], transient: t.Collection[str]
) -> tuple[str, ...]:
    """Findings of severity P1 or P2 that were not there before the action, as "id at component".

    What follows from a component that fails is no harm of its own: while a database recovers, clients queue up at its
    pooler. earlier: "id at component" of the findings before the action. transient: see scenarios.base.Scenario.
    """
    found = list(findings)
    follows = {name_of(item.finding) for item in decide(found, graph).suppressed}
    known = {*earlier, *follows}
    serious = (f for f in found if f.severity in ("P1", "P2") and f.id not in transient)
    return tuple(name_of(f) for f in serious if name_of(f) not in known)


def name_of(finding: Finding) -> str:
    return f"{finding.id} at {finding.component}"


def streak(samples: t.Sequence[Sample]) -> int:
    """Good samples in a row, up to the last one."""
    count = 0
    for sample in reversed(samples):
        if not sample.good:
            break
        count += 1
    return count


def follow(samples: t.Sequence[Sample], before: float | None, problems: int, timing: Timing) -> Progress:
    """Judge the samples so far. before: the metric before the action. problems: how many findings were blamed then.

    A bad sample starts the count anew. Two looks in a row that show new harm end the watch as worse: waiting would
    only prolong it, and one look may have caught a start-up.
    """
    if not samples:
        return Progress(False, "", 0.0, 0, "no sample yet")
    last = samples[-1]
    run = streak(samples)
    if len(samples) >= 2 and last.harm and samples[-2].harm:
        return Progress(True, WORSE, 0.0, run, f"worse: {', '.join(last.harm)}")
    if run > timing.good:
        return Progress(True, FIXED, 0.0, run, "fixed: proven by the probe that found it")
    wait = timing.soak if run == timing.good else timing.spacing
    if run < timing.good and last.at + wait > timing.deadline:
        outcome = compare(samples, before, problems)
        return Progress(True, outcome, 0.0, run, f"{outcome} after {last.at:.0f} s")
    return Progress(False, "", wait, run, _text(run, timing, last))


def compare(samples: t.Sequence[Sample], before: float | None, problems: int) -> str:
    """The outcome of a watch that proved no cure: is it better at the end than it was before the action?"""
    last = samples[-1]
    if last.harm:
        return WORSE
    if len(last.remaining) < problems:
        return IMPROVED
    if before is not None and last.metric is not None and before > 0 and last.metric <= 0.5 * before:
        return IMPROVED
    return UNCHANGED


def _text(run: int, timing: Timing, last: Sample) -> str:
    if run == timing.good:
        return f"good {run} of {timing.good}, soak: one more look in {timing.soak:g} s"
    state = f"good {run} of {timing.good}" if run else "not good yet"
    return f"{state}: {last.note}"
