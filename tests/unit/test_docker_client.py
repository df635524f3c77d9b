# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The look itself: what vanishes, hangs, is refused or too much, against an engine in memory."""

from __future__ import annotations

import socket
import ssl
import threading
import time

import pytest
from ansible_collections.incident.response.plugins.module_utils.checks import docker_health
from ansible_collections.incident.response.plugins.module_utils.clients import docker_local, docker_machine
from ansible_collections.incident.response.plugins.module_utils.clients.deadline import Deadline
from ansible_collections.incident.response.plugins.module_utils.clients.docker import MANY, Wanted, collect
from ansible_collections.incident.response.plugins.module_utils.clients.docker_engine import (
    SOCKET,
    DockerOptions,
    classify,
)
from ansible_collections.incident.response.plugins.module_utils.clients.errors import CollectError
from ansible_collections.incident.response.plugins.module_utils.clients.pool import gather
from ansible_collections.incident.response.plugins.module_utils.core.docker_snapshot import Disk
from ansible_collections.incident.response.plugins.module_utils.core.docker_summary import summary
from ansible_collections.incident.response.plugins.module_utils.module.check import Misuse
from docker_stub import StubEngine, recorded


def look(engine, deadline=10.0, **wanted):
    return collect(DockerOptions(), Wanted(**wanted), Deadline(deadline), time.time(), engine.join)


def crowd(number, name="healthy"):
    made = []
    for index in range(number):
        data = recorded(name)
        data["Id"], data["Name"] = f"{index:064x}", f"/c{index}"
        made.append(data)
    return made


def test_one_list_call_with_filters_and_one_inspect_each():
    engine = StubEngine(recorded("healthy"), recorded("exit1"))
    snapshot = look(engine, project="rec", services=("healthy", "exit1"))
    assert [call for call in engine.calls if call[0] == "containers"] == [
        ("containers", ("com.docker.compose.project=rec",), ())
    ]
    assert len([call for call in engine.calls if call[0] == "inspect"]) == 2
    assert sorted(container.service for container in snapshot.containers) == ["exit1", "healthy"]


def test_services_are_chosen_and_one_off_containers_are_not():
    run = recorded("exit1")
    run["Config"]["Labels"]["com.docker.compose.oneoff"] = "True"
    engine = StubEngine(recorded("healthy"), run)
    assert [container.service for container in look(engine).containers] == ["healthy"]
    assert look(engine, services=("auth",)).containers == []


def test_vanished_between_list_and_inspect():
    engine = StubEngine(recorded("healthy"), recorded("exit1"))
    gone = recorded("exit1")["Id"]
    engine.on["listed"] = lambda: engine.data.pop(gone)
    snapshot = look(engine)
    assert snapshot.gone == ["rec-exit1"]
    assert [container.service for container in snapshot.containers] == ["healthy"]
    assert snapshot.unmeasured == {}


def test_made_anew_between_list_and_inspect():
    old, new = recorded("healthy"), recorded("healthy")
    new["Id"] = "f" * 64
    engine = StubEngine(old)

    def recreate():
        engine.data.clear()
        engine.data[new["Id"]] = new

    engine.on["listed"] = recreate
    assert [container.id for container in look(engine).containers] == ["f" * 64]


def test_by_name_and_by_id():
    engine = StubEngine(recorded("healthy"), recorded("exit1"))
    assert [container.service for container in look(engine, containers=("rec-exit1",)).containers] == ["exit1"]
    short = recorded("exit1")["Id"][:12]
    assert [container.service for container in look(engine, containers=(short,)).containers] == ["exit1"]
    assert look(engine, containers=("rec-exi",)).containers == []


@pytest.mark.parametrize("kind", ["refused", "permission", "timeout", "gone"])
def test_no_engine_is_a_snapshot(kind):
    engine = StubEngine()
    engine.failing["join"] = CollectError(kind, "no")
    snapshot = look(engine)
    assert (snapshot.reachable, snapshot.error_kind) == (False, kind)


