# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a group has to handle and what one of its members can: the numbers that a scale-out is computed from."""

from __future__ import annotations

import pytest
from ansible_collections.incident.response.plugins.module_utils.core.kafka_group_lag import GroupLag
from ansible_collections.incident.response.plugins.module_utils.core.kafka_lag import PartitionLag
from ansible_collections.incident.response.plugins.module_utils.core.kafka_load import GroupLoad, group_load
from ansible_collections.incident.response.plugins.module_utils.core.kafka_snapshot import Group, Member

TOPIC = "mail-out"


def group(members: list[list[int] | None] | None, *rows: tuple[str, float | None, float | None]) -> GroupLag:
    """members: which partitions each has. rows: verdict, consumed and produced a second of each partition."""
    parts = {
        (TOPIC, index): PartitionLag(verdict, "", consumed_per_second=consumed, produced_per_second=produced)
        for index, (verdict, consumed, produced) in enumerate(rows)
    }
    known = None if members is None else tuple(
        Member(f"m{n}", "app", "host", None if own is None else tuple((TOPIC, index) for index in own))
        for n, own in enumerate(members)
    )  # fmt: skip
    return GroupLag(Group("mails", "classic", "Stable", known), parts)


SLOW2 = (("slow", 6.0, 10.0), ("slow", 6.0, 10.0), ("ok", 10.0, 10.0))


def test_what_a_member_can_is_what_a_busy_one_does() -> None:
    load = group_load(group([[0, 1], [2]], *SLOW2))
    assert load == GroupLoad(3, arrival=30.0, consumed=22.0, busy=1, capacity=12.0, relievable=1)


def test_who_has_one_partition_can_give_none_away() -> None:
    load = group_load(group([[0], [1], [2]], ("slow", 4.0, 10.0), ("slow", 5.0, 10.0), ("slow", 3.0, 10.0)))
    assert (load.busy, load.relievable, load.capacity) == (3, 0, 4.0)


def test_one_that_catches_up_is_busy_too() -> None:
    assert group_load(group([[0], [1]], ("catching_up", 9.0, 5.0), ("slow", 7.0, 8.0))).capacity == 8.0


@pytest.mark.parametrize(
    ("rows", "bound"),
    [
        ([("slow", 5.0, 10.0), ("slow", 5.2, 10.0), ("slow", 4.8, 10.0)], 5.0),
        ([("slow", 6.0, 10.0), ("slow", 6.0, 10.0), ("slow", 11.5, 14.0)], None),
        ([("slow", 5.0, 10.0), ("slow", 5.0, 10.0), ("ok", 5.0, 5.0)], None),
        ([("slow", 0.0, 10.0), ("slow", 0.0, 10.0), ("slow", 0.0, 10.0)], None),
    ],
    ids=["each partition the same", "each member the same", "one has nothing to do", "nothing moves"],
)
def test_whether_the_limit_is_in_the_partition_or_in_the_member(
    rows: list[tuple[str, float | None, float | None]], bound: float | None
) -> None:
    found = group_load(group([[0, 1], [2]], *rows)).bound
    assert found == (pytest.approx(bound) if bound else None)


@pytest.mark.parametrize("members", [None, [], [None, [2]]], ids=["may not be read", "nobody", "another protocol"])
def test_who_reads_what_may_be_unknown(members: list[list[int] | None] | None) -> None:
    load = group_load(group(members, *SLOW2))
    assert (load.arrival, load.busy, load.capacity, load.relievable, load.bound) == (30.0, None, None, None, None)


def test_a_part_of_a_sum_is_no_sum() -> None:
    load = group_load(group([[0, 1]], ("slow", 6.0, None), ("slow", None, 10.0)))
    assert (load.arrival, load.consumed, load.capacity, load.busy) == (None, None, None, 1)
    assert load.to_dict()["arrival"] is None


def test_partitions_that_nobody_has_count() -> None:
    one = group([[0]], ("ok", 1.0, 1.0))
    more = GroupLag(one.group, one.partitions, unassigned=((TOPIC, 0), (TOPIC, 7)))
    assert group_load(more).partitions == 2
