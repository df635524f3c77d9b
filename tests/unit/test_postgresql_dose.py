# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Who of the sessions goes and who stays. Each reason to stay has a twin that differs in that reason only, and goes."""

from __future__ import annotations

import typing as t

import pytest
from ansible_collections.incident.response.plugins.module_utils.core.postgresql_dose import (
    Choice,
    Wish,
    choose,
    most_of,
    needed_for,
)
from ansible_collections.incident.response.plugins.module_utils.core.postgresql_protect import APPLICATIONS, Protection
from ansible_collections.incident.response.plugins.module_utils.core.postgresql_snapshot import (
    Answer,
    Pooler,
    PostgresqlSnapshot,
    Session,
    Slots,
)
from postgresql_made import made, session, waiter


def wish(**changes: t.Any) -> Wish:
    values: dict[str, t.Any] = {"criteria": "idle", "action": "terminate", "min_age": 300.0, "max_share": 1.0}
    return Wish(**{**values, **changes})


def gone(choice: Choice) -> list[int]:
    return [item.pid for item in choice.go]


def why(choice: Choice, pid: int) -> str:
    return next((kept.why for kept in choice.kept if kept.session.pid == pid), "")


def alone(item: Session, asked: Wish | None = None, **changes: t.Any) -> Choice:
    return choose(made([item], **changes), asked or wish())


TWINS: list[tuple[str, dict[str, t.Any], str]] = [
    ("walsender", {"kind": "walsender"}, "no client"),
    ("parallel worker", {"kind": "parallel worker"}, "no client"),
    ("background worker", {"kind": "logical replication worker"}, "no client"),
    ("autovacuum", {"kind": "autovacuum worker"}, "no client"),
    ("superuser", {"superuser": True}, "superuser"),
    ("replication role", {"replication": True}, "replication role"),
    ("advisory lock", {"advisory": True}, "advisory lock"),
    ("listener", {"listener": True}, "listens"),
    ("pg_dump", {"application": "pg_dump"}, "protected"),
    ("migration", {"application": "db-migrate 7"}, "protected"),
    ("change capture", {"application": "Debezium Streaming"}, "protected"),
    ("protected user", {"user": "billing"}, "user billing is protected"),
    ("protected application", {"application": "ledger-1"}, "ledger-1 is protected"),
    ("pooler's connection", {"client": "10.0.0.9", "port": 6001}, "connection of the pooler"),
    ("pooler's address", {"client": "10.0.0.8"}, "pooler's address"),
    ("hidden identity", {"started": ""}, "identity"),
    ("4 min 59 s", {"since": made().now - 299.0}, "299 s only"),
    ("no time at all", {"since": None}, "asked for"),
]


@pytest.mark.parametrize(("changes", "said"), [row[1:] for row in TWINS], ids=[row[0] for row in TWINS])
def test_who_stays_and_the_twin_that_goes(changes: dict[str, t.Any], said: str) -> None:
    protection = Protection(("bill*",), ("ledger-*",), ("10.0.0.8",))
    pooler = Pooler(Answer("pool:6432", "ok"), servers=frozenset({("10.0.0.9", 6001)}))
    asked = wish(protection=protection)
    kept = alone(session(7, **changes), asked, pooler=pooler)
    assert gone(kept) == [] and said in why(kept, 7)
    assert gone(alone(session(7), asked, pooler=pooler)) == [7]


def test_the_pooler_is_known_by_address_and_port_together() -> None:
    pooler = Pooler(Answer("pool:6432", "ok"), servers=frozenset({("10.0.0.9", 6001)}))
    neighbour = session(7, client="10.0.0.9", port=6002)
    assert gone(alone(neighbour, pooler=pooler)) == [7]


@pytest.mark.parametrize("pattern", APPLICATIONS)
def test_every_protected_application_is_protected(pattern: str) -> None:
    name = pattern.replace("*", "x")
    assert "protected" in why(alone(session(7, application=name.upper())), 7)


def test_login_and_last_statement_say_nothing_about_idleness() -> None:
    """Both are old, and the session did something 10 s ago."""
    lively = session(7, age=10.0, login_at=0.0, query_at=0.0)
    assert gone(alone(lively)) == []


def test_the_oldest_goes_first_and_only_as_many_as_are_needed() -> None:
    everyone = [session(pid, age=400.0 + pid) for pid in range(1, 88)]
    choice = choose(made(everyone), wish(headroom_percent=20.0))
    assert choice.needed == 10
    assert gone(choice) == list(range(87, 77, -1))
    assert why(choice, 1) == "not needed for the headroom"


