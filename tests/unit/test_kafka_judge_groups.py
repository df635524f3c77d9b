# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Consumer groups and records of a snapshot to findings: each fault its id, each healthy twin nothing."""

from __future__ import annotations

import json

import pytest
from ansible_collections.incident.response.plugins.module_utils.core.kafka_judge import judge
from ansible_collections.incident.response.plugins.module_utils.core.kafka_snapshot import (
    Group,
    GroupRound,
    Member,
    Peek,
    Sample,
    Transaction,
)
from ansible_collections.incident.response.plugins.module_utils.core.kafka_summary import summary
from kafka_snapshots import NOW, SETTINGS, healthy, ids, member, only, partition, series, settings, topic

# Groups


STOOD = series("billing", (10, 100, 600), (5, 100, 600), (0, 100, 600))
EMPTY = Group("billing", "classic", "Empty", ())


@pytest.mark.parametrize(
    ("rows", "group", "found"),
    [
        ([(0, 100, 600)], EMPTY, ["kafka.lag.stopped"]),
        ([(10, 100, 600), (5, 100, 600), (0, 100, 600)], None, ["kafka.lag.stalled"]),
        ([(10, 100, 600), (5, 150, 900), (0, 200, 1200)], None, ["kafka.lag.slow"]),
        ([(10, 100, 900), (5, 400, 950), (0, 800, 990)], None, []),
        ([(10, 100, 8000), (5, 400, 8000), (0, 800, 8000)], None, []),
        ([(10, 900, 900), (5, 100, 900), (0, 100, 900)], None, ["kafka.lag.rewound"]),
        ([(0, 100, 600)], None, ["kafka.unmeasured"]),
        ([(0, 100, 105)], EMPTY, []),
    ],
)
def test_lag_verdicts_become_findings(rows, group, found):
    snapshot = healthy(samples=series("billing", *rows))
    if group:
        snapshot.groups = {"billing": group}
    assert ids(snapshot) == found


def test_a_look_that_goes_on_for_long_after_the_last_sample_makes_no_group_stop():
    samples = series("billing", (40, 100, 600), (35, 150, 900), (30, 200, 1200))
    assert ids(healthy(samples=samples)) == ["kafka.lag.slow"], "30 s went by since, busy with something else"


def test_what_a_lag_finding_says():
    finding = only(healthy(samples=STOOD))
    assert (finding.component, finding.severity, finding.state) == ("group:billing", "P2", "critical")
    assert finding.details == {
        "group": "billing",
        "topic_partitions": [
            {"topic": "orders", "partition": 0, "committed": 100, "end": 600, "lag": 500, "verdict": "stalled"}
        ],
        "total": 1,
        "members": 1,
        "members_hosts": ["10.0.0.5"],
        "state": "Stable",
        "eta_seconds": None,
    }
    assert finding.since == NOW - 10
    assert "500 records wait in orders" in finding.summary
    assert finding.remedies[0].risk == "none"
    assert finding.remedies[0].command.startswith("kafka-consumer-groups --bootstrap-server b1:9092 --describe")


@pytest.mark.parametrize("name", ["with space", "it's", '"quoted"', "{{ 7 * 7 }}", "a;rm -rf", "ü-ñ", "-x", "\x1b[31m"])
def test_odd_group_names_are_quoted_in_commands(name):
    import shlex

    snapshot = healthy(groups={name: Group(name, "classic", "Empty", ())}, samples=series(name, (0, 100, 600)))
    finding = only(snapshot)
    assert finding.component == f"group:{name}"
    words = shlex.split(finding.remedies[0].command)
    assert words[words.index("--group") + 1] == name


def test_commands_name_the_client_configuration_where_one_is_needed():
    finding = only(healthy(samples=STOOD), settings(command_config=True))
    assert "--command-config client.properties" in finding.remedies[0].command


def test_group_that_is_meant_to_be_empty():
    away = healthy(groups={"billing": EMPTY}, samples=series("billing", (0, 100, 60_000)))
    assert ids(away, settings(expected_empty=("bill*",))) == []
    assert ids(healthy(samples=STOOD), settings(expected_empty=("bill*",))) == ["kafka.lag.stalled"]


def test_one_stuck_partition_has_other_causes_than_a_hung_consumer():
    parts = topic(partition(), partition(index=1))
    both = member(assigned=(("orders", 0), ("orders", 1)))
    moving = series("billing", (10, 1, 1), (5, 5, 5), (0, 9, 9), index=1)
    group = Group("billing", "classic", "Stable", (both,))
    one = only(healthy(topics=parts, samples=STOOD + moving, groups={"billing": group}))
    assert any("poison" in cause for cause in one.causes)
    every = only(healthy(samples=STOOD))
    assert any("hangs or is paused" in cause for cause in every.causes)


