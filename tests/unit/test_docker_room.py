# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What containers and their engine run out of besides memory, and whether they are still what they should be."""

from __future__ import annotations

import copy
import json
import os

import pytest
from ansible_collections.incident.response.plugins.module_utils.clients import docker_local as local
from ansible_collections.incident.response.plugins.module_utils.clients import docker_machine
from ansible_collections.incident.response.plugins.module_utils.core import docker_parse as parse
from ansible_collections.incident.response.plugins.module_utils.core import docker_summary
from ansible_collections.incident.response.plugins.module_utils.core.docker_judge import judge
from ansible_collections.incident.response.plugins.module_utils.core.docker_settings import Settings
from ansible_collections.incident.response.plugins.module_utils.core.docker_snapshot import Disk, Pids, Process
from docker_made import RECORDED, container, ids, look, only, running

GIB = 2**30
LEVELS = [(0.79, None, None), (0.80, "warning", "P3"), (0.95, "critical", "P2"), (1.0, "critical", "P2")]


@pytest.mark.parametrize(("share", "state", "severity"), LEVELS)
def test_processes_of_their_limit(share, state, severity):
    processes = [Process(n, 1, "S", "worker" if n else "app") for n in range(3)]
    findings = judge(look(running(pids=Pids(int(200 * share), 200), processes=processes, pid=0)), Settings())
    assert [(f.id, f.state, f.severity) for f in findings] == ([("docker.pids.high", state, severity)] if state else [])
    if findings:
        assert "2 worker, 1 app" in findings[0].evidence[1]
        assert "update --pids-limit 400" in findings[0].remedies[1].command
        assert docker_summary.container_dict(running(pids=Pids(1, 200)))["pids"] == {"current": 1, "limit": 200}


@pytest.mark.parametrize("pids", [None, Pids(5000, None), Pids(5000, 0)])
def test_processes_without_a_limit(pids):
    assert judge(look(running(pids=pids)), Settings()) == []


@pytest.mark.parametrize(
    ("stats", "expected"),
    [
        ({"pids_stats": {"current": 3, "limit": 100}}, Pids(3, 100)),
        ({"pids_stats": {"current": 3}}, Pids(3, None)),
        ({"pids_stats": {"current": 3, "limit": 18446744073709551615}}, Pids(3, None)),
        ({"pids_stats": {"current": 3, "limit": 0}}, Pids(3, None)),
        ({"pids_stats": {}}, None),
        ({"pids_stats": None}, None),
        ({}, None),
    ],
)
def test_processes_as_statistics(stats, expected):
    assert parse.pids_from_stats(stats) == expected


def test_processes_are_judged_of_a_running_one_only():
    for name in ("exit0", "paused", "restarting"):
        assert "docker.pids.high" not in ids(judge(look(container(name, pids=Pids(100, 100))), Settings()))


SIZES = [(GIB - 1, None, None), (GIB, "warning", "P3"), (10 * GIB, "critical", "P2"), (None, None, None)]


@pytest.mark.parametrize(("size", "state", "severity"), SIZES)
def test_logs_by_size(size, state, severity):
    findings = judge(look(running(log_bytes=size, log_path="/x", log_driver="json-file", log_options={})), Settings())
    assert [(f.id, f.state, f.severity) for f in findings] == ([("docker.log.large", state, severity)] if state else [])
    if findings:
        assert findings[0].details["rotated"] is False and "is not rotated" in findings[0].summary
        assert findings[0].remedies[0].command.startswith("docker logs"), "its end is kept first"
        assert not any("truncate" in remedy.command for remedy in findings[0].remedies)


@pytest.mark.parametrize(
    ("driver", "options", "rotated"),
    [
        ("json-file", {}, False),
        ("json-file", {"max-size": "-1"}, False),
        ("json-file", {"max-size": ""}, False),
        ("json-file", {"max-size": "10m"}, True),
        ("local", {}, True),
    ],
)
def test_logs_that_are_rotated(driver, options, rotated):
    finding = only(judge(look(running(log_bytes=GIB, log_driver=driver, log_options=options)), Settings()))
    assert finding.details["rotated"] is rotated


def test_a_large_log_is_said_of_one_that_is_down_too():
    assert ids(judge(look(container("exit1", log_bytes=GIB)), Settings())) == [
        "docker.container.not_running",
        "docker.log.large",
    ]


