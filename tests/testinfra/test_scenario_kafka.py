"""What the Kafka scenario did to the lab, asked from Docker and Kafka's own tools."""

from __future__ import annotations

import json
import os
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from containers import started
from world import BEFORE, HOST, PROJECT, WRITTEN, container, inside, reported, untouched

GROUP = os.environ["LAB_GROUP"]
CURED = "notification"


def consumer_groups(arguments: str) -> str:
    return inside("kafka", f"kafka-consumer-groups --bootstrap-server kafka:29092 --group {GROUP} {arguments}")


def test_the_consumer_was_started_once() -> None:
    before, now = BEFORE[CURED].split(), started(PROJECT)[CURED].split()
    assert now[0] == before[0], "the same container, not a new one"
    assert now[1] > before[1], "started again"
    restarts = HOST.check_output("docker inspect --format '{{.RestartCount}}' %s", container(CURED))
    assert restarts.strip() == "0", "and it did not crash since"
    # Docker forgets events after a few hundred; the service's log has a line for each of its lives. The one that was
    # written down had ended by then, and its own line may be rotated away.
    log = HOST.run("docker logs --since %s %s", str(WRITTEN), container(CURED))
    assert len(re.findall(r"msg=started ", log.stdout + log.stderr)) == 1, "exactly once"


def test_nothing_else_was_touched() -> None:
    untouched(CURED)


def test_the_consumer_is_up_and_healthy() -> None:
    state = json.loads(HOST.check_output("docker inspect --format '{{json .State}}' %s", container(CURED)))
    assert state["Running"]
    assert state["Health"]["Status"] == "healthy"


def test_the_group_is_stable_and_has_caught_up() -> None:
    assert re.search(r"\bStable\b", consumer_groups("--describe --state"))
    rows = [line.split() for line in consumer_groups("--describe").splitlines() if line.startswith(GROUP)]
    lags = [int(row[5]) for row in rows if row[5] != "-"]
    assert lags, "the group has committed offsets"
    assert sum(lags) < 100


def test_the_report_tells_the_story() -> None:
    reported("kafka.lag.stopped", CURED)