def test_an_engine_that_hangs_costs_the_deadline_once():
    engine = StubEngine(recorded("healthy"))
    never = threading.Event()
    engine.on["about"] = never.wait
    snapshot = look(engine, deadline=0.2)
    assert (snapshot.reachable, snapshot.error_kind) == (False, "deadline")


@pytest.mark.parametrize(
    ("method", "what"),
    [
        ("events", "events"),
        ("containers", "the list of containers"),
        ("inspect", "container rec-healthy"),
    ],
)
def test_what_is_refused_is_named(method, what):
    engine = StubEngine(recorded("healthy"))
    engine.failing[method] = CollectError("permission", "403")
    assert look(engine).unmeasured == {what: "403"}


def test_inspect_that_hangs_leaves_the_rest():
    engine = StubEngine(*crowd(3))
    never = threading.Event()
    engine.on["inspect"] = lambda identifier: never.wait() if identifier.endswith("1") else None
    snapshot = look(engine, deadline=0.5)
    assert len(snapshot.containers) == 2
    assert list(snapshot.unmeasured) == ["container c1"]


def test_processes_that_cannot_be_read_are_unmeasured():
    engine = StubEngine(recorded("healthy"))
    engine.failing["top"] = CollectError("permission", "403")
    assert look(engine).containers[0].unmeasured == {"the state of its processes": "403"}
    for words in ("is not running", "is restarting, wait until the container is running"):
        engine.failing["top"] = CollectError("failed", f"container abc {words}")
        snapshot = look(engine)
        assert snapshot.containers[0].unmeasured == {} and "ended while" in snapshot.notes[0]


def test_logs():
    engine = StubEngine(recorded("healthy"))
    assert look(engine).containers[0].logs == [{"at": "2026-01-01T00:00:00Z", "text": "hello"}]
    assert look(engine, log_lines=0).containers[0].logs == []
    engine.failing["tail"] = CollectError("failed", "configured logging driver does not support reading")
    assert "does not support" in look(engine).containers[0].logs_error
    engine.failing["tail"] = CollectError("gone", "404")
    assert look(engine).containers[0].logs_error == ""


def test_of_many_containers_only_unwell_logs_are_read():
    engine = StubEngine(*crowd(MANY), recorded("exit1"))
    snapshot = look(engine)
    assert [call[1] for call in engine.calls if call[0] == "tail"] == [recorded("exit1")["Id"]]
    assert any("logs of 1 of 51" in note for note in snapshot.notes)


def test_five_thousand_containers():
    engine = StubEngine(*crowd(5000))
    assert len(look(engine, deadline=60).containers) == 5000


def test_events_are_known_to_be_cut_off():
    engine = StubEngine(recorded("healthy"), now=1000.0)
    engine.raw_events = [
        {"Type": "container", "Action": "exec_die", "Actor": {"ID": "x"}, "timeNano": int((900 + n / 10) * 1e9)}
        for n in range(256)
    ]
    snapshot = look(engine)
    assert snapshot.events_since == 900.0 and snapshot.events == []
    engine.raw_events = engine.raw_events[:255]
    assert look(engine).events_since == 100.0


def test_kernel_log_of_this_machine_says_nothing_about_another(monkeypatch):
    monkeypatch.setattr(docker_local, "kernel_ooms", lambda: ([], 1.0))
    engine = StubEngine(recorded("exit1"))
    assert look(engine).kernel_since is None
    engine.address = "unix:///var/run/docker.sock"
    assert look(engine).kernel_since == 1.0
    engine.data[recorded("healthy")["Id"]] = recorded("healthy")
    assert look(engine).kernel_since is None, "a running container that is not on this machine"


def test_full_depth_takes_two_samples(monkeypatch):
    monkeypatch.setattr("ansible_collections.incident.response.plugins.module_utils.clients.docker.SPACING", 0.01)
    engine = StubEngine(recorded("healthy", Pid=0))
    one = look(engine, full=True).containers[0]
    assert len([call for call in engine.calls if call[0] == "stats"]) == 2
    assert one.cpu.periods == 0 and one.memory.usage == 10


