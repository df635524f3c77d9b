# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""playbooks/schedule.yml into a temporary directory: systemd and a shell read what it writes, and it goes again."""

from __future__ import annotations

import json
import os
import pathlib
import re
import shutil
import stat
import subprocess
import sys
import typing as t

import pytest
import yaml

ROOT = pathlib.Path(__file__).resolve().parents[2]
HOSTILE = """it's 100% "$HOME" \\ here"""
PROGRAM = (
    "#!{python}\nimport json, os, sys\njson.dump([sys.argv[1:], os.environ.get('HOSTILE')], open({file!r}, 'w'))\n"
)


class Machine:
    """Directories that stand for those of a machine, and a program that stands for ansible-playbook."""

    def __init__(self, where: pathlib.Path) -> None:
        self.where = where
        self.units, self.cron = where / "units", where / "cron.d"
        for directory in (self.units, self.cron):
            directory.mkdir()
        self.seen = where / "seen.json"
        self.program = where / "ansible-playbook"
        self.program.write_text(PROGRAM.format(python=sys.executable, file=str(self.seen)))
        self.program.chmod(0o755)

    def play(self, *arguments: str, **extra: t.Any) -> subprocess.CompletedProcess[str]:
        variables = {
            "schedule_unit_dir": str(self.units), "schedule_cron_dir": str(self.cron), "schedule_activate": False,
            "schedule_command": str(self.program), "schedule_inventory": ["/etc/one", "/etc/two words"],
            "schedule_environment": {"HOSTILE": HOSTILE, "ANSIBLE_CONFIG": "/etc/ansible.cfg"}, **extra,
        }  # fmt: skip
        command = [str(pathlib.Path(sys.executable).with_name("ansible-playbook")), "playbooks/schedule.yml"]
        return subprocess.run(
            [*command, *arguments, "-e", json.dumps(variables)],
            capture_output=True, text=True, cwd=ROOT, stdin=subprocess.DEVNULL, timeout=120, check=False,
            env={
                **os.environ, "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
                "ANSIBLE_STDOUT_CALLBACK": "ansible.builtin.default",
                "ANSIBLE_LOCAL_TEMP": str(self.where / "local"),
            },
        )  # fmt: skip

    def changed(self, *arguments: str, **extra: t.Any) -> int:
        done = self.play(*arguments, **extra)
        assert done.returncode == 0, done.stdout + done.stderr
        found = re.search(r"changed=(\d+)", done.stdout)
        assert found, done.stdout
        return int(found.group(1))

    def files(self) -> list[str]:
        return sorted(path.name for directory in (self.units, self.cron) for path in directory.iterdir())


@pytest.fixture
def machine(tmp_path: pathlib.Path) -> Machine:
    return Machine(tmp_path)


def wanted(**more: t.Any) -> list[str]:
    """The words that ansible-playbook has to get."""
    extra = json.dumps({"incident_health_every": 300, **more}, sort_keys=True)
    return ["-i", "/etc/one", "-i", "/etc/two words", "incident.response.health", "-e", extra]


@pytest.mark.core
def test_units_of_systemd_are_installed_once_checked_and_removed(machine: Machine) -> None:
    check = machine.play("--check", "--diff", schedule_with="systemd")
    assert check.returncode == 0, check.stdout
    assert "+OnCalendar=*-*-* *:00/5:00" in check.stdout
    assert machine.files() == []
    more = {"schedule_with": "systemd", "schedule_variables": {"note": HOSTILE}, "schedule_directory": "/tmp"}
    assert machine.changed(**more) == 1
    assert machine.files() == ["incident-health.service", "incident-health.timer"]
    assert machine.changed(**more) == 0
    timer = (machine.units / "incident-health.timer").read_text()
    for line in ("OnCalendar=*-*-* *:00/5:00", "RandomizedDelaySec=30", "Persistent=true", "WantedBy=timers.target"):
        assert line in timer.splitlines()
    service = machine.units / "incident-health.service"
    assert stat.S_IMODE(service.stat().st_mode) == 0o644
    text = service.read_text()
    for line in ("Type=oneshot", "User=root", "WorkingDirectory=/tmp", "Nice=10", "TimeoutStartSec=900"):
        assert line in text.splitlines()
    (start,) = [line for line in text.splitlines() if line.startswith("ExecStart=")]
    assert unquoted(start.removeprefix("ExecStart="), command=True) == [str(machine.program), *wanted(note=HOSTILE)]
    environment = [line.removeprefix("Environment=") for line in text.splitlines() if line.startswith("Environment=")]
    assert [unquoted(line) for line in environment] == [["ANSIBLE_CONFIG=/etc/ansible.cfg"], [f"HOSTILE={HOSTILE}"]]
    verify(machine)
    assert machine.changed("--check", schedule_state="absent") == 1
    assert len(machine.files()) == 2
    assert machine.changed(schedule_state="absent") == 1
    assert machine.files() == []
    assert machine.changed(schedule_state="absent") == 0


