# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""go_health_info's judgement: each finding with the twin that stays silent. A leak is told from everything like it."""

from __future__ import annotations

import dataclasses
import json
import math
import typing as t

import pytest
from ansible_collections.incident.response.plugins.module_utils.core.findings import Finding
from ansible_collections.incident.response.plugins.module_utils.core.go_facts import case, heap_growth, rows_of
from ansible_collections.incident.response.plugins.module_utils.core.go_judge import judge
from ansible_collections.incident.response.plugins.module_utils.core.go_metrics import flatten
from ansible_collections.incident.response.plugins.module_utils.core.go_settings import THRESHOLDS, Settings
from ansible_collections.incident.response.plugins.module_utils.core.go_snapshot import GoSnapshot, Probe, Reading
from ansible_collections.incident.response.plugins.module_utils.core.go_stacks import Reason, Stack
from ansible_collections.incident.response.plugins.module_utils.core.go_summary import (
    attachments,
    measured,
    summary,
)
from ansible_collections.incident.response.plugins.module_utils.core.go_summary import samples as samples_of
from ansible_collections.incident.response.plugins.module_utils.core.go_trend import Point, trend
from ansible_collections.incident.response.plugins.module_utils.core.redact import clean
from go_made import MIB, NOW, START, heap, made, past, reading

NAN = math.nan
UNLIMITED = 9.223372036854776e18


def found(snapshot: GoSnapshot, history: t.Sequence[t.Mapping[str, t.Any]] = (), **settings: t.Any) -> list[Finding]:
    return judge(snapshot, Settings(**settings), history)


def ids(snapshot: GoSnapshot, history: t.Sequence[t.Mapping[str, t.Any]] = (), **settings: t.Any) -> list[str]:
    return sorted(finding.id for finding in found(snapshot, history, **settings))


def one(name: str, findings: t.Iterable[Finding]) -> Finding:
    return next(finding for finding in findings if finding.id == name)


def test_a_healthy_program_is_silent_and_says_what_was_measured() -> None:
    assert ids(made()) == []
    said = measured(made(), Settings(), ())
    assert "metrics 3 times within 4 s" in said
    assert "a leak can't be judged yet: 1 of 4 collections seen" in said
    assert "stacks of 20 goroutines" in said


# Trends


def climb(values: t.Sequence[float], step: float = 60.0, least: float = 4.0, seconds: float = 60.0) -> bool:
    points = [Point(step * number, value, number) for number, value in enumerate(values)]
    return trend(points, least, seconds).climbing


@pytest.mark.parametrize(
    ("values", "expected"),
    [
        ([10, 20, 30, 40, 50], True),
        ([4, 8, 16, 32, 64], True),
        ([10, 20, 19.5, 30, 40, 50], True),
        ([10, 10, 10, 10, 20, 30, 40, 50], True),
        ([400, 10, 20, 30, 40, 50], True),
        ([10, 20, 30], False),
        ([10, 10, 10, 10, 10, 10], False),
        ([10, 410, 410, 410, 410, 410], False),
        ([10, 410, 420, 430, 440], False),
        ([10, 150, 280, 410, 10, 10], False),
        ([10, 150, 280, 410, 12, 11, 13, 12], False),
        ([10, 100, 200, 300, 400, 400, 400, 400, 400], False),
        ([10, 20, 10, 20, 10, 20, 10, 20], False),
        ([10, 30, 20, 50, 30, 60], False),
        ([50, 40, 30, 20, 10], False),
        ([10, 10.5, 11, 11.5, 12], False),
        ([], False),
        ([10], False),
    ],
    ids=[
        "straight", "doubling", "with a small fall", "after a calm", "after a burst",
        "too few", "flat", "one jump", "a jump and a little", "burst that ended", "burst that ended long ago",
        "cache that is full", "saw", "rough", "falling", "noise", "nothing", "one point",
    ],
)  # fmt: skip
def test_a_climb_that_goes_on_is_told_from_everything_like_it(values: list[float], expected: bool) -> None:
    assert climb(values) is expected


def test_a_climb_that_is_too_short_may_be_a_burst() -> None:
    assert climb([10, 20, 30, 40, 50], step=10) is False
    assert climb([10, 20, 30, 40, 50], step=10, seconds=40) is True


