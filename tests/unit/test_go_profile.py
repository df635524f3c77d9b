# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Profiles and texts of Go programs: read as what they are, told apart from what they are not, kept without secrets."""

from __future__ import annotations

import gzip
import pathlib
import random

import pytest
from ansible_collections.incident.response.plugins.module_utils.core import go_profile, go_wire
from ansible_collections.incident.response.plugins.module_utils.core.go_metrics import (
    LONGEST_LINE,
    Lines,
    flatten,
    is_page,
)
from ansible_collections.incident.response.plugins.module_utils.core.go_profile import ProfileError
from ansible_collections.incident.response.plugins.module_utils.core.go_stacks import (
    CONNECT,
    LOCK,
    NETWORK,
    OWN,
    POOL,
    REDIS,
    SLEEP,
    Stack,
    StackError,
    by_wait,
    grown,
    parse_reasons,
    parse_stacks,
    waits_on,
)
from go_made import Builder

FIXTURES = pathlib.Path(__file__).parent / "fixtures" / "go"
CANARY = "hunter2canary"


# The wire


@pytest.mark.parametrize("number", [0, 1, 127, 128, 300, 1 << 31, (1 << 63) - 1, (1 << 64) - 1])
def test_numbers_survive_the_wire(number: int) -> None:
    data = go_wire.write_varint(number)
    assert go_wire.varint(data, 0) == (number, len(data))


def test_a_negative_number_is_written_as_go_writes_it() -> None:
    assert go_wire.signed(go_wire.varint(go_wire.write_varint(-5), 0)[0]) == -5


@pytest.mark.parametrize(
    "data",
    [b"\xff" * 12, b"\x0a\x05ab", b"\x08", b"\x00\x01", b"\x0b\x01", b"\x09\x01", b"\x0a\xff\xff\xff\xff\x0f"],
)
def test_what_is_no_message_is_an_error_and_no_crash(data: bytes) -> None:
    with pytest.raises(go_wire.WireError):
        list(go_wire.fields(data))


def test_fixed_numbers_are_passed_over() -> None:
    assert list(go_wire.fields(b"\x09" + b"x" * 8 + b"\x0d" + b"y" * 4 + b"\x10\x07")) == [
        (1, b"x" * 8),
        (1, b"y" * 4),
        (2, 7),
    ]


# Profiles


def profile() -> Builder:
    built = Builder(("alloc_objects", "count"), ("alloc_space", "bytes"), ("inuse_space", "bytes"))
    built.sample(["runtime.makeslice", "main.remember", "main.handle"], [1, 900, 700])
    built.sample(["main.remember", "main.other"], [1, 200, 200])
    built.sample(["main.handle"], [1, 50, 50])
    built.sample(["main.freed"], [9, 9000, 0])
    return built


def test_holders_are_functions_by_what_they_hold_themselves() -> None:
    found = go_profile.holders(go_profile.read(profile().packed()))
    assert [(h.function, h.flat, h.cum, h.caller) for h in found] == [
        ("main.remember", 900, 900, "main.handle"),
        ("main.handle", 50, 750, ""),
    ]
    assert go_profile.total(go_profile.read(profile().packed())) == 950


def test_the_column_is_taken_by_name_and_a_missing_one_is_said() -> None:
    other = Builder(("inuse_space", "bytes"), ("alloc_space", "bytes"))
    other.sample(["main.a"], [5, 100])
    assert go_profile.holders(go_profile.read(other.packed()))[0].flat == 5
    with pytest.raises(ProfileError, match="no inuse_space, only goroutine"):
        go_profile.total(go_profile.read(Builder(("goroutine", "count")).packed()))


def test_recursion_counts_once() -> None:
    built = Builder()
    built.sample(["main.f", "main.f", "main.f"], [10, 10])
    assert go_profile.holders(go_profile.read(built.packed()))[0].cum == 10


def test_growth_is_named_by_function_and_without_what_shrank() -> None:
    assert go_profile.growth({"a": 10, "b": 50}, {"a": 40, "b": 20, "c": 5}) == [("a", 30), ("c", 5)]


def test_a_profile_of_a_real_program_is_read() -> None:
    found = go_profile.read((FIXTURES / "heap.pb.gz").read_bytes())
    assert [name for name, _unit in found.types] == ["alloc_objects", "alloc_space", "inuse_objects", "inuse_space"]
    top = go_profile.holders(found)[0]
    assert top.function == "lab/services/internal/faults.leakMemory"
    assert top.caller == "lab/services/internal/faults.(*Leaks).keepChunk"
    assert top.flat == 32_742_809, "as `go tool pprof -raw` says"
    assert found.at > 1.7e9


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (b"<!DOCTYPE html><html>login</html>", "html"),
        (b"\n <HTML>", "html"),
        (b"", "not_gzip"),
        (b"heap profile: 1: 2 [3: 4] @ heap/1048576", "not_gzip"),
        (profile().packed()[:-9], "truncated"),
        (profile().packed()[:40], "truncated"),
        (profile().packed()[:30] + b"\xff\xff\xff" + profile().packed()[33:], "damaged"),
        (gzip.compress(b""), "not_profile"),
        (gzip.compress(b"hello, this is text"), "not_profile"),
        (gzip.compress(go_wire.write_field(1, go_wire.write_field(1, 99))), "not_profile"),
        (gzip.compress(b"\0" * (go_profile.LIMIT + 1)), "too_large"),
    ],
)
def test_what_is_no_profile_is_told_apart(data: bytes, kind: str) -> None:
    with pytest.raises(ProfileError) as caught:
        go_profile.read(data)
    assert caught.value.kind == kind
    with pytest.raises(ProfileError):
        go_profile.stripped(data)


