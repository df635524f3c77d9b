"""The world after a scenario, asked from Docker and the disk: not from the collection.

molecule/verify.yml runs the tests here, and says in the environment where things are.
"""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
import testinfra

sys.path.insert(0, str(Path(__file__).parent))
from containers import started

if "CONTAINERS_BEFORE" not in os.environ:
    pytest.skip("molecule runs these, after the scenario", allow_module_level=True)

PROJECT = os.environ["LAB_PROJECT"]
STATE = Path(os.environ["INCIDENT_STATE_DIR"])
BEFORE: dict[str, str] = json.loads(Path(os.environ["CONTAINERS_BEFORE"]).read_text())
WRITTEN = Path(os.environ["CONTAINERS_BEFORE"]).stat().st_mtime
"""When that was written down, after the fault was in: epoch seconds."""
HOST = testinfra.get_host("local://")


def container(service: str) -> str:
    """The id of the one container of a service."""
    listed = HOST.check_output(
        "docker ps --quiet --filter label=com.docker.compose.project=%s --filter label=com.docker.compose.service=%s",
        PROJECT,
        service,
    )
    assert len(listed.split()) == 1, f"one container of {service} runs"
    return str(listed.strip())


def inside(service: str, command: str) -> str:
    """What a command says that runs in the container of a service."""
    return str(HOST.check_output("docker exec %s sh -c %s", container(service), command))


def untouched(*but: str) -> None:
    """Every container runs since before the scenario, but for these services'."""
    now = started(PROJECT)
    assert {name: value for name, value in now.items() if name not in but} == {
        name: value for name, value in BEFORE.items() if name not in but
    }


def reported(*words: str, outcome: str = "fixed") -> None:
    """The last report says how it ended, and each of these words; its page with the chart is there."""
    reports = sorted(STATE.rglob("*.md"))
    assert reports, f"a report below {STATE}"
    text = reports[-1].read_text()
    for word in (outcome, *words):
        assert word.lower() in text.lower(), word
    assert [path for path in STATE.rglob("*.html") if path.stat().st_size > 1000], "the report with charts"