def test_a_silent_container_costs_its_time_once(monkeypatch):
    """Its processes, its log and its second sample: none of them waits after another has."""
    monkeypatch.setattr("ansible_collections.incident.response.plugins.module_utils.clients.docker.SPACING", 0.01)
    engine = StubEngine(*crowd(5))
    silent = engine.data[f"{3:064x}"]["Id"]

    def hang(identifier, *_arguments):
        if identifier == silent:
            time.sleep(0.4)
            raise CollectError("timeout", "timed out")

    for method in ("top", "tail", "stats"):
        engine.on[method] = hang
    start = time.monotonic()
    snapshot = look(engine, full=True)
    assert time.monotonic() - start < 0.75
    sick = {one.name: sorted(one.unmeasured) for one in snapshot.containers if one.unmeasured}
    assert sick == {"c3": ["its log", "the state of its processes"]}
    assert all(one.logs and one.cpu for one in snapshot.containers if one.name != "c3")
    assert [call for call in engine.calls if call[0] == "top" and call[1] == silent] == [("top", silent)]


def test_images_are_asked_for_once_each():
    engine = StubEngine(*crowd(5), recorded("exit1"))
    snapshot = look(engine)
    name = recorded("healthy")["Config"]["Image"]
    assert [call for call in engine.calls if call[0] == "image_id"] == [("image_id", name)]
    assert snapshot.containers[0].tag_image == recorded("healthy")["Image"]
    engine.failing["image_id"] = CollectError("gone", "No such image")
    snapshot = look(engine)
    assert snapshot.containers[0].tag_image == "" and snapshot.containers[0].unmeasured == {}
    assert snapshot.notes == [], "a name that is gone is an answer"
    engine.failing["image_id"] = CollectError("permission", "403")
    assert look(engine).notes == ["1 names of images, which could not be looked at: 403"]


def test_layers_are_added_up_in_full_depth_only(monkeypatch):
    monkeypatch.setattr("ansible_collections.incident.response.plugins.module_utils.clients.docker.SPACING", 0.01)
    made = crowd(MANY + 1)
    made[0]["SizeRw"] = 5
    engine = StubEngine(*made)
    look(engine)
    assert not [call for call in engine.calls if call[0] == "size_written"]
    snapshot = look(engine, full=True)
    assert len([call for call in engine.calls if call[0] == "size_written"]) == MANY
    assert f"layers of {MANY} of {MANY + 1} containers" in snapshot.notes
    assert sorted(one.layer_bytes or 0 for one in snapshot.containers)[-2:] == [0, 5]
    engine.failing["size_written"] = CollectError("timeout", "timed out")
    snapshot = look(engine, full=True)
    assert f"{MANY} layers, which could not be looked at: timed out" in snapshot.notes
    assert not any(one.unmeasured or one.layer_bytes for one in snapshot.containers)


def test_files_of_this_machine_are_of_an_engine_on_it(tmp_path):
    """Log and disk are read only where the engine's own paths are here."""
    data = recorded("exit1")
    folder = tmp_path / "docker" / "containers" / data["Id"]
    folder.mkdir(parents=True)
    (folder / f"{data['Id']}-json.log").write_text("hello")
    data["HostnamePath"], data["LogPath"] = f"{folder}/hostname", f"{folder}/{data['Id']}-json.log"
    engine = StubEngine(data)
    snapshot = look(engine)
    assert snapshot.containers[0].log_bytes is None and snapshot.disk is None
    engine.address = "unix:///var/run/docker.sock"
    snapshot = look(engine)
    assert snapshot.containers[0].log_bytes == 5
    assert snapshot.disk.path == str(tmp_path / "docker")
    data["LogPath"] = "/nowhere"
    assert look(engine).disk is None


