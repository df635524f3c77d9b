# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the engine says -> findings: recorded inspect JSON of each fault, and the traps one by one."""

from __future__ import annotations

import copy
import json

import pytest
from ansible_collections.incident.response.plugins.module_utils.core import docker_parse as parse
from ansible_collections.incident.response.plugins.module_utils.core import docker_summary
from ansible_collections.incident.response.plugins.module_utils.core.docker_deaths import (
    CANT_TELL,
    KILLED,
    OUTSIDE,
    STOP_TIMEOUT,
    STOPPED,
)
from ansible_collections.incident.response.plugins.module_utils.core.docker_judge import judge
from ansible_collections.incident.response.plugins.module_utils.core.docker_settings import Settings
from ansible_collections.incident.response.plugins.module_utils.core.docker_snapshot import (
    Cpu,
    DockerSnapshot,
    Event,
    KernelOom,
    Memory,
    Process,
    parse_time,
)
from docker_made import FIXTURES, RECORDED, container, ids, look, only, running

FAULTS = {
    "healthy": [],
    "exit0": ["docker.container.not_running"],
    "exit1": ["docker.container.not_running"],
    "stopped": ["docker.container.not_running"],
    "stop_timeout": ["docker.container.not_running"],
    "killed": ["docker.container.not_running"],
    "oom_main": ["docker.memory.oom_killed"],
    "paused": ["docker.container.paused"],
    "restarting": ["docker.container.crash_loop"],
    "unhealthy": ["docker.container.unhealthy"],
    "start_failed": ["docker.container.start_failed"],
    "unlimited": ["docker.memory.unlimited", "docker.healthcheck.absent"],
}


@pytest.mark.parametrize(("name", "expected"), sorted(FAULTS.items()))
def test_recorded_faults(name, expected):
    findings = judge(look(container(name)), Settings())
    assert ids(findings) == expected
    for finding in findings:
        assert finding.component == f"container:{name}"
        details = finding.details
        assert details["container_id"] == RECORDED[name]["Id"]
        assert details["service"] == name and details["project"] == "rec"
        assert {"started_at", "finished_at", "exit_code", "restart_count", "image", "container_name"} <= set(details)


def test_all_at_once_and_one_fault_each():
    findings = judge(look(*(container(name) for name in FAULTS)), Settings())
    assert sorted(ids(findings)) == sorted(name for names in FAULTS.values() for name in names)


@pytest.mark.parametrize(
    ("code", "word"),
    [
        (0, "ended in good order"),
        (1, "error"),
        (2, "Go panic"),
        (126, "not executable"),
        (127, "not found"),
        (134, "SIGABRT"),
    ]
    + [
        (139, "SIGSEGV"),
        (143, "SIGTERM"),
        (255, "lost"),
        (130, "signal 2"),
        (77, "ended with 77"),
        (None, "not known"),
    ],
)
def test_exit_codes_in_words(code, word):
    finding = only(judge(look(container("exit1", exit_code=code)), Settings()))
    assert word in " ".join(finding.causes)
    assert finding.details["exit_code"] == code


def events_of(one, *entries):
    """Events relative to the moment at which the container finished."""
    return [
        Event(one.finished + offset, action, one.id, exit_code, signal) for offset, action, exit_code, signal in entries
    ]


TREE = [
    ("kill through Docker", [(-0.01, "kill", None, 9), (0.0, "die", 137, None)], None, KILLED),
    ("the kill is written after the death", [(0.0, "die", 137, None), (0.02, "kill", None, 9)], None, KILLED),
    (
        "stop timeout",
        [(-10.0, "kill", None, 15), (-0.1, "kill", None, 9), (0.0, "die", 137, None), (0.1, "stop", None, None)],
        None,
        STOP_TIMEOUT,
    ),
    ("nobody, and the kernel's log is silent", [(0.0, "die", 137, None)], -1000, OUTSIDE),
    ("the events are gone", [], -1000, CANT_TELL),
    ("the events are gone, no kernel log", [], None, CANT_TELL),
]


@pytest.mark.parametrize(("events", "kernel", "cause"), [row[1:] for row in TREE], ids=[row[0] for row in TREE])
def test_137_is_not_oom(events, kernel, cause):
    one = container("killed")
    since = None if kernel is None else one.finished + kernel
    finding = only(judge(look(one, events=events_of(one, *events), kernel_since=since), Settings()))
    assert finding.id == "docker.container.not_running"
    assert finding.causes[0] == cause