@pytest.mark.parametrize(("size", "state", "severity"), SIZES)
def test_layers_by_size(size, state, severity):
    findings = judge(look(running(layer_bytes=size)), Settings())
    assert [(f.id, f.state, f.severity) for f in findings] == (
        [("docker.layer.large", state, severity)] if state else []
    )


DISKS = [
    (Disk("/d", 89.9, GIB, 1.0), None),
    (Disk("/d", 90.0, GIB, None), "warning"),
    (Disk("/d", 95.0, GIB, 1.0), "critical"),
    (Disk("/d", 5.0, GIB, 96.0), "critical"),
    (None, None),
]


@pytest.mark.parametrize(("disk", "state"), DISKS)
def test_disk_of_the_engine(disk, state):
    findings = judge(look(running(), disk=disk), Settings(component="host1"))
    assert [(f.id, f.state, f.component) for f in findings] == ([("docker.disk.high", state, "host1")] if state else [])
    if findings:
        assert ("inodes" in findings[0].summary) == (disk.used_percent < 50)


def test_thresholds_of_their_own():
    settings = Settings(thresholds={**Settings().thresholds, "pids_percent": {"warn": 10, "crit": 20}})
    assert only(judge(look(running(pids=Pids(15, 100))), settings)).state == "warning"


def test_where_the_engine_says_that_its_data_is():
    data = copy.deepcopy(RECORDED["healthy"])
    data["HostnamePath"] = f"/data/docker/containers/{data['Id']}/hostname"
    data["LogPath"] = f"/data/docker/containers/{data['Id']}/{data['Id']}-json.log"
    data["HostConfig"]["LogConfig"] = {"Type": "json-file", "Config": {"max-size": "1m", "splunk-token": "Canary7Xq"}}
    one = parse.container_from_inspect(data)
    assert (one.data_path, one.log_path, one.log_options) == ("/data/docker", data["LogPath"], {"max-size": "1m"})
    for other in ("", "/run/containers/storage/x/hostname", None):
        data["HostnamePath"] = other
        assert parse.container_from_inspect(data).data_path == ""


ID = "c0ffee" * 10 + "abcd"


def test_log_files_with_rotated_ones(tmp_path):
    file = tmp_path / f"{ID}-json.log"
    file.write_bytes(b"x" * 10)
    (tmp_path / f"{ID}-json.log.1").write_bytes(b"x" * 5)
    (tmp_path / f"{ID}-json.log.2.gz").write_bytes(b"x" * 2)
    (tmp_path / "other").write_bytes(b"x" * 100)
    assert local.log_bytes(str(file), ID) == 17
    assert local.log_bytes(str(file), "f" * 64) is None, "the file of another container"
    assert local.log_bytes(str(tmp_path / f"{ID}-gone.log"), ID) is None
    assert local.log_bytes("", ID) is None and local.log_bytes(str(file), "") is None


def test_a_name_with_stars_is_a_name(tmp_path):
    odd = tmp_path / "[a]*"
    odd.mkdir()
    (odd / f"{ID}.log").write_bytes(b"x")
    (odd / f"{ID}.log.1").write_bytes(b"xx")
    assert local.log_bytes(str(odd / f"{ID}.log"), ID) == 3


def test_disk_of_a_path(tmp_path, monkeypatch):
    disk = docker_machine.disk_of(str(tmp_path))
    assert 0 <= disk.used_percent <= 100 and disk.free > 0 and disk.path == str(tmp_path)
    assert docker_machine.disk_of(str(tmp_path / "gone")) is None, "not on this machine"
    assert docker_machine.disk_of("") is None
    real = os.statvfs

    def forbidden(path):
        if path != str(tmp_path):
            raise PermissionError(13, "Permission denied")
        return real(path)

    monkeypatch.setattr(docker_machine.os, "statvfs", forbidden)
    assert docker_machine.disk_of(str(tmp_path / "a" / "b")).path == str(tmp_path)


@pytest.mark.parametrize(
    ("files", "used", "inodes"),
    [
        ((100, 20, 10, 1000, 900), 100 * 80 / 90, 10.0),
        ((100, 20, 10, 0, 0), 100 * 80 / 90, None),
        ((0, 0, 0, 0, 0), None, None),
    ],
)
def test_disk_as_df_counts(files, used, inodes, monkeypatch):
    blocks, free, usable, files_, left = files
    names = {
        "f_blocks": blocks,
        "f_bfree": free,
        "f_bavail": usable,
        "f_files": files_,
        "f_favail": left,
        "f_frsize": 1,
    }
    monkeypatch.setattr(docker_machine.os, "statvfs", lambda _path: type("Facts", (), names))
    disk = docker_machine.disk_of("/x")
    assert (disk and pytest.approx(disk.used_percent)) == used
    assert (disk and disk.inodes_percent) == inodes