def test_each_file_system_that_is_written_to_is_told_once_with_its_writers(tmp_path, monkeypatch):
    data = recorded("exit1")
    folder = tmp_path / "docker" / "containers" / data["Id"]
    folder.mkdir(parents=True)
    (folder / f"{data['Id']}-json.log").write_text("hello")
    data["HostnamePath"], data["LogPath"] = f"{folder}/hostname", f"{folder}/{data['Id']}-json.log"
    paths = {"/a/db": 7, "/a/logs": 7, "/gone": None, "/no": PermissionError(13, "Permission denied"), "/engine": 1}
    data["Mounts"] = [{"Type": "bind", "Source": path, "RW": True} for path in paths]

    def mounted_at(path):
        device = paths.get(path, 1)
        if isinstance(device, Exception):
            raise device
        return docker_machine.Mounted(device, Disk("/a", 50.0, 1)) if device else None

    monkeypatch.setattr(docker_machine, "mounted_at", mounted_at)
    engine = StubEngine(data)
    assert look(engine).disks == [], "the engine is elsewhere"
    engine.address = "unix:///var/run/docker.sock"
    snapshot = look(engine)
    one = snapshot.containers[0]
    assert snapshot.disks == [Disk("/a", 50.0, 1, None, (one.service or one.name,))]
    assert any(note.startswith("1 volumes, which could not be looked at: ") for note in snapshot.notes)
    assert summary(snapshot, [])["disks"][0]["path"] == "/a"


def test_memory_of_this_machine_is_of_an_engine_on_it(monkeypatch):
    data = recorded("healthy")
    data["State"]["Pid"] = 4_194_303
    engine = StubEngine(data)
    engine.address = "unix:///var/run/docker.sock"
    assert look(engine).machine is None, "a running container that is not on this machine"
    here = docker_local.LocalFacts([], None, None, None, None)
    monkeypatch.setattr(docker_local, "local_facts", lambda *_ids: here)
    snapshot = look(engine)
    assert snapshot.machine[0] == docker_machine.machine_memory()[0]
    assert summary(snapshot, [])["machine"]["memory_available"] == snapshot.machine[1]
    engine.address = "tcp://elsewhere:2376"
    assert look(engine).machine is None


def test_gather_returns_everything_and_names_what_was_late():
    never = threading.Event()

    def fail():
        raise CollectError("gone", "404")

    def break_down():
        raise KeyError("x")

    found = gather({"a": lambda: 1, "b": fail, "c": break_down, "d": never.wait}, Deadline(0.3), workers=4)
    assert found["a"] == 1
    assert [found[key].kind for key in "bcd"] == ["gone", "failed", "deadline"]
    assert gather({}, Deadline(1)) == {}


class HttpError(Exception):
    def __init__(self, status, explanation):
        super().__init__(explanation)
        self.explanation = explanation
        self.response = type("Response", (), {"status_code": status})()


def wrapped(inner):
    """As requests and urllib3 wrap: exceptions among the arguments of exceptions."""
    return RuntimeError("Error while fetching server API version", ConnectionError("Connection aborted.", inner))


@pytest.mark.parametrize(
    ("error", "kind"),
    [
        (wrapped(PermissionError(13, "Permission denied")), "permission"),
        (wrapped(FileNotFoundError(2, "No such file or directory")), "gone"),
        (wrapped(ConnectionRefusedError(111, "Connection refused")), "refused"),
        (wrapped(ConnectionResetError(104, "Connection reset by peer")), "reset"),
        (wrapped(socket.gaierror(-2, "Name or service not known")), "dns"),
        (wrapped(ssl.SSLCertVerificationError("certificate has expired")), "tls"),
        (wrapped(TimeoutError("timed out")), "timeout"),
        (RuntimeError("('Connection aborted.', PermissionError(13, 'Permission denied'))"), "permission"),
        (RuntimeError("UnixHTTPConnectionPool: Read timed out."), "timeout"),
        (RuntimeError("Client sent an HTTP request to an HTTPS server."), "tls"),
        (RuntimeError("Expecting value: line 1 column 1"), "not_protocol"),
        (HttpError(403, "authorization denied by plugin"), "permission"),
        (HttpError(401, "who"), "auth"),
        (HttpError(404, "No such container"), "gone"),
        (HttpError(500, "boom"), "failed"),
        (ValueError("odd"), "failed"),
    ],
)
def test_errors_by_what_is_at_their_bottom(error, kind):
    assert classify(error)[0] == kind