def test_143_says_who_asked():
    one = container("stopped")
    finding = only(judge(look(one, events=events_of(one, (-1, "kill", None, 15), (0, "die", 143, None))), Settings()))
    assert finding.causes[0] == STOPPED
    assert finding.details["asked"] is True


OOM = [
    ("the flag", {"oom_flag": True}, [], [], "certain", "State.OOMKilled"),
    ("the event, the flag lost", {}, [(-0.1, "oom", None, None), (0.0, "die", 137, None)], [], "certain", "oom event"),
    ("the kernel log alone", {}, [], [(-0.1, False)], "certain", "kernel log"),
    ("137 and nobody sent a signal", {}, [(0.0, "die", 137, None)], [], "likely", "exit code 137"),
]


@pytest.mark.parametrize(
    ("changes", "events", "kernel", "confidence", "source"), [r[1:] for r in OOM], ids=[r[0] for r in OOM]
)
def test_oom_of_the_main_process(changes, events, kernel, confidence, source):
    one = container("killed", **changes)
    lines = [KernelOom(one.finished + offset, one.id, "app", host) for offset, host in kernel]
    finding = only(judge(look(one, events=events_of(one, *events), kernel=lines), Settings()))
    assert finding.id == "docker.memory.oom_killed"
    assert finding.details["confidence"] == confidence
    assert any(source in text for text in finding.details["sources"])
    assert finding.details["main_process"] is True
    assert finding.severity == "P1"
    assert ("Raise its limit" in str(finding.remedies)) == (confidence == "certain")


def test_host_pressure_is_no_reason_to_raise_a_limit():
    one = container("killed")
    lines = [KernelOom(one.finished - 0.1, one.id, "app", True)]
    finding = only(judge(look(one, kernel=lines), Settings()))
    assert finding.details["host_pressure"] is True
    assert finding.details["suggested_limit"] is None
    assert "make it worse" in str(finding.remedies) and "Raise its limit" not in str(finding.remedies)


SCOPES = [
    ("the kernel says its own limit", 64, [False], "container"),
    ("the kernel says the host", 64, [True], "host"),
    ("the kernel says both: its limit is one of them", 64, [True, False], "container"),
    ("an event alone, with a limit", 64, [], "container"),
    ("an event alone, without a limit", 0, [], "host"),
    ("the kernel says a limit above it", 0, [False], "container"),
]


@pytest.mark.parametrize(("limit", "kernel", "scope"), [row[1:] for row in SCOPES], ids=[row[0] for row in SCOPES])
def test_oom_of_the_container_or_of_the_host(limit, kernel, scope):
    down = container("killed", memory_limit=limit * 2**20)
    back = running(memory_limit=limit * 2**20)
    for one, at in ((down, down.finished), (back, back.started - 1)):
        lines = [KernelOom(at - 0.1, one.id, "app", host) for host in kernel]
        events = [Event(at - 0.1, "oom", one.id), Event(at, "die", one.id, 137)]
        finding = judge(look(one, events=events, kernel=lines), Settings())[0]
        assert finding.id == "docker.memory.oom_killed"
        assert finding.details["scope"] == scope and finding.details["confidence"] == "certain"
        assert finding.details["host_pressure"] is (scope == "host")
        assert ("higher limit of this container would make it worse" in str(finding.remedies)) is (scope == "host")


def test_a_limit_that_the_peak_fills_to_70_percent():
    finding = only(judge(look(container("oom_main")), Settings()))
    assert finding.details["suggested_limit"] == 48 * 2**20
    assert any("--memory 48m --memory-swap 48m" in remedy.command for remedy in finding.remedies)


def test_oom_of_a_child_is_not_a_container_that_is_down():
    one = running(memory=Memory(1, 1, 1, 1, oom_kills=1))
    finding = only(judge(look(one), Settings()))
    assert (finding.id, finding.state, finding.severity) == ("docker.memory.oom_killed", "warning", "P2")
    assert finding.details["main_process"] is False and "child" in finding.summary


def test_a_child_killed_before_the_engine_wrote_the_start_down():
    """Seen on a busy engine: StartedAt is later than the OOM of a child that allocates at once."""
    one = running(memory=Memory(1, 1, 1, 1, oom_kills=1))
    lines = [KernelOom(one.started - 0.5, one.id, "perl", False)]
    for finished in (None, one.started - 60):
        one.finished = finished
        finding = only(judge(look(one, kernel=lines), Settings()))
        assert finding.details["main_process"] is False


