# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What makes a triage fast: looks in children, chained and at the same time, and imports that are compiled once."""

from __future__ import annotations

import ast
import os
import pathlib
import shutil
import signal
import subprocess
import sys
import time
import typing as t

import pytest
from ansible_collections.incident.response.plugins.plugin_utils import ahead, guard, triage_looking
from ansible_collections.incident.response.plugins.plugin_utils.triage_targets import Call

ROOT = pathlib.Path(__file__).resolve().parents[2]
PLUGINS = ROOT / "plugins"

# Children


def _wait_for(path: pathlib.Path) -> dict[str, t.Any]:
    while not path.exists():
        time.sleep(0.01)
    return {}


def _touch(path: pathlib.Path) -> dict[str, t.Any]:
    path.touch()
    return {"touched": path.name}


def _die() -> dict[str, t.Any]:
    os.kill(os.getpid(), signal.SIGKILL)
    return {}


def test_chains_go_on_while_others_wait_and_one_that_dies_takes_none_along(tmp_path: pathlib.Path) -> None:
    """The first waits for the second step of the last: neither an order nor a barrier is between them."""

    def waits() -> guard.Chain:
        return (yield lambda: _wait_for(tmp_path / "second"), 60)

    def dies() -> guard.Chain:
        return str((yield _die, 60))

    def two_steps() -> guard.Chain:
        first = yield lambda: _touch(tmp_path / "first"), 60
        second = yield lambda: _touch(tmp_path / "second"), 60
        return [first, second]

    def nothing_to_do() -> guard.Chain:
        return "nothing"
        yield

    found = guard.chains([waits(), dies(), nothing_to_do(), two_steps()], 4)
    assert found[0] == {}
    assert "SIGKILL" in found[1]
    assert found[2:] == ["nothing", [{"touched": "first"}, {"touched": "second"}]]


def test_no_more_children_than_allowed_work_at_a_time(tmp_path: pathlib.Path) -> None:
    def works(number: int) -> guard.Chain:
        def alone() -> dict[str, t.Any]:
            (tmp_path / "one").mkdir()
            (tmp_path / "one").rmdir()
            return {"number": number}

        return (yield alone, 60)

    assert guard.chains([works(number) for number in range(20)], 1) == [{"number": number} for number in range(20)]


# Which look follows from which


def result(**values: t.Any) -> dict[str, t.Any]:
    return {"reachable": True, "status": "ok", "findings": [], **values}


def asked(calls: list[Call], answer: t.Callable[[str], dict[str, t.Any]]) -> tuple[list[str], list[dict[str, t.Any]]]:
    """Names of the checks that were asked, and the looks."""
    looking = triage_looking.looks("box", calls)
    names: list[str] = []
    try:
        module, _options = next(looking)
        while True:
            names.append(module)
            module, _options = looking.send(answer(module))
    except StopIteration as end:
        return names, end.value


def test_a_first_look_that_was_too_short_is_repeated_in_full_and_no_other() -> None:
    unknown = {"id": "kafka.lag.unknown", "state": "unknown", "component": "k"}
    lag = Call("kafka k", "kafka_health_info", {"component": "k"}, {"samples": 1})
    looking = triage_looking.looks("k", [lag])
    assert next(looking) == ("kafka_health_info", {"component": "k", "samples": 1})
    assert looking.send(result(findings=[unknown])) == ("kafka_health_info", {"component": "k"})
    full = Call("kafka k", "kafka_health_info", {"component": "k"})
    assert asked([full], lambda _module: result(findings=[unknown]))[0] == ["kafka_health_info"]
    other = Call("redis r", "redis_health_info", {}, {"window": 0.0})
    assert asked([other], lambda _module: result(findings=[unknown]))[0] == ["redis_health_info"]


def test_an_engine_that_is_away_is_not_asked_again_and_looks_that_need_not_wait_are_apart() -> None:
    engine = [Call(f"containers {project}", "docker_health_info", {}) for project in "ab"]
    service = Call("http box", "http_health_info", {})
    away = result(reachable=False)
    assert asked(engine, lambda _module: away)[0] == ["docker_health_info"]
    assert asked(engine, lambda _module: result())[0] == ["docker_health_info"] * 2
    assert triage_looking.apart([service, *engine]) == [[service], engine]


# Imports


def own_imports(path: pathlib.Path) -> set[str]:
    """Names below plugins of the files that the top level of a file imports, found by Python's own parser."""
    package = path.relative_to(PLUGINS).parent.parts
    found = set()
    for node in ast.parse(path.read_text()).body:
        if isinstance(node, ast.ImportFrom) and node.level:
            base = [*package[: len(package) - node.level + 1], *(node.module or "").split(".")]
            stem = ".".join(filter(None, base))
            found |= {stem, *(f"{stem}.{alias.name}" for alias in node.names)}
    return {name for name in found if (PLUGINS / f"{name.replace('.', '/')}.py").is_file()}


@pytest.mark.parametrize("folder", ["action", "plugin_utils", "module_utils"])
def test_what_a_file_imports_is_imported_ahead(folder: str) -> None:
    for path in sorted((PLUGINS / folder).rglob("*.py")):
        name = ".".join(path.relative_to(PLUGINS).with_suffix("").parts)
        assert own_imports(path) <= set(ahead._imported(name, path.read_text())), name


LOADS = """
import sys
from ansible_collections.incident.response.plugins.plugin_utils import ahead
ahead.load("module_utils.checks.redis_health")
from ansible_collections.incident.response.plugins.module_utils.checks import redis_health
from ansible_collections.incident.response.plugins.module_utils.core import redis_judge
assert redis_health.judge is redis_judge.judge
print(redis_health.CHECK.name, type(redis_health.__spec__.loader).__name__)
"""


@pytest.mark.core
@pytest.mark.parametrize("kept", [True, False])
def test_files_are_compiled_once_where_that_can_be_kept(kept: bool, tmp_path: pathlib.Path) -> None:
    copy = tmp_path / "ansible_collections/incident/response"
    shutil.copytree(PLUGINS, copy / "plugins", ignore=shutil.ignore_patterns("__pycache__"))
    shutil.copy(ROOT / "galaxy.yml", copy)
    if not kept:  # root may write anywhere: what is in the way of the directory stops it too
        for folder in ("core", "clients", "checks", "module"):
            (copy / "plugins/module_utils" / folder / "__pycache__").touch()
    start = f"import ansible.plugins.loader as l; l.init_plugin_loader([{str(tmp_path)!r}])\n"
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    command = [sys.executable, "-c", start + LOADS]
    done = subprocess.run(command, capture_output=True, text=True, env=environment, cwd=tmp_path, check=False)
    assert done.stdout.split() == ["redis_health_info", "SourceFileLoader"], done.stderr
    compiled = list((copy / "plugins/module_utils/core").glob("__pycache__/redis_judge.*.pyc"))
    assert bool(compiled) is kept
