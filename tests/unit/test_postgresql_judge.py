# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A PostgreSQL snapshot -> findings: every row of the catalogue with a twin in which only one thing is different."""

from __future__ import annotations

import json
import typing as t

import pytest
from ansible_collections.incident.response.plugins.module_utils.core.findings import Finding
from ansible_collections.incident.response.plugins.module_utils.core.postgresql_judge import judge
from ansible_collections.incident.response.plugins.module_utils.core.postgresql_settings import (
    Settings,
)
from ansible_collections.incident.response.plugins.module_utils.core.postgresql_snapshot import (
    Age,
    Answer,
    Counters,
    Limit,
    Pool,
    Pooler,
    PostgresqlSnapshot,
    Prepared,
    Replica,
    Slot,
    Slots,
    Space,
    Table,
    Unmeasured,
)
from ansible_collections.incident.response.plugins.module_utils.core.postgresql_summary import (
    activity_files,
    summary,
)
from ansible_collections.incident.response.plugins.module_utils.core.postgresql_words import WORDS, state_of
from postgresql_made import NOW, START, made, session, waiter

GIB = 1024**3


def ids(
    snapshot: PostgresqlSnapshot, settings: Settings | None = None, history: t.Sequence[Counters] = ()
) -> list[str]:
    found = judge(snapshot, settings or Settings(), history)
    assert len({finding.id for finding in found}) == len(found), "one finding for each id"
    return sorted(finding.id for finding in found)


def one(snapshot: PostgresqlSnapshot, name: str, settings: Settings | None = None) -> Finding:
    return next(finding for finding in judge(snapshot, settings or Settings()) if finding.id == name)


def refused(kind: str = "error", code: str = "", message: str = "", routine: str = "") -> PostgresqlSnapshot:
    return PostgresqlSnapshot(address="db1:5432", answer=Answer("db1:5432", kind, message, code, routine))


def test_a_healthy_server_has_nothing_to_find() -> None:
    everyone = [session(pid) for pid in range(10)] + [
        session(20, "active", 1.0),
        session(21, "idle in transaction", 3.0),
    ]
    assert ids(made(everyone)) == []


