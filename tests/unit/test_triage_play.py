# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""playbooks/triage.yml as a person runs it, against small real servers: exit status, lines, verdict, who is away."""

from __future__ import annotations

import contextlib
import dataclasses
import json
import os
import pathlib
import stat
import subprocess
import sys
import time
import typing as t

import pytest
from http_servers import Visit, deaf, refusing, serving

ROOT = pathlib.Path(__file__).resolve().parents[2]
PLAY = "playbooks/triage.yml"
LIMIT = 120


@dataclasses.dataclass(frozen=True)
class Run:
    status: int
    lines: list[str]
    state: pathlib.Path
    seconds: float

    @property
    def verdict(self) -> dict[str, t.Any]:
        (file,) = (self.state / "triage").glob("*.json")
        return t.cast("dict[str, t.Any]", json.loads(file.read_text()))

    def __str__(self) -> str:
        return "\n".join(self.lines)


class House:
    """An inventory of targets, written anew for each run."""

    def __init__(self, where: pathlib.Path) -> None:
        self.where = where
        self.groups: dict[str, dict[str, dict[str, t.Any]]] = {}
        self.runs = 0

    def service(self, name: str, url: str, **variables: t.Any) -> None:
        quick = {"http_health_url": url, "http_connect_timeout": 1, "http_timeout": 1, "http_read_timeout": 1}
        self.add("http_services", name, **{**quick, **variables})

    def add(self, group: str, name: str, **variables: t.Any) -> None:
        self.groups.setdefault(group, {})[name] = variables

    def play(self, *arguments: str, playbook: str = PLAY, **extra: t.Any) -> Run:
        self.runs += 1
        state = self.where / f"state-{self.runs}"
        inventory = self.where / "hosts.json"
        every = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable}
        groups = {name: {"hosts": hosts} for name, hosts in self.groups.items()}
        inventory.write_text(json.dumps({"all": {"vars": every, "children": groups}}))
        command = [str(pathlib.Path(sys.executable).with_name("ansible-playbook")), "-i", str(inventory), playbook]
        settings = {
            "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
            "ANSIBLE_LOCAL_TEMP": str(self.where / "local"),
            "ANSIBLE_FORKS": "10",
        }
        started = time.monotonic()
        done = subprocess.run(
            [*command, *arguments, "-e", json.dumps({"incident_state_dir": str(state), **extra})],
            capture_output=True,
            text=True,
            env={**os.environ, **settings},
            cwd=ROOT,
            stdin=subprocess.DEVNULL,
            timeout=LIMIT,
            check=False,
        )
        took = time.monotonic() - started
        return Run(done.returncode, (done.stdout + done.stderr).strip().splitlines(), state, took)


def well(visit: Visit) -> None:
    visit.answer(b'{"status": "ok"}')


def blames_the_cache(visit: Visit) -> None:
    visit.answer(b'{"status": "error", "dependencies": {"cache": {"status": "error"}}}', 503)


@pytest.fixture
def house(tmp_path: pathlib.Path) -> House:
    return House(tmp_path)


@pytest.mark.core
def test_healthy_is_one_line_and_status_0_by_path_and_by_name(house: House) -> None:
    with serving(well) as first, serving(well) as second:
        house.service("shop", first.url(), depends_on=["till"])
        house.service("till", second.url())
        house.add("ungrouped_things", "a-printer")
        run = house.play()
        assert (run.status, len(run.lines)) == (0, 1), str(run)
        assert run.lines[0].startswith("Healthy: nothing found on 2 targets (2 http) in ")
        assert run.verdict["outcome"] == "healthy"
        assert set(run.verdict["looked_at"]) == {"shop", "till"}, "what has no check is no target"
        by_name = house.play(playbook="incident.response.triage")
        assert (by_name.status, len(by_name.lines)) == (0, 1), str(by_name)


