# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""alertmanager_health_info, alertmanager_silence and the lifecycle's silences against real servers of this machine."""

from __future__ import annotations

import json
import pathlib
import time
import typing as t

import pytest
from alertmanager_servers import Hook, Server, ids, look, pair, running, silence, until
from ansible_collections.incident.response.plugins.module_utils.module.check import Misuse
from ansible_collections.incident.response.plugins.plugin_utils.store import Store
from runs import ROOT, play

ORDERS = [{"name": "service", "value": "orders"}]
LOGIN = "basic_auth_users: {ann: '$2b$04$abcdefghijklmnopqrstuuw2ei.XNscOJB8BHovcp8/T/p9snu2vO'}\n"


@pytest.fixture
def hook() -> t.Iterator[Hook]:
    made = Hook()
    yield made
    made.close()


def test_a_healthy_pair_that_notifies_has_nothing(tmp_path: pathlib.Path, hook: Hook) -> None:
    with pair(tmp_path, hook) as (one, other):
        one.fire("ServiceDown", service="orders")
        other.fire("ServiceDown", service="orders")
        one.fire("Watchdog", severity="none", team="nobody")
        until("the notification", lambda: "ServiceDown" in hook.got)
        result = look(one, other, watchdog="Watchdog", watch_labels={"service": "orders"})
    assert ids(result) == [], result["findings"]
    found = result["snapshot"]
    assert found["alerts"]["states"] == {"active": 2}, "each alert once"
    assert found["receivers"] == {"team": ["webhook"], "null": []}
    assert sum(row["notifications"] for row in found["notifications"]) >= 1
    assert [len(member["peers"]) for member in found["members"]] == [2, 2]
    assert "CANARY" not in json.dumps(result)
    assert "name: team" in result["attachments"]["alertmanager.yml"]


def test_a_receiver_that_fails_is_named_and_forgotten_after_its_cure(tmp_path: pathlib.Path, hook: Hook) -> None:
    hook.status = 500
    with running(tmp_path, hook) as server:
        server.fire("ServiceDown", service="orders")
        until("some attempts", lambda: len(hook.got) >= 2)
        broken = look(server)
        hook.status = 200
        until("success", lambda: look(server, window=0.0)["snapshot"]["notifications"][0]["failed_percent"] < 100)
        cured = look(server, lookback=0.0)
    assert ids(broken) == ["alertmanager.notifications.failing"]
    one = broken["findings"][0]
    assert (one["severity"], one["details"]) == ("P2", {"integration": "webhook", "receivers": ["team"]})
    assert ids(cured) == []
    assert "CANARY" not in json.dumps([broken, cured])


def test_who_hides_the_incident_and_what_goes_nowhere(tmp_path: pathlib.Path, hook: Hook) -> None:
    with running(tmp_path, hook) as server:
        server.fire("NodeDown", node="n1", service="node")
        server.fire("HighLag", node="n1", service="orders")
        server.fire("ServiceDown", service="orders")
        server.fire("Forgotten", team="nobody")
        silence(server, matchers=ORDERS, created_by="ann", incident="X", comment="moving racks")
        until("both to be hidden", lambda: list(server.states().values()).count("suppressed") == 2)
        result = look(server, watch_labels={"service": "orders"}, watchdog="Watchdog")
        ours = look(server, watch_labels={"service": "orders"}, created_by="ann")
    assert ids(result) == [
        "alertmanager.alert.suppressed",
        "alertmanager.alert.unrouted",
        "alertmanager.silence.covers_incident",
        "alertmanager.watchdog.missing",
    ]
    one = next(found for found in result["findings"] if found["id"] == "alertmanager.alert.suppressed")
    assert one["observed"]["silenced"] == 2 and one["observed"]["inhibited"] in (0, 1)
    assert any("ann" in line and "moving racks" in line for line in one["evidence"])
    assert "alertmanager.silence.covers_incident" not in ids(ours)


def test_an_inhibited_alert_names_what_inhibits_it(tmp_path: pathlib.Path, hook: Hook) -> None:
    with running(tmp_path, hook) as server:
        server.fire("NodeDown", node="n1", service="node")
        server.fire("HighLag", node="n1", service="orders")
        until("it to be inhibited", lambda: server.states().get("HighLag") == "suppressed")
        result = look(server, watch_labels={"service": "orders"})
    assert ids(result) == ["alertmanager.alert.suppressed"]
    assert any("inhibited by the alert NodeDown" in line for line in result["findings"][0]["evidence"])


def test_members_that_never_met_and_one_that_dies(tmp_path: pathlib.Path) -> None:
    one, other = Server(tmp_path / "1"), Server(tmp_path / "2")
    other.configure({"route": {"receiver": "else"}, "receivers": [{"name": "else"}]})
    try:
        one.start().ready()
        other.start().ready()
        apart = look(one, other)
        other.stop()
        alone = look(one, other)
        one.stop()
        nobody = look(one, other)
    finally:
        one.stop()
        other.stop()
    assert ids(apart) == ["alertmanager.cluster.split", "alertmanager.cluster.split", "alertmanager.config.differs"]
    assert ids(alone) == ["alertmanager.peer.unreachable"]
    assert ids(nobody) == ["alertmanager.unreachable"] * 2 and not nobody["reachable"]


