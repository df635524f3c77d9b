# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The store: timelines that show tampering, leases that one run holds, a journal that survives kill -9."""

from __future__ import annotations

import dataclasses
import multiprocessing
import os
import pathlib
import signal
import socket
import sqlite3
import stat
import subprocess
import sys

import pytest
from ansible_collections.incident.response.plugins.plugin_utils import holder as holders
from ansible_collections.incident.response.plugins.plugin_utils.holder import Holder
from ansible_collections.incident.response.plugins.plugin_utils.store import Store, StoreError, default_state_dir

NOW = 1_800_000_000.0
ME = holders.this_run(os.getpid())
ELSEWHERE = Holder("bob", "another-host", 4242, 7)


@pytest.fixture
def store(tmp_path: pathlib.Path):
    with Store(tmp_path / "state") as opened:
        yield opened


def test_only_the_user_can_read_it(tmp_path: pathlib.Path) -> None:
    with Store(tmp_path / "state"):
        assert stat.S_IMODE((tmp_path / "state").stat().st_mode) == 0o700
        assert stat.S_IMODE((tmp_path / "state" / "store.sqlite").stat().st_mode) == 0o600


def test_a_directory_that_cannot_be_written_says_which_variable_moves_it(tmp_path: pathlib.Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(StoreError, match="incident_state_dir"):
        Store(tmp_path / "file" / "state")


def test_a_store_of_a_newer_release_is_left_alone(tmp_path: pathlib.Path) -> None:
    with Store(tmp_path):
        pass
    db = sqlite3.connect(tmp_path / "store.sqlite")
    db.execute("PRAGMA user_version=99")
    db.close()
    with pytest.raises(StoreError, match="newer release"):
        Store(tmp_path)


def test_the_state_directory_follows_the_user() -> None:
    assert str(default_state_dir({"XDG_STATE_HOME": "/s", "HOME": "/h"})) == "/s/incident.response"
    assert str(default_state_dir({"HOME": "/h"})) == "/h/.local/state/incident.response"


def test_an_incident_stays_open_until_it_is_closed(store: Store) -> None:
    one = store.open_incident("kafka-main", "kafka", NOW, {"clocks": {"alerted": NOW}})
    store.update_incident(one.id, severity="P2", data={"evidence": {"count": 3}})
    found = store.open_incidents("kafka-main", "kafka")
    assert [item.id for item in found] == [one.id]
    assert found[0].data == {"clocks": {"alerted": NOW}, "evidence": {"count": 3}}
    assert store.open_incidents("kafka-main", "redis") == []
    store.update_incident(one.id, state="closed", closed=NOW + 60, outcome="fixed")
    assert store.open_incidents("kafka-main", "kafka") == []


def test_a_changed_or_removed_line_breaks_the_chain(store: Store) -> None:
    one = store.open_incident("t", "kafka", NOW, {})
    for number in range(4):
        store.add_event(one.id, NOW + number, "note", f"line {number}", {"n": number})
    assert store.broken_at(one.id) is None
    store._db.execute("UPDATE events SET text = 'nothing happened' WHERE seq = 2")
    assert store.broken_at(one.id) == 2
    store._db.execute("DELETE FROM events WHERE seq = 2")
    assert store.broken_at(one.id) == 3


def test_what_is_written_is_redacted_first(store: Store) -> None:
    one = store.open_incident("t", "kafka", NOW, {})
    store.add_event(one.id, NOW, "note", "postgres://app:hunter2canary@db/x", {"password": "hunter2canary"})
    assert "hunter2canary" not in "".join(store._db.iterdump())


def test_the_second_run_is_told_who_holds_the_target(store: Store) -> None:
    assert store.take_lease("kafka-main", "INC-1", ELSEWHERE, NOW, 60) is None
    other = store.take_lease("kafka-main", "INC-2", ME, NOW + 59, 60)
    assert other is not None
    assert (other.holder, other.incident) == (ELSEWHERE, "INC-1")
    assert "bob@another-host (pid 4242)" in str(other.holder)


def test_an_expired_lease_and_one_of_a_dead_process_are_taken_over(store: Store) -> None:
    store.take_lease("a", "INC-1", ELSEWHERE, NOW, 60)
    assert store.take_lease("a", "INC-2", ME, NOW + 61, 60) is None
    gone = subprocess.Popen([sys.executable, "-c", ""])
    gone.wait()
    dead = Holder(ME.user, socket.gethostname(), gone.pid, 1)
    store.take_lease("b", "INC-1", dead, NOW, 600)
    assert store.take_lease("b", "INC-2", ME, NOW + 1, 60) is None


def test_a_pid_that_was_given_away_again_is_not_the_holder() -> None:
    assert not holders.is_dead(ME)
    assert holders.is_dead(dataclasses.replace(ME, started=ME.started - 1))
    assert not holders.is_dead(ELSEWHERE), "of another host nothing is certain"


def test_a_lease_is_released_and_renewed_only_by_its_holder(store: Store) -> None:
    store.take_lease("a", "INC-1", ELSEWHERE, NOW, 60)
    assert not store.renew_lease("a", ME, NOW, 600)
    assert not store.release_lease("a", ME)
    assert store.renew_lease("a", ELSEWHERE, NOW + 30, 60)
    lease = store.lease("a")
    assert lease is not None and lease.expires == NOW + 90
    assert store.release_lease("a", ELSEWHERE)
    assert store.lease("a") is None


def _grab(directory: str, number: int, queue) -> None:
    with Store(pathlib.Path(directory)) as opened:
        taken = opened.take_lease("kafka-main", f"INC-{number}", Holder("u", "other", number, number), NOW, 600)
        queue.put(taken is None)


def test_of_many_at_once_exactly_one_gets_the_lease(tmp_path: pathlib.Path) -> None:
    context = multiprocessing.get_context("spawn")
    queue = context.Queue()
    runs = [context.Process(target=_grab, args=(str(tmp_path), number, queue)) for number in range(1, 5)]
    for run in runs:
        run.start()
    answers = [queue.get(timeout=60) for _run in runs]
    for run in runs:
        run.join()
    assert sorted(answers) == [False, False, False, True]


KILLED = """
import os, pathlib, sys
from ansible_collections.incident.response.plugins.plugin_utils.store import Store
store = Store(pathlib.Path(sys.argv[1]))
incident = store.open_incident("t", "kafka", 1.0, {})
store.begin_action(incident.id, "t", {"service": "mailer", "verb": "restart"}, 2.0)
os.kill(os.getpid(), 9)
"""


def test_a_killed_run_leaves_a_journal_that_says_what_was_begun(tmp_path: pathlib.Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", KILLED, str(tmp_path)], env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)}
    )
    assert done.returncode == -signal.SIGKILL
    with Store(tmp_path) as store:
        rows = store.actions(0.0)
    assert [(row["service"], row["verb"], row["result"]) for row in rows] == [("mailer", "restart", None)]


def test_the_journal_tells_how_an_action_ended(store: Store) -> None:
    one = store.open_incident("t", "kafka", NOW, {})
    number = store.begin_action(one.id, "t", {"service": "mailer", "verb": "restart", "key": "poison:a/1@5"}, NOW)
    store.end_action(number, "done", NOW + 2)
    assert [(row["key"], row["result"]) for row in store.actions(NOW)] == [("poison:a/1@5", "done")]
    assert store.actions(NOW + 1) == []


def test_history_is_the_last_looks_of_one_check_at_one_target(store: Store) -> None:
    for number in range(30):
        store.keep_samples("kafka-main", "kafka_health_info", NOW + number, [{"at": NOW + number}])
    store.keep_samples("other", "kafka_health_info", NOW, [{"at": 0}])
    history = store.history("kafka-main", "kafka_health_info", NOW)
    assert [sample["at"] - NOW for sample in history] == list(range(10, 30))
    assert store.history("kafka-main", "kafka_health_info", NOW + 29) == [{"at": NOW + 29}]


def test_a_huge_history_is_cut_to_whole_looks(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("ansible_collections.incident.response.plugins.plugin_utils.store.HISTORY_LIMIT", 25)
    for look in range(3):
        store.keep_samples("k", "m", NOW + look, [{"look": look}] * 10)
    assert [sample["look"] for sample in store.history("k", "m", NOW)] == [1] * 10 + [2] * 10


def test_an_incident_that_was_none_is_forgotten_with_its_timeline(store: Store) -> None:
    one = store.open_incident("t", "kafka", NOW, {})
    store.add_event(one.id, NOW, "opened", "x")
    store.forget(one.id)
    assert store.open_incidents("t", "kafka") == []
    assert store.events(one.id) == []


def test_a_store_of_the_first_release_is_brought_up_and_loses_nothing(tmp_path: pathlib.Path) -> None:
    with Store(tmp_path) as store:
        one = store.open_incident("t", "kafka", NOW, {})
        store._db.executescript("DROP TABLE health; PRAGMA user_version=1;")
    with Store(tmp_path) as store:
        assert store.open_incidents("t", "kafka") == [one]
        store.change_health(lambda kept: {**kept, "run": {"a": {"at": NOW}}})
        assert store.health() == {"run": {"a": {"at": NOW}}}


def test_the_state_of_health_is_replaced_whole_and_redacted(store: Store) -> None:
    store.change_health(lambda _kept: {"problem": {"a": {"n": 1}, "b": {"text": "redis://:hunter2canary@db"}}})
    assert "hunter2canary" not in "".join(store._db.iterdump())
    secretive = {"password token": {"component": "api-token", "target": "auth"}}
    store.change_health(lambda kept: {**kept, "x": secretive})
    assert store.health()["x"] == secretive, "a name is no secret"
    store.change_health(lambda kept: {"problem": {"a": kept["problem"]["a"], "c": {}}})
    assert store.health() == {"problem": {"a": {"n": 1}, "c": {}}}


def test_a_change_of_health_that_fails_changes_nothing(store: Store) -> None:
    store.change_health(lambda _kept: {"run": {"a": {"at": 1}}})

    def fails(_kept):
        raise ValueError("no")

    with pytest.raises(ValueError, match="no"):
        store.change_health(fails)
    assert store.health() == {"run": {"a": {"at": 1}}}