def test_a_misspelt_variable_is_told_and_one_of_another_role_is_not(house: House) -> None:
    """It would have no effect, and a threshold that nobody reads is noticed when it is too late."""
    with serving(well) as shop:
        house.service("shop", shop.url(), http_threshold={"health_ms": {"warn": 1}}, http_proxy_of_the_printer="none")
        run = house.play()
    text = " ".join(str(run).split())
    assert run.status == 0, text
    assert "shop: no check reads http_threshold, so that it has no effect. Is http_thresholds meant?" in text
    assert "printer" not in text


@pytest.mark.core
def test_what_is_broken_is_named_with_what_follows_and_the_status_is_not_0(house: House) -> None:
    with serving(blames_the_cache) as shop, serving(well) as till:
        house.service("shop", shop.url(), depends_on=["till", "cache"])
        house.service("till", till.url())
        house.add("redis", "cache", redis_port=refusing(), owner="Platform Lead", severity_if_down="P2")
        contacts = {"Platform Lead": {"contact": "platform@example.com"}}
        run = house.play(incident_contacts=contacts)
        text = str(run)
        assert run.status == 2, text
        assert run.lines[0].startswith("P2  critical: Redis at 127.0.0.1:")
        assert "    root     cache" in run.lines
        assert "    follows  http.health.failing: " in text
        assert "within 15 min" in text
        assert "call Platform Lead platform@example.com" in text
        command = f"ansible-playbook -i {house.where / 'hosts.json'} incident.response.scenario_redis --limit cache"
        assert f"    next     {command}" in run.lines
        verdict = run.verdict
        assert (verdict["target"], verdict["scenario"], verdict["component"]) == ("cache", "redis", "cache")
        assert verdict["command"] == command
        (file,) = (run.state / "triage").glob("*.json")
        assert run.lines[-1] == f"    verdict  {file}"
        assert stat.S_IMODE(file.stat().st_mode) == 0o600
        zero = house.play(incident_triage_exit="always_zero")
        assert zero.status == 0
        assert zero.lines[0] == run.lines[0]


def test_who_can_not_be_looked_at_is_said_and_hides_nobody(house: House) -> None:
    ssh = house.where / "ssh"
    ssh.write_text("#!/bin/sh\necho 'ssh: connect to host away port 22: No route to host' >&2\nexit 255\n")
    ssh.chmod(0o755)
    with serving(well) as shop:
        house.service("shop", shop.url())
        house.service("away", shop.url(), ansible_connection="ssh", ansible_ssh_executable=str(ssh))
        house.add("redis", "misused", redis_window=-1, redis_lookback=-1)
        house.add("redis", "undefined", redis_password="{{ no_such_variable }}")
        house.service("astray", shop.url(), depends_on=["shopp"])
        run = house.play()
    text = str(run)
    assert run.status == 2, text
    assert run.verdict["outcome"] == "unknown"
    why = {item["component"]: item["summary"] for item in run.verdict["unknown"]}
    assert set(why) == {"away", "misused", "undefined", "astray"}, text
    assert "its host is unreachable" in why["away"]
    assert "No route to host" in why["away"]
    assert "lookback: -1" in why["misused"]
    assert "no_such_variable" in why["undefined"]
    assert "depends_on names shopp" in why["astray"]
    assert run.verdict["services"]["shop"] == run.verdict["services"]["astray"] == "up"


@pytest.mark.core
def test_a_host_whose_own_task_can_not_begin_hides_nobody(house: House) -> None:
    with serving(well) as shop:
        house.service("shop", shop.url())
        house.service("lost", shop.url(), ansible_connection="{{ no_such_variable }}")
        house.service("till", f"http://127.0.0.1:{refusing()}/health")
        run = house.play()
    assert run.verdict["component"] == "till", str(run)
    assert run.verdict["services"]["shop"] == "up"
    assert {item["component"] for item in run.verdict["unknown"]} == {"lost"}
    assert "no_such_variable" in str(run)


