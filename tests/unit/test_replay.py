# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a triage saw is judged again: the same rules decide the same, other rules are shown fact by fact."""

from __future__ import annotations

import copy
import gzip
import json
import pathlib
import stat
import typing as t

import pytest
import triage_made
from ansible_collections.incident.response.plugins.module_utils.core import replay, triage_scope
from ansible_collections.incident.response.plugins.module_utils.core.triage import Situation, triage
from ansible_collections.incident.response.plugins.module_utils.core.triage_looks import Look
from ansible_collections.incident.response.plugins.plugin_utils import looks_file
from http_servers import refusing, serving
from test_triage_play import House, blames_the_cache, well
from triage_made import failing, finding, refused, stopped

SITUATIONS: dict[str, dict[str, t.Any]] = {
    "healthy": {},
    "a cache and its victims": {
        "findings": (finding("redis.connect.refused", "cache"), failing("login")),
        "away": ("cache",),
        "changes": {"cache": {"severity_if_down": "P3"}},
    },
    "a container": {"findings": (stopped("mailer", 0), finding("kafka.lag.stopped", "group:post", "P2"))},
    "all down": {"findings": tuple(refused(name) for name in ("web", "login", "orders", "mailer"))},
    "not measured": {"dead": {"base": "no route to host"}, "findings": (failing("login"),)},
    "staging": {"findings": (refused("web"),), "production": {"web": False}, "impacts": {**{"errors": "P2"}}},
}


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> t.Callable[..., Situation]:
    """A situation instead of what is decided about it."""
    monkeypatch.setattr(triage_made, "triage", lambda situation: situation)

    def make(findings: t.Sequence[t.Any] = (), impacts: dict[str, str] | None = None, **more: t.Any) -> Situation:
        if impacts:
            more["impacts"] = {**replay.Situation.__dataclass_fields__["impacts"].default_factory(), **impacts}
        return t.cast(Situation, triage_made.decide(*findings, **more))

    return make


def through_json(situation: Situation) -> dict[str, t.Any]:
    data = replay.saved(situation, triage(situation).to_dict())
    return t.cast("dict[str, t.Any]", json.loads(json.dumps(data)))


@pytest.mark.parametrize("name", SITUATIONS)
def test_the_same_rules_decide_the_same(made: t.Callable[..., Situation], name: str) -> None:
    situation = made(**SITUATIONS[name])
    data = through_json(situation)
    again = triage(replay.situation_of(data)).to_dict()
    assert replay.compare(data["decided"], replay.facts(again)) == []
    first = triage(situation).to_dict()
    for verdict in (again, first):
        del verdict["logs"]
    assert json.loads(json.dumps(again)) == json.loads(json.dumps(first))


def test_nobody_s_log_lines_are_saved(made: t.Callable[..., Situation]) -> None:
    situation = made((stopped("mailer", 0),))
    assert "order line 1" in json.dumps(triage_containers(situation))
    assert "order line 1" not in json.dumps(through_json(situation))


def triage_containers(situation: Situation) -> list[t.Any]:
    return [row for look in situation.looks for row in look.containers]


def test_each_fact_that_is_decided_otherwise_is_named(made: t.Callable[..., Situation]) -> None:
    data = through_json(made(**SITUATIONS["a cache and its victims"]))
    decided = copy.deepcopy(data["decided"])
    decided["severity"] = ["P1"]
    decided["roots"].append("login http.health.failing")
    decided["suppressed"] = []
    decided["of another release"] = ["x"]
    found = replay.compare(decided, data["decided"])
    assert [(item.what, item.then, item.now) for item in found] == [
        ("severity", "P1", "P2"),
        ("roots", "login http.health.failing", "none"),
        ("suppressed", "none", "login http.health.failing by cache"),
    ]


def test_another_order_is_a_difference_that_shows_both() -> None:
    (item,) = replay.compare({"treatments": ["a", "b"]}, {"treatments": ["b", "a"]})
    assert (item.then, item.now) == ("a, b", "b, a")


@pytest.mark.parametrize(
    ("change", "said"),
    [
        (lambda data: [], "its format is None"),
        (lambda data: {**data, "format": "incident.response.looks/9"}, "its format is 'incident.response.looks/9'"),
        (lambda data: {**data, "looks": None}, "it is damaged"),
        (lambda data: {**data, "inventory": [{}]}, "it is damaged: KeyError: 'service'"),
        (lambda data: {**data, "at": "soon"}, "it is damaged: ValueError"),
        (lambda data: {**data, "looks": [{"name": "x", "findings": [{"id": "y"}]}]}, "it is damaged: TypeError"),
    ],
)
def test_what_is_foreign_or_damaged_says_how(made: t.Callable[..., Situation], change: t.Any, said: str) -> None:
    with pytest.raises(replay.ReplayError, match=said.replace("[", r"\[")):
        replay.situation_of(change(through_json(made())))


