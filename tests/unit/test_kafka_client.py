# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The client against a broker that misbehaves on demand: what failed is said, what was answered stays."""

from __future__ import annotations

import threading
import time

import pytest

pytest.importorskip("kafka", minversion="3.0.12")

from ansible_collections.incident.response.plugins.module_utils.checks import kafka_health
from ansible_collections.incident.response.plugins.module_utils.clients import kafka_admin, kafka_cluster, kafka_groups
from ansible_collections.incident.response.plugins.module_utils.clients.deadline import Deadline
from ansible_collections.incident.response.plugins.module_utils.clients.errors import CollectError
from ansible_collections.incident.response.plugins.module_utils.clients.kafka import Wanted, collect
from ansible_collections.incident.response.plugins.module_utils.clients.kafka_admin import Admin, AskError, bounded
from ansible_collections.incident.response.plugins.module_utils.clients.kafka_cluster import chosen
from ansible_collections.incident.response.plugins.module_utils.clients.kafka_options import KafkaOptions
from ansible_collections.incident.response.plugins.module_utils.core.kafka_judge import judge
from ansible_collections.incident.response.plugins.module_utils.module.check import Misuse
from kafka_stub import COORDINATOR_NOT_AVAILABLE, HangUp, StubBroker


def look(stub: StubBroker, seconds: float = 20, **wanted):
    wanted.setdefault("rounds", 1)
    return collect(KafkaOptions((stub.address,)), Wanted(**wanted), Deadline(seconds))


def ids(snapshot) -> list[str]:
    return sorted({finding.id for finding in judge(snapshot)})


def options(**given):
    values = {name: spec.get("default") for name, spec in kafka_health.SPEC.options.items()}
    return {**values, "bootstrap_servers": ["127.0.0.1:1"], **given}


def test_a_sound_stub_has_no_findings():
    with StubBroker(groups={"billing": 100}).running() as stub:
        snapshot = look(stub)
    assert ids(snapshot) == []
    assert {(item.group, item.committed, item.end) for item in snapshot.samples} == {("billing", 100, 100)}


def test_ten_thousand_groups_in_batches():
    stub = StubBroker(topics={"orders": 1}, groups={f"group-{number}": 100 for number in range(10_000)})
    with stub.running():
        snapshot = look(stub, seconds=60)
    assert len(snapshot.samples) == 10_000
    assert stub.asked["describe_groups"] == stub.asked["offset_fetch"] == 20, "500 groups a request"
    assert ids(snapshot) == []


def test_more_groups_than_anyone_reads_are_said_to_be_left_out(monkeypatch):
    monkeypatch.setattr(kafka_groups, "MOST_GROUPS", 3)
    with StubBroker(groups={f"group-{number}": 100 for number in range(5)}).running() as stub:
        snapshot = look(stub)
    assert len(snapshot.groups) == 3
    assert any("2 of 5 groups" in text for text in snapshot.left_out)


@pytest.mark.parametrize("denied", [{"group-0"}, {"group-499", "group-500"}, {"group-700"}])
def test_one_denied_group_does_not_take_the_others_along(denied):
    stub = StubBroker(topics={"orders": 1}, groups={f"group-{number}": 100 for number in range(1000)})
    stub.denied = denied
    with stub.running():
        snapshot = look(stub)
    assert {item.group for item in snapshot.samples} == set(stub.groups) - denied
    findings = judge(snapshot)
    assert [finding.id for finding in findings] == ["kafka.unmeasured"]
    assert all(name in findings[0].evidence[0] for name in denied)
    assert "GroupAuthorizationFailedError" in findings[0].evidence[0]


def test_all_groups_denied_ends_within_the_budget():
    stub = StubBroker(topics={"orders": 1}, groups={f"group-{number}": 100 for number in range(1000)})
    stub.denied = set(stub.groups)
    with stub.running():
        snapshot = look(stub)
    assert ids(snapshot) == ["kafka.unmeasured"]
    assert stub.asked["offset_fetch"] < 3 * kafka_admin.MOST_SPLITS


def test_second_question_hangs_up_and_the_first_answer_stays():
    def hang_up(times, _request):
        if times > 1:
            raise HangUp

    stub = StubBroker(groups={"billing": 40})
    stub.hooks["offset_fetch"] = hang_up
    with stub.running():
        snapshot = look(stub, rounds=3, interval=0.05)
    assert [(item.committed, item.end) for item in snapshot.samples] == [(40, 100)] * 2, "one round, two partitions"
    found = judge(snapshot)
    assert {finding.id for finding in found} == {"kafka.lag.stopped", "kafka.unmeasured"}
    assert any("later sample" in line for finding in found for line in finding.evidence)