def test_points_between_two_collections_count_once_and_by_the_lowest() -> None:
    rows = [Point(float(n), 10.0 + n, 5) for n in range(20)]
    assert trend(rows, 1, 0).rises == 0


def test_slope_and_fit_are_of_the_line() -> None:
    line = trend([Point(10.0 * n, 100.0 * n, n) for n in range(5)], 1, 1)
    assert (round(line.slope, 6), round(line.fit, 6)) == (10.0, 1.0)


def test_the_order_of_the_points_does_not_matter() -> None:
    points = [Point(60.0 * n, 10.0 * n, n) for n in range(6)]
    assert trend(reversed(points), 4, 60) == trend(points, 4, 60)


# The floor


def test_the_floor_follows_from_the_goal_of_the_next_collection() -> None:
    assert reading().floor == 20 * MIB
    assert reading(go_gc_gogc_percent=300).floor == 10 * MIB
    assert reading(go_memstats_stack_inuse_bytes=10 * MIB).floor == 15 * MIB
    assert reading(go_gc_heap_live_bytes=7 * MIB).floor == 7 * MIB


def test_the_floor_is_unknown_where_something_else_sets_the_goal() -> None:
    assert reading(go_gc_gogc_percent=-1).floor is None
    assert reading(go_memstats_next_gc_bytes=NAN).floor is None
    assert reading(go_gc_gomemlimit_bytes=50 * MIB, go_memstats_next_gc_bytes=45 * MIB).floor is None
    small = reading(go_memstats_next_gc_bytes=4 * MIB, go_memstats_heap_alloc_bytes=MIB)
    assert small.floor == MIB, "the smallest heap is no measure of what is alive"


def leaking(step: float = 60.0, cycles: int = 100) -> tuple[GoSnapshot, list[dict[str, t.Any]]]:
    history = past([float(size * MIB) for size in (20, 30, 40, 50, 60)], step)
    last = [
        reading(NOW + n, go_memstats_next_gc_bytes=140 * MIB, go_gc_duration_seconds_count=cycles) for n in (0, 2, 4)
    ]
    grown = heap(NOW + 4, {"main.remember": 60 * MIB, "main.cache": 10 * MIB})
    return made(*last, heaps=(grown,)), history


def test_a_leak_is_found_with_its_pace_and_who_holds_it() -> None:
    snapshot, history = leaking()
    history[0]["top"] = [["main.remember", 10 * MIB], ["main.cache", 10 * MIB]]
    finding = one("go.heap.leak", found(snapshot, history, memory_limit=170 * MIB, pprof="http://h/debug/pprof"))
    assert finding.observed["growth_bytes"] == 50 * MIB
    assert finding.observed["seconds_to_limit"] == pytest.approx(122 * 6, rel=0.02)
    assert (finding.state, finding.severity) == ("critical", "P2")
    assert "main.remember holds 60 MiB (86 %)" in finding.evidence
    assert "main.remember added 50 MiB of 50 MiB within 5.1 min" in finding.evidence
    assert finding.causes[0].startswith("what main.remember allocates is kept")
    assert finding.details["top"][0]["caller"] == "main.handle"
    assert finding.since == NOW - 300
    assert [remedy.risk for remedy in finding.remedies] == ["none", "disruptive", "disruptive"]


def test_a_leak_with_much_room_left_is_a_warning_and_a_slow_one_none() -> None:
    snapshot, history = leaking()
    assert one("go.heap.leak", found(snapshot, history, memory_limit=4 * 1024 * MIB)).state == "warning"
    assert ids(snapshot, history, memory_limit=10**13) == ["go.heap.unlimited"]


def test_without_a_limit_the_pace_itself_counts() -> None:
    finding = one("go.heap.leak", found(*leaking()))
    assert finding.state == "warning"
    assert finding.observed["leak_mib_per_minute"] == pytest.approx(10, rel=0.05)
    assert finding.observed["seconds_to_limit"] is None


def test_what_another_process_did_is_no_leak_of_this_one() -> None:
    snapshot, history = leaking()
    assert ids(snapshot, [{**row, "start": START - 999} for row in history]) == []
    assert ids(snapshot, [{**row, "cycles": 5000 + n} for n, row in enumerate(history)]) == []


