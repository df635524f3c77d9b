"""What the Redis scenario did to the lab, asked from Docker and redis-cli."""

from __future__ import annotations

import collections
import re
import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from world import inside, reported, untouched

AT_WORK = {"lab-worker": 2, "lab-reader": 2, "lab-listener": 2, "sentinel-lab-cmd": 2}
"""Clients that are idle for ever, and at work: those that block, subscribe, or are a sentinel's."""


def clients() -> collections.Counter[str]:
    listed = inside("redis", "redis-cli CLIENT LIST")
    return collections.Counter(re.findall(r" name=([a-z-]+?)-\d+ ", listed))


def test_no_container_was_touched() -> None:
    untouched()


def test_only_clients_that_do_nothing_are_gone() -> None:
    left = clients()
    assert {name: left[name] for name in AT_WORK} == AT_WORK
    assert left["lab-leak"] > 0, "and of those no more than were needed"


def test_there_is_room_again() -> None:
    connected = int(re.findall(r"connected_clients:(\d+)", inside("redis", "redis-cli INFO clients"))[0])
    limit = int(inside("redis", "redis-cli CONFIG GET maxclients").split()[-1])
    assert connected < 0.9 * limit


def test_the_report_tells_the_story() -> None:
    reported("redis.clients.high", "kill idle clients")
