"""Makes the collection importable under its own name, with or without Ansible, in any pytest of this checkout."""

from __future__ import annotations

import contextlib
import gc
import os
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[1]
COLLECTIONS = ROOT / ".build" / "collections"


def _link_collection() -> None:
    """What tools/setup does too; here so that a bare `pytest tests/unit` needs no set-up."""
    link = COLLECTIONS / "ansible_collections" / "incident" / "response"
    if not link.exists():
        link.parent.mkdir(parents=True, exist_ok=True)
        with contextlib.suppress(FileExistsError):  # two workers of one run do so at the same time
            link.symlink_to("../../../..", target_is_directory=True)


def _take_a_lab() -> None:
    """Of two workers the second one has the second lab. It has to know before anything reads the lab's settings."""
    worker = os.environ.get("PYTEST_XDIST_WORKER", "gw0")
    if worker == "gw0" or "SECOND_LAB_PROJECT" not in os.environ:
        return
    if worker != "gw1":
        raise pytest.UsageError("there are two labs: two workers at most (-n 2)")
    for name in ("LAB_PROJECT", "LAB_PORT_OFFSET"):
        os.environ[name] = os.environ[f"SECOND_{name}"]


_take_a_lab()
_link_collection()
for path in (COLLECTIONS, ROOT, ROOT / "tools"):
    # The checkout's own lab/ and tools, and the collection as ansible_collections.incident.response.
    if str(path) not in sys.path:
        sys.path.insert(0, str(path))


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Whole runs of ansible-playbook take seconds each: of those only what is marked core runs with the oldest too."""
    for item in items:
        if item.path.name.endswith("_play.py"):
            item.add_marker(pytest.mark.play)


@pytest.fixture
def no_collection() -> Iterator[None]:
    """For data nested until Python gives up: a finalizer of anything else, run down there, fails, and pytest takes that
    for the test's failure."""
    gc.disable()
    yield
    gc.enable()
