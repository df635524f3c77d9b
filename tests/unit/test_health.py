# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The state machine of health: what is told, once and not twice, over long rows of good and bad looks."""

from __future__ import annotations

import dataclasses
import itertools
import random
import typing as t

import pytest
from ansible_collections.incident.response.plugins.module_utils.core import health, health_outbox, health_seen
from ansible_collections.incident.response.plugins.module_utils.core.health import (
    FLAPPING,
    LOST,
    NEW,
    OPEN,
    SOLVED,
    WORSE,
    Event,
    Look,
    Problem,
    Rules,
    Seen,
)  # fmt: skip
from triage_made import decide, failing, finding

NOW = 1_800_000_000.0
ONE = frozenset({"cache"})
MINUTE = 60.0


def seen(severity: str = "P2", name: str = "redis.memory.full", **more: t.Any) -> Seen:
    return Seen(
        "cache", "cache", name, severity, more.pop("state", "critical"), f"it is {name}", hosts=("cache",), **more
    )


class Clock:
    """Runs one after another, a minute apart."""

    def __init__(self, rules: Rules | None = None) -> None:
        self.rules = rules or Rules()
        self.now = NOW
        self.known: dict[str, Problem] = {}

    def run(self, *found: Seen, after: float = MINUTE, **look: t.Any) -> list[str]:
        self.now += after
        at = Look(self.now, look.pop("measured", ONE), looked=look.pop("looked", ONE), **look)
        # As the store hands it back.
        kept = {key: Problem.from_dict(problem.to_dict()) for key, problem in self.known.items()}
        self.known, self.events = health.advance(kept, found, at, self.rules)
        return [event.kind for event in self.events]

    def row(self, pattern: str, severity: str = "P2") -> str:
        """x: seen, anything else: not. Returns a letter for each look: what was told."""
        letters = {NEW: "N", SOLVED: "S", FLAPPING: "F", WORSE: "W", OPEN: "o", LOST: "L"}
        told = [self.run(*([seen(severity)] if look == "x" else [])) for look in pattern]
        assert all(len(kinds) <= 1 for kinds in told), "one problem, one word"
        return "".join(letters[kinds[0]] if kinds else "." for kinds in told)


@pytest.mark.parametrize(
    ("severity", "pattern", "told"),
    [
        ("P2", "xxxxx-----", ".N....S..."),
        ("P1", "xxxxx-----", "N.....S..."),
        ("P2", "x---------", ".........."),
        ("P2", "xx-xxxx-xx", ".N........"),
        ("P2", "xx--xx----", ".N.S.N.S.."),
        ("P1", "x-x-------", "N...S....."),
        ("P2", "x-x-x-----", ".....F...."),
    ],
)
def test_what_is_told_over_a_row_of_looks(severity: str, pattern: str, told: str) -> None:
    assert Clock().row(pattern, severity) == told


def test_flapping_is_told_once_and_ends_with_the_truth() -> None:
    clock = Clock(Rules(window=20 * MINUTE))
    told = clock.row("x-" * 40)
    assert (told.count("F"), told.replace("F", "").strip(".")) == (1, "")
    assert clock.row("-" * 22).strip(".") == "S"
    assert clock.known == {}, "nothing is left of it"
    clock.row("x-" * 10)
    assert clock.row("x" * 30).strip(".") == "", "people know that it is open"
    assert clock.row("--") == ".S"


def test_p1_is_told_while_it_flaps() -> None:
    clock = Clock()
    clock.row("x-" * 4)
    assert clock.run(seen("P1")) == [WORSE]
    assert (clock.events[0].before, clock.events[0].severity) == ("P2", "P1")
    assert clock.run() == []
    assert clock.run(seen("P1")) == []


@pytest.mark.parametrize("confirm", [1, 2, 3, 5])
@pytest.mark.parametrize("clear", [1, 2, 4])
def test_the_numbers_are_those_that_were_set(confirm: int, clear: int) -> None:
    told = Clock(Rules(confirm=confirm, clear=clear)).row("x" * 6 + "-" * 6)
    assert told.index("N") == confirm - 1
    assert told.index("S") == 6 + clear - 1


def test_worse_is_confirmed_too_and_better_is_not_told() -> None:
    clock = Clock()
    clock.row("xx", "P3")
    assert clock.run(seen("P2")) == []
    assert clock.run(seen("P3")) == [], "one worse look is no news"
    assert [clock.run(seen("P2")) for _look in range(3)] == [[], [WORSE], []]
    assert clock.row("xxx", "P3") == "..."
    assert [clock.run(seen("P2")) for _look in range(2)] == [[], [WORSE]], "it had become better, silently"
    assert clock.run(seen("P1")) == [WORSE]


def test_what_only_follows_is_not_told_until_it_is_a_cause() -> None:
    clock = Clock()
    follows = seen(by="base")
    assert [clock.run(follows) for _look in range(4)] == [[]] * 4
    assert clock.run(seen()) == [NEW], "it was seen long enough"
    assert clock.run(follows) == []
    assert [clock.run(), clock.run()] == [[], [SOLVED]]