def test_a_counter_of_zero_means_an_earlier_life():
    one = running(memory=Memory(1, 1, 1, 1, oom_kills=0))
    one.finished = one.started - 0.1
    finding = only(judge(look(one, kernel=[KernelOom(one.started - 0.2, one.id, "app", False)]), Settings()))
    assert finding.details["main_process"] is True


def test_restart_wipes_the_flag_but_not_the_evidence():
    """Restart policy: flag and exit code are reset; docker restart: the count is 0 as well."""
    for count in (1, 0):
        one = running(restart_count=count)
        events = [Event(one.started - 1.1, "oom", one.id), Event(one.started - 1, "die", one.id, 137)]
        finding = only(judge(look(one, events=events), Settings()))
        assert finding.id == "docker.memory.oom_killed"
        assert finding.details["main_process"] is True
        assert finding.state == "critical" and finding.severity == "P2"


def test_recent_oom_ages_out():
    one = running()
    events = [Event(one.started - 1.1, "oom", one.id), Event(one.started - 1, "die", one.id, 137)]
    lines = [KernelOom(one.started - 1.1, one.id, "app", False)]
    assert judge(look(one, now=one.started + 901, events=events, kernel=lines), Settings()) == []
    assert judge(look(one, now=one.started + 61, events=events, kernel=lines), Settings(window=60)) == []


def sample(one, at, restart_count=0, oom_kills=0, **more):
    return {
        "at": at,
        "service": one.service,
        "container_id": one.id,
        "started_at": one.started_at,
        "restart_count": restart_count,
        "oom_kills": oom_kills,
        **more,
    }


def test_a_counter_without_a_time_is_dated_by_history():
    one = running(memory=Memory(1, 1, 1, 1, oom_kills=2))
    now = one.started + 5000
    snapshot = look(one, now=now)
    assert ids(judge(snapshot, Settings())) == ["docker.memory.oom_killed"]
    assert judge(snapshot, Settings(), [sample(one, now - 1000, oom_kills=2)]) == []
    assert ids(judge(snapshot, Settings(), [sample(one, now - 1000, oom_kills=1)])) == ["docker.memory.oom_killed"]
    assert ids(judge(snapshot, Settings(), [sample(one, now - 100, oom_kills=2)])) == ["docker.memory.oom_killed"]


def test_sticky_flag_of_a_child_is_dated_by_history_too():
    one = running(oom_flag=True)
    now = one.started + 5000
    assert judge(look(one, now=now), Settings(), [sample(one, now - 1000, oom_kills=1)]) == []
    assert ids(judge(look(one, now=now), Settings())) == ["docker.memory.oom_killed"]


def crasher(age=5.0, restarts=3, lived=11.0, created=None):
    """Runs at this moment, and was restarted by its policy."""
    one = running(restart_count=restarts, restart_policy="always")
    one.created = one.started - restarts * lived if created is None else created
    return one, one.started + age


def test_a_loop_is_seen_while_the_container_happens_to_run():
    one, now = crasher()
    finding = only(judge(look(one, now=now), Settings()))
    assert (finding.id, finding.state, finding.severity) == ("docker.container.crash_loop", "critical", "P1")
    assert finding.details["restarts"] == 3
    assert round(finding.details["interval_seconds"]) == 11


def test_between_two_lives_the_last_one_counts_though_nothing_has_started_since():
    """The engine counts a restart when a life ends: then it has one start fewer than restarts."""
    one, now = crasher()
    one.status, one.finished, one.restart_count = "restarting", one.started + 11, 4
    finding = only(judge(look(one, now=now + 7), Settings()))
    assert round(finding.details["interval_seconds"]) == 11


def test_one_restart_is_a_warning():
    one, now = crasher(restarts=1)
    finding = only(judge(look(one, now=now), Settings()))
    assert (finding.id, finding.state, finding.severity) == ("docker.container.crash_loop", "warning", "P3")


def test_an_old_count_is_no_loop():
    one, _now = crasher(restarts=40, created=1.0)
    assert judge(look(one, now=one.started + 5000), Settings()) == []
    finding = only(judge(look(one, now=one.started + 5), Settings()))
    assert finding.state == "warning", "40 over months, one of them just now"


