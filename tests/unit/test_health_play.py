# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""playbooks/health.yml as a scheduler runs it, again and again over one state directory."""

from __future__ import annotations

import json
import os
import pathlib
import sqlite3
import stat
import time
import typing as t

import pytest
from ansible_collections.incident.response.plugins.plugin_utils import holder as holders
from ansible_collections.incident.response.plugins.plugin_utils.store import Store
from http_servers import refusing, serving
from test_triage_play import House, Run, well

PLAY = "playbooks/health.yml"


class Schedule:
    """The same play over the same state, and what its hook was told."""

    def __init__(self, where: pathlib.Path) -> None:
        self.house = House(where)
        self.state = where / "kept"
        self.told_file = where / "told.jsonl"
        self.hook = ["sh", "-c", f"cat >> {self.told_file}; echo >> {self.told_file}"]

    def run(self, *arguments: str, **extra: t.Any) -> Run:
        settings = {"incident_state_dir": str(self.state), "incident_notify_command": self.hook, **extra}
        return self.house.play(*arguments, playbook=PLAY, **settings)

    def told(self) -> list[dict[str, t.Any]]:
        """What the hook was told since the last time somebody asked."""
        lines = self.told_file.read_text().splitlines() if self.told_file.exists() else []
        self.told_file.unlink(missing_ok=True)
        return [json.loads(line) for line in lines]

    def ill(self) -> None:
        self.house.service("shop", f"http://127.0.0.1:{refusing()}/health")


@pytest.fixture
def schedule(tmp_path: pathlib.Path) -> Schedule:
    return Schedule(tmp_path)


def kinds(message: dict[str, t.Any]) -> list[str]:
    return [f"{change['kind']} {change['component']}" for change in message["changes"]]


@pytest.mark.core
def test_only_changes_are_told_and_files_are_left_for_machines(schedule: Schedule, tmp_path: pathlib.Path) -> None:
    files = {"incident_health_textfile": str(tmp_path / "h.prom"), "incident_health_json": str(tmp_path / "h.json")}
    with serving(well) as shop:
        schedule.house.service("shop", shop.url())
        run = schedule.run(**files)
        assert (run.status, len(run.lines)) == (0, 1), str(run)
    schedule.ill()
    first = schedule.run(**files)
    assert (first.status, schedule.told()) == (2, []), "one look is no news"
    second = schedule.run(**files, incident_health_exit="changes")
    assert second.status == 2, str(second)
    (message,) = schedule.told()
    assert kinds(message) == ["new shop"]
    assert (message["outcome"], message["open"][0]["component"]) == ("found", "shop")
    assert message["headline"].startswith("1 new: P2 ")
    assert any(line.startswith("    new      P2 shop  http.connect.refused: ") for line in second.lines), str(second)
    metrics = pathlib.Path(files["incident_health_textfile"])
    assert 'incident_health_status{target="shop",component="shop"} 3' in metrics.read_text()
    assert stat.S_IMODE(metrics.stat().st_mode) == 0o644
    assert json.loads(pathlib.Path(files["incident_health_json"]).read_text())["changes"] == message["changes"]
    assert not [path.name for path in tmp_path.iterdir() if path.name.endswith(".new")]
    third = schedule.run(incident_health_exit="changes")
    assert (third.status, schedule.told()) == (0, []), "known and unchanged"
    with serving(well) as shop:
        schedule.house.service("shop", shop.url())
        assert [schedule.run().status, schedule.run().status] == [0, 0]
    (message,) = schedule.told()
    assert kinds(message) == ["solved shop"]


def test_a_hook_that_fails_is_told_at_the_next_run(schedule: Schedule) -> None:
    schedule.ill()
    run = schedule.run(incident_notify_command=["sh", "-c", "exit 3"], incident_health_confirm=1)
    assert run.status == 2
    assert "untold   sh failed with exit status 3" in str(run)
    schedule.run(incident_health_confirm=1)
    (message,) = schedule.told()
    assert kinds(message) == ["new shop"]
    schedule.run(incident_health_confirm=1)
    assert schedule.told() == []