def test_sum_and_age_only_where_nothing_tells_more():
    keeps_up = healthy(samples=series("billing", (10, 100_000, 105_000), (5, 110_000, 115_000), (0, 120_000, 125_000)))
    assert ids(keeps_up) == ["kafka.lag.high"]
    old = healthy(
        samples=series("billing", (10, 500, 500), (5, 500, 600), (0, 500, 600)),
        peeks=[Peek("orders", 0, 500, timestamp_ms=1_000_000)],
        newest_ms={("orders", 0): 1_120_000},
    )
    finding = only(old)
    assert (finding.id, finding.state, finding.observed) == ("kafka.lag.age", "warning", {"age_seconds": 120.0})
    old.samples = series("billing", (10, 500, 900), (5, 500, 900), (0, 500, 900))
    assert ids(old) == ["kafka.lag.stalled"]


def rounds(*states, ids=None):
    names = ids or [("m1",)] * len(states)
    return {
        "billing": [
            GroupRound(NOW - 5 * (len(states) - 1 - number), state, frozenset(names[number]))
            for number, state in enumerate(states)
        ]
    }


@pytest.mark.parametrize(
    ("states", "members", "found"),
    [
        (("Stable", "Stable", "Stable"), None, []),
        (("Stable", "PreparingRebalance", "Stable"), None, []),
        (("PreparingRebalance", "CompletingRebalance", "Stable"), None, ["kafka.group.rebalancing"]),
        (("Stable", "Stable", "Stable"), [("a",), ("b",), ("c",)], ["kafka.group.rebalancing"]),
        (("Stable", "Stable", "Stable"), [("a",), ("a", "b"), ("a", "b")], []),
        (("Stable", "PreparingRebalance", "Stable"), [("a",), ("a",), ("b",)], ["kafka.group.rebalancing"]),
        (("Empty", "Empty", "Empty"), [(), (), ()], []),
    ],
)
def test_rebalancing(states, members, found):
    assert ids(healthy(rounds=rounds(*states, ids=members))) == found


def test_a_group_that_rebalances_is_not_called_stalled_as_well():
    restless = rounds("PreparingRebalance", "PreparingRebalance", "PreparingRebalance")
    assert ids(healthy(samples=STOOD, rounds=restless)) == ["kafka.group.rebalancing"]


def test_partition_without_an_owner():
    parts = topic(partition(), partition(index=1))
    waiting = series("billing", (10, 100, 600), (5, 100, 600), (0, 100, 600), index=1)
    finding = only(healthy(topics=parts, samples=healthy().samples + waiting))
    assert finding.id == "kafka.group.unassigned"
    assert finding.details["partitions"] == [{"topic": "orders", "partition": 1}]


def test_topic_that_no_member_subscribes_to_any_more():
    two = {**topic(partition()), **topic(partition("old"))}
    left = series("billing", (10, 5, 500), (5, 5, 500), (0, 5, 500), topic="old")
    finding = only(healthy(topics=two, samples=healthy().samples + left))
    assert finding.id == "kafka.group.unassigned"
    assert "no member subscribes to old" in finding.evidence[0]
    read = series("billing", (10, 500, 500), (5, 500, 500), (0, 500, 500), topic="old")
    assert ids(healthy(topics=two, samples=healthy().samples + read)) == []


def test_unknown_assignments_are_no_unassigned_partitions():
    connect = Group("billing", "classic", "Stable", (Member("w1", "connect", "h", None, None),))
    assert ids(healthy(groups={"billing": connect})) == []


def test_members_of_a_topic_that_is_gone_are_not_idle():
    lonely = Group("billing", "classic", "Stable", (member("m1", (), ("gone",)),))
    assert ids(healthy(groups={"billing": lonely}, samples=[])) == []


def test_idle_member():
    two = Group("billing", "classic", "Stable", (member(), member("m2", ())))
    finding = only(healthy(groups={"billing": two}))
    assert (finding.id, finding.severity) == ("kafka.group.idle_members", "P4")


def test_expired_and_ahead():
    expired = healthy(samples=series("billing", (5, 100, 900), (0, 100, 900)), earliest={("orders", 0): 900})
    finding = only(expired)
    assert (finding.id, finding.severity, finding.observed["records_lost"]) == ("kafka.offset.expired", "P1", 800)
    expired.groups = {"billing": EMPTY}
    assert only(expired).severity == "P2"
    ahead = healthy(samples=series("billing", (0, 900, 100)))
    assert only(ahead).id == "kafka.offset.ahead"


DAY = 86400.0