def test_a_loop_that_settled_is_over():
    one, _now = crasher(lived=11)
    assert ids(judge(look(one, now=one.started + 59), Settings())) == ["docker.container.crash_loop"]
    assert judge(look(one, now=one.started + 61), Settings()) == []
    slow, _now = crasher(lived=100)
    assert ids(judge(look(slow, now=slow.started + 199), Settings())) == ["docker.container.crash_loop"]
    assert judge(look(slow, now=slow.started + 201), Settings()) == []


def test_a_count_that_was_set_back_is_seen_by_history():
    """docker restart resets RestartCount: a low count is no sign of calm."""
    one, now = crasher(age=5, restarts=1, created=1.0)
    history = [
        sample(one, now - 300, restart_count=2, started_at="a"),
        sample(one, now - 200, restart_count=4, started_at="b"),
        sample(one, now - 100, restart_count=0, started_at="c"),
    ]
    finding = only(judge(look(one, now=now), Settings(), history))
    assert finding.details["restarts"] == 3, "2 -> 4, set back, then 1"
    assert finding.state == "critical"
    assert only(judge(look(one, now=now), Settings(), history[:0])).state == "warning"


def crashes(one, number, gap=11.0, code=1, soon=1.0):
    """Events: so many crashes, each followed by a start, then a restart by hand."""
    events = []
    for turn in range(number):
        at = one.started - 5 - gap * (number - turn)
        events += [Event(at, "die", one.id, code), Event(at + soon, "start", one.id)]
    by_hand = one.started - 1
    return [*events, Event(by_hand, "kill", one.id, None, 15), Event(by_hand + 0.1, "die", one.id, 143)] + [
        Event(one.started, "start", one.id)
    ]


def test_a_loop_is_seen_across_a_restart_by_hand():
    """docker restart sets RestartCount to 0; the events still tell, without any history."""
    one = running(restart_count=0, restart_policy="always")
    finding = only(judge(look(one, events=crashes(one, 3)), Settings()))
    assert (finding.id, finding.state) == ("docker.container.crash_loop", "critical")
    assert finding.details["restarts"] == 3 and finding.details["exit_codes"] == [1, 1, 1]
    settled = look(one, events=crashes(one, 3), now=one.started + 61)
    assert judge(settled, Settings()) == [], "the restart has cured it"


def test_a_loop_is_seen_across_a_restart_by_hand_by_history():
    """The engine has forgotten its events; an earlier look has not."""
    one = running(restart_count=0, restart_policy="always")
    one.created = one.started - 100
    history = [sample(one, one.started - 20, restart_count=3, started_at="a")]
    finding = only(judge(look(one), Settings(), history))
    assert (finding.id, finding.details["restarts"]) == ("docker.container.crash_loop", 3)
    assert judge(look(one, now=one.started + 61), Settings(), history) == []
    slow = [sample(one, one.started - 20, restart_count=3, started_at="a")]
    one.created = one.started - 420
    assert ids(judge(look(one, now=one.started + 260), Settings(), slow)) == ["docker.container.crash_loop"]
    assert judge(look(one, now=one.started + 270), Settings(), slow) == [], "twice the 133 s that each life lasted"
    few = only(judge(look(one), Settings(), [sample(one, one.started - 20, restart_count=2, started_at="a")]))
    assert (few.details["restarts"], few.state) == (1, "warning"), "one life that a policy began, of another time"
    one.created = one.started - 5000
    old = only(judge(look(one), Settings(), history))
    assert (old.details["restarts"], old.state) == (1, "warning"), "3 since it was made, and that was long ago"


@pytest.mark.parametrize(
    ("changes", "events"),
    [
        ({"restart_policy": "always"}, {"number": 2}),
        ({"restart_policy": "no"}, {"number": 5}),
        ({"restart_policy": "always"}, {"number": 5, "gap": 120.0, "soon": 100.0}),
    ],
    ids=["two crashes are no loop", "without a policy somebody started it", "started long after: by hand"],
)
def test_what_is_no_loop_across_a_restart_by_hand(changes, events):
    one = running(restart_count=0, **changes)
    assert judge(look(one, events=crashes(one, **events)), Settings()) == []


