"""What the memory scenario did to the lab, asked from Docker and the service itself."""

from __future__ import annotations

import json
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from containers import started
from world import BEFORE, HOST, PROJECT, STATE, container, reported, untouched

CURED = "auth"


def test_the_service_was_restarted_in_the_same_container() -> None:
    before, now = BEFORE[CURED].split(), started(PROJECT)[CURED].split()
    assert now[0] == before[0]
    assert now[1] > before[1]


def test_nothing_else_was_touched() -> None:
    untouched(CURED)


def test_it_is_healthy_and_its_memory_is_free_again() -> None:
    found = json.loads(HOST.check_output("docker inspect --format '{{json .}}' %s", container(CURED)))
    assert found["State"]["Health"]["Status"] == "healthy"
    assert not found["State"]["OOMKilled"]
    assert found["RestartCount"] == 0, "nothing but the scenario restarted it"


def test_the_profile_of_before_the_restart_was_kept() -> None:
    kept = [path for path in STATE.rglob("*heap*") if path.is_file() and path.read_bytes()[:2] == b"\x1f\x8b"]
    assert kept, "the heap profile, as go tool pprof opens it, is in the evidence"


def test_the_report_tells_the_story_and_what_is_left_to_mend() -> None:
    reported("go.heap.leak", "restart auth", "Find and mend the leak in", outcome="mitigated")
