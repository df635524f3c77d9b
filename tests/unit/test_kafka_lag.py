# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdict on one partition, rule by rule and at the edges."""

from __future__ import annotations

import itertools

import pytest
from ansible_collections.incident.response.plugins.module_utils.core.kafka_lag import (
    CATCHING_UP,
    NEVER_COMMITTED,
    OK,
    REWOUND,
    SLOW,
    STALLED,
    STOPPED,
    UNKNOWN,
    VERDICTS,
    LagRules,
    LagSample,
    Membership,
    judge_partition,
    window_of,
    worst,
)

RULES = LagRules(allowed=10, commit_interval=5.0)
BUSY = Membership(members=2, state="Stable")
NOBODY = Membership(members=0, state="Empty")
KIP848 = Membership(members=None, state="Stable")


def look(*rows: tuple) -> list[LagSample]:
    """(at, committed, end) rows."""
    return [LagSample(*row) for row in rows]


def verdict(rows, membership=BUSY, **more):
    samples = look(*rows)
    more.setdefault("now", samples[-1].at if samples else 0)
    return judge_partition(samples, rules=RULES, membership=membership, **more)


CASES = {
    # 0: what is within the allowed right now
    "nothing to read": ([(0, 100, 100), (5, 100, 100), (10, 100, 100)], BUSY, OK),
    "idle topic, one sample": ([(0, 100, 100)], BUSY, OK),
    "idle topic, nobody there": ([(0, 100, 100)], NOBODY, OK),
    "exactly the allowed lag": ([(0, 90, 100), (5, 90, 100), (10, 90, 100)], BUSY, OK),
    "one more than allowed": ([(0, 89, 100), (5, 89, 100), (10, 89, 100)], BUSY, STALLED),
    "one control record of a transaction": ([(0, 99, 100), (5, 99, 100), (10, 99, 100)], BUSY, OK),
    "committed ahead of an end that was read before": ([(0, 120, 100)], BUSY, OK),
    # 1: rewound
    "set back": ([(0, 500, 500), (5, 100, 500), (10, 100, 500)], BUSY, REWOUND),
    "set back and partly read again": ([(0, 500, 500), (5, 100, 500), (10, 300, 500)], BUSY, REWOUND),
    "set back and recovered": ([(0, 300, 500), (5, 100, 500), (10, 400, 500)], BUSY, CATCHING_UP),
    "set back and all read again": ([(0, 500, 500), (5, 100, 500), (10, 500, 500)], BUSY, OK),
    "set back within the allowed": ([(0, 500, 500), (5, 495, 500)], BUSY, OK),
    "set back, nobody there": ([(0, 500, 500), (5, 100, 500)], NOBODY, REWOUND),
    # 2: nobody reads
    "no members, one sample": ([(0, 100, 200)], NOBODY, STOPPED),
    "no members, lag was zero before": ([(0, 100, 100), (5, 100, 200)], NOBODY, STOPPED),
    "dead group": ([(0, 100, 200)], Membership(0, "Dead"), STOPPED),
    "no members, but commits advance (a reader without membership)": (
        [(0, 100, 500), (5, 200, 500), (10, 300, 500)],
        NOBODY,
        CATCHING_UP,
    ),
    "new protocol, empty": ([(0, 100, 200)], Membership(None, "Empty"), STOPPED),
    "members not known, state not known": ([(0, 100, 200)], Membership(None, "Unknown"), UNKNOWN),
    "between two assignments": ([(0, 100, 200)], Membership(0, "PreparingRebalance"), UNKNOWN),
    # 4: was within the allowed during the window
    "a burst just came": ([(0, 100, 100), (5, 100, 100), (10, 100, 900)], BUSY, OK),
    "lag was zero once": ([(0, 100, 100), (5, 100, 300), (10, 100, 300)], BUSY, OK),
    # 5: stalled
    "stands still": ([(0, 100, 200), (5, 100, 200), (10, 100, 200)], BUSY, STALLED),
    "stands still while records arrive": ([(0, 100, 200), (5, 100, 300), (10, 100, 400)], BUSY, STALLED),
    "stands still, members not known": ([(0, 100, 200), (5, 100, 200), (10, 100, 200)], KIP848, STALLED),
    "stands still, but not for long": ([(0, 100, 200), (2, 100, 200), (4, 100, 200)], BUSY, UNKNOWN),
    "one sample": ([(0, 100, 200)], BUSY, UNKNOWN),
    "two samples far enough apart": ([(0, 100, 200), (10, 100, 200)], BUSY, STALLED),
    # 6: slow and catching up
    "lag grows": ([(0, 100, 300), (5, 150, 500), (10, 200, 700)], BUSY, SLOW),
    "lag stays, far more than one commit explains": ([(0, 100, 5000), (5, 150, 5050), (10, 200, 5100)], BUSY, SLOW),
    "keeps up, commits every 5 s": ([(0, 1000, 1400), (5, 1500, 1900), (10, 2000, 2400)], BUSY, OK),
    "keeps up, and the looks fall ever later after a commit": (
        [(0, 1000, 1050), (5, 1450, 1550), (10, 1850, 2050)],
        BUSY,
        OK,
    ),
    "falls behind by more than what arrives between two commits": (
        [(0, 1000, 1050), (5, 1200, 1550), (10, 1400, 2050)],
        BUSY,
        SLOW,
    ),
    "lag falls": ([(0, 100, 1000), (5, 300, 1000), (10, 500, 1000)], BUSY, CATCHING_UP),
    "lag falls although much arrives": ([(0, 0, 1000), (5, 500, 1200), (10, 1000, 1400)], BUSY, CATCHING_UP),
    "lag rose and falls now": ([(0, 100, 200), (5, 110, 900), (10, 500, 910)], BUSY, CATCHING_UP),
    "lag falls by next to nothing": ([(0, 0, 9_000_000), (5, 1, 9_000_000), (10, 2, 9_000_000)], BUSY, SLOW),
    "advances once, then stands": ([(0, 100, 300), (5, 150, 600), (10, 150, 900)], BUSY, SLOW),
}