def test_stack_traces_are_evidence_by_how_often_they_came():
    traces = [
        {"kind": "go", "text": "panic: boom\n\ngoroutine 1 [running]:", "count": 7},
        {"kind": "python", "text": "Traceback (most recent call last):\n  File\nValueError: x", "count": 1},
        {"kind": "java", "text": "", "count": 1},
    ]
    evidence = only(judge(look(container("exit1", traces=traces)), Settings())).evidence
    assert "7 x the same go stack trace in its log: panic: boom" in evidence
    assert "1 x the same python stack trace in its log: ValueError: x" in evidence


def test_restarts_by_hand_are_no_crash_loop():
    one = running(restart_count=0)
    history = [sample(one, one.started - 100 * n, started_at=str(n)) for n in range(1, 5)]
    events = []
    for number in range(3):
        at = one.started - 30 * number
        events += [
            Event(at - 1, "kill", one.id, None, 15),
            Event(at - 0.5, "die", one.id, 143),
            Event(at, "start", one.id),
        ]
    assert judge(look(one, events=events), Settings(), history) == []


def test_restarting_is_a_loop_though_running_is_true():
    one = container("restarting")
    assert RECORDED["restarting"]["State"]["Running"] is True
    finding = only(judge(look(one), Settings()))
    assert finding.id == "docker.container.crash_loop" and finding.state == "critical"


def test_paused_is_paused_though_running_is_true():
    assert RECORDED["paused"]["State"]["Running"] is True
    finding = only(judge(look(container("paused")), Settings()))
    assert "unpause" in finding.remedies[0].command


FROZEN = [
    ("first process", [(7, 1, "T", "app")], True),
    ("first of several", [(7, 1, "Tl", "app"), (8, 7, "S", "worker")], True),
    ("what an init started", [(7, 1, "Ss", "tini"), (8, 7, "T", "app")], True),
    ("what a shell started, exec beside it", [(7, 1, "Ss", "sh"), (8, 7, "T", "app"), (9, 2, "R", "healthy")], True),
    ("a worker of an application", [(7, 1, "Ss", "postgres"), (8, 7, "T", "postgres")], False),
    ("one of two children", [(7, 1, "Ss", "tini"), (8, 7, "T", "app"), (9, 7, "S", "log")], False),
    ("nothing", [(7, 1, "Ss", "app"), (8, 7, "D", "app")], False),
    ("traced by a debugger", [(7, 1, "t", "app")], False),
    ("not read", None, False),
    ("none", [], False),
]


@pytest.mark.parametrize(("rows", "frozen"), [row[1:] for row in FROZEN], ids=[row[0] for row in FROZEN])
def test_frozen(rows, frozen):
    processes = None if rows is None else [Process(*row) for row in rows]
    findings = judge(look(running(pid=7, processes=processes)), Settings())
    assert ids(findings) == (["docker.process.frozen"] if frozen else [])


def test_frozen_explains_unhealthy():
    one = container("unhealthy", processes=[Process(7, 1, "T", "app")], pid=7)
    assert ids(judge(look(one), Settings())) == ["docker.process.frozen"]


def test_starting_is_news_only_when_it_takes_too_long():
    one = running()
    one.health.status = "starting"
    one.health.grace = 42.0
    assert judge(look(one, now=one.started + 50), Settings()) == []
    finding = only(judge(look(one, now=one.started + 53), Settings()))
    assert (finding.id, finding.state, finding.severity) == ("docker.container.unhealthy", "warning", "P3")


def test_unhealthy_shows_the_probe_and_its_timeout():
    finding = only(judge(look(container("unhealthy")), Settings()))
    assert any("not well" in text for text in finding.evidence)
    assert "echo not well" in finding.remedies[0].command
    late = container("unhealthy")
    late.health.probes = [{"at": "", "exit_code": -1, "output": "Health check exceeded timeout"}]
    assert "a timeout" in only(judge(look(late), Settings())).evidence[0]