def test_a_cause_counts_where_it_is_seen_twice_in_one_look() -> None:
    found = health.one_each([seen("P1", by="base"), seen("P3"), seen("P2")])
    assert [(item.severity, item.by) for item in found.values()] == [("P2", "")]


def test_reminders_come_until_it_is_solved() -> None:
    clock = Clock(Rules(remind=10 * MINUTE))
    assert clock.row("x" * 33) == ".N" + ".........o" * 3 + "."
    assert Clock(Rules(remind=0)).row("x" * 500).strip(".") == "N"


def test_what_was_not_measured_is_not_solved() -> None:
    clock = Clock()
    clock.row("xx")
    for look in ({"measured": frozenset()}, {"blind": ONE}, {"measured": frozenset({"another"})}):
        assert [clock.run(**look) for _look in range(5)] == [[]] * 5
    assert [clock.run(), clock.run()] == [[], [SOLVED]]


def test_an_unmeasured_look_neither_confirms_nor_breaks_a_row() -> None:
    clock = Clock()
    assert [clock.run(seen()), clock.run(measured=frozenset()), clock.run(seen())] == [[], [], [NEW]]


def test_unknown_is_over_as_soon_as_it_is_known() -> None:
    clock = Clock(Rules(confirm=1, clear=1))
    assert clock.run(seen("P3", "triage.not_measured", state="unknown"), looked=frozenset()) == [NEW]
    assert clock.run(looked=frozenset(), measured=frozenset()) == []
    assert clock.run(seen("P1", "redis.connect.refused"), measured=frozenset()) == [NEW, SOLVED]
    assert clock.run(seen("P3", "redis.lag", state="unknown")) == [SOLVED, NEW]
    clock.run(blind=ONE)
    assert "cache redis.lag" not in {key for key, item in clock.known.items() if item.announced}


def test_slices_do_not_solve_each_other() -> None:
    clock = Clock()
    clock.row("xx")
    other = dataclasses.replace(seen(name="http.connect.refused"), target="web", component="web", hosts=("web",))
    web = frozenset({"web"})
    assert [clock.run(other, measured=web, looked=web) for _look in range(3)] == [[], [NEW], []]
    assert set(clock.known) == {"cache redis.memory.full", "web http.connect.refused"}


def test_nobody_waits_forever_for_a_host_that_left() -> None:
    clock = Clock()
    clock.row("xx")
    none = frozenset()
    assert clock.run(measured=none, looked=none, after=6 * 86400) == []
    assert clock.run(measured=none, looked=none, after=2 * 86400) == [LOST]
    assert clock.known == {}


def test_a_clock_that_is_set_back_neither_silences_nor_repeats() -> None:
    clock = Clock(Rules(remind=10 * MINUTE))
    clock.row("xx")
    assert clock.run(seen(), after=-30 * 86400) == []
    assert clock.row("x" * 12).strip(".") == "o", "the reminder comes after its time, not after a month"
    assert clock.row("--") == ".S"
    assert health.missed(NOW, NOW - 86400, Rules(every=60)) is None


def test_missed_runs() -> None:
    rules = Rules(every=600)
    assert health.missed(None, NOW, rules) is None
    assert health.missed(NOW - 1500, NOW, rules) is None
    late = health.missed(NOW - 1501, NOW, rules)
    assert late is not None
    assert (late.id, late.severity) == ("health.run.missed", "P4")
    assert "1501 s ago" in late.summary
    assert health.missed(NOW - 1e6, NOW, Rules()) is None


def test_whatever_happens_the_story_makes_sense() -> None:
    """Random looks: told new and solved take turns, and what is told as open was never told as solved."""
    for seed in range(200):
        chance = random.Random(seed)
        clock = Clock(Rules(chance.randint(1, 3), chance.randint(1, 3), chance.randint(1, 6), 10 * MINUTE, 5 * MINUTE))
        known = False
        for _look in range(60):
            found = [seen(chance.choice(["P1", "P2", "P3"]), by=chance.choice(["", "", "base"]))]
            measured = frozenset() if chance.random() < 0.2 else ONE
            kinds = clock.run(
                *(found if chance.random() < 0.5 else []), measured=measured, after=chance.choice([60, -90])
            )
            for kind in kinds:
                assert known == (kind in (SOLVED, WORSE, OPEN)) or kind == FLAPPING, (seed, kind)
                known = kind != SOLVED
            assert known == any(problem.announced for problem in clock.known.values())
        for _look in range(40):
            clock.run()
        assert clock.known == {}, seed


def test_a_problem_survives_another_release() -> None:
    problem = next(iter(_made().values()))
    assert Problem.from_dict({**problem.to_dict(), "of_the_future": 1}) == problem
    event = Event(NEW, "a", "a", "x", "P2", "text", NOW, NOW)
    assert Event.from_dict({**event.to_dict(), "of_the_future": 1}) == event