@pytest.mark.parametrize(
    ("question", "subject"),
    [
        ("cluster", "fenced brokers"),
        ("configs", "min.insync.replicas"),
        ("log_dirs", "log directories"),
        ("list_groups", "consumer groups of broker 1"),
        ("describe_groups", "members of"),
        ("offset_fetch", "committed offsets of"),
        ("list_offsets", "log ends"),
        ("quorum", "metadata quorum"),
        ("transactions", "open transactions"),
        ("metadata", ""),
    ],
)
def test_each_question_blocked_in_turn_is_unknown_and_never_healthy(question, subject):
    """The library's first metadata question is let through, or there would be no client at all."""

    def hang_up(times, _request):
        if question != "metadata" or times > 1:
            raise HangUp

    stub = StubBroker(groups={"billing": 100})
    stub.hooks[question] = hang_up
    with stub.running():
        snapshot = look(stub)
    found = judge(snapshot)
    assert found, f"{question} failed and nobody said so"
    assert {finding.state for finding in found} == {"unknown"}
    assert any(subject in line for finding in found for line in finding.evidence)


def test_no_client_at_all_is_said():
    def hang_up(_times, _request):
        raise HangUp

    stub = StubBroker()
    stub.hooks["metadata"] = hang_up
    with stub.running():
        snapshot = look(stub, seconds=3)
    assert snapshot.reachable
    assert [(finding.id, finding.severity) for finding in judge(snapshot)] == [("kafka.unmeasured", "P1")]


def test_quorum_that_nobody_answers_for_while_all_else_is_answered(monkeypatch):
    monkeypatch.setattr(kafka_cluster, "QUORUM_SECONDS", 0.3)
    release = threading.Event()
    stub = StubBroker(groups={"billing": 100})
    stub.hooks["quorum"] = lambda _times, _request: release.wait(10) and None
    with stub.running():
        snapshot = look(stub)
    release.set()
    assert ids(snapshot) == ["kafka.quorum.no_leader"]


def test_coordinator_that_is_not_ready_yet_is_no_finding():
    from kafka.protocol.metadata import FindCoordinatorResponse

    def not_yet(times, request):
        if times > 2:
            return None
        keys = [
            FindCoordinatorResponse.Coordinator(key=key, node_id=-1, host="", port=-1, error_message="",
                                                error_code=COORDINATOR_NOT_AVAILABLE)
            for key in request.coordinator_keys
        ]  # fmt: skip
        return FindCoordinatorResponse(coordinators=keys, throttle_time_ms=0)

    stub = StubBroker(groups={"billing": 100})
    stub.hooks["coordinator"] = not_yet
    with stub.running():
        snapshot = look(stub)
    assert ids(snapshot) == []
    assert len(snapshot.samples) == 2


def test_value_error_of_the_library_is_bisected(monkeypatch):
    stub = StubBroker(topics={"orders": 1}, groups={f"group-{number}": 100 for number in range(20)})
    with stub.running():
        admin = Admin([stub.address], KafkaOptions((stub.address,)), Deadline(10))
        real = admin.client.describe_groups

        def describe(names):
            if "group-7" in names:
                raise ValueError("15 is not a valid ACLOperation")
            return real(names)

        answers, failures = admin.bisect("groups", sorted(stub.groups), describe, 500)
        admin.close()
    assert set(failures) == {"group-7"}
    assert len(answers) == 19


def test_a_broker_that_stops_answering_ends_at_the_deadline():
    release = threading.Event()
    stub = StubBroker(groups={"billing": 100})
    stub.hooks["list_groups"] = lambda _times, _request: release.wait(30) and None
    with stub.running():
        started = time.monotonic()
        snapshot = look(stub, seconds=3)
        took = time.monotonic() - started
        release.set()
    assert took < 8
    assert snapshot.topics, "what was answered before stays"
    assert "kafka.unmeasured" in ids(snapshot)


def test_group_that_vanishes_between_list_and_question_is_no_finding():
    from kafka.protocol.admin import DescribeGroupsResponse

    def gone(_times, request):
        groups = [
            DescribeGroupsResponse.DescribedGroup(
                error_code=69, error_message="not found", group_id=name, group_state="Dead", protocol_type="",
                protocol_data="", members=[], authorized_operations=set())
            for name in request.groups
        ]  # fmt: skip
        return DescribeGroupsResponse(groups=groups, throttle_time_ms=0)

    stub = StubBroker(groups={"billing": 40})
    stub.hooks["describe_groups"] = gone
    with stub.running():
        snapshot = look(stub)
    assert (ids(snapshot), snapshot.groups) == ([], {})