def test_names_that_look_like_those_of_secrets_come_back(tmp_path: pathlib.Path) -> None:
    runtime = {"kind": "docker", "host": "auth", "project": "password", "service": "api-token"}
    variables = {
        "auth": {"group_names": ["docker_hosts"]},
        "api-token": {"group_names": ["http_services"], "runtime": runtime, "depends_on": ["db-password", "auth"]},
        "db-password": {"group_names": ["kafka"], "kafka_consumers": {"secret": "api-token"}},
    }
    inventory = {name: triage_scope.target_from_vars(name, own) for name, own in variables.items()}
    found = (finding("http.connect.refused", "api-token"), finding("kafka.lag.stopped", "group:secret"))
    look = Look("http api-token", "http_health_info", "api-token", findings=found)
    situation = Situation(inventory, (look,), frozenset(variables), 1.8e9, {"api-token": False, "auth": True})
    write(tmp_path, situation)
    (file,) = looks_file.find(str(tmp_path))
    assert replay.situation_of(looks_file.read(file)) == situation


# Files


def write(where: pathlib.Path, situation: Situation, number: int = 1, kept: int = 100) -> str:
    file = where / f"2026112{number}T030000.000000Z-1.json"
    file.write_text("{}")
    return looks_file.write(file, situation, triage(situation).to_dict(), kept)


def test_files_are_for_their_owner_redacted_and_as_many_as_verdicts(
    made: t.Callable[..., Situation], tmp_path: pathlib.Path
) -> None:
    leak = finding("redis.connect.refused", "cache", url="redis://:hunter2canary@cache")
    for number in range(5):
        assert write(tmp_path, made((leak,)), number, kept=3) == ""
    files = looks_file.find(str(tmp_path))
    assert [file.name[:9] for file in files] == ["20261122T", "20261123T", "20261124T"]
    assert stat.S_IMODE(files[0].stat().st_mode) == 0o600
    assert b"hunter2canary" not in gzip.decompress(files[0].read_bytes())
    assert replay.situation_of(looks_file.read(files[0])).looks


def test_what_is_too_large_is_not_kept(
    made: t.Callable[..., Situation], tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert write(tmp_path, made()) == ""
    (file,) = looks_file.find(str(tmp_path))
    monkeypatch.setattr(looks_file, "LARGEST", 100)
    assert "at most 100 are saved" in write(tmp_path, made(), 2)
    assert looks_file.find(str(tmp_path)) == [file]
    with pytest.raises(replay.ReplayError, match="more than 100 bytes"):
        looks_file.read(file)


def test_files_that_can_not_be_read_say_why(tmp_path: pathlib.Path) -> None:
    whole = gzip.compress(b'{"a": 1}' * 1000)
    cases = {b"plain text": "can't be read", whole[:-20]: "cut off", gzip.compress(b"no json"): "no JSON"}
    for number, (data, said) in enumerate(cases.items()):
        file = tmp_path / str(number)
        file.write_bytes(data)
        with pytest.raises(replay.ReplayError, match=said):
            looks_file.read(file)
    with pytest.raises(replay.ReplayError, match="No such file"):
        looks_file.read(tmp_path / "none")


def test_a_verdict_a_directory_and_a_glob_lead_to_the_same(
    made: t.Callable[..., Situation], tmp_path: pathlib.Path
) -> None:
    write(tmp_path, made())
    (file,) = looks_file.find(str(tmp_path))
    assert looks_file.find(str(looks_file.find(str(tmp_path))[0])) == [file]
    assert looks_file.find(str(next(tmp_path.glob("*Z-1.json")))) == [file]
    assert looks_file.find(str(tmp_path / "*")) == [file]
    assert looks_file.find(str(tmp_path / "none")) == []


# The play

PLAY = "playbooks/replay.yml"


@pytest.mark.core
def test_the_play_judges_what_triage_has_kept(tmp_path: pathlib.Path) -> None:
    house = House(tmp_path)
    with serving(blames_the_cache) as shop, serving(well) as till:
        house.service("shop", shop.url(), depends_on=["till", "cache"])
        house.service("till", till.url())
        house.add("redis", "cache", redis_port=refusing(), severity_if_down="P2")
        state = house.play().state
    kept = state / "triage"
    run = house.play(playbook=PLAY, incident_state_dir=str(state))
    assert (run.status, run.lines) == (0, ["1 of 1 verdicts would be the same today"]), str(run)
    (file,) = looks_file.find(str(kept))
    data = looks_file.read(file)
    data["decided"]["severity"] = ["P4"]
    other = tmp_path / "other.looks.json.gz"
    other.write_bytes(gzip.compress(json.dumps(data).encode()))
    foreign = tmp_path / "foreign.looks.json.gz"
    foreign.write_text("hello")
    run = house.play(playbook=PLAY, incident_replay=[str(file), str(tmp_path)])
    assert run.status == 2
    assert run.lines[0].startswith("differs  ")
    assert run.lines[1] == "    severity    then P4; now P2"
    assert run.lines[2].startswith(f"error    {foreign}: it can't be read: Not a gzipped file")
    assert run.lines[3] == "1 of 3 verdicts would be the same today", str(run)
    run = house.play(playbook=PLAY, incident_replay=str(tmp_path / "nothing"))
    assert run.status == 2
    assert "nothing that a triage saved" in str(run)