def test_a_bomb_is_not_unpacked_beyond_the_limit() -> None:
    bomb = gzip.compress(b"\0" * 50_000_000)
    with pytest.raises(ProfileError, match=r"more than 1000 bytes"):
        go_profile.unpack(bomb, 1000)


def test_damage_anywhere_is_an_error_or_a_profile_but_never_a_crash() -> None:
    plain = profile().plain()
    dice = random.Random(7)
    for _turn in range(600):
        broken = bytearray(plain)
        for _change in range(dice.randint(1, 4)):
            broken[dice.randrange(len(broken))] = dice.randrange(256)
        for action in (go_profile.read, go_profile.stripped):
            try:
                action(gzip.compress(bytes(broken), 1))
            except ProfileError as error:
                assert error.kind == "not_profile"


# What is kept


def test_labels_and_comments_are_not_kept_and_everything_else_is() -> None:
    built = profile()
    built.sample(["main.job"], [1, 30, 30], {"user": CANARY, CANARY: "x"})
    built.out += go_wire.write_field(13, built.text(f"started with {CANARY}"))
    built.out += go_wire.write_field(15, built.text(f"https://{CANARY}.example.com"))
    assert CANARY.encode() in built.plain()
    kept = go_profile.stripped(built.packed())
    assert CANARY.encode() not in gzip.decompress(kept)
    assert go_profile.read(kept) == go_profile.read(built.packed())
    assert go_profile.stripped(kept) == kept, "once more changes nothing"


def test_the_size_of_objects_stays_with_a_sample() -> None:
    plain = gzip.decompress(go_profile.stripped(profile().packed()))
    samples = [value for number, value in go_wire.fields(plain) if number == go_profile.SAMPLE]
    assert all(3 in dict(go_wire.fields(value)) for value in samples if isinstance(value, bytes))
    assert b"bytes" in plain


# Goroutines


def stacks(name: str = "pgxpool.debug1.txt") -> list[Stack]:
    return parse_stacks((FIXTURES / name).read_text())[1]


def test_stacks_of_a_real_program_are_grouped_by_what_they_wait_on() -> None:
    total, found = parse_stacks((FIXTURES / "pgxpool.debug1.txt").read_text())
    assert total == sum(stack.count for stack in found)
    waits = dict(by_wait(found))
    assert waits[POOL] == 10, "in semaphore.Acquire of a pool with all its connections taken"
    assert waits[CONNECT] == 2
    assert waits[NETWORK] >= 3
    assert next(stack for stack in found if stack.waits_on == POOL).where == "main.work"


def test_states_of_a_real_program_are_counted() -> None:
    found = {reason.state: reason for reason in parse_reasons((FIXTURES / "pgxpool.debug2.txt").read_text())}
    assert found["running"].count == 1
    assert found["select"].count >= 5
    assert found["IO wait"].minutes == 0


def test_minutes_labels_and_locked_threads_of_a_state() -> None:
    text = (
        "goroutine 1 [chan receive, 12 minutes]:\nmain.a()\n\n"
        "goroutine 2 [chan receive, 3 minutes, locked to thread]:\n\n"
        f"goroutine 3 [select] {{user: {CANARY}}}:\n\n"
    )
    found = parse_reasons(text)
    assert [(row.state, row.count, row.minutes) for row in found] == [("chan receive", 2, 12), ("select", 1, 0)]
    assert CANARY not in repr(found)


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        (("database/sql.(*DB).conn", "database/sql.(*DB).query"), POOL),
        (("net.(*netDialer).dial", "database/sql.(*DB).conn"), NETWORK),
        (("database/sql.(*DB).connectionOpener",), OWN),
        (("golang.org/x/sync/semaphore.(*Weighted).Acquire", "github.com/jackc/puddle/v2.(*Pool[...]).acquire"), POOL),
        (("golang.org/x/sync/semaphore.(*Weighted).Acquire", "main.limit"), LOCK),
        (("github.com/jackc/puddle/v2.(*Pool[...]).initResourceValue",), CONNECT),
        (("sync.runtime_notifyListWait", "sync.(*Cond).Wait", "github.com/jackc/puddle.(*Pool).Acquire"), POOL),
        (("github.com/redis/go-redis/v9/internal/pool.(*ConnPool).waitTurn", "main.get"), REDIS),
        (("internal/poll.runtime_pollWait", "net.(*conn).Read"), NETWORK),
        (("sync.runtime_SemacquireMutex", "sync.(*Mutex).lockSlow"), LOCK),
        (("time.Sleep", "main.wait"), SLEEP),
        (("main.worker",), OWN),
        ((), "the runtime"),
    ],
)
def test_what_a_stack_waits_on(frames: tuple[str, ...], expected: str) -> None:
    assert waits_on(frames) == expected


