# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""playbooks/schedule.yml on a machine that boots systemd and has cron: what it installs really runs, and it goes again.

The machine is a container with a cgroup namespace of its own: what systemd makes there is below the container's group.
"""

from __future__ import annotations

import dataclasses
import json
import pathlib
import re
import typing as t

import docker
import pytest
from docker.models.containers import Container
from servers import until

from lab import config, images

ROOT = pathlib.Path(__file__).resolve().parents[2]
COLLECTION = "/usr/share/ansible/collections/ansible_collections/incident/response"
INVENTORY = "/etc/incident.json"
PAGE = {"http_health_url": "http://127.0.0.1:8000/health", "ansible_connection": "local"}
NAME, BY_CRON = "incident-health", "health-by-cron"
STAMP = f"/var/lib/systemd/timers/stamp-{NAME}.timer"
"""When the timer was due last, as systemd notes it."""
WELL = "Healthy: nothing found on 1 target"
BOOTS, FIRES, MINUTE = 60.0, 60.0, 120.0


class Machine:
    def __init__(self, container: Container) -> None:
        self.container = container

    def run(self, *command: str) -> tuple[int, str]:
        done = self.container.exec_run(list(command))
        return done.exit_code, done.output.decode(errors="replace")

    def said(self, *command: str) -> str:
        status, output = self.run(*command)
        assert status == 0, f"{' '.join(command)}: {output}"
        return output

    def put(self, path: str, text: str) -> None:
        self.said("sh", "-c", f'mkdir -p "$(dirname {path})"; printf %s "$1" > {path}', "sh", text)

    def schedule(self, **variables: t.Any) -> int:
        """Run the playbook; how many tasks changed something."""
        wanted = {
            "schedule_jitter": 0,
            "schedule_inventory": [INVENTORY],
            "schedule_environment": {"ANSIBLE_STDOUT_CALLBACK": "incident.response.incident"},
            **variables,
        }
        output = self.said("ansible-playbook", f"{COLLECTION}/playbooks/schedule.yml", "-e", json.dumps(wanted))
        return int(re.findall(r"changed=(\d+)", output)[-1])

    def log(self, name: str) -> str:
        return self.said("journalctl", "--no-pager", "-t", name)

    def shows(self, unit: str) -> dict[str, str]:
        lines = self.said("systemctl", "show", unit).splitlines()
        return {name: value for name, _equals, value in (line.partition("=") for line in lines)}


@pytest.fixture
def machine() -> t.Iterator[Machine]:
    client = docker.from_env()
    settings = dataclasses.replace(config.load(), profiles=(images.SYSTEMD,))
    images.ensure(settings, client)
    container = client.containers.run(
        images.tags(settings)[images.SYSTEMD],
        detach=True,
        cgroupns="private",
        cap_add=["SYS_ADMIN"],
        security_opt=["seccomp=unconfined", "apparmor=unconfined"],
        tmpfs={"/run": "", "/run/lock": "", "/tmp": ""},
        environment={"container": "docker"},
        mem_limit="512m",
        volumes={str(ROOT): {"bind": COLLECTION, "mode": "ro"}},
    )
    machine = Machine(container)
    try:
        up = ("running", "degraded")
        until("systemd to have booted", lambda: machine.run("systemctl", "is-system-running")[1].strip() in up, BOOTS)
        machine.put("/srv/health", "ok")
        machine.put(INVENTORY, json.dumps({"http_services": {"hosts": {"page": PAGE}}}))
        machine.said(
            "systemd-run", "--unit=page", *("python3", "-m", "http.server", "8000", "--bind", "127.0.0.1"),
            *("--directory", "/srv"),
        )  # fmt: skip
        yield machine
    finally:
        container.remove(force=True, v=True)


def left(machine: Machine) -> str:
    """Files, units and notes about either schedule."""
    places = "/etc/systemd /etc/cron.d /var/lib/systemd /run/systemd"
    found = machine.said("sh", "-c", f"find {places} -name '*{NAME}*' -o -name '*{BY_CRON}*'")
    return found + machine.said("systemctl", "list-units", "--all", "--plain", "--no-legend", f"{NAME}*")


def test_a_schedule_runs_health_on_a_real_machine_and_leaves_nothing(machine: Machine) -> None:
    by_cron = {"schedule_with": "cron", "schedule_name": BY_CRON, "schedule_every": 60}
    by_cron["schedule_variables"] = {"incident_health_textfile": "/root/cron.prom", "incident_state_dir": "/root/c"}
    assert machine.schedule(**by_cron) == 1

    # A run that was due while the machine was off is made up for at once, so the timer need not be waited for.
    machine.said("sh", "-c", f"mkdir -p {STAMP.rpartition('/')[0]}; touch -d '1 hour ago' {STAMP}")
    by_timer = {"schedule_variables": {"incident_health_textfile": "/root/timer.prom"}}
    assert machine.schedule(**by_timer) > 0
    assert machine.said("systemctl", "is-enabled", f"{NAME}.timer").strip() == "enabled"
    assert f"{NAME}.service" in machine.said("systemctl", "list-timers", "--no-pager", "--no-legend")
    until("the timer to fire", lambda: machine.shows(f"{NAME}.service")["ExecMainExitTimestampMonotonic"] != "0", FIRES)
    ran = machine.shows(f"{NAME}.service")
    log = machine.log(NAME)
    assert (ran["ExecMainStatus"], ran["Result"], ran["TriggeredBy"]) == ("0", "success", f"{NAME}.timer"), log
    assert WELL in log
    assert re.search(r'^incident_health_status\{[^}]*"page".*\} 0$', machine.said("cat", "/root/timer.prom"), re.M)
    assert "store.sqlite" in machine.said("ls", "/root/.local/state/incident.response")
    assert machine.schedule(**by_timer) == 0, "a second run changes nothing"

    until("cron to run it", lambda: WELL in machine.log(BY_CRON), MINUTE)
    assert "incident_health_last_run_timestamp_seconds" in machine.said("cat", "/root/cron.prom")

    machine.said("systemctl", "stop", "page")
    status, _output = machine.run("systemctl", "start", f"{NAME}.service")
    assert status != 0
    assert machine.shows(f"{NAME}.service")["ExecMainStatus"] == "2", "what was found is the status of the unit"

    assert machine.schedule(schedule_state="absent") > 0
    assert machine.schedule(schedule_state="absent", schedule_name=BY_CRON) > 0
    assert left(machine) == ""
    assert machine.schedule(schedule_state="absent") == 0