@pytest.mark.parametrize(
    ("days", "retention", "found"),
    [
        (4.9, 10080, []),
        (5.1, 10080, ["warning"]),
        (6.6, 10080, ["critical"]),
        (5.1, 525600, []),
        (5.1, None, []),
        (0.1, 180, ["warning"]),
    ],
)
def test_offsets_of_an_empty_group_that_will_expire(days, retention, found):
    snapshot = healthy(groups={"billing": EMPTY}, samples=series("billing", (0, 200, 200)), retention_minutes=retention)
    history = series("billing", (days * DAY, 200, 200))
    assert [finding.state for finding in judge(snapshot, SETTINGS, history)] == found
    moved = series("billing", (days * DAY, 150, 200), (60, 200, 200))
    assert judge(snapshot, SETTINGS, moved) == []


def test_decrease_against_history():
    snapshot = healthy(samples=series("billing", (0, 100, 900)))
    finding = only(snapshot, SETTINGS, series("billing", (300, 800, 850)))
    assert finding.id == "kafka.lag.rewound"
    assert ids(healthy(), SETTINGS, series("billing", (300, 800, 850))) == [], "recreated: the log end fell too"


def test_groups_of_the_new_protocol_are_judged_without_members():
    unknown = Group("billing", "consumer", "Stable", None)
    assert ids(healthy(groups={"billing": unknown}, samples=STOOD)) == ["kafka.lag.stalled"]
    empty = Group("billing", "consumer", "Empty", None)
    assert ids(healthy(groups={"billing": empty}, samples=STOOD)) == ["kafka.lag.stopped"]


def test_a_thousand_stopped_groups_fit_into_a_result():
    names = [f"group-{number:04d}" for number in range(1000)]
    snapshot = healthy(
        groups={name: Group(name, "classic", "Empty", ()) for name in names},
        samples=[Sample(NOW, name, "orders", 0, 100, 600 + number) for number, name in enumerate(names)],
    )
    found = judge(snapshot, SETTINGS)
    assert len(found) == 51
    rest = next(finding for finding in found if finding.component == "broker-house")
    assert (rest.id, rest.details["total"]) == ("kafka.lag.stopped", 950)
    assert found[0].details["group"] == "group-0999", "the largest lag is told in full"
    text = json.dumps([[finding.to_dict() for finding in found], summary(snapshot, SETTINGS, ())])
    assert len(text) < 512 * 1024


# Records


PINNED = {("orders", 0): [(NOW - 10, 150), (NOW - 5, 150), (NOW, 150)]}


def test_open_transaction_is_blamed_and_its_reader_is_not():
    snapshot = healthy(
        samples=series("billing", (10, 150, 600), (5, 150, 600), (0, 150, 600)),
        stable=PINNED,
        transactions=[Transaction("tx-1", 7, "Ongoing", int((NOW - 12) * 1000), 900_000, (("orders", 0),))],
    )
    finding = only(snapshot)
    assert (finding.id, finding.severity) == ("kafka.transaction.hanging", "P2")
    assert finding.details["transactional_ids"] == ["tx-1"]
    assert finding.details["groups"] == ["billing"]


def test_a_reader_behind_the_open_transaction_is_stalled_all_the_same():
    snapshot = healthy(samples=STOOD, stable=PINNED)
    assert ids(snapshot) == ["kafka.lag.stalled", "kafka.transaction.hanging"]


def test_transactions_that_come_and_go():
    moving = {("orders", 0): [(NOW - 10, 150), (NOW - 5, 160), (NOW, 170)]}
    young = [Transaction("tx-1", 7, "Ongoing", int((NOW - 12) * 1000), 60_000, (("orders", 0),))]
    assert ids(healthy(stable=moving, transactions=young)) == []


def test_old_transaction_without_any_reader():
    old = [Transaction("tx-1", 7, "Ongoing", int((NOW - 90) * 1000), 900_000, (("orders", 0),))]
    assert ids(healthy(transactions=old)) == ["kafka.transaction.hanging"]


def test_corrupt_record():
    snapshot = healthy(samples=STOOD, peeks=[Peek("orders", 0, 100, True, None, "failed crc check")])
    found = {finding.id: finding for finding in judge(snapshot, SETTINGS)}
    assert set(found) == {"kafka.lag.stalled", "kafka.record.corrupt"}
    record = found["kafka.record.corrupt"]
    assert record.details == {"records": [{"topic": "orders", "partition": 0, "offset": 100}], "groups": ["billing"]}
    assert record.remedies[-1].risk == "destructive"


@pytest.mark.parametrize(
    ("age", "state"), [(599, None), (601, "warning"), (3601, "critical"), (None, "critical"), ("unread", None)]
)
def test_busy_topic(age, state):
    stamp = -1 if age is None else int((NOW - age) * 1000) if age != "unread" else None
    newest = {} if stamp is None else {("orders", 0): stamp}
    found = judge(healthy(newest_ms=newest), settings(busy_topics=("orders",)))
    assert [finding.state for finding in found] == ([state] if state else [])
    assert judge(healthy(newest_ms=newest), SETTINGS) == []
