# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many replicas a load needs, and what allows no more."""

from __future__ import annotations

import itertools
import math

import pytest
from ansible_collections.incident.response.plugins.module_utils.core.kubernetes_dose import (
    MOST,
    Limits,
    Load,
    replicas_for,
)

FREE = Limits(most=100)


@pytest.mark.parametrize(
    ("load", "replicas"),
    [
        (Load(1, arrival=25, per_replica=10), 3),
        (Load(1, arrival=20, per_replica=10), 2),
        (Load(1, arrival=0.1 + 0.2, per_replica=0.1), 3),  # to a computer that is a bit more than 3
        (Load(2, arrival=20, per_replica=10, backlog=6000), 3),  # 10/s more for 600 s
        (Load(2, arrival=20, per_replica=10, backlog=6000, drain=300), 4),
        (Load(5, arrival=1, per_replica=10), 5),  # never fewer than now
        (Load(1, arrival=0, per_replica=10), 1),
    ],
)
def test_the_smallest_that_handles_the_load(load, replicas):
    dose = replicas_for(load, FREE)
    assert (dose.replicas, dose.limited_by) == (replicas, "")


@pytest.mark.parametrize("load", [Load(2), Load(2, arrival=100), Load(2, per_replica=10), Load(2, backlog=5000)])
def test_without_a_rate_it_is_one_more(load):
    dose = replicas_for(load, FREE)
    assert (dose.replicas, dose.needed) == (3, None)
    assert "not known" in dose.reasons[0]


def test_replicas_that_handle_nothing_are_not_multiplied():
    dose = replicas_for(Load(2, arrival=100, per_replica=0), FREE)
    assert dose.replicas == 2
    assert "handles nothing" in dose.reasons[0]


def test_at_most_three_unless_somebody_says_otherwise():
    dose = replicas_for(Load(1, arrival=100, per_replica=10), Limits())
    assert (MOST, dose.replicas, dose.needed, dose.limited_by) == (3, 3, 10, "most")
    assert replicas_for(Load(5, arrival=100, per_replica=10), Limits()).replicas == 5


@pytest.mark.parametrize(
    ("limits", "replicas", "name"),
    [
        (Limits(most=100, headroom=25, pool_size=10), 4, "postgresql_headroom"),
        (Limits(most=100, headroom=9, pool_size=10), 2, "postgresql_headroom"),
        (Limits(most=100, headroom=-4, pool_size=10), 2, "postgresql_headroom"),
        (Limits(most=100, headroom=9), 8, ""),  # nobody knows what a replica opens
        (Limits(most=100, partitions=3), 3, "partitions"),
        (Limits(most=100, partitions=1), 2, "partitions"),
        (Limits(most=100, fits=1), 3, "room"),
        (Limits(most=100, fits=-1), 2, "room"),
        (Limits(most=100, partitions=5, fits=1, headroom=100, pool_size=10), 3, "room"),
    ],
)
def test_what_allows_no_more_is_named_with_its_number(limits, replicas, name):
    dose = replicas_for(Load(2, arrival=80, per_replica=10), limits)
    assert (dose.replicas, dose.needed, dose.limited_by) == (replicas, 8, name)
    if name:
        assert f"{replicas} of the 8" in dose.reasons[-1] or "not one more" in dose.reasons[-1]


def test_no_dose_is_beyond_a_limit_or_below_now():
    """Whatever the numbers: never fewer than now, never more than needed, never more than each limit."""
    for current, arrival, room, parts in itertools.product((1, 2, 5), (0.0, 19.9, 1e6), (0, 1, 3), (None, 1, 4)):
        limits = Limits(most=7, fits=room, partitions=parts)
        dose = replicas_for(Load(current, arrival=arrival, per_replica=10.0), limits)
        assert current <= dose.replicas
        if dose.replicas > current:
            assert dose.replicas <= min(math.ceil(arrival / 10.0), 7, current + room, parts or 99)


@pytest.mark.parametrize(
    ("rate", "partitions", "needed"),
    [
        (12, 3, 3),  # 2 could handle 24/s, but one of them would have 2 of 3 partitions: 13.3/s
        (14, 3, 2),
        (12, 4, 2),
        (7, 7, 4),  # of 3 one would have 3 of 7 partitions: 8.6/s
        (5, 3, 4),  # more than there are partitions: told, and held back by them
        (12, None, 2),
    ],
)
def test_a_partition_is_read_by_one_consumer_as_a_whole(rate, partitions, needed):
    dose = replicas_for(Load(1, arrival=20, per_replica=rate), Limits(most=100, partitions=partitions))
    assert dose.needed == needed
    assert ("of the" in dose.reasons[0]) == (needed > math.ceil(20 / rate))


@pytest.mark.parametrize(
    "load",
    [Load(-1), Load(1, arrival=-1), Load(1, backlog=float("nan")), Load(1, per_replica=float("inf")), Load(1, drain=0)],
)
def test_nonsense_is_no_dose(load):
    with pytest.raises(ValueError, match="is"):
        replicas_for(load, Limits())