@pytest.mark.parametrize(("rows", "membership", "expected"), CASES.values(), ids=CASES.keys())
def test_verdict(rows, membership, expected):
    assert verdict(rows, membership).verdict == expected


@pytest.mark.parametrize("order", list(itertools.permutations(range(3))))
def test_order_of_samples_does_not_matter(order):
    rows = [(0, 100, 300), (5, 150, 500), (10, 200, 700)]
    assert verdict([rows[index] for index in order], now=10).verdict == SLOW


def test_repeated_samples_count_once():
    rows = [(0, 100, 200), (0, 100, 200), (10, 100, 200), (10, 100, 200)]
    assert verdict(rows).verdict == STALLED


def commits(*rows: tuple) -> list[LagSample]:
    """(time, committed, lag) as a recorder of commits keeps them."""
    return [LagSample(at=at, offset=offset, lag=lag) for at, offset, lag in rows]


GROWING = commits((100, 1000, 0), (200, 2000, 50), (300, 3000, 100), (400, 4000, 150), (500, 5000, 200))
NEVER_ZERO = commits((100, 1000, 50), (200, 2000, 100), (300, 3000, 150), (400, 4000, 200), (500, 5000, 250))
STANDING = commits((100, 1000, 100), (200, 1000, 150), (300, 1000, 200), (400, 1000, 250), (500, 1000, 300))
STANDING_AFTER_ZERO = commits((100, 1000, 0), (200, 1000, 50), (300, 1000, 100), (400, 1000, 150), (500, 1000, 200))
READ_ALL = commits(*((618 + number, 79 + number, 0) for number in range(15)))

RECORDED = {
    "zero once, growing since": (GROWING, 5200, 600, (), OK),
    "last commit exactly as long ago as commits span": (GROWING, 5200, 900, (), OK),
    "last commit longer ago than commits span": (GROWING, 5200, 1000, (), STOPPED),
    "the same, lag never zero": (NEVER_ZERO, 5250, 1000, (), STOPPED),
    "advances, lag never falls": (NEVER_ZERO, 5250, 600, (), SLOW),
    "stands, zero once": (STANDING_AFTER_ZERO, 1200, 600, (), OK),
    "stands, never zero": (STANDING, 1300, 600, (), STALLED),
    "no lag any more": (NEVER_ZERO, 5000, 1000, (), OK),
    "read all, then records came and no commit": (READ_ALL, 1024, 650, (1024, 1000, 800), STOPPED),
    "read all, and a record came just now": (READ_ALL, 94, 650, (94, 93, 93), OK),
}


