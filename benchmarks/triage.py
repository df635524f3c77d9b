#!/usr/bin/env python3
# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a triage of the whole lab costs: beside an empty play over the same inventory, beside the runbook's Observe,
Orient and Diagnosis commands typed one after another, and beside the same commands as naive Ansible tasks.

The runbook's commands are those that look, without placeholders and without what never ends; who types them needs no
time to type, and none to read. Variants take turns; the figures are medians. With --scale 500 services, served by this
machine, at one sample each, beside an empty play over them; that needs no lab.

Run it with the Python of .build/venv. Machines differ: compare the ratios.
"""

from __future__ import annotations

import argparse
import json
import os
import sys
import tempfile
import textwrap
import typing as t
from pathlib import Path

from _measuring import ROOT, in_turns, run
from http_health import served

PROGRAMS = Path(sys.executable).parent
TRIAGE = "playbooks/triage.yml"
TARGETS = 500
QUICK_TARGETS = 50
FORKS = "20"
PEAK = (
    "import resource, subprocess, sys; done = subprocess.run(sys.argv[1:], capture_output=True);"
    " print(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss); sys.exit(done.returncode)"
)

OBSERVE = (
    *(f"curl -fsS http://localhost:{{{name}}}/health" for name in ("gateway", "auth", "orders", "notification")),
    "{compose} ps",
    "{compose} logs --tail=100 --timestamps",
)
ORIENT = ("curl -fsS http://localhost:{gateway}/metrics | grep -E 'http_requests_total|http_request_duration'",)
MONITORING = {
    "prometheus": """curl -fsSg 'http://localhost:{prometheus}/api/v1/query?query=rate(http_requests_total{{}}[5m])'""",
    "alertmanager": "curl -fsS http://localhost:{alertmanager}/api/v2/alerts",
}
DIAGNOSIS = (
    "{compose} ps auth",
    "{compose} logs --tail=50 auth",
    "docker stats --no-stream",
    "{compose} exec -T postgres psql -U postgres -c 'SELECT count(*) FROM pg_stat_activity;'",
    "{compose} exec -T postgres psql -U postgres -c 'SHOW max_connections;'",
    "{compose} exec -T redis redis-cli ping",
    "{compose} exec -T redis redis-cli info",
    "{compose} exec -T redis redis-cli client list",
    "{compose} exec -T kafka kafka-broker-api-versions --bootstrap-server localhost:9092",
    "{compose} exec -T kafka kafka-consumer-groups --bootstrap-server localhost:9092 --describe --all-groups",
)


class Plays:
    """Plays over one inventory, with a store of their own."""

    def __init__(self, where: Path, inventory: str, environment: t.Mapping[str, str]) -> None:
        self.where = where
        self.inventory = inventory
        self.environment = {**environment, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg")}
        (where / "empty.yml").write_text(json.dumps([{"hosts": "all", "gather_facts": False}]))

    def command(self, playbook: str, *arguments: str) -> list[str]:
        words = [str(PROGRAMS / "ansible-playbook"), "-i", self.inventory, playbook, *arguments]
        return [*words, "-e", f"incident_state_dir={self.where / 'state'}"]

    def empty(self) -> None:
        run(self.command(str(self.where / "empty.yml")), env=self.environment, cwd=ROOT)

    def triage(self, depth: str) -> str:
        """The one line of a healthy stack; a benchmark of a sick one would measure timeouts."""
        return run(self.command(TRIAGE, "-e", f"incident_triage_depth={depth}"), env=self.environment, cwd=ROOT)

    def naive(self, commands: t.Sequence[str]) -> None:
        tasks = [{"name": command[:60], "ansible.builtin.shell": command} for command in commands]
        file = self.where / "naive.yml"
        file.write_text(json.dumps([{"hosts": "docker_hosts", "gather_facts": False, "tasks": tasks}]))
        run(self.command(str(file)), env=self.environment, cwd=ROOT)

    def peak_mb(self, playbook: str) -> float:
        """The largest process of a run: ansible-playbook itself or one of its workers."""
        out = run([sys.executable, "-c", PEAK, *self.command(playbook)], env=self.environment, cwd=ROOT)
        return int(out.split()[-1]) / 1024


def lab() -> tuple[dict[str, str], list[str]]:
    """The environment in which commands mean the lab, and the runbook's commands in it."""
    from lab import config, stack

    found = config.load()
    environment = {**os.environ, **stack.compose_environment(found)}
    words = {**{name: str(port) for name, port in found.ports.items()}, "compose": " ".join(stack.compose_program())}
    typed = (*OBSERVE, *ORIENT, *(line for name, line in MONITORING.items() if name in found.ports), *DIAGNOSIS)
    return environment, [line.format(**words) for line in typed]