@pytest.mark.parametrize(
    ("frames", "expected"),
    [
        (("sync.(*Mutex).Lock", "github.com/acme/shop/cart.(*Cart).Add", "net/http.serve"),
         "github.com/acme/shop/cart.(*Cart).Add"),
        (("golang.org/x/sync/semaphore.(*Weighted).Acquire", "github.com/jackc/puddle/v2.(*Pool[...]).acquire",
          "main.work"), "main.work"),
        (("lab/services/internal/faults.leakGoroutine",), "lab/services/internal/faults.leakGoroutine"),
        (("net.(*conn).Read", "net/http.(*conn).serve"), "net/http.(*conn).serve"),
        ((), "?"),
    ],
)  # fmt: skip
def test_where_a_stack_is_the_programs_own(frames: tuple[str, ...], expected: str) -> None:
    assert Stack(1, frames).where == expected


def test_equal_stacks_with_other_labels_are_one_and_labels_are_not_kept() -> None:
    block = '{n} @ 0x1 0x2\n# labels: {{"user":"{user}"}}\n#\t0x1\tmain.job+0x1\t/a.go:1\n\n'
    text = "goroutine profile: total 5\n" + block.format(n=2, user=CANARY) + block.format(n=3, user="other")
    assert parse_stacks(text) == (5, [Stack(5, ("main.job",))])


@pytest.mark.parametrize("text", ["", "<html>", "404 page not found", "goroutine profiles: none"])
def test_what_is_no_goroutine_profile_is_an_error(text: str) -> None:
    with pytest.raises(StackError):
        parse_stacks(text)
    with pytest.raises(StackError):
        parse_reasons(text)


def test_damaged_lines_are_passed_over() -> None:
    text = "goroutine profile: total 2\nnonsense\n1 @ 0x1\n#\tno address\n\x00\n1 @\n#\t0x1\tmain.a+0x1\tf.go:1\n"
    assert parse_stacks(text) == (2, [Stack(1, ()), Stack(1, ("main.a",))])


def test_stacks_that_grew_come_first() -> None:
    before = [Stack(5, ("a",)), Stack(9, ("b",))]
    assert grown(before, [Stack(7, ("a",)), Stack(9, ("b",)), Stack(4, ("c",))]) == [Stack(4, ("c",)), Stack(2, ("a",))]


# Metrics


def kept(*chunks: bytes) -> list[str]:
    lines = Lines()
    for chunk in chunks:
        lines.feed(chunk)
    lines.close()
    return lines.kept


def test_only_wanted_lines_are_kept_however_they_are_cut() -> None:
    text = b'# HELP go_goroutines x\ngo_goroutines 5\nother_total 9\nprocess_open_fds 7 # {trace="x"} 1\r\n'
    expected = ["go_goroutines 5", "process_open_fds 7"]
    assert kept(text) == expected
    assert kept(*[text[place : place + 1] for place in range(len(text))]) == expected


def test_the_last_line_needs_no_end_and_a_line_without_end_costs_nothing() -> None:
    assert kept(b"go_goroutines 5") == ["go_goroutines 5"]
    lines = Lines()
    for _piece in range(200):
        lines.feed(b"x" * LONGEST_LINE)
    lines.feed(b"\ngo_threads 3\n")
    assert lines.kept == ["go_threads 3"]
    assert len(lines._rest) <= LONGEST_LINE


def test_a_million_series_are_passed_over() -> None:
    lines = Lines()
    block = b"".join(b'app_requests_total{user="%d"} 1\n' % number for number in range(10_000))
    for _piece in range(100):
        lines.feed(block)
    assert (lines.seen, lines.kept) == (1_000_000, [])


def test_samples_become_numbers_by_name() -> None:
    samples = [
        ("go_goroutines", {}, 5.0),
        ("go_gc_duration_seconds", {"quantile": "1"}, 0.5),
        ("go_gc_duration_seconds_count", {}, 7.0),
        ("go_sql_wait_count_total", {"db_name": "a"}, 2.0),
        ("go_sql_wait_count_total", {"db_name": "b"}, 3.0),
        ("go_info", {"version": "go1.26"}, 1.0),
        ("go_threads", {}, float("nan")),
        ("http_requests_total", {"status": "200"}, 10.0),
        ("http_requests_total", {"status": "500"}, 1.0),
        ("http_request_duration_seconds_count", {}, 99.0),
    ]
    assert flatten(samples) == {
        "go_goroutines": 5.0,
        "go_gc_duration_seconds_q1": 0.5,
        "go_gc_duration_seconds_count": 7.0,
        "go_sql_wait_count_total": 5.0,
        "requests": 11.0,
    }


@pytest.mark.parametrize(("head", "page"), [(b" <!DOCTYPE html>", True), (b"<html", True), (b"# HELP go_x", False)])
def test_a_page_is_no_exposition(head: bytes, page: bool) -> None:
    assert is_page(head) is page
