"""The lock: one holder at a time, let go of by the kernel, kept by a child that outlives its parent."""

from __future__ import annotations

import subprocess
from pathlib import Path

import pytest

from lab import locks
from lab.errors import LabError


def test_a_second_holder_is_told_who_is_at_work(tmp_path: Path) -> None:
    with (
        locks.held(tmp_path / "lock", "somebody", 1),
        pytest.raises(LabError, match="somebody is still at work"),
        locks.held(tmp_path / "lock", "somebody", 0.2),
    ):
        pass
    with locks.held(tmp_path / "lock", "somebody", 0.2):
        pass


def test_a_child_keeps_the_lock(tmp_path: Path) -> None:
    with locks.held(tmp_path / "lock", "somebody", 1) as lock:
        child = subprocess.Popen(["sleep", "60"], pass_fds=(lock,))
    try:
        with pytest.raises(LabError), locks.held(tmp_path / "lock", "an orphan", 0.2):
            pass
    finally:
        child.kill()
        child.wait()
    with locks.held(tmp_path / "lock", "somebody", 5):
        pass