@pytest.mark.parametrize(
    ("snapshot", "expected"),
    [
        (refused("dns"), "postgresql.server.dns"),
        (refused("refused"), "postgresql.server.refused"),
        (refused("timeout"), "postgresql.server.timeout"),
        (refused("silent"), "postgresql.server.silent"),
        (refused("reset"), "postgresql.server.reset"),
        (refused("not_protocol"), "postgresql.server.not_postgresql"),
        (refused("tls"), "postgresql.server.tls"),
        (refused(code="57P03", message="the database system is starting up"), "postgresql.server.starting"),
        (refused(code="57P03", message="das Datenbanksystem startet"), "postgresql.server.starting"),
        (refused(code="57P03", message="the database system is in recovery mode"), "postgresql.server.recovering"),
        (refused(code="57P03", message="das Datenbanksystem fährt herunter"), "postgresql.server.shutting_down"),
        (refused(code="57P03", message="words that nobody knows"), "postgresql.server.starting"),
        (refused(code="28000", message="kein pg_hba.conf-Eintrag"), "postgresql.auth.rejected"),
        (refused(code="28P01"), "postgresql.auth.password"),
        (refused(code="3D000"), "postgresql.database.missing"),
        (refused(code="53300", routine="InitProcess"), "postgresql.connections.full"),
        (refused(code="53300", routine="InitPostgres"), "postgresql.connections.full"),
        (refused(code="53300", routine="InitializeSessionUserId"), "postgresql.connections.role_limit"),
        (refused(code="53300", routine="CheckMyDatabase"), "postgresql.connections.database_limit"),
        (refused(code="53100"), "postgresql.server.storage"),
        (refused(code="53200"), "postgresql.server.storage"),
        (refused(code="58P01"), "postgresql.server.storage"),
        (refused(code="XX001"), "postgresql.server.storage"),
        (refused(code="42704"), "postgresql.server.error"),
        (refused("unsupported", message="it wants GSS"), "postgresql.unmeasured"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_each_refusal_has_its_own_finding(snapshot: PostgresqlSnapshot, expected: str) -> None:
    assert ids(snapshot) == [expected]


@pytest.mark.parametrize("name", ["starting", "recovering"])
def test_nothing_suggests_to_restart_what_recovers(name: str) -> None:
    finding = judge(refused(code="57P03", message=WORDS[name][0]))[0]
    assert [remedy.risk for remedy in finding.remedies] == ["none"]


@pytest.mark.parametrize(("state", "words"), [(state, text) for state, texts in WORDS.items() for text in texts])
def test_every_language_says_the_same(state: str, words: str) -> None:
    assert state_of(f"FATAL:  {words}") == state


@pytest.mark.parametrize(
    ("used", "expected", "severity"),
    [(70, None, None), (78, "headroom", "P3"), (88, "headroom", "P2"), (94, "headroom", "P2"), (97, "full", "P1")],
)
def test_headroom(used: int, expected: str | None, severity: str | None) -> None:
    snapshot = made([session(pid, "active", 1.0) for pid in range(used)])
    found = judge(snapshot)
    assert [(f.id, f.severity) for f in found] == (
        [(f"postgresql.connections.{expected}", severity)] if expected else []
    )


@pytest.mark.parametrize(("capacity", "used", "found"), [(14, 11, False), (14, 12, True), (97, 77, False)])
def test_a_small_server_is_judged_by_its_part(capacity: int, used: int, found: bool) -> None:
    """The dose leaves a fifth of the slots free, and what it leaves must not be a finding again."""
    snapshot = made([session(pid, "active", 1.0) for pid in range(used)], maximum=capacity + 3)
    assert bool(ids(snapshot)) is found


def test_background_processes_use_no_slot() -> None:
    """12 clients and 17 rows in the view are no 142 %."""
    workers = [session(90 + n, "", kind=kind) for n, kind in enumerate(["checkpointer", "walwriter", "walsender"])]
    snapshot = made([*(session(pid) for pid in range(5)), *workers], maximum=12)
    assert ids(snapshot) == []


def test_reserved_slots_of_version_16_count() -> None:
    snapshot = made([session(pid, "active", 1.0) for pid in range(92)])
    assert ids(snapshot) == ["postgresql.connections.headroom"]
    snapshot.slots = Slots(100, 3, 5, 92, 0, 93)
    assert ids(snapshot) == ["postgresql.connections.full"]


def test_a_refusal_and_what_the_reserve_sees_are_one_finding() -> None:
    snapshot = made([session(pid) for pid in range(97)], reserve_used=True)
    snapshot.ordinary = Answer("db1:5432", "error", "remaining slots are reserved", "53300", "InitPostgres", True)
    assert ids(snapshot) == ["postgresql.connections.full", "postgresql.connections.idle"]
    full = one(snapshot, "postgresql.connections.full")
    assert any("53300" in line for line in full.evidence)
    assert full.observed == {"used": 97, "capacity": 97, "headroom": 0}


def test_idle_sessions_matter_only_where_slots_run_short() -> None:
    assert ids(made([session(pid) for pid in range(60)])) == []
    assert ids(made([session(pid) for pid in range(80)])) == [
        "postgresql.connections.headroom",
        "postgresql.connections.idle",
    ]


def test_idle_is_told_by_state_change_not_by_login() -> None:
    """Sessions of yesterday that did something a moment ago are at work."""
    lively = [session(pid, age=2.0, login_at=NOW - 90000) for pid in range(80)]
    assert ids(made(lively)) == ["postgresql.connections.headroom"]


@pytest.mark.parametrize(("seconds", "found"), [(299.0, False), (301.0, True)])
def test_idle_age_is_a_border(seconds: float, found: bool) -> None:
    snapshot = made([session(pid, age=seconds) for pid in range(80)])
    assert ("postgresql.connections.idle" in ids(snapshot)) is found


def test_protected_sessions_are_counted_out_of_what_may_go() -> None:
    everyone = [session(pid) for pid in range(70)] + [session(100 + pid, advisory=True) for pid in range(10)]
    assert one(made(everyone), "postgresql.connections.idle").details == {"idle": 80, "endable": 70}


def test_a_transaction_that_blocks_is_to_blame_not_its_waiters() -> None:
    root = session(1, "idle in transaction", 20.0, wrote=True)
    waiting = [session(10 + n, "active", 18.0, wait_type="Lock") for n in range(10)]
    snapshot = made([root, *waiting], waiters=[waiter(10 + n, 1, age=18.0) for n in range(10)])
    assert ids(snapshot) == ["postgresql.transaction.idle"]
    finding = one(snapshot, "postgresql.transaction.idle")
    assert finding.state == "critical" and finding.observed["blocked"] == 10
    assert [root["pid"] for root in finding.details["roots"]] == [1]


@pytest.mark.parametrize(("age", "blocks", "found"), [(14, True, 0), (16, True, 1), (1700, False, 0), (1900, False, 1)])
def test_how_old_a_transaction_may_be(age: float, blocks: bool, found: int) -> None:
    waiters = [waiter(2, 1, age=5.0)] if blocks else []
    everyone = [session(1, "idle in transaction (aborted)", age), session(2, "active", 5.0, wait_type="Lock")]
    assert len(ids(made(everyone, waiters=waiters))) == found


def test_only_the_root_of_a_chain_is_blamed() -> None:
    """C waits for B, B waits for A."""
    chain = [session(1, "active", 300.0), session(2, "active", 290.0, wait_type="Lock")]
    chain.append(session(3, "active", 280.0, wait_type="Lock"))
    snapshot = made(chain, waiters=[waiter(2, 1), waiter(3, 2)])
    assert ids(snapshot) == ["postgresql.locks.blocked"]
    finding = one(snapshot, "postgresql.locks.blocked")
    assert [root["pid"] for root in finding.details["roots"]] == [1]
    assert "pid 1 " in finding.summary and "2 sessions wait" in finding.summary


@pytest.mark.parametrize(("age", "count", "found"), [(59, 1, False), (61, 1, True), (5, 5, False), (5, 6, True)])
def test_how_long_and_how_many_may_wait(age: float, count: int, found: bool) -> None:
    waiting = [session(10 + n, "active", age, wait_type="Lock") for n in range(count)]
    snapshot = made([session(1, "active", 1.0), *waiting], waiters=[waiter(10 + n, 1, age=age) for n in range(count)])
    assert ("postgresql.locks.blocked" in ids(snapshot)) is found


def test_a_circle_of_waits_ends() -> None:
    both = [session(1, "active", 90.0, wait_type="Lock"), session(2, "active", 90.0, wait_type="Lock")]
    snapshot = made(both, waiters=[waiter(1, 2, age=90.0), waiter(2, 1, age=90.0)])
    assert ids(snapshot) == ["postgresql.locks.blocked"]


def test_a_prepared_transaction_may_be_the_root() -> None:
    snapshot = made([session(2, "active", 90.0, wait_type="Lock")], waiters=[waiter(2, 0, age=90.0)])
    assert "a prepared transaction" in one(snapshot, "postgresql.locks.blocked").summary


@pytest.mark.parametrize(("age", "found"), [(59.0, []), (61.0, ["postgresql.query.long"])])
def test_long_queries(age: float, found: list[str]) -> None:
    assert ids(made([session(1, "active", age)])) == found


def test_a_walsender_or_a_replication_role_runs_for_long_by_nature() -> None:
    assert ids(made([session(1, "active", 9000, kind="walsender"), session(2, "active", 9000, replication=True)])) == []


def test_a_storm_is_young_and_comes_from_one_client() -> None:
    young = [session(pid, "active", 1.0, login_at=NOW - 5) for pid in range(25)]
    assert ids(made(young)) == ["postgresql.connections.storm"]
    many = [session(pid, "active", 1.0, login_at=NOW - 5, client=f"10.0.1.{pid}") for pid in range(25)]
    assert ids(made(many)) == [], "load from many clients"
    assert ids(made(young, started=NOW - 50)) == ["postgresql.server.restarted"], "everybody comes back after a start"


@pytest.mark.parametrize(("logins", "found"), [(5, []), (60, ["postgresql.connections.storm"])])
def test_a_storm_of_logins_that_are_gone_at_once(logins: int, found: list[str]) -> None:
    before = Counters(NOW - 2, START, 0, 1000, 0, 50)
    snapshot = made(counters=[before, Counters(NOW, START, 0, 1010, 0, 50 + logins)])
    assert ids(snapshot) == found
    assert ids(made(counters=[Counters(NOW, START, 0, 1010, 0, 50 + logins)]), history=[before]) == found


def test_limits_of_roles_and_databases() -> None:
    near = [Limit("role", "batch", 2, 2), Limit("role", "closed", 0, 0), Limit("database", "shop", 10, 7)]
    assert ids(made(limits=near)) == ["postgresql.connections.role_limit"]
    assert ids(made(limits=[Limit("database", "shop", 10, 8)])) == ["postgresql.connections.database_limit"]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({"ages": [Age("a", 1_200_000_000, 5)]}, None),
        ({"ages": [Age("a", 1_350_000_000, 5)]}, ("postgresql.wraparound", "P2")),
        ({"ages": [Age("a", 5, 1_450_000_000)]}, ("postgresql.wraparound", "P1")),
        ({"prepared": [Prepared("x", "o", "d", NOW - 200)]}, None),
        ({"prepared": [Prepared("x", "o", "d", NOW - 400)]}, ("postgresql.prepared.old", "P2")),
        ({"replication_slots": [Slot("s", "logical", True, "reserved", 5 * GIB)]}, None),
        ({"replication_slots": [Slot("s", "logical", False, "reserved", 0)]}, ("postgresql.slot.inactive", "P2")),
        ({"replication_slots": [Slot("s", "logical", True, "extended", 11 * GIB)]}, ("postgresql.slot.inactive", "P2")),
        ({"replicas": [Replica("r", "streaming", "async", 3.0, 900)]}, None),
        ({"replicas": [Replica("r", "streaming", "async", 6.0, 900)]}, ("postgresql.replication.lag", "P3")),
        ({"replicas": [Replica("r", "streaming", "async", 6.0, 0)]}, None),
        ({"in_recovery": True, "replay_delay": 4000.0}, ("postgresql.replication.lag", "P2")),
        ({"in_recovery": True, "replay_delay": 0.0, "read_only": True}, None),
        ({"read_only": True}, ("postgresql.read_only", "P2")),
        ({"started": NOW - 30}, ("postgresql.server.restarted", "P3")),
        ({"space": Space(2 * GIB, GIB)}, None),
        ({"space": Space(4 * GIB, GIB, True)}, ("postgresql.wal.growing", "P2")),
        ({"space": Space(1, GIB, False, 100, 11)}, None),
        ({"space": Space(1, GIB, False, 100, 4)}, ("postgresql.disk.space", "P1")),
        ({"locks": (1000, 6400)}, None),
        ({"locks": (1400, 6400)}, ("postgresql.locks.table", "P3")),
        ({"tables": [Table("public.t", 1_000_000, 50_000)]}, None),
        ({"tables": [Table("public.t", 100_000, 20_000)]}, ("postgresql.tables.dead_rows", "P4")),
    ],
    ids=str,
)
def test_state_and_data(changes: dict[str, t.Any], expected: tuple[str, str] | None) -> None:
    found = judge(made(**changes))
    assert [(finding.id, finding.severity) for finding in found] == ([expected] if expected else [])


@pytest.mark.parametrize(("role", "recovery", "found"), [("primary", True, 1), ("primary", False, 0), ("any", True, 0)])
def test_the_role_is_judged_only_where_it_was_declared(role: str, recovery: bool, found: int) -> None:
    assert len(ids(made(in_recovery=recovery), Settings(expected_role=role))) == found


def test_an_autovacuum_that_does_not_yield() -> None:
    worker, ddl = session(7, "active", 500, kind="autovacuum worker"), session(8, "active", 100, wait_type="Lock")
    snapshot = made([worker, ddl], waiters=[waiter(8, 7, age=100)])
    assert "postgresql.autovacuum.blocks" in ids(snapshot)


@pytest.mark.parametrize(
    ("old", "new", "expected"),
    [
        (Counters(NOW - 60, START, 0, 0, 0, 0), Counters(NOW, START, 4, 1000, 0, 0), []),
        (Counters(NOW - 60, START, 0, 0, 0, 0), Counters(NOW, START, 6, 1000, 0, 0), ["postgresql.deadlocks"]),
        (Counters(NOW - 60, START, 0, 0, 0, 0), Counters(NOW, START, 0, 980, 15, 0), []),
        (Counters(NOW - 60, START, 0, 0, 0, 0), Counters(NOW, START, 0, 900, 100, 0), ["postgresql.rollbacks"]),
        (Counters(NOW - 60, START, 0, 0, 0, 0), Counters(NOW, START, 0, 5, 5, 0), []),
        (Counters(NOW - 60, START - 500, 0, 0, 0, 0), Counters(NOW, START, 60, 900, 100, 0), []),
        (Counters(NOW - 60, START, 90, 0, 0, 0), Counters(NOW, START, 60, 900, 100, 0), []),
        (Counters(NOW - 9000, START, 0, 0, 0, 0), Counters(NOW, START, 60, 900, 100, 0), []),
    ],
    ids=["few deadlocks", "deadlocks", "some rollbacks", "rollbacks", "few transactions", "restarted", "reset", "old"],
)
def test_rates(old: Counters, new: Counters, expected: list[str]) -> None:
    assert ids(made(counters=[new]), history=[old]) == expected


def test_the_pooler() -> None:
    fine = Pooler(Answer("pool:6432", "ok"), (Pool("shop", "shop", 5, 0, 5, 0.0),), 10, 100)
    waiting = Pooler(Answer("pool:6432", "ok"), (Pool("shop", "shop", 1, 19, 1, 4.0),), 20, 100)
    crowded = Pooler(Answer("pool:6432", "ok"), (), 96, 100)
    assert ids(made(pooler=fine)) == []
    assert ids(made(pooler=waiting)) == ["postgresql.pooler.waiting"]
    assert ids(made(pooler=crowded)) == ["postgresql.pooler.clients"]
    gone = Pooler(Answer("pool:6432", "refused", "refused"))
    assert ids(made(pooler=gone)) == ["postgresql.pooler.unreachable"]
    closed = Pooler(Answer("pool:6432", "error", "not allowed", "08P01"))
    assert ids(made(pooler=closed)) == ["postgresql.pooler.unmeasured"]
    assert {f.component for f in judge(made(pooler=waiting), Settings(component="db"))} == {"pooler:db"}


def test_what_is_hidden_is_unknown_and_never_zero() -> None:
    snapshot = made([], used=80, unmeasured=[Unmeasured("states, locks and clients of sessions", "hidden", "P2")])
    found = judge(snapshot)
    assert sorted(finding.id for finding in found) == ["postgresql.connections.headroom", "postgresql.unmeasured"]
    assert {finding.state for finding in found} >= {"unknown"}


def test_nothing_asked_is_unknown_too() -> None:
    snapshot = made(sessions=None or [], slots=None, unmeasured=[Unmeasured("connection slots", "denied")])
    assert ids(snapshot) == ["postgresql.unmeasured"]


def test_thousands_of_sessions_in_a_result_of_bounded_size() -> None:
    many = [session(pid, application="a" * 60, query=f"SELECT {'x' * 200} FROM t{pid % 3}") for pid in range(5000)]
    snapshot = made(many, maximum=6000)
    found = summary(snapshot, ())
    assert found["sessions_total"] == 5000 and len(json.dumps(found)) < 60_000
    files = activity_files(snapshot)
    assert max(len(text) for text in files.values()) < 64 * 1024, "nothing of it is cut"
    rows = {
        name: [row.split("\t") for file, text in files.items() if name in file for row in text.splitlines()[1:]]
        for name in ("activity", "statements")
    }
    assert len(rows["activity"]) == 5000 and len(rows["statements"]) == 3
    texts = dict(rows["statements"])
    assert all(texts[row[-1]].endswith(f"FROM t{int(row[0]) % 3}") for row in rows["activity"])
    assert activity_files(made()) == {}


def test_what_does_something_is_kept_before_what_is_idle() -> None:
    many = [session(pid) for pid in range(5000)] + [session(9000, "active", 3.0)]
    assert summary(made(many, maximum=6000), ())["sessions"][0]["pid"] == 9000
