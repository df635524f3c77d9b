"""What the Kafka scenario did to the lab, asked from Docker, Kafka's own tools and the disk: not from the collection.

Run by molecule/scenario_kafka/verify.yml, which says in the environment where things are.
"""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

import pytest
import testinfra

sys.path.insert(0, str(Path(__file__).parent))
from containers import started

if "CONTAINERS_BEFORE" not in os.environ:
    pytest.skip("molecule runs these, after the scenario", allow_module_level=True)

PROJECT = os.environ["LAB_PROJECT"]
GROUP = os.environ["LAB_GROUP"]
STATE = Path(os.environ["INCIDENT_STATE_DIR"])
BEFORE = json.loads(Path(os.environ["CONTAINERS_BEFORE"]).read_text())
CURED = "notification"
HOST = testinfra.get_host("local://")


def container(service: str) -> str:
    listed = HOST.check_output(
        "docker ps --quiet --filter label=com.docker.compose.project=%s --filter label=com.docker.compose.service=%s",
        PROJECT,
        service,
    )
    assert len(listed.split()) == 1, f"one container of {service} runs"
    return listed.strip()


def consumer_groups(*arguments: str) -> str:
    tool = " ".join(("kafka-consumer-groups", "--bootstrap-server", "kafka:29092", "--group", GROUP, *arguments))
    return HOST.check_output("docker exec %s %s" % (container("kafka"), tool))  # noqa: UP031


def test_the_consumer_was_started_once() -> None:
    before, now = BEFORE[CURED].split(), started(PROJECT)[CURED].split()
    assert now[0] == before[0], "the same container, not a new one"
    assert now[1] > before[1], "started again"
    restarts = HOST.check_output("docker inspect --format '{{.RestartCount}}' %s", container(CURED))
    assert restarts.strip() == "0", "and it did not crash since"
    # Docker forgets events after a few hundred; the service's log has a line for each of its lives.
    log = HOST.run("docker logs --since %s %s", before[1], container(CURED))
    lives = re.findall(r"msg=started ", log.stdout + log.stderr)
    assert len(lives) == 2, "the life that was written down, and exactly one more"


def test_nothing_else_was_touched() -> None:
    now = started(PROJECT)
    assert {name: value for name, value in now.items() if name != CURED} == {
        name: value for name, value in BEFORE.items() if name != CURED
    }


def test_the_consumer_is_up_and_healthy() -> None:
    state = json.loads(HOST.check_output("docker inspect --format '{{json .State}}' %s", container(CURED)))
    assert state["Running"]
    assert state["Health"]["Status"] == "healthy"


def test_the_group_is_stable_and_has_caught_up() -> None:
    assert re.search(r"\bStable\b", consumer_groups("--describe", "--state"))
    rows = [line.split() for line in consumer_groups("--describe").splitlines() if line.startswith(GROUP)]
    lags = [int(row[5]) for row in rows if row[5] != "-"]
    assert lags, "the group has committed offsets"
    assert sum(lags) < 100


def test_the_report_tells_the_story() -> None:
    reports = sorted(STATE.rglob("*.md"))
    assert reports, f"a report below {STATE}"
    text = reports[-1].read_text()
    assert "kafka.lag.stopped" in text
    assert CURED in text
    assert "fixed" in text.lower()
    assert [path for path in STATE.rglob("*.html") if path.stat().st_size > 1000], "the report with charts"
