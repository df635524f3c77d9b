"""Settings: defaults, what the environment changes, what a running lab remembers, and what is refused."""

from __future__ import annotations

from pathlib import Path

import pytest

from lab import config
from lab.errors import LabError


@pytest.fixture
def env(tmp_path: Path) -> dict[str, str]:
    return {"LAB_STATE_DIR": str(tmp_path / "state"), "LAB_CACHE_DIR": str(tmp_path / "cache")}


def test_the_defaults_are_the_runbooks(env: dict[str, str]) -> None:
    settings = config.load(env)
    runbook = {
        "gateway": 8080,
        "auth": 8081,
        "orders": 8082,
        "notification": 8083,
        "prometheus": 9090,
        "alertmanager": 9093,
    }
    assert {name: settings.ports[name] for name in runbook} == runbook
    assert (settings.project, settings.topic, settings.group) == ("incident-lab", "notifications", "notification")


def test_one_port_and_all_ports_can_be_moved(env: dict[str, str]) -> None:
    moved = config.load({**env, "LAB_PORT_OFFSET": "15000", "LAB_KAFKA_PORT": "19999"})
    assert moved.ports["kafka"] == 19999
    assert moved.ports["gateway"] == 23080
    assert moved.brokers == "127.0.0.1:19999"


def test_a_running_lab_is_remembered_and_the_environment_beats_it(env: dict[str, str]) -> None:
    first = config.load({**env, "LAB_PORT_OFFSET": "1000", "LAB_TOPIC": "other"}, profiles=("cluster",))
    config.write_env_file(first.env_file, first.environment())
    again = config.load(env)
    assert again == first
    changed = config.load({**env, "LAB_REDIS_PORT": "7001", "LAB_TOPIC": "third"})
    assert (changed.ports["redis"], changed.ports["kafka"], changed.topic) == (7001, 10092, "third")


def test_projects_do_not_share_what_is_remembered(env: dict[str, str]) -> None:
    first = config.load({**env, "LAB_PORT_OFFSET": "1000"})
    config.write_env_file(first.env_file, first.environment())
    assert config.load({**env, "LAB_PROJECT": "second"}).ports == config.PORTS


@pytest.mark.parametrize(
    "bad",
    [
        {"LAB_PROJECT": "Has Spaces"},
        {"LAB_KAFKA_PORT": "many"},
        {"LAB_KAFKA_PORT": "0"},
        {"LAB_KAFKA_PORT": "70000"},
        {"LAB_KAFKA_PORT": "8080"},
        {"LAB_PORT_OFFSET": "-1"},
        {"LAB_RATE": "fast"},
        {"LAB_TOPIC": "it's"},
    ],
    ids=str,
)
def test_what_cannot_work_is_refused_with_a_way_out(env: dict[str, str], bad: dict[str, str]) -> None:
    with pytest.raises(LabError) as raised:
        config.load({**env, **bad})
    assert raised.value.hint


def test_an_env_file_reads_as_it_was_written(tmp_path: Path) -> None:
    values = {"A": "1", "B": "", "C": "two words = three"}
    config.write_env_file(tmp_path / "new" / "lab.env", values)
    assert config.read_env_file(tmp_path / "new" / "lab.env") == values
    assert config.read_env_file(tmp_path / "none.env") == {}