def typed(commands: t.Sequence[str], environment: t.Mapping[str, str]) -> None:
    for command in commands:
        run(["sh", "-c", command], env=environment, cwd=ROOT)


def report(middle: t.Mapping[str, float], plays: Plays, triage: str = "triage, quick") -> None:
    for name, seconds in middle.items():
        print(f"  {name:44} {seconds:8.2f} s")
    print(f"  triage takes {middle[triage] / middle['an empty play']:.2f} times what an empty play takes (goal: 2)")
    for name, playbook in (("an empty play", str(plays.where / "empty.yml")), ("triage", TRIAGE)):
        print(f"  {name + ', largest process':44} {plays.peak_mb(playbook):8.0f} MB at peak")


def whole_lab(runs: int) -> None:
    environment, commands = lab()
    with tempfile.TemporaryDirectory() as scratch:
        plays = Plays(Path(scratch), str(ROOT / "inventory/lab"), environment)
        print(plays.triage("quick").strip())
        middle = in_turns(
            {
                "an empty play": plays.empty,
                "triage, quick": lambda: plays.triage("quick"),
                "triage, full": lambda: plays.triage("full"),
                f"the runbook's {len(commands)} commands": lambda: typed(commands, environment),
                "the same as naive tasks": lambda: plays.naive(commands),
            },
            runs,
        )
        report(middle, plays)
        by_hand = middle[f"the runbook's {len(commands)} commands"] / middle["triage, quick"]
        print(f"  the runbook's commands take {by_hand:.1f} times what a triage takes (goal: 8)")


def scale(runs: int, count: int) -> None:
    print(f"{count} services, {FORKS} forks:")
    with served() as port, tempfile.TemporaryDirectory() as scratch:
        where = Path(scratch)
        hosts = {f"s{n}": {"http_health_url": f"http://127.0.0.1:{port}/health/{n}"} for n in range(count)}
        # A machine that is busy with 500 looks is no slow service.
        patient = {"http_thresholds": {"health_ms": {"warn": 20_000, "crit": 30_000}}}
        every = {"ansible_connection": "local", "ansible_python_interpreter": sys.executable, **patient}
        inventory = {"all": {"vars": every, "children": {"http_services": {"hosts": hosts}}}}
        (where / "hosts.json").write_text(json.dumps(inventory))
        plays = Plays(where, str(where / "hosts.json"), {**os.environ, "ANSIBLE_FORKS": FORKS})
        print(plays.triage("quick").strip())
        variants = {"an empty play": plays.empty, "triage, quick": lambda: plays.triage("quick")}
        report(in_turns(variants, runs), plays)


def main() -> None:
    parser = argparse.ArgumentParser(description=textwrap.dedent(__doc__ or ""))
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--quick", action="store_true", help="one run of the lab and of few services, as a smoke test")
    parser.add_argument("--scale", action="store_true", help=f"only {TARGETS} services; needs no lab")
    given = parser.parse_args()
    if not given.scale:
        whole_lab(1 if given.quick else given.runs)
    if given.scale or given.quick:
        scale(1 if given.quick else given.runs, QUICK_TARGETS if given.quick else TARGETS)


if __name__ == "__main__":
    main()