def _made() -> dict[str, Problem]:
    clock = Clock()
    clock.row("xx")
    return clock.known


# What waits to be told


def event(kind: str, name: str = "x", severity: str = "P2") -> Event:
    return Event(kind, "cache", "cache", name, severity, f"it is {name}", NOW, NOW)


def test_what_a_hook_did_not_take_waits_in_order_without_its_reminders() -> None:
    waiting = health_outbox.queue([event(NEW)], [event(OPEN), event(OPEN, "y"), event(SOLVED)])
    assert [(item.kind, item.id) for item in waiting] == [(NEW, "x"), (OPEN, "y"), (SOLVED, "x")]
    assert health_outbox.rest(waiting, [event(NEW)]) == waiting[1:]
    many = health_outbox.queue([], [event(NEW, str(number)) for number in range(1000)])
    assert len(many) == health_outbox.MOST
    assert many[-1].id == "999"


def test_the_message_says_what_changed_and_what_is_open() -> None:
    events = [event(SOLVED, "y"), event(NEW, "x", "P3"), event(NEW, "z", "P2")]
    said = health_outbox.message(events, _made().values(), {"outcome": "found", "severity": "P2", "command": "do it"})
    assert said["headline"] == "2 new, 1 solved: P2 it is z"
    assert [item["id"] for item in said["open"]] == ["redis.memory.full"]
    assert (said["outcome"], said["command"], len(said["changes"])) == ("found", "do it", 3)
    assert health_outbox.headline([]) == "nothing changed"


# From a verdict


def verdict(*findings: t.Any, **more: t.Any) -> dict[str, t.Any]:
    found = decide(*findings, **more)
    hosts = ("box-1", "web", "login", "orders", "mailer", "cache", "base", "events")
    looked = {host: [{"problem": (more.get("dead") or {}).get(host, ""), "reachable": True}] for host in hosts}
    return {**found.to_dict(), "looked_at": looked}


def test_roots_victims_and_what_is_unknown_are_seen_with_the_severity_of_the_inventory() -> None:
    shown = verdict(
        finding("redis.connect.refused", "cache"), failing("login"), dead={"base": "no route"}, away=("cache",),
        changes={"cache": {"severity_if_down": "P3"}},
    )  # fmt: skip
    found = {(item.component, item.id): item for item in health_seen.seen_of(shown)}
    assert found["cache", "redis.connect.refused"].severity == "P3"
    assert found["login", "http.health.failing"].by == "cache"
    assert found["base", "triage.not_measured"].hosts == ("base",)
    look = health_seen.look_of(shown, NOW)
    assert "base" not in look.measured | look.looked
    assert "cache" in look.measured
    shown["looked_at"]["cache"][0]["reachable"] = False
    look = health_seen.look_of(shown, NOW)
    assert "cache" in look.looked - look.measured


def test_what_an_engine_shows_of_a_service_needs_the_engine() -> None:
    shown = verdict(finding("docker.container.not_running", "container:mailer", exit_code=0))
    (item,) = health_seen.seen_of(shown)
    assert (item.target, item.hosts) == ("mailer", ("box-1",))


def test_what_several_looks_tell_together_needs_all_of_them() -> None:
    shown = verdict(
        *(finding("http.connect.timeout", name, kind="timeout") for name in ("web", "login", "orders", "mailer"))
    )
    network = next(item for item in health_seen.seen_of(shown) if item.id == "triage.network.gone")
    assert set(network.hosts) == set(shown["looked_at"])


def test_metrics_are_what_prometheus_reads() -> None:
    shown = verdict(finding("redis.connect.refused", "cache"), dead={"base": "no route"})
    text = health_seen.metrics(shown, NOW, 1.25)
    lines = text.splitlines()
    assert text.endswith("\n")
    assert 'incident_health_status{target="cache",component="cache"} 3' in lines
    assert 'incident_health_status{target="base",component="base"} 2' in lines
    assert 'incident_health_status{target="web",component="web"} 0' in lines
    assert 'incident_health_findings{severity="P1"} 1' in lines
    assert 'incident_health_findings{severity="P4"} 0' in lines
    assert "incident_health_last_run_timestamp_seconds 1800000000.000" in lines
    assert "incident_health_duration_seconds 1.250" in lines
    named = [line.split()[2] for line in lines if line.startswith("# TYPE")]
    groups = [
        name for name, _lines in itertools.groupby(line.split("{")[0].split()[0] for line in lines if line[0] != "#")
    ]
    assert named == groups, "each metric once, after its type"
    assert health_seen.metrics(shown, NOW, -5).splitlines()[-1].endswith(" 0.000"), "a clock may be set back"


def test_labels_are_escaped() -> None:
    assert health_seen.escaped('a\\b"c\nd') == 'a\\\\b\\"c\\nd'
