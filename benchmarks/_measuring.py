# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the benchmarks share: commands, plays, turns, and the peak memory of a process. No benchmark itself."""

from __future__ import annotations

import json
import os
import statistics
import subprocess
import sys
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
