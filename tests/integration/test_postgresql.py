# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The PostgreSQL check and postgresql_sessions against the lab's server, as roles that may more or less.

docs/postgresql_grants.md says what each grant is for; here each is shown to be enough, and each to be needed.
"""

from __future__ import annotations

import contextlib
import json
import typing as t

import docker
import pytest
from ansible_collections.incident.response.plugins.module_utils.checks import postgresql_care, postgresql_sessions
from ansible_collections.incident.response.plugins.module_utils.checks.postgresql_health import CHECK
from ansible_collections.incident.response.plugins.module_utils.clients.deadline import Deadline
from ansible_collections.incident.response.plugins.module_utils.clients.errors import CollectError
from ansible_collections.incident.response.plugins.module_utils.clients.postgresql_connection import Connection
from ansible_collections.incident.response.plugins.module_utils.clients.postgresql_options import PostgresqlOptions
from ansible_collections.incident.response.plugins.module_utils.module.argspec import ArgumentSpec
from ansible_collections.incident.response.plugins.module_utils.module.check import Misuse, perform

from lab import config
from lab.faults import sessions
from lab.faults.model import Lab

ROLES = {
    "nothing": "",
    "monitor": "pg_monitor",
    "signal": "pg_signal_backend",
    "both": "pg_monitor, pg_signal_backend",
    "all": "pg_monitor, pg_signal_backend, pg_checkpoint",
}
PASSWORD = "lab-Rk4v-grants"
HOLD = "test_postgresql"


@pytest.fixture(scope="module")
def lab() -> t.Iterator[Lab]:
    """The lab, with one role for each set of grants."""
    found = Lab(docker.from_env(), config.load(), 0)
    drop = "; ".join(f"DROP ROLE IF EXISTS lab_{name}" for name in ROLES)
    sessions.sql(found, drop)
    for name, grants in ROLES.items():
        member = f" IN ROLE {grants}" if grants else ""
        sessions.sql(found, f"CREATE ROLE lab_{name} LOGIN PASSWORD '{PASSWORD}'{member}")
    yield found
    sessions.release(found, HOLD)
    sessions.await_gone(found)
    sessions.sql(found, drop)


@pytest.fixture
def held(lab: Lab) -> t.Iterator[t.Callable[..., dict[str, list[int]]]]:
    """Hold sessions for a test: held({"kind": "idle", "count": 3, "name": "lab-x"})."""
    yield lambda *groups: sessions.hold(lab, HOLD, list(groups))
    sessions.release(lab, HOLD)
    sessions.await_gone(lab)


def params(lab: Lab, spec: ArgumentSpec, role: str, **changes: t.Any) -> dict[str, t.Any]:
    """Options of a module, all of them, as its argument spec would fill them in."""
    defaults = {name: option.get("default") for name, option in spec.options.items()}
    where = {"host": "127.0.0.1", "port": lab.config.ports["postgres"], "database": "app", "ssl_mode": "disable"}
    return {**defaults, **where, "user": f"lab_{role}", "password": PASSWORD, **changes}


def look(lab: Lab, role: str, **changes: t.Any) -> dict[str, t.Any]:
    return perform(CHECK, params(lab, CHECK.spec, role, restarted=0.001, **changes))


def end(lab: Lab, role: str, check_mode: bool = False, **changes: t.Any) -> dict[str, t.Any]:
    values = {"criteria": "idle", "action": "terminate", "min_age": 0.0, "max_share": 1.0, "applications": ["lab-x"]}
    return postgresql_sessions.perform(params(lab, postgresql_sessions.SPEC, role, **{**values, **changes}), check_mode)


def alive(lab: Lab) -> set[int]:
    return {int(pid) for pid in sessions.sql(lab, "SELECT pid FROM pg_stat_activity").split()}


def test_pg_monitor_is_all_that_a_look_needs(lab: Lab) -> None:
    result = look(lab, "monitor")
    assert (result["status"], result["findings"]) == ("ok", [])
    assert result["snapshot"]["connections"]["used"] > 0
    assert result["snapshot"]["states"] and result["snapshot"]["space"]["wal"]


@pytest.mark.parametrize("role", ["nothing", "signal"])
def test_with_less_it_says_what_it_cannot_see_and_never_zero(lab: Lab, role: str, held: t.Any) -> None:
    held({"kind": "idle", "count": 5, "name": "lab-x"})
    result = look(lab, role)
    assert [finding["id"] for finding in result["findings"]] == ["postgresql.unmeasured"]
    finding = result["findings"][0]
    assert result["status"] == "unknown" and finding["state"] == "unknown"
    assert any("pg_monitor" in line for line in finding["evidence"])
    assert result["snapshot"]["connections"]["used"] >= 5, "what the databases count is seen by everybody"


def test_used_slots_are_the_same_for_all_roles(lab: Lab, held: t.Any) -> None:
    held({"kind": "idle", "count": 5, "name": "lab-x"})
    seen = look(lab, "monitor")["snapshot"]["connections"]["used"]
    guessed = look(lab, "nothing")["snapshot"]["connections"]["used"]
    assert abs(seen - guessed) <= 3, "services come and go"


def test_both_grants_end_sessions_and_each_alone_does_not(lab: Lab, held: t.Any) -> None:
    pids = set(held({"kind": "idle", "count": 3, "name": "lab-x"})["lab-x"])
    with pytest.raises(CollectError, match="pg_monitor"):
        end(lab, "nothing", count=3)
    with pytest.raises(CollectError, match="pg_monitor"):
        end(lab, "signal", count=3)
    with pytest.raises(CollectError, match="pg_signal_backend"):
        end(lab, "monitor", count=3)
    assert pids <= alive(lab)
    result = end(lab, "both", count=2)
    assert result["changed"] and len(result["ended"]) == 2 and set(result["ended"]) < pids
    assert pids - alive(lab) == set(result["ended"])


def test_a_checkpoint_needs_its_grant_or_the_reserve(lab: Lab) -> None:
    spec = postgresql_care.CHECKPOINT_SPEC
    with pytest.raises(CollectError, match=r"lab_both.*postgresql_grants"):
        postgresql_care.checkpoint(params(lab, spec, "both"), False)
    assert "as lab_all" in postgresql_care.checkpoint(params(lab, spec, "all"), False)["msg"]
    admin = {"reserve_user": "postgres", "reserve_password": lab.config.names["LAB_POSTGRES_PASSWORD"]}
    assert "as postgres" in postgresql_care.checkpoint(params(lab, spec, "both", **admin), False)["msg"]


def test_check_mode_lists_exactly_who_then_goes(lab: Lab, held: t.Any) -> None:
    pids = held({"kind": "idle", "count": 4, "name": "lab-x"}, {"kind": "idle", "name": "lab-y"})
    listed = end(lab, "both", check_mode=True, count=3)
    assert listed["changed"] and listed["ended"] == [] and set(pids["lab-x"]) <= alive(lab)
    done = end(lab, "both", count=3)
    assert [row["pid"] for row in listed["chosen"]] == done["ended"]
    assert [row["pid"] for row in listed["chosen"]] == sorted(pids["lab-x"])[:3], "the oldest first"
    assert set(pids["lab-y"]) <= alive(lab)
    assert "ended" in done["diff"]["after"]


def test_nobody_where_somebody_was_wanted_is_a_failure(lab: Lab, held: t.Any) -> None:
    held({"kind": "idle", "name": "lab-x", "statements": ["SELECT pg_advisory_lock(99)"]})
    assert "it holds an advisory lock" in end(lab, "both", count=1)["problem"]
    gone = {"pid": 1, "backend_start": "2026-01-01T00:00:00.000000"}
    assert "there is none any more" in end(lab, "both", identity=gone)["problem"]
    assert "problem" not in end(lab, "both", applications=["nobody"])
    assert "nobody has to go" in end(lab, "both", applications=["nobody"], headroom=5)["msg"]


def test_a_session_that_moves_between_the_look_and_the_act_is_not_touched(lab: Lab, held: t.Any) -> None:
    """What was chosen is ended by a statement that looks once more: here at sessions that never stand still."""
    pids = held({"kind": "busy", "count": 3, "name": "lab-x", "pause": 0.0})["lab-x"]
    result = end(lab, "both", count=3)
    assert set(pids) - set(result["ended"]) <= alive(lab)
    for row in result["untouched"]:
        assert "changed meanwhile" in row["why"]


def test_cancel_ends_the_statement_and_leaves_the_session(lab: Lab, held: t.Any) -> None:
    pid = held({"kind": "running", "name": "lab-x", "statements": ["SELECT pg_sleep(600), 'lab-secret-Zx81'"]})[
        "lab-x"
    ][0]
    sessions.await_condition(
        lab,
        "the statement",
        f"SELECT state = 'active' AND wait_event = 'PgSleep' FROM pg_stat_activity WHERE pid = {pid}",
    )
    result = end(lab, "both", criteria="long", action="cancel", count=1)
    assert result["ended"] == [pid]
    assert "Zx81" not in json.dumps(result) and "pg_sleep" in result["chosen"][0]["query"]
    assert pid in alive(lab)


@pytest.mark.parametrize(
    ("changes", "said"),
    [
        ({"headroom": 0.2}, "write 20"),
        ({"headroom": 100}, "percentage"),
        ({"max_share": 25}, "0.25"),
        ({"count": 0}, "below 1"),
        ({"min_age": -1}, "seconds"),
        ({"users": []}, "an empty list is not all"),
        ({"action": "cancel"}, "terminate"),
        ({"identity": {"pid": "x"}}, "backend_start"),
        ({"port": 0}, "port"),
        ({"host": " "}, "host"),
    ],
    ids=str,
)
def test_options_that_make_no_sense_end_nobody(lab: Lab, changes: dict[str, t.Any], said: str) -> None:
    with pytest.raises(Misuse, match=said):
        end(lab, "both", **changes)


def test_a_server_that_stops_in_the_middle_of_an_answer_ends_with_the_deadline(lab: Lab) -> None:
    """statement_timeout is kept by the server: a stopped one keeps nothing."""
    options = PostgresqlOptions.from_params(params(lab, CHECK.spec, "monitor"))
    link = Connection(options.ordinary, Deadline(1.5))
    link.open(5.0)
    backend = link.pid
    signal = ["bash", "-c", f"kill -STOP {backend}"]
    try:
        assert lab.container("postgres").exec_run(signal)[0] == 0
        with pytest.raises(CollectError) as caught:
            link.query("SELECT 1")
        assert caught.value.kind == "silent"
    finally:
        with contextlib.suppress(Exception):
            lab.container("postgres").exec_run(["bash", "-c", f"kill -CONT {backend}"])
        link.close()


def test_the_session_says_who_it_is_and_writes_nothing(lab: Lab) -> None:
    options = PostgresqlOptions.from_params(params(lab, CHECK.spec, "monitor"))
    link = Connection(options.ordinary, Deadline(10.0))
    link.open(5.0)
    try:
        names = ("application_name", "default_transaction_read_only", "lock_timeout", "statement_timeout")
        shown = {name: link.query(f"SHOW {name}")[0][0] for name in names}
        assert shown == {
            "application_name": "ansible-incident", "default_transaction_read_only": "on",
            "lock_timeout": "1s", "statement_timeout": "5s",
        }  # fmt: skip
    finally:
        link.close()


def test_one_connection_for_a_look(lab: Lab) -> None:
    """The counter of logins grows by one, or by what the services log in meanwhile."""
    count = "SELECT sessions FROM pg_stat_database WHERE datname = 'postgres'"
    before = int(sessions.sql(lab, count, "app"))
    look(lab, "monitor", database="postgres")
    sessions.await_condition(lab, "the login to be counted", f"SELECT ({count}) >= {before + 1}")
    assert int(sessions.sql(lab, count, "app")) == before + 1


def test_hostile_names_are_inert(lab: Lab, held: t.Any) -> None:
    login = {"application_name": "x"}
    held(
        {
            "kind": "idle",
            "name": "lab-{{ 7*7 }}",
            "login": login,
            "statements": ["SELECT '\x1b[31mred', '{{ lookup }}'"],
        }
    )
    result = look(lab, "monitor")
    text = json.dumps(result)
    assert "\\u001b" not in text and "lookup" not in text
