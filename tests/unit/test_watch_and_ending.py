# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Proof of a cure: good looks in a row, then one more; an action that does nothing is never called a fix."""

from __future__ import annotations

import pytest
from ansible_collections.incident.response.plugins.module_utils.core import ending, watch
from ansible_collections.incident.response.plugins.module_utils.core.findings import Finding

TIMING = watch.Timing(good=3, spacing=10, soak=60, deadline=300)


def looks(text: str, metric: float | None = 100.0) -> list[watch.Sample]:
    """g good, b bad with the blame remaining, h bad with new harm; ten seconds apart."""
    made = []
    for number, kind in enumerate(text):
        harm = ("docker.container.crash_loop at container:x",) if kind == "h" else ()
        remaining = () if kind == "g" else ("kafka.lag.stopped",)
        made.append(watch.Sample(10.0 * number, kind == "g", kind, metric, harm, remaining))
    return made


@pytest.mark.parametrize(
    ("seen", "done", "outcome", "wait"),
    [
        ("", False, "", 0),
        ("b", False, "", 10),
        ("g", False, "", 10),
        ("gg", False, "", 10),
        ("ggg", False, "", 60),
        ("gggg", True, "fixed", 0),
        ("gggb", False, "", 10),
        ("ggbggg", False, "", 60),
        ("bbbgggg", True, "fixed", 0),
        ("h", False, "", 10),
        ("hh", True, "worse", 0),
        ("hg", False, "", 10),
        ("b" * 31, True, "unchanged", 0),
    ],
)
def test_a_cure_is_three_good_looks_in_a_row_and_one_after_the_soak(
    seen: str, done: bool, outcome: str, wait: float
) -> None:
    progress = watch.follow(looks(seen), 100.0, 1, TIMING)
    assert (progress.done, progress.outcome, progress.wait) == (done, outcome, wait)


@pytest.mark.parametrize(
    ("before", "after", "remaining", "problems", "outcome"),
    [
        (100.0, 100.0, ("a",), 1, "unchanged"),
        (100.0, 500.0, ("a",), 1, "unchanged"),
        (100.0, 50.0, ("a",), 1, "improved"),
        (100.0, 51.0, ("a",), 1, "unchanged"),
        (100.0, None, ("a",), 1, "unchanged"),
        (None, 0.0, ("a",), 1, "unchanged"),
        (100.0, 100.0, ("a",), 2, "improved"),
    ],
)
def test_what_was_not_proven_is_compared_with_before(
    before: float | None, after: float | None, remaining: tuple[str, ...], problems: int, outcome: str
) -> None:
    last = watch.Sample(300.0, False, "", after, (), remaining)
    assert watch.compare([last], before, problems) == outcome


def test_harm_at_the_end_is_worse_whatever_else_improved() -> None:
    assert watch.compare([watch.Sample(300.0, False, "", 0.0, ("new at x",), ())], 100.0, 1) == "worse"


QUEUE = ("db.pooler.waiting", "pooler", "P2")


@pytest.mark.parametrize(
    ("seen", "harm"),
    [
        ([("db.server.recovering", "db", "P1")], ()),
        ([("db.server.recovering", "db", "P1"), QUEUE], ()),
        ([QUEUE], ("db.pooler.waiting at pooler",)),
        ([("db.server.recovering", "db", "P4"), QUEUE], ("db.pooler.waiting at pooler",)),
        ([("db.server.recovering", "db", "P1"), ("disk.full", "other", "P1")], ("disk.full at other",)),
        ([("db.server.refused", "db", "P1"), QUEUE], ("db.server.refused at db",)),
        ([("db.login.slow", "db", "P3")], ()),
        ([("db.server.starting", "db", "P1")], ()),
    ],
)
def test_what_follows_from_a_known_failure_is_no_harm(seen: list[tuple[str, str, str]], harm: tuple[str, ...]) -> None:
    findings = [Finding(name, where, where, "critical", severity, f"{name} is so") for name, where, severity in seen]
    known = {"db.server.recovering at db"}
    assert watch.harm_of(findings, {"pooler": ["db"]}, known, {"db.server.starting"}) == harm


def test_a_deadline_that_can_prove_nothing_is_refused() -> None:
    with pytest.raises(ValueError, match="nothing could ever be proven"):
        watch.Timing(good=3, spacing=10, soak=60, deadline=79)
    watch.Timing(good=3, spacing=10, soak=60, deadline=80)


def test_a_sample_survives_its_journey_through_json() -> None:
    sample = looks("h")[0]
    assert watch.Sample.from_dict(sample.to_dict()) == sample


ROOT = {"roots": [{"id": "x"}], "unknown": []}
NONE = {"roots": [], "unknown": []}
BLIND = {"roots": [], "unknown": [{"summary": "no permission"}]}
PLAN = {"actions": [{}], "escalate": ""}
EMPTY = {"actions": [], "escalate": "a person has to decide"}
REFUSED = {"state": "refused", "refused": [{"gate": "freeze", "reason": "frozen"}]}


@pytest.mark.parametrize(
    ("what", "outcome", "ok", "closed"),
    [
        ({"verdict": NONE}, "healthy", True, True),
        ({"verdict": NONE, "adopted": True}, "restored", True, True),
        ({"verdict": NONE, "mended": ["auth"]}, "restored", True, True),
        ({"verdict": ROOT, "plan": EMPTY, "mended": ["auth"]}, "escalated", False, False),
        ({"verdict": BLIND}, "unknown", False, False),
        ({"verdict": BLIND, "mode": "observe"}, "unknown", False, False),
        ({"verdict": ROOT, "mode": "observe"}, "observed", True, False),
        ({"verdict": ROOT, "mode": "propose"}, "proposed", True, False),
        ({"verdict": ROOT, "mode": "ask"}, "proposed", True, False),
        ({"verdict": ROOT, "plan": EMPTY, "mode": "auto"}, "escalated", False, False),
        ({"verdict": ROOT, "check_mode": True, "mode": "auto"}, "checked", True, False),
        ({"verdict": ROOT, "gate": REFUSED, "mode": "auto"}, "refused", False, False),
        ({"verdict": ROOT, "watched": "fixed"}, "fixed", True, True),
        ({"verdict": ROOT, "watched": "improved"}, "improved", False, False),
        ({"verdict": ROOT, "watched": "unchanged"}, "unchanged", False, False),
        ({"verdict": ROOT, "watched": "worse"}, "worse", False, False),
        ({"verdict": ROOT, "watched": "fixed", "failure": "ssh broke"}, "failed", False, False),
        ({"verdict": None}, "failed", False, False),
    ],
)
def test_exit_status_says_whether_the_mode_kept_its_promise(
    what: dict[str, object], outcome: str, ok: bool, closed: bool
) -> None:
    base = {
        "mode": "auto", "check_mode": False, "adopted": False, "failure": "", "verdict": NONE, "plan": PLAN, "gate":
        None,
        "watched": "",
    }  # fmt: skip
    end = ending.ending(**{**base, **what})  # type: ignore[arg-type]
    assert (end.outcome, end.ok, end.closed) == (outcome, ok, closed)
    assert end.ok or end.tell, "a person is told of everything that did not end well"