def test_memory_is_the_working_set():
    limit = RECORDED["healthy"]["HostConfig"]["Memory"]
    cache = running(memory=Memory(usage=limit, working_set=limit // 10))
    assert judge(look(cache), Settings()) == []
    for share, state, severity in ((0.81, "warning", "P3"), (0.93, "critical", "P2")):
        finding = only(judge(look(running(memory=Memory(limit, int(limit * share)))), Settings()))
        assert (finding.id, finding.state, finding.severity) == ("docker.memory.high", state, severity)


@pytest.mark.parametrize(
    ("periods", "throttled", "state"), [(20, 5, "warning"), (20, 10, "critical"), (20, 4, None), (3, 3, None)]
)
def test_throttling(periods, throttled, state):
    findings = judge(look(running(cpu=Cpu(periods, throttled, 2.0), cpus=0.5)), Settings())
    assert [finding.state for finding in findings] == ([state] if state else [])


@pytest.mark.parametrize(
    ("stats", "expected"),
    [
        ({"memory_stats": {"usage": 100, "limit": 200, "stats": {"inactive_file": 30}}}, 70),
        (
            {
                "memory_stats": {
                    "usage": 100,
                    "max_usage": 120,
                    "stats": {"total_inactive_file": 40, "inactive_file": 1},
                }
            },
            60,
        ),
        ({"memory_stats": {"usage": 10, "stats": {"inactive_file": 30}}}, 0),
        ({"memory_stats": {}}, None),
        ({}, None),
    ],
)
def test_working_set_of_both_cgroup_versions(stats, expected):
    memory = parse.memory_from_stats(stats)
    assert (memory.working_set if memory else None) == expected


def test_counters_that_fell_belong_to_another_life():
    assert parse.cpu_between((10, 5), (30, 15), 2.0) == Cpu(20, 10, 2.0)
    assert parse.cpu_between((30, 15), (10, 5), 2.0) is None
    assert parse.cpu_between(None, (10, 5), 2.0) is None


def replicas(*names):
    made = [container(name) for name in names]
    for number, one in enumerate(made):
        one.service, one.name, one.id = "orders", f"orders-{number}", f"{number}" * 64
    return made


def test_severity_by_replicas():
    both = judge(look(*replicas("exit1", "killed")), Settings())
    assert [finding.severity for finding in both] == ["P1", "P1"]
    one = only(judge(look(*replicas("exit1", "healthy")), Settings()))
    assert one.severity == "P2" and one.component == "container:orders"


def test_missing_and_expected():
    snapshot = look(*replicas("healthy"))
    assert ids(judge(snapshot, Settings(services=("orders",)))) == []
    gone = only(judge(snapshot, Settings(services=("orders", "auth"), project="shop")))
    assert (gone.id, gone.severity, gone.component) == ("docker.container.missing", "P1", "container:auth")
    assert "docker compose -p shop up -d auth" in gone.remedies[-1].command
    few = only(judge(snapshot, Settings(expected={"orders": 3})))
    assert (few.severity, few.observed, few.threshold) == ("P2", {"containers": 1}, {"containers": 3})
    assert only(judge(snapshot, Settings(containers=("orders-0", "auth-1")))).subject == "container auth-1"


def test_a_job_may_be_done():
    done = replicas("exit0")
    assert judge(look(*done), Settings(expected={"orders": 0})) == []
    assert ids(judge(look(*replicas("healthy", "exit0")), Settings(expected={"orders": 1}))) == []
    assert ids(judge(look(*replicas("healthy", "exit0")), Settings(expected={"orders": 2}))) == [
        "docker.container.not_running"
    ]


def test_components_are_declared_or_derived():
    one = container("exit1")
    assert only(judge(look(one), Settings(components={"exit1": "billing"}))).component == "billing"
    one.service = ""
    assert only(judge(look(one), Settings())).component == "container:rec-exit1"


def test_new_words_of_a_newer_engine_are_unknown():
    data = copy.deepcopy(RECORDED["healthy"])
    data["State"]["Status"] = "hibernated"
    finding = only(judge(look(parse.container_from_inspect(data)), Settings()))
    assert (finding.id, finding.state) == ("docker.unmeasured", "unknown")
    data = copy.deepcopy(RECORDED["healthy"])
    data["State"]["Health"]["Status"] = "dizzy"
    assert judge(look(parse.container_from_inspect(data)), Settings()) == []


@pytest.mark.parametrize(
    "data", [{}, {"State": None}, {"State": {"Status": None}, "Config": [], "HostConfig": 3, "NetworkSettings": ""}]
)
def test_parsing_is_total(data):
    one = parse.container_from_inspect(data)
    assert one.status == "unknown"
    judge(look(one), Settings())


@pytest.mark.parametrize(
    ("kind", "identifier", "state"),
    [
        ("refused", "docker.daemon.unreachable", "critical"),
        ("timeout", "docker.daemon.unreachable", "critical"),
        ("gone", "docker.daemon.unreachable", "critical"),
        ("permission", "docker.daemon.forbidden", "unknown"),
        ("auth", "docker.daemon.forbidden", "unknown"),
    ],
)
def test_no_engine(kind, identifier, state):
    snapshot = DockerSnapshot(now=1.0, error_kind=kind, error="no", address="unix:///x")
    finding = only(judge(snapshot, Settings(component="host1", services=("orders",))))
    assert (finding.id, finding.state, finding.component) == (identifier, state, "host1")


def test_what_was_not_read_is_unknown():
    one = running(
        unmeasured={"its log": "no time left"}, logs_error="configured logging driver does not support reading"
    )
    snapshot = look(one, unmeasured={"events": "403", "container orders-1": "timeout"})
    findings = judge(snapshot, Settings())
    assert {finding.state for finding in findings} == {"unknown"}
    assert sorted(ids(findings)) == ["docker.logs.unreadable"] + ["docker.unmeasured"] * 3


def test_odd_history_is_passed_over():
    one = running(restart_count=1)
    odd = [{}, {"at": "x"}, {"at": 1, "restart_count": None, "container_id": one.id}, {"at": None}]
    assert judge(look(one, now=one.started + 5000), Settings(), odd) == []


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("2024-01-01T00:00:00Z", 1704067200.0),
        ("2024-01-01T00:00:00.123456789Z", 1704067200.123456789),
        ("2024-01-01T02:00:00.5+02:00", 1704067200.5),
        ("2023-12-31T19:00:00-05:00", 1704067200.0),
        ("2016-12-31T23:59:60Z", 1483228800.0),
        ("0001-01-01T00:00:00Z", None),
        ("2024-13-01T00:00:00Z", None),
        ("", None),
        (None, None),
        (5, None),
    ],
)
def test_times_as_docker_writes_them(text, expected):
    assert parse_time(text) == (pytest.approx(expected) if expected is not None else None)