def test_a_start_time_that_ticks_by_a_second_is_the_same_process() -> None:
    snapshot, history = leaking()
    assert "go.heap.leak" in ids(snapshot, [{**row, "start": START + 1} for row in history])


def test_a_burst_that_ends_is_silent_during_and_after_it() -> None:
    floors = [20.0 * MIB, 20.0 * MIB, 420.0 * MIB, 420.0 * MIB]
    during = [reading(NOW, go_memstats_next_gc_bytes=840 * MIB)]
    assert ids(made(*during), past(floors)) == []
    after = [reading(NOW, go_memstats_next_gc_bytes=40 * MIB)]
    assert ids(made(*after), past([*floors, 20.0 * MIB])) == []


def test_where_the_floor_is_unknown_the_lowest_heap_between_collections_counts() -> None:
    limited = {"go_gc_gomemlimit_bytes": 1000.0 * MIB, "go_memstats_next_gc_bytes": 950.0 * MIB}
    history = [
        {"at": NOW - 300 + 10 * n, "start": START, "cycles": n // 5, "heap": (100 + 20 * (n // 5) + 90 * (n % 5)) * MIB}
        for n in range(30)
    ]
    now = reading(NOW, **limited, go_memstats_heap_alloc_bytes=230 * MIB)
    assert "go.heap.leak" in ids(made(now), history)
    flat = [{**row, "heap": (100 + 90 * (n % 5)) * MIB} for n, row in enumerate(history)]
    calm = reading(NOW, **limited, go_memstats_heap_alloc_bytes=102 * MIB)
    assert ids(made(calm), flat) == []


def test_a_fall_of_the_number_of_functions_kept_does_not_look_like_growth() -> None:
    history = past([1.0, 1.0], top=[[f"f{n}", (40 - n) * MIB] for n in range(30)])
    snapshot = made(heaps=(heap(NOW + 4, {"below": 5 * MIB}),))
    grown = heap_growth(case(snapshot, Settings(), history))
    assert grown is not None
    assert grown.total == 0, "it may have had up to 11 MiB before, and was not kept"


def test_two_profiles_of_one_look_are_compared_where_there_is_no_history() -> None:
    snapshot = made(heaps=(heap(NOW, {"a": MIB}), heap(NOW + 4, {"a": 3 * MIB, "b": MIB})))
    grown = heap_growth(case(snapshot, Settings(), ()))
    assert grown is not None
    assert grown.rows == (("a", 2 * MIB), ("b", MIB))
    assert heap_growth(case(made(), Settings(), ())) is None


def test_history_of_others_and_hostile_history_is_passed_over() -> None:
    rows: list[dict[str, t.Any]] = [
        {}, {"at": "x"}, {"at": NOW - 5, "top": {"f": 1}}, {"at": True},
        {"at": NOW - 9, "start": START, "floor": "much"},
        {"at": NOW - 8, "start": START, "top": [["f", "x"], ["g", 5], [1], 2, ["h"]], "cycles": None},
    ]  # fmt: skip
    assert [(row.at, row.floor, dict(row.top)) for row in rows_of(rows)] == [
        (NOW - 5, None, {}),
        (NOW - 9, None, {}),
        (NOW - 8, None, {"g": 5}),
    ]
    assert ids(made(), rows) == []


def test_samples_come_back_as_history() -> None:
    rows = rows_of(json.loads(json.dumps(samples_of(made()))))
    assert [row.at for row in rows] == [NOW, NOW + 2, NOW + 4]
    assert rows[-1].top == {"main.cache": 10 * MIB, "bytes.growSlice": 4 * MIB}
    assert (rows[0].floor, rows[0].cycles, rows[0].start) == (20 * MIB, 100, START)


def test_a_function_whose_name_sounds_like_a_secret_keeps_its_number_in_the_samples() -> None:
    snapshot = made(heaps=(heap(NOW, {"auth.(*Store).Password": 5 * MIB, "main.token": MIB}),))
    assert rows_of(clean(samples_of(snapshot)))[-1].top == {"auth.(*Store).Password": 5 * MIB, "main.token": MIB}


# Limits


@pytest.mark.parametrize(("resident", "state"), [(79, None), (80, "warning"), (94, "warning"), (95, "critical")])
def test_resident_memory_close_to_the_containers_limit(resident: int, state: str | None) -> None:
    limits = {"go_gc_gomemlimit_bytes": 1000.0 * MIB}
    snapshot = made(reading(process_resident_memory_bytes=resident * MIB, go_memstats_sys_bytes=200.0 * MIB, **limits))
    states = {finding.id: finding.state for finding in found(snapshot, memory_limit=100 * MIB)}
    assert states == ({"go.heap.limit": state} if state else {})


def test_garbage_and_free_memory_do_not_count_for_gomemlimit() -> None:
    near = {
        "go_gc_gomemlimit_bytes": 100.0 * MIB,
        "go_memstats_sys_bytes": 99.0 * MIB,
        "go_memstats_heap_sys_bytes": 90.0 * MIB,
        "go_memstats_heap_released_bytes": 0.0,
        "go_memstats_heap_idle_bytes": 5.0 * MIB,
        "go_memstats_heap_alloc_bytes": 80.0 * MIB,
    }
    assert ids(made(reading(**near, go_gc_heap_live_bytes=10 * MIB))) == []
    finding = one("go.heap.limit", found(made(reading(**near, go_gc_heap_live_bytes=78 * MIB))))
    assert "GOMEMLIMIT" in finding.summary
    assert finding.observed["percent"] == 92.0


def test_a_container_that_go_does_not_know_of() -> None:
    finding = one("go.heap.unlimited", found(made(), memory_limit=1000 * MIB))
    assert (finding.severity, finding.remedies[0].command) == ("P4", "GOMEMLIMIT=900MiB")
    assert ids(made()) == [], "no limit, no advice"
    assert ids(made(reading(go_gc_gomemlimit_bytes=900.0 * MIB)), memory_limit=1000 * MIB) == []
    assert ids(made(reading(go_gc_gomemlimit_bytes=NAN)), memory_limit=1000 * MIB) == [], "an old client: unknown"


@pytest.mark.parametrize(
    ("resident", "total", "state"),
    [(300, 100, "critical"), (300, 200, "warning"), (300, 250, None), (90, 30, None), (50, 80, None)],
)
def test_memory_that_go_does_not_know(resident: int, total: int, state: str | None) -> None:
    snapshot = made(reading(process_resident_memory_bytes=resident * MIB, go_memstats_sys_bytes=total * MIB))
    assert {f.id: f.state for f in found(snapshot)} == ({"go.memory.offheap": state} if state else {})


def test_memory_that_is_only_not_given_back_yet_is_a_number_and_no_finding() -> None:
    snapshot = made(reading(go_memstats_heap_idle_bytes=900 * MIB, go_memstats_sys_bytes=950 * MIB))
    assert ids(snapshot) == []
    assert summary(snapshot, Settings(), ())["heap"]["retained"] == 896 * MIB


# The collector


def collecting(**after: float) -> GoSnapshot:
    return made(reading(NOW), reading(NOW + 4, **after))


@pytest.mark.parametrize(
    ("after", "said"),
    [
        ({"go_gc_duration_seconds_count": 200}, "25.0 collections per second"),
        ({"go_gc_duration_seconds_count": 103, "go_gc_duration_seconds_sum": 0.35}, "stands still for 7.5 %"),
        ({"go_gc_duration_seconds_count": 101, "go_gc_duration_seconds_q1": 2.5}, "longest recent pause is 2500 ms"),
    ],
)
def test_a_collector_that_costs_too_much(after: dict[str, float], said: str) -> None:
    finding = one("go.gc.pressure", found(collecting(**after)))
    assert said in finding.summary
    assert finding.state == "warning"


def test_cpu_time_of_the_collector_where_it_is_exported() -> None:
    def at(seconds: float, gc: float, whole: float, idle: float = 100.0) -> Reading:
        classes = {"gc_total": gc, "total": whole + idle, "idle": idle}
        counters = {f"go_cpu_classes_{name}_cpu_seconds_total": value for name, value in classes.items()}
        return reading(NOW + seconds, **counters, process_cpu_seconds_total=0.01 * whole)

    finding = one("go.gc.pressure", found(made(at(0, 1, 10), at(4, 4, 15, idle=200))))
    assert "60 % of its CPU time" in finding.summary
    assert finding.state == "critical"
    assert ids(made(at(0, 1, 10), at(4, 1.5, 15, idle=200))) == [], "of its own estimate, not of the system's"
    assert ids(made(at(0, 1, 10), at(4, 1, 10, idle=200))) == [], "it did nothing"


def test_one_slow_pause_of_a_busy_machine_is_no_pressure() -> None:
    one_more = {
        "go_gc_duration_seconds_count": 101,
        "go_gc_duration_seconds_sum": 0.35,
        "go_gc_duration_seconds_q1": 0.3,
    }
    assert ids(collecting(**one_more)) == []


def test_collecting_at_the_limit_names_the_limit() -> None:
    near = {"go_gc_gomemlimit_bytes": 50.0 * MIB, "go_gc_heap_live_bytes": 29.0 * MIB}
    snapshot = made(reading(NOW, **near), reading(NOW + 4, **near, go_gc_duration_seconds_count=300))
    finding = one("go.gc.pressure", found(snapshot))
    assert finding.causes[0].startswith("too little room (GOMEMLIMIT at 82 %)")


def test_an_old_pause_and_a_counter_that_began_anew_say_nothing_about_now() -> None:
    assert ids(collecting(go_gc_duration_seconds_q1=9.0)) == []
    assert ids(collecting(go_gc_duration_seconds_count=3, process_start_time_seconds=NOW + 1)) == []
    assert ids(made(reading(go_gc_duration_seconds_q1=9.0))) == [], "one reading knows no movement"


# Goroutines


def growing(*counts: float, **more: t.Any) -> GoSnapshot:
    return made(*(reading(NOW + 2 * n, go_goroutines=count) for n, count in enumerate(counts)), **more)


LEAKED = Stack(300, ("main.worker", "main.start"))


def test_goroutines_that_grow_fast_within_a_look_and_which() -> None:
    snapshot = growing(
        20, 170, 320, stacks=(LEAKED, Stack(20, ("main.other",))), stacks_before=(Stack(20, ("main.other",)),)
    )
    finding = one("go.goroutines.leak", found(snapshot))
    assert finding.observed == {"goroutines": 320, "per_second": 75.0, "growth": 300}
    assert finding.causes[0] == "goroutines of main.worker never end: they wait on a channel or select"
    assert finding.evidence[0] == "300 more wait on a channel or select in main.worker"
    assert one("go.goroutines.leak", found(growing(20, 520, 1020))).state == "critical"


def test_the_most_frequent_stack_is_not_blamed_for_what_grows_elsewhere() -> None:
    busy, new = Stack(900, ("main.busy",)), Stack(150, ("main.new",))
    snapshot = growing(900, 980, 1050, stacks=(busy, new), stacks_before=(busy,))
    assert one("go.goroutines.leak", found(snapshot)).causes[0].startswith("goroutines of main.new never end")
    alone = growing(20, 170, 320, stacks=(Stack(5, ("main.a",)),))
    assert one("go.goroutines.leak", found(alone)).causes[0].startswith("goroutines are started and never end")


@pytest.mark.parametrize(
    "counts", [(20, 320, 20), (20, 320, 320), (20, 20, 320), (20, 50, 80), (320, 170, 20), (20, 320), (500,)]
)
def test_a_burst_few_or_two_readings_are_no_leak(counts: tuple[float, ...]) -> None:
    assert ids(growing(*counts)) == []


def slow(counts: t.Iterable[float], **more: t.Any) -> list[dict[str, t.Any]]:
    rows = list(counts)
    return [
        {"at": NOW - 60 * (len(rows) - n), "start": START, "goroutines": count, "cycles": n, **more}
        for n, count in enumerate(rows)
    ]


def test_goroutines_that_grow_slowly_over_many_looks() -> None:
    finding = one("go.goroutines.leak", found(growing(220), slow(range(20, 220, 20))))
    assert (finding.state, finding.observed["growth"]) == ("warning", 180)
    assert finding.since == NOW - 540
    assert ids(growing(220), slow([20, 220, 20, 220, 20, 220])) == []
    assert ids(growing(220), slow([220, 218, 221, 219, 220])) == []


def test_more_requests_explain_more_goroutines() -> None:
    rows = slow(range(20, 220, 20))
    busier = [{**row, "requests": 100.0 * n * n} for n, row in enumerate(rows)]
    assert ids(growing(220), busier) == []
    steady = [{**row, "requests": 100.0 * n} for n, row in enumerate(rows)]
    finding = one("go.goroutines.leak", found(growing(220), steady))
    assert "more requests at once; their rate is not known here" not in finding.causes


@pytest.mark.parametrize(("count", "state"), [(999, None), (1000, "warning"), (10_000, "critical")])
def test_many_goroutines(count: int, state: str | None) -> None:
    assert {f.id: f.state for f in found(growing(count))} == ({"go.goroutines.high": state} if state else {})


def test_many_goroutines_without_metrics() -> None:
    snapshot = GoSnapshot(NOW, {"goroutine": Probe("ok", status=200)}, goroutines=20_000, stacks=(LEAKED,))
    assert "go.goroutines.high" in ids(snapshot)
    assert snapshot.reachable


POOL_FRAMES = ("database/sql.(*DB).conn", "database/sql.(*DB).query", "main.list")
CONNECT_FRAMES = ("github.com/jackc/puddle/v2.(*Pool[...]).initResourceValue", "main.list")


@pytest.mark.parametrize(("count", "state"), [(4, None), (5, "warning"), (50, "critical")])
def test_goroutines_that_wait_for_a_database(count: int, state: str | None) -> None:
    snapshot = made(stacks=(Stack(count, POOL_FRAMES), Stack(3, ("main.a",))))
    assert {f.id: f.state for f in found(snapshot)} == ({"go.goroutines.waiting_database": state} if state else {})


def test_waiting_for_the_pool_and_for_the_database_have_other_causes() -> None:
    pools = {"go_sql_in_use_connections": 5.0, "go_sql_max_open_connections": 5.0}
    snapshot = made(reading(**pools), stacks=(Stack(30, POOL_FRAMES),))
    finding = one("go.goroutines.waiting_database", found(snapshot))
    assert finding.observed == {
        "waiting": 30, "pool": 30, "connect": 0, "in_use_connections": 5.0, "max_open_connections": 5.0,
    }  # fmt: skip
    assert finding.causes[0].startswith("sessions hold all connections")
    assert "in main.list" in finding.evidence[0]
    both = made(stacks=(Stack(4, POOL_FRAMES), Stack(6, CONNECT_FRAMES)))
    assert one("go.goroutines.waiting_database", found(both)).causes[0].startswith("the database does not answer")


def test_half_of_all_at_one_place() -> None:
    finding = one("go.goroutines.stuck", found(made(stacks=(LEAKED, Stack(100, ("main.other",))))))
    assert finding.observed == {"count": 300, "of": 400, "percent": 75.0}
    assert ids(made(stacks=(LEAKED, Stack(299, ("main.other",)), Stack(9, ("main.b",))))) == []
    assert ids(made(stacks=(Stack(150, ("main.worker",)),))) == []
    clients = Stack(900, ("internal/poll.runtime_pollWait", "net.(*conn).Read", "net/http.(*conn).serve"))
    assert ids(made(stacks=(clients,))) == [], "clients that say nothing are normal"


def test_states_are_evidence() -> None:
    snapshot = made(reading(go_goroutines=2000), reasons=(Reason("chan receive", 1900, 12),))
    assert "1900 in state chan receive, the longest for 12 min" in found(snapshot)[0].evidence


@pytest.mark.parametrize(("threads", "state"), [(499, None), (500, "warning"), (5000, "critical")])
def test_many_threads(threads: int, state: str | None) -> None:
    snapshot = made(reading(go_threads=threads))
    assert {f.id: f.state for f in found(snapshot)} == ({"go.threads.high": state} if state else {})


# What could not be read


@pytest.mark.parametrize(
    ("kind", "expected"),
    [
        *(
            (kind, "unreachable")
            for kind in ("dns", "refused", "timeout", "silent", "reset", "tls", "deadline", "failed")
        ),
        ("stalled", "stalled"),
        ("forbidden", "forbidden"),
        ("absent", "absent"),
        *(
            (kind, "broken")
            for kind in ("html", "not_gzip", "truncated", "damaged", "too_large", "not_profile", "status")
        ),
        *((kind, "broken") for kind in ("redirect", "encoded", "no_go_metrics", "not_protocol", "never heard of")),
    ],
)
@pytest.mark.parametrize("address", ["metrics", "heap"])
def test_what_could_not_be_read_is_unknown_and_never_ok(kind: str, expected: str, address: str) -> None:
    group = "metrics" if address == "metrics" else "pprof"
    findings = found(GoSnapshot(NOW, {address: Probe(kind, f"why: {kind}")}))
    assert [(f.id, f.state) for f in findings] == [(f"go.{group}.{expected}", "unknown")]
    assert findings[0].evidence == (f"{address}: why: {kind}",)
    assert findings[0].causes
    assert findings[0].remedies


def test_one_finding_for_each_id() -> None:
    probes = {"goroutine": Probe("absent"), "heap": Probe("absent"), "metrics": Probe("refused")}
    assert ids(GoSnapshot(NOW, probes)) == ["go.metrics.unreachable", "go.pprof.absent"]
    everything = [
        *found(GoSnapshot(NOW, probes)),
        *found(growing(20, 5000, 20_000, stacks=(LEAKED,)), memory_limit=50 * MIB),
        *found(*leaking()),
    ]
    names = [finding.id for finding in found(growing(20, 5000, 20_000, stacks=(LEAKED,)), memory_limit=50 * MIB)]
    assert len(names) == len(set(names))
    assert all(finding.remedies and finding.causes for finding in everything)


def test_nothing_but_absent_metrics_is_not_reachable() -> None:
    assert not GoSnapshot(NOW, {"metrics": Probe("refused")}).reachable
    assert GoSnapshot(NOW, {"metrics": Probe("forbidden", status=403)}).reachable


# Bad and hostile values


def test_a_metric_that_is_missing_is_never_a_crash() -> None:
    for name in reading().values:
        if name != "go_goroutines":
            snapshot = made(*(reading(NOW + 2 * n, **{name: NAN}) for n in range(3)))
            assert ids(snapshot, past([1.0, 2.0, 3.0]), memory_limit=10**12) in ([], ["go.heap.unlimited"]), name
            summary(snapshot, Settings(), ())


def test_only_goroutines_known() -> None:
    bare = Reading(NOW, {"go_goroutines": 5.0})
    snapshot = GoSnapshot(NOW, {"metrics": Probe("ok")}, (bare, dataclasses.replace(bare, at=NOW + 2)))
    assert found(snapshot, memory_limit=10**9) == []


@pytest.mark.parametrize("value", [0.0, -1.0, math.inf, -math.inf, 1e300, 1e20, 9.9e18])
def test_numbers_that_make_no_sense_are_no_crash(value: float) -> None:
    for name in reading().values:
        samples = [(metric, {}, number) for metric, number in reading(**{name: value}).values.items()]
        values = flatten([("http_requests_total", {}, value), *samples])
        snapshot = made(*(Reading(NOW + 2 * n, values) for n in range(3)))
        history = [*past([1.0, 2.0]), *past([value, value, value], top=[["f", value]])]
        text = json.dumps([finding.to_dict() for finding in found(snapshot, history, memory_limit=10**9)])
        text += json.dumps(summary(snapshot, Settings(), history)) + json.dumps(samples_of(snapshot))
        assert "Infinity" not in text


def test_names_of_functions_are_inert_and_short() -> None:
    hostile = "main.\x1b[31mred\x00" + "x" * 5000
    snapshot = made(
        stacks=(Stack(300, (hostile,)),), heaps=(heap(NOW, {hostile: 10 * MIB}),), readings=leaking()[0].readings
    )
    text = json.dumps([f.to_dict() for f in found(snapshot, leaking()[1])]) + json.dumps(
        summary(snapshot, Settings(), ())
    )
    assert "go.heap.leak" in text
    assert "\\u001b" not in text
    assert "\\u0000" not in text
    assert "x" * 300 not in text


def test_thresholds_all_have_a_use_and_an_order() -> None:
    assert all(pair["warn"] < pair["crit"] for pair in THRESHOLDS.values())


def test_attachments_are_whole() -> None:
    import base64
    import hashlib

    [entry] = attachments(made(files={"heap-1.pb.gz": b"\x1f\x8bdata"}))
    assert base64.b64decode(entry["content_base64"]) == b"\x1f\x8bdata"
    assert entry["sha256"] == hashlib.sha256(b"\x1f\x8bdata").hexdigest()