def test_options_come_from_the_environment_last(monkeypatch):
    monkeypatch.delenv("DOCKER_HOST", raising=False)
    assert DockerOptions.from_params({"docker_host": None, "timeout": 3.0}) == DockerOptions(SOCKET, timeout=3.0)
    monkeypatch.setenv("DOCKER_HOST", "tcp://other:1")
    assert DockerOptions.from_params({}).docker_host == "tcp://other:1"
    assert DockerOptions.from_params({"docker_host": "unix:///x"}).docker_host == "unix:///x"


DEFAULTS = {name: option.get("default") for name, option in docker_health.CHECK.spec.options.items()}


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"services": []}, "an empty list is not all"),
        ({"containers": [""]}, "an empty list is not all"),
        ({"deadline": 0}, "deadline"),
        ({"restart_window": -1}, "restart_window"),
        ({"log_lines": -1}, "log_lines"),
        ({"log_since": "soon"}, "log_since"),
        ({"log_since": "-5m"}, "log_since"),
        ({"expected_replicas": {"a": "x"}}, "expected_replicas"),
        ({"expected_replicas": {"a": True}}, "expected_replicas"),
        ({"expected_replicas": {"a": -1}}, "expected_replicas"),
        ({"thresholds": {"memory_percent": {"warn": 0.8}}}, "ratio"),
        ({"ca_path": "/nowhere/ca.pem"}, "can't be read"),
    ],
)
def test_misuse(options, words):
    with pytest.raises(Misuse, match=words):
        docker_health.run({**DEFAULTS, **options})


@pytest.mark.parametrize(
    ("text", "expected"),
    [(None, None), ("", None), ("90", 910.0), ("90s", 910.0), ("5m", 700.0), ("0.5", 999.5), ("1h30m", -4400.0)]
    + [("2024-01-01T00:00:00Z", 1704067200.0), ("1704067200", 1704067200.0)],
)
def test_log_since(text, expected):
    assert docker_health._since(text, 1000.0) == expected


def test_unreachable_is_a_finding_and_not_a_failure():
    found = docker_health.run({**DEFAULTS, "docker_host": "unix:///nowhere/docker.sock", "services": ["orders"]})
    assert found.reachable is False
    assert [finding.id for finding in found.findings] == ["docker.daemon.unreachable"]
    assert found.measured == []


@pytest.mark.parametrize("behaviour", ["silent", "html", "closes", "trickles"])
def test_something_else_on_the_port(behaviour):
    """Total deadline, whatever sits there."""
    server = socket.create_server(("127.0.0.1", 0))
    stop = threading.Event()

    def serve():
        while not stop.is_set():
            try:
                client, _address = server.accept()
            except OSError:
                return
            if behaviour == "html":
                client.recv(4096)
                client.sendall(b"HTTP/1.1 200 OK\r\nContent-Length: 13\r\nContent-Type: text/html\r\n\r\n<html></html>")
            elif behaviour == "trickles":
                client.sendall(b"HTTP/1.1 200 OK\r\n")
                while not stop.wait(0.05):
                    try:
                        client.sendall(b"X")
                    except OSError:
                        break
            elif behaviour == "silent":
                stop.wait(30)
            client.close()

    threading.Thread(target=serve, daemon=True).start()
    address = f"tcp://127.0.0.1:{server.getsockname()[1]}"
    try:
        found = docker_health.run({**DEFAULTS, "docker_host": address, "deadline": 1.0})
    finally:
        stop.set()
        server.close()
    assert found.reachable is False
    assert [finding.id for finding in found.findings] == ["docker.daemon.unreachable"]
