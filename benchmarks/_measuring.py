# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the benchmarks share: commands, plays, turns, and the peak memory of a process. No benchmark itself."""

from __future__ import annotations

import dataclasses
import json
import os
import statistics
import subprocess
import sys
import tempfile
import time
import typing as t
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COLLECTIONS = ROOT / ".build" / "collections"
sys.path[:0] = [str(ROOT), str(COLLECTIONS)]

Tasks = list[dict[str, t.Any]]


def run(command: t.Sequence[str], **more: t.Any) -> str:
    done = subprocess.run(command, capture_output=True, text=True, check=False, **more)
    if done.returncode:
        sys.exit(f"{' '.join(command[:6])} ... failed:\n{done.stdout[-2000:]}{done.stderr[-2000:]}")
    return done.stdout


def check(module: str, options: dict[str, t.Any]) -> dict[str, t.Any]:
    """One look in this process; module is the name of a file in module_utils/checks."""
    import importlib

    plugins = "ansible_collections.incident.response.plugins.module_utils"
    found = importlib.import_module(f"{plugins}.checks.{module}").CHECK
    perform = importlib.import_module(f"{plugins}.module.check").perform
    defaults = {name: spec.get("default") for name, spec in found.spec.options.items()}
    return t.cast("dict[str, t.Any]", perform(found, {**defaults, **options}))


def playbook(where: Path, name: str, tasks: Tasks, environment: t.Mapping[str, str] | None = None) -> None:
    """A whole ansible-playbook run of these tasks, with a store of its own in where."""
    file = where / f"{name}.yml"
    file.write_text(json.dumps([{"hosts": "localhost", "connection": "local", "gather_facts": False, "tasks": tasks}]))
    command = [str(Path(sys.executable).with_name("ansible-playbook")), "-i", "localhost,", str(file)]
    command += ["-e", f"ansible_python_interpreter={sys.executable}", "-e", f"incident_state_dir={where / 'state'}"]
    more = {"ANSIBLE_COLLECTIONS_PATH": str(COLLECTIONS), "ANSIBLE_LOCALHOST_WARNING": "false"}
    run(command, env={**(environment or os.environ), **more}, cwd=where)


def in_turns(variants: t.Mapping[str, t.Callable[[], t.Any]], runs: int) -> dict[str, float]:
    """The median seconds of each; they take turns, so that a machine that drifts does so for all of them."""
    times: dict[str, list[float]] = {name: [] for name in variants}
    for _turn in range(runs):
        for name, call in variants.items():
            started = time.perf_counter()
            call()
            times[name].append(time.perf_counter() - started)
    return {name: statistics.median(values) for name, values in times.items()}


def peak_mb(benchmark: str, call: str) -> float:
    """Peak of a new process that imports a benchmark as b and does one call.

    Not by ru_maxrss: a child begins with that of its parent.
    """
    code = (
        f"import json, sys; sys.path[:0] = [{str(Path(__file__).parent)!r}]\nimport {benchmark} as b; {call}\n"
        "print(*(line.split()[1] for line in open('/proc/self/status') if line.startswith('VmHWM')))"
    )
    return int(run([sys.executable, "-c", code]).split()[-1]) / 1024


@dataclasses.dataclass(frozen=True)
class Subject:
    """A check, and the plain script that reads the same. benchmark: the file; argument: what its plain() and check()
    get, as code; look: the task; typed: what people type for it, by what it is called."""

    benchmark: str
    argument: str
    plain: t.Callable[[], t.Any]
    check: t.Callable[[], t.Any]
    look: dict[str, t.Any]
    typed: t.Mapping[str, t.Callable[[], t.Any]] = dataclasses.field(default_factory=dict)

    def show(self, middle: t.Mapping[str, float]) -> None:
        width = max(map(len, middle))
        for name, seconds in middle.items():
            print(f"  {name:{width}} {seconds:8.3f} s")
        for what in ("plain", "check"):
            peak = peak_mb(self.benchmark, f"b.{what}({self.argument})")
            print(f"  {what + ', whole process':{width}} {peak:8.0f} MB at peak")


def beside_a_script(subject: Subject, script: t.Sequence[str], where: Path, runs: int) -> None:
    """What a look adds to a play, beside a whole process of the plain script."""
    variants = {
        **subject.typed,
        "plain script, whole process": lambda: run(script),
        "plain script, warm": subject.plain,
        "the check, warm": subject.check,
        "play without a task": lambda: playbook(where, "empty", []),
        "play with a look": lambda: playbook(where, "look", [subject.look]),
    }
    middle = in_turns(variants, runs)
    middle["what the look adds to the play"] = middle["play with a look"] - middle["play without a task"]
    subject.show(middle)
    whole = middle["what the look adds to the play"] / middle["plain script, whole process"]
    warm = middle["the check, warm"] / middle["plain script, warm"]
    print(f"  the look adds {whole:.2f} times what the whole script takes (goal: 2 at most); warm {warm:.2f} times")


LOOKS = 5
WARM = 5
"""Turns of what takes milliseconds for each turn of what takes seconds: the medians of both are as steady then."""


def beside_a_driver(subject: Subject, naive: Tasks, environment: t.Mapping[str, str], runs: int) -> None:
    """A look, and one more in the same play, beside the same driver and beside what is typed, as tasks too."""
    with tempfile.TemporaryDirectory() as scratch:
        where = Path(scratch)

        def looks(count: int) -> None:
            tasks = [{"name": f"Look {number}", **subject.look} for number in range(count)]
            playbook(where, f"looks-{count}", tasks, environment)

        warm = in_turns({"plain driver, warm": subject.plain, "the check, warm": subject.check}, runs * WARM)
        variants: dict[str, t.Callable[[], t.Any]] = {
            **subject.typed,
            "play without a task": lambda: looks(0),
            "play with one look": lambda: looks(1),
            f"play with {LOOKS} looks": lambda: looks(LOOKS),
            "naive play of the same": lambda: playbook(where, "naive", naive, environment),
        }
        middle = {**warm, **in_turns(variants, runs)}
    more = max(0.0, middle[f"play with {LOOKS} looks"] - middle["play with one look"])
    middle["one more look in a play"] = more / (LOOKS - 1)
    subject.show(middle)
    ratio = middle["the check, warm"] / middle["plain driver, warm"]
    print(f"  the check takes {ratio:.2f} times as long as the plain driver (goal: 1.2 at most)")