def test_a_configuration_that_is_refused_and_one_that_is_taken_again(tmp_path: pathlib.Path) -> None:
    with running(tmp_path) as server:
        good = (server.directory / "config.yml").read_text()
        server.configure("route: {receiver: nobody-knows}")
        with pytest.raises(OSError, match="500"):
            server.ask("/-/reload", method="POST")
        broken = look(server)
        server.configure(good)
        server.ask("/-/reload", method="POST")
        cured = look(server)
    assert ids(broken) == ["alertmanager.config.reload_failed"]
    assert ids(cured) == []


def test_a_prefix_and_a_login(tmp_path: pathlib.Path) -> None:
    web = tmp_path / "web.yml"
    web.write_text(LOGIN)
    server = Server(tmp_path / "1", None, "--web.route-prefix=/am", f"--web.config.file={web}")
    try:
        server.start()
        until("it to ask for a login", lambda: ids(look(server)) == ["alertmanager.auth.rejected"])
        login = {"username": "ann", "password": "right-CANARY"}
        outside = look(server, **login)
        server.url += "/am"
        inside = look(server, **login)
        wrong = look(server, username="ann", password="wrong-CANARY")
        made = silence(server, matchers=ORDERS, incident="X", comment="y", **login)
        said = lifecycle(tmp_path / "run", server.url, {"service": "auth"}, login=login)
    finally:
        server.stop()
    assert ids(inside) == [] and made["changed"]
    assert said[-1] == "1 silence ended", "the lifecycle logs in with the defaults of the group"
    assert ids(wrong) == ["alertmanager.auth.rejected"]
    assert ids(outside) == ["alertmanager.api.unsupported"]
    assert "CANARY" not in json.dumps([inside, wrong, outside, made])


def test_a_silence_from_its_beginning_to_its_end_is_seen_by_both(tmp_path: pathlib.Path, hook: Hook) -> None:
    with pair(tmp_path, hook) as (one, other):
        for server in (one, other):
            server.fire("ServiceDown", service="orders")
            server.fire("Other", service="auth")
        wish: dict[str, t.Any] = {"matchers": ORDERS, "incident": "INC-1", "comment": "a restart"}
        tried = silence(one, check_mode=True, **wish)
        assert tried["changed"] and one.ask("/api/v2/silences") == []
        made = silence(one, **wish)
        assert made["changed"] and [row["labels"]["alertname"] for row in made["alerts"]] == ["ServiceDown"]
        until("the other one to hear of it", lambda: other.states() == {"ServiceDown": "suppressed", "Other": "active"})
        assert not silence(other, **wish)["changed"], "the same silence, asked for elsewhere"
        longer = silence(other, duration=3600.0, extend=True, **wish)
        assert longer["changed"] and longer["silence"]["ends"] > made["silence"]["ends"] + 2000
        own = look(one, other, watch_labels={"service": "orders"})
        assert ids(own) == [], "silences of our own are no finding"
        ended = silence(other, state="expired", incident="INC-1")
        assert ended["changed"] and {row["state"] for row in ended["silences"]} == {"expired"}
        until("all to be heard", lambda: set(one.states().values()) == {"active"})
        assert not silence(one, state="expired", incident="INC-1")["changed"]
        assert not silence(one, state="expired", id=made["silence"]["id"])["changed"]
        assert not silence(one, state="expired", id="no-uuid")["changed"]
        theirs = silence(one, created_by="ann", **wish)
        with pytest.raises(Misuse, match="made by ann"):
            silence(one, state="expired", id=theirs["silence"]["id"])


def test_a_silence_that_would_hide_too_much_is_not_there_afterwards(tmp_path: pathlib.Path) -> None:
    with running(tmp_path) as server:
        for number in range(6):
            server.fire(f"A{number}", service="orders")
        until("the alerts", lambda: len(server.states()) == 6)
        found = silence(server, matchers=ORDERS, incident="X", comment="y")
        assert "each of the 6 alerts" in found["problem"]
        few = silence(server, matchers=ORDERS, incident="X", comment="y", max_alerts=5)
        assert "max_alerts is 5" in few["problem"]
        assert server.ask("/api/v2/silences") == []
        server.fire("Other", service="auth")
        until("one more", lambda: len(server.states()) == 7)
        assert silence(server, matchers=ORDERS, incident="X", comment="y")["changed"]