def test_dead_targets_cost_their_timeout_at_the_same_time(house: House) -> None:
    """Eight times six seconds, one after the other, is more than the slowest machine needs for one."""
    with contextlib.ExitStack() as stack:
        for number in range(8):
            url = f"http://127.0.0.1:{stack.enter_context(deaf())}/health"
            house.service(f"dead-{number}", url, http_timeout=6, http_read_timeout=6)
        house.service("shop", stack.enter_context(serving(well)).url())
        run = house.play()
    assert run.status == 2, str(run)
    assert {item["id"] for item in run.verdict["roots"]} == {"http.response.silent"}
    assert len(run.verdict["roots"]) == 8
    assert run.seconds < 8 * 6


def test_with_a_limit_and_in_check_mode(house: House) -> None:
    with serving(well) as shop:
        house.service("shop", shop.url(), depends_on=["cache"])
        house.add("redis", "cache", redis_port=refusing())
        run = house.play("--limit", "shop", "--check")
        assert run.status == 0, str(run)
        assert run.lines[0].endswith("(not looked at: cache)")
        assert not (run.state / "triage").exists(), "check mode writes no verdict"
        full = house.play("--check")
        assert full.status == 2, str(full)
        assert not any("verdict  " in line for line in full.lines)


@pytest.mark.core
@pytest.mark.parametrize("variable", ["incident_in_process", "ansible_become"])
def test_hosts_that_have_to_be_asked_by_their_own_task_are_judged_the_same(house: House, variable: str) -> None:
    """All of them in the first run, none of them in the second, one in the third."""
    own = {"incident_in_process": False} if variable == "incident_in_process" else {}
    with serving(blames_the_cache) as shop, serving(well) as till:
        house.service("shop", shop.url(), depends_on=["till", "cache"], incident_environment="staging")
        house.service("till", till.url())
        house.add("redis", "cache", redis_port=refusing())
        runs = [house.play(**own), house.play()]
        house.groups["redis"]["cache"][variable] = own.get(variable, True)
        house.groups["redis"]["cache"]["ansible_become_exe"] = sudo(house.where)
        runs.append(house.play())
    seen = [judged(run.verdict) for run in runs]
    assert len(seen[0]) == 4, str(runs[0])
    assert seen[0] == seen[1] == seen[2], "\n\n".join(map(str, runs))


def judged(verdict: dict[str, t.Any]) -> list[t.Any]:
    """What a verdict says, without what takes another time in each run."""
    found = [*verdict["roots"], *(row["finding"] for row in verdict["suppressed"])]
    said = [(item["id"], item["component"], item["state"], item["severity"], item["summary"]) for item in found]
    return [verdict["severity"], verdict["services"], *said]


def sudo(where: pathlib.Path) -> str:
    """A sudo that lets everybody be who they are."""
    program = where / "sudo"
    program.write_text('#!/bin/sh\nwhile [ $# -gt 0 ] && [ "$1" != /bin/sh ]; do shift; done\nexec "$@"\n')
    program.chmod(0o755)
    return str(program)


def test_outside_of_production_by_the_host_that_fails(house: House) -> None:
    with serving(well) as shop:
        house.service("shop", shop.url())
        house.service("trial", f"http://127.0.0.1:{refusing()}/health", incident_environment="staging")
        run = house.play()
    assert run.lines[0].startswith("P3  critical"), str(run)


def test_the_hook_is_told_only_where_somebody_asked_for_it(house: House) -> None:
    told = house.where / "told.json"
    hook = {"incident_notify_command": ["tee", str(told)]}
    house.service("shop", f"http://127.0.0.1:{refusing()}/health")
    assert house.play(**hook).status == 2
    assert not told.exists()
    house.play(**hook, incident_triage_notify=True)
    message = json.loads(told.read_text())
    assert (message["outcome"], message["target"], message["scenario"]) == ("found", "shop", "service")