NEW = "sha256:" + "f" * 64
OWN = RECORDED["healthy"]["Image"]
DRIFTS = [
    ("nothing is known", {}, []),
    ("the name means the same image", {"tag_image": OWN}, []),
    ("the same without its prefix", {"tag_image": OWN.partition(":")[2]}, []),
    ("the name means another image", {"tag_image": NEW}, ["image"]),
    ("the name is gone, made from the same", {"compose_image": OWN}, []),
    ("the name is gone, made from another", {"compose_image": NEW}, ["image"]),
    ("the name means the same, the label is odd", {"tag_image": OWN, "compose_image": NEW}, []),
    ("its own image is not known", {"image_id": "", "tag_image": NEW}, []),
]


@pytest.mark.parametrize(("changes", "drift"), [row[1:] for row in DRIFTS], ids=[row[0] for row in DRIFTS])
def test_image_drift(changes, drift):
    findings = judge(look(running(**changes)), Settings())
    assert [(f.id, f.state, f.severity) for f in findings] == (
        [("docker.container.drifted", "warning", "P4")] if drift else []
    )
    assert [f.details["drift"] for f in findings] == ([drift] if drift else [])


@pytest.mark.parametrize(("has", "expected", "drift"), [("a1", "a1", False), ("a1", "b2", True), ("", "b2", True)])
def test_configuration_against_the_file(has, expected, drift):
    findings = judge(look(running(config_hash=has)), Settings(hashes={"healthy": expected, "other": "c3"}))
    assert ids(findings) == (["docker.container.drifted"] if drift else [])


def replicas(*hashes):
    made = []
    for number, hash_ in enumerate(hashes):
        one = running(config_hash=hash_)
        one.id, one.name, one.created = f"{number}" * 64, f"c{number}", one.created + number
        made.append(one)
    return made


@pytest.mark.parametrize(
    ("hashes", "drifted"),
    [(("a", "a"), []), (("a", "b"), ["c0"]), (("a", "b", "b"), ["c0"]), (("b", "a", "b"), ["c1"]), (("", "b"), [])]
    + [(("a", ""), [])],
)
def test_configuration_against_the_newest_of_its_service(hashes, drifted):
    findings = judge(look(*replicas(*hashes)), Settings())
    assert [finding.details["container_name"] for finding in findings] == drifted


def test_configuration_of_others_is_no_drift():
    one, other, oneoff = replicas("a", "b", "c")
    other.project, oneoff.oneoff = "another", True
    assert judge(look(one, other, oneoff), Settings()) == []
    other.project, other.service = one.project, "another"
    assert judge(look(one, other, oneoff), Settings()) == []


def test_drift_is_hygiene_and_not_said_of_one_with_a_fault():
    assert ids(judge(look(container("exit1", tag_image=NEW)), Settings())) == ["docker.container.not_running"]
    assert ids(judge(look(container("unhealthy", tag_image=NEW)), Settings())) == ["docker.container.unhealthy"]


def test_five_thousand_of_one_service():
    crowd = replicas(*["a"] * 5)
    for number in range(5000):
        one = copy.copy(crowd[0])
        one.id, one.created = f"{number:064x}", one.created - number
        crowd.append(one)
    assert len(judge(look(*crowd), Settings())) == 0


def test_what_was_looked_at_is_said():
    one = running(listeners=[], pids=Pids(1, None), log_bytes=1, layer_bytes=1, tag_image=OWN)
    said = docker_summary.measured(look(one, disk=Disk("/d", 1.0, 1)), 900.0, True)
    for words in (
        "listening TCP ports of 1",
        "number of processes of 1",
        "log files of 1",
        "layer of 1",
        "system of /d",
    ):
        assert any(words in text for text in said), words
    said = docker_summary.measured(look(running()), 900.0, False)
    assert not any("listening" in text or "file system" in text for text in said)
    json.dumps(docker_summary.summary(look(one, disk=Disk("/d", 1.0, 1)), []))