@pytest.mark.core
def test_check_mode_says_what_it_would_tell_and_keeps_nothing(schedule: Schedule, tmp_path: pathlib.Path) -> None:
    schedule.ill()
    run = schedule.run("--check", incident_health_confirm=1, incident_health_textfile=str(tmp_path / "h.prom"))
    assert run.status == 2
    assert "    new      P2 shop" in str(run)
    assert not schedule.told()
    assert not (tmp_path / "h.prom").exists()
    with Store(schedule.state) as store:
        assert store.health() == {}


def test_the_second_of_two_runs_stands_down(schedule: Schedule) -> None:
    schedule.ill()
    schedule.run()
    db = sqlite3.connect(schedule.state / "store.sqlite")
    (name,) = db.execute("SELECT name FROM health WHERE kind = 'run'").fetchone()
    db.close()
    with Store(schedule.state) as store:
        me = holders.this_run(os.getpid())
        assert store.take_lease(name, "health run", me, time.time(), 600) is None, "the run gave it back"
        run = schedule.run(incident_health_confirm=1)
        assert (run.status, len(run.lines)) == (0, 1), str(run)
        assert f"pid {os.getpid()}" in run.lines[0]
        assert "stands down" in run.lines[0]
        schedule.house.service("till", f"http://127.0.0.1:{refusing()}/health")
        assert schedule.run("--limit", "till").status == 2, "a slice with other hosts waits for nobody"
        store.release_lease(name, me)
    assert schedule.told() == []


def test_a_slice_does_not_solve_what_it_did_not_look_at(schedule: Schedule) -> None:
    schedule.ill()
    one = {"incident_health_confirm": 1, "incident_health_clear": 1}
    with serving(well) as till:
        schedule.house.service("till", till.url())
        schedule.run(**one)
        assert [kinds(message) for message in schedule.told()] == [["new shop"]]
        assert schedule.run("--limit", "till", **one).status == 0
        assert schedule.told() == []
        with serving(well) as shop:
            schedule.house.service("shop", shop.url())
            schedule.run("--limit", "shop", **one)
    assert [kinds(message) for message in schedule.told()] == [["solved shop"]]


def test_a_run_that_comes_late_says_so(schedule: Schedule) -> None:
    with serving(well) as shop:
        schedule.house.service("shop", shop.url())
        schedule.run(incident_health_every=0.1)
        run = schedule.run(incident_health_every=0.1, incident_health_jitter=0.01)
    assert run.status == 0, "it is no fault of the targets"
    assert "health.run.missed" in run.lines[-2], str(run)
    (message,) = schedule.told()
    assert kinds(message) == ["missed health"]


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ({"incident_health_exit": "never"}, "incident_health_exit is one of by_verdict, changes, not 'never'"),
        ({"incident_health_confirm": 0}, "incident_health_confirm is a whole number of 1 or more, not 0"),
        ({"incident_health_jitter": "soon"}, "incident_health_jitter is a number, not 'soon'"),
        ({"incident_health_textfile": "here.prom"}, "incident_health_textfile is an absolute path, not 'here.prom'"),
    ],
)
def test_what_makes_no_sense_is_said_before_anything_is_looked_at(schedule: Schedule, extra: dict, said: str) -> None:
    schedule.ill()
    run = schedule.run(**extra)
    assert run.status == 2
    assert said in str(run), str(run)
    assert "P2" not in str(run)


def test_a_file_that_can_not_be_written_hides_nothing(schedule: Schedule) -> None:
    schedule.ill()
    run = schedule.run(incident_health_textfile="/no/such/directory/h.prom", incident_health_confirm=1)
    assert run.status == 2
    assert "note     /no/such/directory/h.prom could not be written" in str(run)
    assert len(schedule.told()) == 1