def unquoted(line: str, command: bool = False) -> list[str]:
    """Words of a unit file, as systemd.syntax(7) says: quoted, with backslashes; %% is a % ($$ a $ in commands)."""
    words = [re.sub(r"\\(.)", r"\1", word) for word in re.findall(r'"((?:[^"\\]|\\.)*)"', line)]
    for word in words:
        assert not re.search(r"(?<!%)(?:%%)*%(?!%)", word), "a lone % would be a specifier"
    found = [word.replace("%%", "%") for word in words]
    return [word.replace("$$", "$") for word in found] if command else found


def verify(machine: Machine) -> None:
    """Where systemd is installed it says itself what it thinks of the units."""
    program = shutil.which("systemd-analyze")
    if not program:
        return
    files = [str(path) for path in sorted(machine.units.iterdir())]
    done = subprocess.run([program, "verify", *files], capture_output=True, text=True, timeout=60, check=False)
    said = [line for line in (done.stdout + done.stderr).splitlines() if "incident-health" in line]
    assert not said, done.stdout + done.stderr


def test_cron_gets_one_line_that_a_shell_reads_as_it_was_meant(machine: Machine) -> None:
    more = {"schedule_with": "cron", "schedule_every": 7200, "schedule_user": "nobody", "schedule_directory": "/tmp"}
    assert machine.changed(**more, schedule_variables={"note": HOSTILE}) == 1
    assert machine.changed(**more, schedule_variables={"note": HOSTILE}) == 0
    text = (machine.cron / "incident-health").read_text()
    assert text.endswith("| logger -t incident-health\n")
    line = text.splitlines()[-1]
    when, command = line[: len("0 */2 * * * nobody")], line[len("0 */2 * * * nobody ") :]
    assert when == "0 */2 * * * nobody"
    assert not re.search(r"(?<!\\)%", command), "an unescaped % ends the line for cron"
    command = command.replace("\\%", "%").rpartition(" 2>&1 | logger")[0]
    subprocess.run(["/bin/sh", "-c", command], check=True, timeout=60)
    arguments, value = json.loads(machine.seen.read_text())
    assert value == HOSTILE
    assert arguments == wanted(incident_health_every=7200, incident_health_jitter=30, note=HOSTILE)
    assert machine.changed(schedule_state="absent") == 1
    assert machine.files() == []


def test_another_kind_takes_the_place_of_the_first(machine: Machine) -> None:
    machine.changed(schedule_with="systemd")
    machine.changed(schedule_with="cron")
    assert machine.files() == ["incident-health"]
    machine.changed(schedule_with="systemd", schedule_name="another")
    assert machine.files() == ["another.service", "another.timer", "incident-health"], (
        "another name is another schedule"
    )


def test_auto_takes_what_is_there(machine: Machine) -> None:
    assert machine.changed() == 1
    systemd = pathlib.Path("/run/systemd/system").is_dir()
    assert machine.files()[0] == ("incident-health.service" if systemd else "incident-health")


@pytest.mark.parametrize(
    ("extra", "said"),
    [
        ({"schedule_every": 77}, "schedule_every"),
        ({"schedule_name": "a.b"}, "schedule_name has letters"),
        ({"schedule_environment": {"A B": "c"}}, "environment variables have letters"),
        ({"schedule_playbook": "a\nb"}, "no value has a line break"),
        ({"schedule_user": "root echo"}, "schedule_user is a user"),
    ],
)
def test_what_would_not_be_read_is_refused(machine: Machine, extra: dict, said: str) -> None:
    done = machine.play(schedule_with="cron", **extra)
    assert done.returncode != 0
    assert said in done.stdout, done.stdout
    assert machine.files() == []


def periods() -> dict[int, dict[str, str]]:
    return yaml.safe_load((ROOT / "roles/schedule/vars/main.yml").read_text())["__schedule_periods"]


def test_each_period_is_the_same_in_both_and_divides_a_day() -> None:
    for seconds, row in periods().items():
        minute, hour = row["cron"].split()[:2]
        times = [h * 60 + m for h in expand(hour, 24) for m in expand(minute, 60)]
        gaps = {(after - before) % 1440 or 1440 for before, after in zip(times, [*times[1:], times[0]], strict=True)}
        assert gaps == {seconds // 60}, row
        hours, minutes, second = row["calendar"].split()[1].split(":")
        assert second == "00"
        again = [h * 60 + m for h in expand(hours, 24) for m in expand(minutes, 60)]
        assert again == times, row


def expand(field: str, end: int) -> list[int]:
    """A field of cron (*/5) or of OnCalendar (00/5)."""
    start, _slash, step = field.partition("/")
    if start == "*" and not step:
        return list(range(end))
    first = 0 if start == "*" else int(start)
    return list(range(first, end, int(step))) if step else [first]