def test_statistics_carry_the_verdict(house: House) -> None:
    house.service("shop", f"http://127.0.0.1:{refusing()}/health")
    run = house.play("-v", incident_triage_exit="always_zero")
    assert "incident_verdict" in str(run)


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ({"incident_triage_exit": "sometimes"}, "incident_triage_exit is one of by_verdict, always_zero"),
        ({"incident_triage_severity": {"all_down": "P9"}}, "incident_triage_severity"),
        ({"incident_hosts": "nobody"}, "No host matches nobody"),
        ({"incident_hosts": "a-printer"}, "no host of this run is in one of the groups alertmanager"),
    ],
)
def test_what_makes_no_sense_is_an_error_that_says_what_to_write(house: House, extra: dict, said: str) -> None:
    house.service("shop", f"http://127.0.0.1:{refusing()}/health")
    house.add("ungrouped_things", "a-printer")
    run = house.play(**extra)
    assert run.status != 0
    assert said.replace("alertmanager", "") in str(run), str(run)


def test_an_engine_that_is_away_is_asked_once_for_all_projects(house: House) -> None:
    house.add("docker_hosts", "box", docker_docker_host=f"tcp://127.0.0.1:{refusing()}")
    for name, project in (("shop", "a"), ("till", "b")):
        runtime = {"kind": "docker", "host": "box", "project": project, "service": name}
        house.service(name, f"http://127.0.0.1:{refusing()}/health", runtime=runtime)
    run = house.play()
    verdict = run.verdict
    assert (verdict["component"], verdict["rule"]["cause"]) == ("box", "triage.all_down.docker"), str(run)
    assert (verdict["severity"], verdict["scenario"]) == ("P1", "")
    assert len(verdict["looked_at"]["box"]) == 1
    assert {item["finding"]["component"] for item in verdict["suppressed"]} == {"shop", "till"}
    assert {row["follow"] for row in verdict["logs"]} == {
        "docker compose -p a logs -f shop", "docker compose -p b logs -f till",
    }  # fmt: skip


RESPOND = "playbooks/respond.yml"


@pytest.mark.core
def test_respond_is_one_line_where_all_is_well(house: House) -> None:
    with serving(well) as shop:
        house.service("shop", shop.url())
        run = house.play(playbook=RESPOND)
        assert (run.status, len(run.lines)) == (0, 1), str(run)


@pytest.mark.core
def test_respond_hands_the_root_cause_to_its_scenario_and_nothing_else(house: House) -> None:
    with serving(blames_the_cache) as shop, serving(well) as till:
        house.service("shop", shop.url(), depends_on=["till", "cache"])
        house.service("till", till.url())
        house.add("redis", "cache", redis_port=refusing())
        run = house.play(playbook=RESPOND, incident_mode="auto")
        text = str(run)
        assert run.status == 2, text
        assert "cache  Redis: cache misses, slow responses (mode auto)" in run.lines
        assert "cache  ESCALATED" in text
        assert "Service not responding" not in text, "who only suffers is left alone"
        proposed = house.play(playbook=RESPOND, incident_mode="propose")
        assert proposed.status == 0, "a proposal is what that mode promises"


def test_respond_says_what_its_limit_leaves_to_a_person(house: House) -> None:
    with serving(blames_the_cache) as shop:
        house.service("shop", shop.url(), depends_on=["cache"])
        house.service("till", f"http://127.0.0.1:{refusing()}/health")
        house.add("redis", "cache", redis_port=refusing())
        run = house.play("--limit", "shop", playbook=RESPOND, incident_mode="auto")
        text = str(run)
        assert run.status == 2, text
        assert "shop  Service not responding (mode auto)" in run.lines, "its own scenario names what it depends on"
        assert "scenario_redis --limit cache" in text


def test_respond_ends_with_an_error_where_nothing_could_be_measured(house: House) -> None:
    with serving(well) as shop:
        house.service("shop", shop.url())
        house.add("redis", "cache", redis_port="none")
        run = house.play(playbook=RESPOND, incident_mode="auto")
        assert run.status == 2, str(run)
        assert "What was not measured is treated by no scenario of this run" in str(run)
