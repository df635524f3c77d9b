"""What the service scenario did to the lab, asked from Docker and the service itself."""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from containers import started
from world import BEFORE, HOST, PROJECT, STATE, container, reported, untouched

CURED = "auth"


def test_the_service_was_started_again_in_the_same_container() -> None:
    before, now = BEFORE[CURED].split(), started(PROJECT)[CURED].split()
    assert now[0] == before[0]
    assert now[1] > before[1]


def test_nothing_else_was_touched() -> None:
    untouched(CURED)


def test_it_is_healthy_and_answers() -> None:
    state = json.loads(HOST.check_output("docker inspect --format '{{json .State}}' %s", container(CURED)))
    assert state["Running"]
    assert state["Health"]["Status"] == "healthy"


def test_its_stacks_were_kept_before_the_restart() -> None:
    kept = [path for path in STATE.rglob("*") if path.is_file() and b"goroutine " in path.read_bytes()]
    assert kept, "the stacks are in the store, the evidence or the report"


def test_the_report_tells_the_story() -> None:
    reported("http.response.silent", "restart auth")