@pytest.mark.parametrize(("samples", "end", "now", "ends", "expected"), RECORDED.values(), ids=RECORDED.keys())
def test_recorded_commits(samples, end, now, ends, expected):
    found = judge_partition(samples, end=end, now=now, recent_ends=ends, rules=LagRules(allowed=0), membership=BUSY)
    assert found.verdict == expected


def test_lag_was_zero_recently_excuses_the_age_of_the_last_commit():
    quiet = judge_partition(READ_ALL, end=94, now=650, recent_ends=(93,), rules=LagRules(allowed=0), membership=BUSY)
    assert quiet.verdict == OK


@pytest.mark.parametrize(
    ("produced", "consumed", "eta"),
    [(0, 100, 5.0), (50, 100, 10.0), (99, 100, 500.0)],
)
def test_eta_is_lag_over_the_rate_at_which_it_falls(produced, consumed, eta):
    start, seconds = 500 + 10 * (consumed - produced), 10
    rows = [(at, consumed * at, start + produced * at) for at in (0, 5, seconds)]
    found = verdict(rows)
    assert (found.verdict, found.lag) == (CATCHING_UP, 500)
    assert found.eta_seconds == pytest.approx(eta)
    assert found.produced_per_second == pytest.approx(produced)
    assert found.consumed_per_second == pytest.approx(consumed)


def test_no_eta_where_nothing_falls():
    assert verdict([(0, 100, 300), (5, 150, 500), (10, 200, 700)]).eta_seconds is None


@pytest.mark.parametrize("interval", [1.0, 5.0, 30.0, 60.0])
def test_stalled_needs_twice_the_commit_interval(interval):
    rules = LagRules(allowed=10, commit_interval=interval)
    long = look((0, 1, 100), (2 * interval, 1, 100))
    short = look((0, 1, 100), (1.9 * interval, 1, 100))
    assert judge_partition(long, now=2 * interval, rules=rules, membership=BUSY).verdict == STALLED
    found = judge_partition(short, now=1.9 * interval, rules=rules, membership=BUSY)
    assert found.verdict == UNKNOWN
    assert "twice the commit interval" in found.reason


# Offsets that are not plain


def test_never_committed_is_a_state_of_its_own():
    found = verdict([(0, None, 500), (5, None, 500), (10, None, 500)], earliest=0)
    assert (found.verdict, found.commit, found.lag) == (UNKNOWN, NEVER_COMMITTED, None)
    assert "never committed" in found.reason


@pytest.mark.parametrize(
    ("rows", "earliest", "membership", "expected"),
    [
        ([(0, None, 0)], 0, BUSY, OK),
        ([(0, None, 500)], 500, BUSY, OK),
        ([(0, None, 5)], 0, BUSY, OK),
        ([(0, None, 100), (5, None, 200), (10, None, 300)], 0, BUSY, STALLED),
        ([(0, None, 100), (2, None, 200), (4, None, 300)], 0, BUSY, UNKNOWN),
        ([(0, None, 100), (5, None, 200), (10, None, 300)], 0, NOBODY, UNKNOWN),
        ([(0, None, 100), (5, None, 200), (10, None, 300)], 0, KIP848, UNKNOWN),
        ([(0, -1, 100), (10, -1, 100)], 0, BUSY, UNKNOWN),
        ([(0, None, None)], None, BUSY, UNKNOWN),
    ],
)
def test_never_committed(rows, earliest, membership, expected):
    assert verdict(rows, membership, earliest=earliest).verdict == expected


def test_first_commit_within_the_window():
    assert verdict([(0, None, 500), (5, 100, 500), (10, 200, 500)]).verdict == CATCHING_UP


def test_log_end_unknown():
    found = verdict([(0, 100, None), (5, 100, None)])
    assert found.verdict == UNKNOWN
    assert "log end" in found.reason


def test_records_that_retention_deleted_do_not_wait():
    found = verdict([(0, 100, 1000)], NOBODY, earliest=1000)
    assert (found.verdict, found.lag) == (OK, 0)
    assert "900 of the records were deleted" in found.reason
    assert verdict([(0, 100, 1000)], NOBODY, earliest=900).lag == 100