def test_events_as_docker_writes_them():
    raw = json.loads((FIXTURES / "events.json").read_text())
    events = [parse.event_from_json(entry) for entry in raw]
    assert {event.action for event in events} == {"start", "die"}
    assert [event.exit_code for event in events if event.action == "die"] == [3]
    assert parse.event_from_json({"Type": "network", "Actor": {"ID": "x"}}) is None
    assert parse.event_from_json({}) is None
    odd = {
        "Type": "container",
        "Action": "exec_create: sh -c x",
        "Actor": {"ID": "x", "Attributes": {"signal": "SIGKILL"}},
    }
    event = parse.event_from_json(odd)
    assert (event.action, event.signal) == ("exec_create", 9)


def test_summary_has_what_planners_read():
    one = container("healthy", logs=[{"at": "", "text": "hello"}])
    data = docker_summary.summary(look(one), [])
    entry = data["services"]["healthy"]
    assert entry["status"] == "running" and entry["limits"]["memory"] == one.memory_limit
    assert entry["containers"][0]["logs"] == [{"at": "", "text": "hello"}]
    assert entry["containers"][0]["started_at"] == RECORDED["healthy"]["State"]["StartedAt"]
    assert docker_summary.samples(look(one))[0]["container_id"] == one.id


def test_summary_stays_within_its_budget_and_keeps_the_sick():
    crowd = []
    for number in range(3000):
        one = container("exit1" if number == 2999 else "healthy")
        one.id, one.name, one.service = f"{number:064x}", f"c{number}", f"s{number}"
        one.logs = [{"at": "", "text": "x" * 400}] * 10
        crowd.append(one)
    snapshot = look(*crowd)
    findings = judge(snapshot, Settings())
    data = docker_summary.summary(snapshot, findings)
    assert len(json.dumps(data)) < 1024 * 1024
    assert "s2999" in data["services"]
    assert data["left_out"] and data["containers_total"] == 3000
    assert len(docker_summary.samples(snapshot)) == docker_summary.MOST_SAMPLES


def test_attachments_are_of_the_sick_only():
    sick, well = (
        container("exit1", logs=[{"at": "t", "text": "boom"}]),
        container("healthy", logs=[{"at": "t", "text": "x"}]),
    )
    snapshot = look(sick, well)
    assert docker_summary.attachments(snapshot, judge(snapshot, Settings())) == {"rec-exit1.log": "t boom"}