PLAY = """
- hosts: web1
  gather_facts: false
  module_defaults:
    group/incident.response.alertmanager: "{{ login | default({}) }}"
  tasks:
    - name: Look
      incident.response.alertmanager_health_info: {url: "{{ incident_silence_url }}", window: 0, watchdog: Watchdog}
      register: looked
      when: look | default(false)
    - name: Keep it
      ansible.builtin.copy:
        content: "{{ looked.findings | default([]) | map(attribute='id') | list | to_json }}"
        dest: "{{ kept }}"
      when: look | default(false)
    - name: As before an action, and after the watch
      ansible.builtin.include_role:
        name: incident.response.incident
        tasks_from: "{{ step }}"
      loop: "{{ steps }}"
      loop_control: {loop_var: step}
    - name: An action that fails
      when: breaks | default(false)
      block:
        - name: Act
          block:
            - name: Break
              ansible.builtin.fail: {msg: so it broke}
          always:
            - name: As the role does
              ansible.builtin.include_role: {name: incident.response.incident, tasks_from: heard}
      rescue:
        - name: As the role does, too
          ansible.builtin.assert:
            that: ansible_failed_task.name == "Break" and ansible_failed_result.msg == "so it broke"
"""


def lifecycle(where: pathlib.Path, url: str, matchers: dict[str, str], **more: t.Any) -> list[str]:
    """Run the role's own tasks for silences, and read what the timeline says about them."""
    where.mkdir()
    (where / "play.yml").write_text(PLAY)
    (where / "hosts").write_text(
        "web1 ansible_connection=local ansible_python_interpreter={{ansible_playbook_python}}\n"
    )
    state = where / "state"
    with Store(state) as store:
        incident = store.open_incident("web1", "kafka", time.time(), {}).id
    variables: dict[str, t.Any] = {
        "incident_scenario": "kafka",
        "incident_silence_url": url,
        "incident_silence_matchers": matchers,
        "steps": ["silence", "heard"],
        "kept": str(where / "kept.json"),
        "__incident_opened": {"incident": incident},
        "__incident_decision": {"plan": {"actions": [{"title": "restart orders"}]}},
        **more,
    }
    run = play(state, playbook=str(where / "play.yml"), inventory=str(where / "hosts"), **variables)
    assert run.status == 0, run.output
    with Store(state) as store:
        return [event.text for event in store.events(incident) if event.kind == "silence"]


def test_the_lifecycle_silences_and_lets_go(tmp_path: pathlib.Path) -> None:
    with running(tmp_path / "am") as server:
        server.fire("ServiceDown", service="orders")
        said = lifecycle(tmp_path / "both", server.url, {"service": "orders"})
        rows = server.ask("/api/v2/silences")
        assert [row["status"]["state"] for row in rows] == ["expired"]
        assert rows[0]["comment"].startswith("web1: restart orders [incident ")
        assert said == ['{service="orders"} for 900 s: silenced, 1 active alert affected', "1 silence ended"]
        lifecycle(tmp_path / "first", server.url, {"service": "orders"}, steps=["silence"])
        assert server.states() == {"ServiceDown": "suppressed"}


def test_a_silence_that_can_not_be_set_is_written_down_and_stops_nothing(tmp_path: pathlib.Path) -> None:
    down = lifecycle(tmp_path / "down", "http://127.0.0.1:1", {"service": "orders"})
    assert "no silence was set" in down[0] and "connection refused" in down[0]
    assert "ends by itself only" in down[1]
    with running(tmp_path / "am") as server:
        wide = lifecycle(tmp_path / "wide", server.url, {"service": ""})
        long = lifecycle(tmp_path / "long", server.url, {"service": "orders"}, incident_silence_duration=9999)
        assert server.ask("/api/v2/silences") == []
    assert "fits every alert" in wide[0] and wide[1] == "no such silence stands"
    assert "duration" in long[0]


def test_a_silence_that_can_not_be_ended_does_not_take_the_place_of_what_failed(tmp_path: pathlib.Path) -> None:
    said = lifecycle(tmp_path / "run", "http://127.0.0.1:1", {"service": "orders"}, steps=[], breaks=True)
    assert len(said) == 1 and "ends by itself only" in said[0]


@pytest.mark.parametrize("in_process", [True, False])
def test_in_a_play_it_is_the_same_in_process_and_as_a_module(tmp_path: pathlib.Path, in_process: bool) -> None:
    with running(tmp_path / "am") as server:
        lifecycle(tmp_path / "run", server.url, {}, steps=[], look=True, incident_in_process=in_process)
    assert json.loads((tmp_path / "run/kept.json").read_text()) == ["alertmanager.watchdog.missing"]


def test_the_role_lets_go_whatever_happens() -> None:
    """What is silenced before the action is let go of in always, so that a failed play is no blanket."""
    import yaml

    tasks = yaml.safe_load((ROOT / "roles/incident/tasks/act.yml").read_text())
    before = next(number for number, task in enumerate(tasks) if "silence.yml" in str(task))
    acting = next(number for number, task in enumerate(tasks) if "block" in task)
    assert before < acting
    assert "incident_act" in str(tasks[acting]["block"]) and "watch.yml" in str(tasks[acting]["block"])
    assert "heard.yml" in str(tasks[acting]["always"])
    assert tasks[before]["when"] == tasks[acting]["always"][0]["when"]