def test_recreated_topic_forgets_the_old_one():
    rows = [(0, 5000, 5000), (5, 5000, 5000), (10, 20, 60)]
    found = verdict(rows)
    assert found.verdict == UNKNOWN, "the old topic's offsets prove neither a rewind nor a stall"
    assert found.lag == 40


def test_recreated_topic_seen_through_the_end_alone():
    found = judge_partition(look((0, 5000, 5000)), end=60, now=5, rules=RULES, membership=BUSY)
    assert (found.verdict, found.lag) == (OK, 0)


@pytest.mark.parametrize("end", [0, 1, 99, 100])
def test_lag_is_never_negative(end):
    assert verdict([(0, 100, end), (5, 100, end)]).lag == 0


def test_no_sample_at_all():
    assert judge_partition([], now=0).verdict == UNKNOWN


def test_huge_offsets():
    big = 2**62
    assert verdict([(0, big, big + 100), (10, big, big + 100)]).verdict == STALLED


# What of the past belongs to the window


def test_fresh_samples_alone_where_they_span_enough():
    fresh = look((100, 10, 500), (110, 10, 500))
    assert window_of(fresh, look((0, 10, 10)), RULES) == fresh


def test_history_makes_a_short_window_long_enough():
    fresh, past = look((300, 10, 500)), look((0, 10, 400))
    window = window_of(fresh, past, RULES)
    assert judge_partition(window, now=300, rules=RULES, membership=BUSY).verdict == STALLED


def test_history_shows_that_it_advances():
    window = window_of(look((300, 200, 500)), look((0, 10, 400)), RULES)
    assert judge_partition(window, now=300, rules=RULES, membership=BUSY).verdict == CATCHING_UP


def test_an_old_zero_hides_nothing():
    fresh = look((300, 400, 900))
    window = window_of(fresh, look((0, 400, 400)), RULES)
    assert window == fresh
    assert judge_partition(window, now=300, rules=RULES, membership=BUSY).verdict == UNKNOWN


def test_rewind_against_history_is_seen_with_a_full_fresh_window():
    fresh, past = look((300, 100, 900), (310, 100, 900)), look((0, 800, 800))
    window = window_of(fresh, past, RULES)
    assert judge_partition(window, now=310, rules=RULES, membership=BUSY).verdict == REWOUND


def test_history_from_the_future_is_passed_over():
    fresh = look((100, 10, 500))
    assert window_of(fresh, look((200, 900, 900)), RULES) == fresh


def test_history_is_bounded():
    past = look(*((at, 1, 500) for at in range(1000)))
    rules = LagRules(allowed=10, commit_interval=10_000)
    assert len(window_of(look((2000, 1, 500)), past, rules)) == 10


def test_nothing_fresh_nothing_judged():
    assert window_of([], look((0, 1, 500)), RULES) == []


# The group


@pytest.mark.parametrize(
    ("verdicts", "expected"),
    [([], OK), ([OK, OK], OK), ([OK, CATCHING_UP], CATCHING_UP), ([SLOW, STALLED, OK], STALLED), (VERDICTS, STOPPED)],
)
def test_a_group_is_as_bad_as_its_worst_partition(verdicts, expected):
    assert worst(verdicts) == expected


@pytest.mark.parametrize("members", [None, 0, 2])
@pytest.mark.parametrize("state", ["", "Stable", "Empty", "Dead", "PreparingRebalance", "of a newer broker"])
def test_every_input_gets_a_verdict(members, state):
    offsets = itertools.product((None, -1, 0, 50, 200), repeat=2)
    ends = [(None, None), (0, 100), (100, 100), (100, 0), (100, 300)]
    for offset, end, earliest in itertools.product(offsets, ends, (None, 0, 100)):
        rows = [LagSample(float(10 * number), offset[number], end[number]) for number in range(2)]
        found = judge_partition(rows, now=20, earliest=earliest, rules=RULES, membership=Membership(members, state))
        assert found.verdict in VERDICTS
        assert found.lag is None or found.lag >= 0
        assert found.reason
        assert found.verdict not in (STOPPED, STALLED, SLOW, REWOUND) or found.lag > RULES.allowed
