# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an engine's machine has left: memory, and room where containers write. Judged, and read from files."""

from __future__ import annotations

import os

import pytest
from ansible_collections.incident.response.plugins.module_utils.clients import docker_machine as machine
from ansible_collections.incident.response.plugins.module_utils.core import docker_summary
from ansible_collections.incident.response.plugins.module_utils.core.docker_judge import judge
from ansible_collections.incident.response.plugins.module_utils.core.docker_parse import container_from_inspect
from ansible_collections.incident.response.plugins.module_utils.core.docker_settings import Settings
from ansible_collections.incident.response.plugins.module_utils.core.docker_snapshot import Disk, Memory, Pressure
from docker_made import look, only, running

GIB = 2**30
WHOLE = (100 * GIB, 50 * GIB)


@pytest.mark.parametrize(
    ("left", "waiting", "state", "severity"),
    [
        (11, 9.9, None, ""),
        (10, 0.0, "warning", "P3"),
        (5, 0.0, "critical", "P2"),
        (50, 10.0, "warning", "P3"),
        (50, 40.0, "critical", "P2"),
        (10, 40.0, "critical", "P2"),
        (50, None, None, ""),
    ],
)
def test_memory_of_the_machine(left, waiting, state, severity):
    pressure = None if waiting is None else Pressure(99.0, waiting)
    snapshot = look(running(), machine=(100 * GIB, left * GIB), pressure=pressure)
    findings = judge(snapshot, Settings(component="host1"))
    told = [(f.id, f.component, f.state, f.severity) for f in findings]
    assert told == ([("docker.host.memory", "host1", state, severity)] if state else [])


def test_memory_of_a_machine_that_nobody_could_read_is_not_judged():
    assert judge(look(running()), Settings()) == []
    assert "memory of the machine" not in docker_summary.measured(look(running()), 900.0, False)
    said = docker_summary.measured(look(running(), machine=WHOLE, pressure=Pressure(0, 0)), 900.0, False)
    assert {"memory of the machine", "how long processes wait for memory"} <= set(said)


def test_who_takes_the_memory_is_named_the_largest_first():
    sizes = {"small": GIB, "large": 3 * GIB, "unread": None}
    boxes = [running(id=name, memory=Memory(working_set=used) if used else None) for name, used in sizes.items()]
    for box in boxes:
        box.name, box.memory_limit = box.id, 0 if box.id == "small" else 4 * GIB
    finding = only([f for f in judge(look(*boxes, machine=(8 * GIB, 0)), Settings()) if f.id == "docker.host.memory"])
    assert finding.evidence[0] == "container large uses 3 GiB (limit 4 GiB)"
    assert finding.evidence[1] == "container small uses 1 GiB (limit none)"
    assert "1 have no limit; the limits of the others add up to 8 GiB, the machine has 8 GiB" in finding.evidence[2]


def test_a_full_file_system_names_those_who_write_to_it():
    disks = [Disk("/data", 99.0, 5, 1.0, ("db", "cache")), Disk("/other", 10.0, GIB, 1.0, ("web",))]
    settings = Settings(component="host1", components={"db": "container:base"})
    finding = only(judge(look(running(), disk=Disk("/var/lib/docker", 10.0, GIB), disks=disks), settings))
    assert (finding.id, finding.component, finding.state) == ("docker.disk.high", "host1", "critical")
    assert finding.details["serves"] == ["container:base", "container:cache"]
    assert "db, cache" in finding.summary and "(/data)" in finding.summary
    own = only(judge(look(running(), disk=Disk("/var/lib/docker", 99.0, 5)), settings))
    assert "serves" not in own.details, "the engine's own hurts all"


def test_only_what_may_be_written_counts():
    mounts = [
        {"Type": "volume", "Source": "/v/db", "RW": True},
        {"Type": "bind", "Source": "/snap", "RW": False},
        {"Type": "tmpfs", "Source": "", "RW": True},
        "nonsense",
    ]
    assert container_from_inspect({"Id": "x", "Mounts": mounts}).writes_to == ["/v/db"]
    assert container_from_inspect({"Id": "x", "Mounts": None}).writes_to == []


def test_the_file_system_of_a_directory(tmp_path, monkeypatch):
    found = machine.mounted_at(str(tmp_path))
    assert found.device == os.stat(tmp_path).st_dev
    assert os.stat(found.disk.path).st_dev == found.device
    assert found.disk.path == "/" or os.stat(os.path.dirname(found.disk.path)).st_dev != found.device
    assert machine.mounted_at(str(tmp_path / "gone")) is None, "not on this machine"
    (tmp_path / "file").write_text("")
    assert machine.mounted_at(str(tmp_path / "file")) is None
    assert machine.mounted_at("/proc") is None, "it holds no files"
    real = os.statvfs(tmp_path)

    class Locked:
        f_flag = os.ST_RDONLY

        def __getattr__(self, name):
            return getattr(real, name)

    monkeypatch.setattr(machine.os, "statvfs", lambda _path: Locked())
    assert machine.mounted_at(str(tmp_path)) is None, "what nobody can write to is always full, and never a fault"


MEMINFO = "MemTotal: 1000 kB\nMemFree: 1 kB\nMemAvailable: 250 kB\nHugePages_Total: 0\n"
PRESSURE = "some avg10=1.00 avg60=2.50 avg300=3.00 total=4\nfull avg10=0.10 avg60=0.20 avg300=0.30 total=4\n"


def test_memory_and_pressure_as_the_kernel_writes_them(tmp_path):
    (tmp_path / "pressure").mkdir()
    (tmp_path / "meminfo").write_text(MEMINFO)
    (tmp_path / "pressure" / "memory").write_text(PRESSURE)
    assert machine.machine_memory(str(tmp_path)) == (1000 * 1024, 250 * 1024)
    assert machine.machine_pressure(str(tmp_path)) == Pressure(2.5, 0.2)
    (tmp_path / "pressure" / "memory").write_text("nonsense")
    (tmp_path / "meminfo").write_text("MemTotal: 1000 kB\n")
    assert machine.machine_pressure(str(tmp_path)) is None and machine.machine_memory(str(tmp_path)) is None
    assert machine.machine_pressure(str(tmp_path / "gone")) is None


@pytest.mark.parametrize(
    ("error", "limit", "expected"),
    [
        ("OCI runtime create failed: mkdir /x: no space left on device", 1, {"scope": "host", "resource": "disk"}),
        ("container init was OOM-killed (memory limit too low?)", 0, {"scope": "host", "resource": "memory"}),
        ("container init was OOM-killed (memory limit too low?)", 6, {}),
        ("driver failed: port is already allocated", 0, {}),
    ],
)
def test_what_a_machine_had_too_little_of_to_start_a_container(error, limit, expected):
    dead = running(status="created", error=error, memory_limit=limit, started=None)
    finding = next(f for f in judge(look(dead), Settings()) if f.id == "docker.container.start_failed")
    assert {name: finding.details[name] for name in ("scope", "resource") if name in finding.details} == expected
