# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Faults of the lab as a test uses them: injected for a block, cleared whatever happens."""

from __future__ import annotations

import contextlib
import pathlib
import subprocess
import sys
import typing as t

import pytest

LAB = pathlib.Path(sys.executable).parent / "lab"
LIMIT = 300


def lab(*arguments: str) -> None:
    done = subprocess.run([str(LAB), *arguments], capture_output=True, text=True, timeout=LIMIT, check=False)
    assert done.returncode == 0, f"lab {' '.join(arguments)}:\n{done.stdout}{done.stderr}"


@pytest.hookimpl(tryfirst=True)
def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    """Everything here needs the lab or its engine: none is missed by `-m lab` because somebody forgot to say so.

    The scenarios take longest, so they come first: of two workers none is left with a long file at the end.
    """
    here = pathlib.Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.lab)
    items.sort(key=lambda item: "test_scenario" not in item.path.name)


@pytest.fixture
def fault() -> t.Callable[[str], t.ContextManager[None]]:
    """with fault("consumer_stopped"): the lab is broken inside, and healthy again after it."""

    @contextlib.contextmanager
    def broken(name: str) -> t.Iterator[None]:
        try:
            lab("inject", name)
            yield
        finally:
            lab("clear", name)

    return broken