def test_never_more_than_the_share_of_one_run() -> None:
    everyone = [session(pid) for pid in range(1, 98)]
    choice = choose(made(everyone), wish(headroom_percent=90.0, max_share=0.25))
    assert choice.needed == 88 and len(choice.go) == choice.limit == 24
    assert why(choice, 97) == "beyond the dose of 24"


def test_count_is_a_limit_and_not_a_wish_for_more() -> None:
    everyone = [session(pid) for pid in range(1, 98)]
    assert len(choose(made(everyone), wish(headroom_percent=20.0, count=3)).go) == 3
    assert len(choose(made(everyone), wish(headroom_percent=20.0, count=50)).go) == 20


def test_nobody_goes_where_there_is_room() -> None:
    choice = choose(made([session(pid) for pid in range(50)]), wish(headroom_percent=20.0))
    assert choice.needed == 0 and not choice.go


@pytest.mark.parametrize(
    ("capacity", "used", "headroom", "needed"),
    [(97, 97, 20.0, 20), (97, 77, 20.0, 0), (97, 78, 20.0, 1), (9, 9, 20.0, 2), (3, 3, 20.0, 1), (97, 0, 20.0, 0)],
)
def test_the_dose_is_the_smallest_that_restores_the_headroom(
    capacity: int, used: int, headroom: float, needed: int
) -> None:
    slots = Slots(capacity + 3, 3, 0, used, 0, used)
    assert needed_for(slots, headroom) == needed
    left = used - needed
    assert 100.0 * (capacity - left) / capacity >= headroom
    assert not needed or 100.0 * (capacity - left - 1) / capacity < headroom


def test_the_share_is_one_at_least() -> None:
    assert most_of(Slots(10, 3, 0, 2, 0, 2), 0.25) == 1
    assert most_of(Slots(100, 3, 0, 97, 0, 97), 0.25) == 24


def test_filters_take_away_and_an_empty_one_is_no_filter() -> None:
    everyone = [session(1, user="a"), session(2, user="b"), session(3, database="other"), session(4, application="z")]
    assert gone(choose(made(everyone), wish(users=("a",)))) == [1]
    assert gone(choose(made(everyone), wish(databases=("oth*",)))) == [3]
    assert gone(choose(made(everyone), wish(applications=("z", "y")))) == [4]
    assert len(choose(made(everyone), wish()).go) == 4


def _blocked() -> PostgresqlSnapshot:
    root = session(1, "idle in transaction", 400.0)
    middle = session(2, "active", 390.0, wait_type="Lock")
    last = session(3, "active", 380.0, wait_type="Lock")
    return made([root, middle, last, session(4)], waiters=[waiter(2, 1), waiter(3, 2)])


def test_of_a_chain_only_the_root_goes() -> None:
    assert gone(choose(_blocked(), wish(criteria="blocking"))) == [1]
    assert gone(choose(_blocked(), wish(criteria="idle_in_transaction"))) == [1]
    assert gone(choose(_blocked(), wish(criteria="idle"))) == [4]


def test_an_identity_is_that_session_and_no_other() -> None:
    mine = {"pid": 1, "backend_start": "start-1"}
    assert gone(choose(_blocked(), wish(criteria="blocking", only=(mine,)))) == [1]
    reused = {"pid": 1, "backend_start": "another"}
    assert gone(choose(_blocked(), wish(criteria="blocking", only=(reused,)))) == []


def test_cancel_is_for_who_runs_something() -> None:
    assert gone(choose(_blocked(), wish(criteria="blocking", action="cancel"))) == []
    running = made([session(1, "active", 400.0)], waiters=[waiter(2, 1)])
    assert gone(choose(running, wish(criteria="blocking", action="cancel"))) == [1]


def test_long_is_told_by_the_statement_and_spares_who_waits() -> None:
    everyone = [
        session(1, "active", 400.0),
        session(2, "active", 400.0, wait_type="Lock"),
        session(3, "active", 100.0),
        session(4),
    ]
    assert gone(choose(made(everyone), wish(criteria="long", action="cancel"))) == [1]


def test_what_was_not_read_is_no_empty_list() -> None:
    snapshot = made([session(1)])
    snapshot.slots = None
    with pytest.raises(ValueError, match="could not be read"):
        choose(snapshot, wish())