def test_share_and_new_protocol_groups():
    from kafka.protocol.admin import ListGroupsResponse

    def two(_times, _request):
        listed = [
            ListGroupsResponse.ListedGroup(group_id=name, protocol_type="", group_state="Stable", group_type=kind)
            for name, kind in (("shared", "share"), ("modern", "consumer"))
        ]
        return ListGroupsResponse(error_code=0, groups=listed, throttle_time_ms=0)

    stub = StubBroker(groups={"modern": 100, "shared": 0})
    stub.hooks["list_groups"] = two
    with stub.running():
        snapshot = look(stub)
    assert {item.group for item in snapshot.samples} == {"modern"}
    assert "describe_groups" not in stub.asked
    found = judge(snapshot)
    assert [(finding.id, finding.severity) for finding in found] == [("kafka.unmeasured", "P4")]
    assert "share group shared" in found[0].subject


def test_committed_offsets_are_read_before_log_ends():
    order = []
    stub = StubBroker(groups={"billing": 100})
    stub.hooks["offset_fetch"] = lambda *_: order.append("committed")
    stub.hooks["list_offsets"] = lambda *_: order.append("end")
    with stub.running():
        look(stub)
    assert order[:2] == ["committed", "end"]


@pytest.mark.parametrize(
    ("name", "include", "exclude", "expected"),
    [
        ("a", (), (), True),
        ("a", ("a",), (), True),
        ("ab", ("a",), (), False),
        ("ab", ("a*",), (), True),
        ("ab", ("a*",), ("ab",), False),
        ("a", (), ("*",), False),
        ("[x]", ("[x]",), (), True),
        ("A", ("a",), (), False),
    ],
)
def test_names_and_globs(name, include, exclude, expected):
    assert chosen(name, include, exclude) is expected


def test_bounded_gives_value_error_or_timeout():
    assert bounded(lambda: 5, 1, "x") == 5
    with pytest.raises(KeyError):
        bounded(lambda: {}["a"], 1, "x")
    release = threading.Event()
    with pytest.raises(AskError) as failure:
        bounded(lambda: release.wait(5), 0.05, "x")
    release.set()
    assert failure.value.kind == "timeout"


# Options


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"bootstrap_servers": []}, "host:port"),
        ({"bootstrap_servers": ["  "]}, "host:port"),
        ({"groups": []}, "empty list is not all"),
        ({"topics": []}, "empty list is not all"),
        ({"expected_topics": []}, "empty list is not all"),
        ({"samples": 0}, "samples"),
        ({"allowed_lag": -1}, "allowed_lag"),
        ({"interval": 0.0}, "interval"),
        ({"deadline": float("nan")}, "deadline"),
        ({"commit_interval": -5.0}, "commit_interval"),
        ({"samples": 5, "interval": 10.0}, "40 s, but deadline is 30 s"),
        ({"thresholds": {"lag": {"warn": 20000}}}, "20000.*10000"),
        ({"thresholds": {"speed": {"warn": 1}}}, "speed"),
    ],
)
def test_options_that_make_no_sense(given, says):
    with pytest.raises(Misuse, match=says):
        kafka_health.run(options(**given))


def test_history_entries_of_another_kind_are_passed_over():
    good = {"at": 5, "group": "g", "topic": "t", "partition": "1", "committed": 3, "end": None}
    found = kafka_health._history([good, {}, {"at": "x"}, {**good, "committed": "many"}])
    assert [(item.at, item.partition, item.end) for item in found] == [(5.0, 1, None)]


def test_secrets_are_not_shown():
    secret = KafkaOptions(("a:1",), sasl_plain_password="hush-1", ssl_password="hush-2")
    assert "hush" not in repr(secret)
    assert {name for name, spec in kafka_health.SPEC.options.items() if spec.get("no_log")} == {
        "sasl_plain_password", "ssl_password"
    }  # fmt: skip


def test_tls_file_that_is_not_there():
    with pytest.raises(CollectError) as failure:
        KafkaOptions(("a:1",), "SSL", ssl_cafile="/nowhere/ca.pem").ssl_context()
    assert failure.value.kind == "tls"


def test_result_of_many_samples_is_capped(monkeypatch):
    monkeypatch.setattr(kafka_health, "MOST_SAMPLES", 10)
    stub = StubBroker(topics={"orders": 1}, groups={f"group-{number}": 90 + number % 11 for number in range(40)})
    with stub.running():
        seen = kafka_health.run(options(bootstrap_servers=[stub.address], samples=2, interval=0.01))
    assert len(seen.samples) == 10
    assert all(item["committed"] < item["end"] for item in seen.samples), "those with lag first"
    assert any("70 of 80 samples" in text for text in seen.measured)
