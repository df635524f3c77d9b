# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""docker_service: raised limits, scaling and dumps against an engine in memory and a Compose that is a script."""

from __future__ import annotations

import json
import os
import sys
from pathlib import Path

import pytest
from ansible_collections.incident.response.plugins.module_utils.clients import (
    compose_service,
    docker_dump,
    docker_machine,
    docker_service,
)
from ansible_collections.incident.response.plugins.module_utils.clients.compose_file import FileEdit
from ansible_collections.incident.response.plugins.module_utils.clients.docker_service import apply
from ansible_collections.incident.response.plugins.module_utils.clients.errors import CollectError, Failed
from ansible_collections.incident.response.plugins.module_utils.core import docker_memory as memory
from ansible_collections.incident.response.plugins.module_utils.core.compose_facts import place_of
from ansible_collections.incident.response.plugins.module_utils.core.docker_plan import Refused
from ansible_collections.incident.response.plugins.module_utils.core.log_lines import Line
from ansible_collections.incident.response.plugins.module_utils.core.stacks import stacks
from ansible_collections.incident.response.plugins.module_utils.module.docker_service_options import SPEC
from docker_stub import StubEngine, recorded, run_program

MIB = 2**20
GIB = 2**30
DEFAULTS = {name: option.get("default") for name, option in SPEC.options.items()}
LABEL = "com.docker.compose."


@pytest.fixture(autouse=True)
def quick(monkeypatch):
    monkeypatch.setattr(docker_service, "_POLL", 0.01)
    monkeypatch.setattr(docker_dump, "_POLL", 0.01)
    monkeypatch.setattr("ansible_collections.incident.response.plugins.module_utils.core.docker_plan.STEADY", 0.02)
    monkeypatch.setattr(docker_machine, "machine_memory", lambda: (8 * GIB, 2 * GIB))


def go(engine, check=False, **options):
    given = {**DEFAULTS, "docker_host": "unix:///stub.sock", "wait_timeout": 0.6, "dump_timeout": 0.2, **options}
    return apply(given, check, run_program, engine.join)


def refused(engine, check=False, **options):
    with pytest.raises(Failed) as caught:
        go(engine, check, **options)
    return caught.value.result


def limited(limit=64 * MIB, swap=64 * MIB, name="healthy", labels=None, **state):
    data = recorded(name, **state)
    data["HostConfig"].update(Memory=limit, MemorySwap=swap)
    data["Config"]["Labels"].update(labels or {})
    engine = StubEngine(data)

    def update(identifier, size, both):
        engine.data[identifier]["HostConfig"].update(Memory=size, MemorySwap=both)

    def restart(identifier, _timeout):
        engine.data[identifier]["State"].update(
            Status="running",
            StartedAt="2030-01-01T00:00:00Z",
            Health={"Status": "healthy", "Log": [{"End": "2030-01-01T00:01:40Z", "ExitCode": 0, "Output": ""}]},
        )

    engine.on.update(update=update, restart=restart)
    return engine


RAISE = {"service": "healthy", "state": "memory_raised"}


@pytest.mark.parametrize(
    ("text", "size"),
    [
        ("64m", 64 * MIB),
        ("64MiB", 64 * MIB),
        ("1.5g", 1536 * MIB),
        (" 8388608 ", 8 * MIB),
        ("10 mb", 10 * MIB),
        ("1T", 2**40),
    ],
)
def test_sizes(text, size):
    assert memory.wanted_size(text) == size


@pytest.mark.parametrize("text", ["", "m", "-64m", "64x", "64m64", "1e9", "0x40", "NaN", True, None, "64", "5m", "0"])
def test_no_sizes(text):
    with pytest.raises(Refused):
        memory.wanted_size(text)


@pytest.mark.parametrize(
    ("limit", "swap", "after"),
    [(64, 64, 96), (64, 128, 192), (64, 0, 192), (64, -1, -1), (64, 80, 112), (64, 32, 96)],
)
def test_the_swap_keeps_its_relation(limit, swap, after):
    found = memory.new_swap(limit * MIB, swap if swap <= 0 else swap * MIB, 96 * MIB)
    assert found == (after if after < 0 else after * MIB)


@pytest.mark.parametrize("check", [False, True], ids=["real", "check"])
def test_both_limits_in_one_update(check):
    engine = limited()
    result = go(engine, check, **RAISE, memory="96m")
    assert engine.made() == ([] if check else [("update", recorded("healthy")["Id"], 96 * MIB, 96 * MIB)])
    assert result["changed"] is True and "from 64 MiB to 96 MiB" in result["msg"]
    assert result["diff"]["after"]["rec-healthy"]["memory_limit"] == 96 * MIB
    assert result["diff"]["before"]["rec-healthy"]["memory_limit"] == 64 * MIB
    assert result["compose"]["drift"] is None and "is not known" in result["msg"]


@pytest.mark.parametrize("name", ["paused", "exit1", "healthy"])
def test_whatever_state_it_is_in(name):
    assert go(limited(name=name), service=name, state="memory_raised", memory="96m")["changed"] is True


@pytest.mark.parametrize(
    ("limit", "size", "words"),
    [
        (0, "96m", "has no memory limit"),
        (64 * MIB, "63m", "a limit is only raised here"),
        (64 * MIB, "64", "was 64m meant?"),
        (64 * MIB, "lots", "no size of memory"),
        (64 * MIB, "4g", "the machine can't hold it"),
    ],
)
@pytest.mark.parametrize("check", [False, True])
def test_refusals(limit, size, words, check):
    engine = limited(limit)
    result = refused(engine, check, **RAISE, memory=size)
    assert words in result["msg"] and result["changed"] is False and engine.made() == []


def test_the_same_limit_again_is_no_change():
    engine = limited()
    result = go(engine, **RAISE, memory="64m")
    assert result["changed"] is False and "already" in result["msg"] and engine.made() == []


def test_the_room_is_for_what_can_be_taken():
    memory.check_room(GIB, GIB + 64 * MIB, 8 * GIB)
    with pytest.raises(Refused, match="1 GiB more could be taken, 1 GiB of its 8 GiB"):
        memory.check_room(GIB, GIB, 8 * GIB)


@pytest.mark.parametrize("total", [4 * GIB, 0])
def test_another_machine_is_refused(total):
    engine = limited()
    engine.total = total
    assert "does not run on the host that this runs on" in refused(engine, **RAISE, memory="96m")["msg"]
    away = refused(limited(), **RAISE, memory="96m", docker_host="tcp://far:2375")
    assert "tcp://far:2375" in away["msg"]


def test_nothing_is_claimed_that_was_not_seen():
    engine = limited()
    engine.on.clear()
    result = refused(engine, **RAISE, memory="96m")
    assert result["changed"] is False and "no change can be seen" in result["msg"]


def test_the_engine_refuses():
    engine = limited()
    engine.failing["update"] = CollectError("failed", "cgroup: busy")
    result = refused(engine, **RAISE, memory="96m")
    assert "cgroup: busy" in result["msg"] and result["changed"] is False


def test_another_life_between_plan_and_act():
    engine = limited()
    looks = iter(range(100))

    def meanwhile(identifier):
        if next(looks) == 1:
            engine.data[identifier]["State"]["StartedAt"] = "2031-01-01T00:00:00Z"

    engine.on["inspect"] = meanwhile
    assert "2031-01-01" in refused(engine, **RAISE, memory="96m")["msg"] and engine.made() == []


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"state": "restarted", "memory": "96m"}, "memory goes with state=memory_raised"),
        ({"state": "restarted", "persist": True}, "persist goes with"),
        ({"state": "started", "dump": "quit"}, "dump goes with state=restarted"),
        ({"state": "memory_raised", "memory": "96m", "replicas": 2}, "replicas goes with state=scaled"),
        ({"state": "scaled", "replicas": 0}, "would leave nothing"),
        ({"state": "scaled", "replicas": -1}, "would leave nothing"),
        ({"state": "scaled", "replicas": 2, "identity": {"id": "1"}}, "no identity"),
    ],
)
def test_options_that_do_not_fit(options, words):
    engine = limited()
    assert words in refused(engine, service="healthy", **options)["msg"] and engine.made() == []


class Shop:
    """A Compose file, the labels that name it, and a script that answers as Compose would."""

    def __init__(self, directory):
        self.file = directory / "compose.yml"
        self.file.write_text("services:\n  healthy:\n    mem_limit: 64m\n")
        self.script = directory / "compose.py"
        self.config = {"services": {"healthy": {"mem_limit": str(64 * MIB)}}}
        self.hash = "abc"
        self.labels = {
            LABEL + "project.config_files": str(self.file),
            LABEL + "project.working_dir": str(directory),
            LABEL + "config-hash": "abc",
        }

    def command(self):
        self.script.write_text(
            f"import sys\nif '--hash' in sys.argv: print('healthy', {self.hash!r})\n"
            f"elif 'config' in sys.argv: print({json.dumps(self.config)!r})\nelse: sys.exit('no: ' + sys.argv[-1])\n"
        )
        return [sys.executable, str(self.script)]


@pytest.fixture
def shop(tmp_path):
    return Shop(tmp_path)


def test_drift(shop):
    found = go(limited(labels=shop.labels), **RAISE, memory="96m", compose_command=shop.command())
    assert found["compose"] == {"drift": True, "file": str(shop.file), "memory": 64 * MIB}
    assert "persist=true writes it there" in found["msg"]
    shop.config["services"]["healthy"]["mem_limit"] = str(96 * MIB)
    found = go(limited(labels=shop.labels), **RAISE, memory="96m", compose_command=shop.command())
    assert found["compose"]["drift"] is False and "next docker compose up" not in found["msg"]


def test_persist_is_refused_before_anything_is_done(shop):
    wanted = {**RAISE, "memory": "96m", "persist": True}
    engine = limited(labels=shop.labels)
    shop.hash = "other"
    result = refused(engine, **wanted, compose_command=shop.command())
    assert "was not made from what" in result["msg"] and engine.made() == []
    shop.hash = "abc"
    result = refused(engine, **wanted, compose_command=shop.command())
    assert "is left alone: the edit is not safe" in result["msg"], "this script reads every text as the same"
    assert engine.made() == [] and shop.file.read_text().endswith("64m\n")
    tls = refused(engine, **wanted, compose_command=shop.command(), tls=True)
    assert "behind TLS" in tls["msg"]
    none = refused(engine, **wanted, compose_command=[str(shop.file.parent / "missing")])
    assert "ended with 127" in none["msg"] and "missing" in none["msg"] and engine.made() == []
    shop.file.unlink()
    gone = refused(engine, **wanted, compose_command=shop.command())
    assert "is not readable on the host" in gone["msg"] and engine.made() == []


class Reads:
    """Compose as far as the edit of a file asks it; bad: what it says of the file on the disk."""

    def __init__(self, file, bad=None):
        labels = {f"{LABEL}project": "p", f"{LABEL}service": "web", f"{LABEL}config-hash": "abc"}
        self.place = place_of({**labels, f"{LABEL}project.config_files": str(file)}, "p-web-1")
        self.bad = bad

    def config(self, text=None, _path=""):
        if text is None and self.bad and "96m" in Path(self.place.files[0]).read_text():
            raise self.bad
        limit = "96" if "96m" in (text or Path(self.place.files[0]).read_text()) else "64"
        return {"services": {"web": {"mem_limit": str(int(limit) * MIB)}}}


@pytest.fixture
def file(tmp_path):
    file = tmp_path / "a.yml"
    file.write_bytes(b"services:\r\n  web:\r\n    mem_limit: 64m # \xc3\xa9\r\n")
    file.chmod(0o640)
    return file


def planned(file, **options):
    edit = FileEdit(Reads(file, **options), 96 * MIB, 192 * MIB)
    edit.plan()
    return edit


def test_written_with_a_backup(file):
    old = file.read_bytes()
    edit = planned(file)
    assert file.read_bytes() == old and edit.needed
    edit.write()
    assert file.read_bytes() == old.replace(b"64m", b"96m") and Path(edit.backup).read_bytes() == old
    assert {path.stat().st_mode & 0o777 for path in file.parent.iterdir()} == {0o640}
    assert not planned(file).needed
    assert "as it was before" in edit.put_back()
    assert file.read_bytes() == old and list(file.parent.iterdir()) == [file]


def test_a_link_stays_a_link(file):
    link = file.with_name("link.yml")
    link.symlink_to(file.name)
    planned(link).write()
    assert link.is_symlink() and b"96m" in file.read_bytes()


@pytest.mark.parametrize("bad", [CollectError("failed", "yaml: bad"), Refused("has no service web any more")])
def test_validation_that_fails_puts_it_back(file, bad):
    old = file.read_bytes()
    with pytest.raises(Refused, match="validation of .* failed .*as it was before"):
        planned(file, bad=bad).write()
    assert file.read_bytes() == old and list(file.parent.iterdir()) == [file]


def test_somebody_else_edits_it_too(file):
    edit = planned(file)
    file.write_bytes(b"# new\n" + file.read_bytes())
    with pytest.raises(Refused, match="changed by somebody else a moment ago"):
        edit.write()
    assert file.read_bytes().startswith(b"# new\n") and list(file.parent.iterdir()) == [file]
    edit = planned(file)
    edit.write()
    file.write_bytes(b"# newer\n")
    assert "is left alone: compare with" in edit.put_back()
    assert file.read_bytes() == b"# newer\n" and Path(edit.backup).exists() and not edit.restored


def test_a_full_disk(file, monkeypatch):
    old = file.read_bytes()
    edit = planned(file)

    def full(_source, _target):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(Refused, match="could not be written .No space left"):
        edit.write()
    assert file.read_bytes() == old and len(list(file.parent.iterdir())) == 1


def test_not_utf_8(file):
    file.write_bytes(b"services:\n  web:\n    mem_limit: 64m # \xff\n")
    with pytest.raises(Refused, match="is not UTF-8"):
        planned(file)


def test_a_file_that_is_not_writable_is_refused(shop, monkeypatch):
    engine = limited(labels=shop.labels)
    monkeypatch.setattr(os, "access", lambda _path, mode: mode != os.W_OK)
    result = refused(engine, **RAISE, memory="96m", persist=True, compose_command=shop.command())
    assert f"{shop.file} or its directory is not writable here" in result["msg"] and engine.made() == []


def test_a_paused_one_is_not_replaced(shop):
    engine = limited(name="paused", labels=shop.labels)
    wanted = {"service": "paused", "state": "memory_raised", "memory": "96m", "compose_command": shop.command()}
    assert "unpause first" in refused(engine, **wanted, persist=True)["msg"] and engine.made() == []


def test_persist_of_one_of_several_is_refused(shop):
    engine = limited(labels=shop.labels)
    other = json.loads(json.dumps(engine.data[recorded("healthy")["Id"]]))
    other["Id"], other["Name"] = "2" * 64, "/rec-2"
    engine.data[other["Id"]] = other
    wanted = {**RAISE, "memory": "96m", "persist": True, "compose_command": shop.command()}
    result = refused(engine, **wanted, identity={"id": "2" * 64})
    assert "redeploys all 2 containers" in result["msg"] and engine.made() == []


def test_an_image_that_is_another_now_is_refused(shop, monkeypatch):
    engine = limited(labels=shop.labels)
    monkeypatch.setattr(engine, "image_id", lambda _name: "sha256:new")
    wanted = {**RAISE, "memory": "96m", "persist": True, "compose_command": shop.command()}
    assert "Compose would bring that one" in refused(engine, **wanted)["msg"] and engine.made() == []


def test_scaling_is_refused(shop):
    engine = limited(labels=shop.labels)
    wanted = {"service": "healthy", "state": "scaled", "replicas": 2}
    shop.config["services"]["healthy"]["container_name"] = "one"
    assert "container_name one is fixed" in refused(engine, **wanted, compose_command=shop.command())["msg"]
    del shop.config["services"]["healthy"]["container_name"]
    failed = refused(engine, **wanted, compose_command=shop.command())
    assert "1 containers of healthy, not 2" in failed["msg"] and "no: healthy" in failed["msg"]
    assert failed["changed"] is False
    down = limited(labels=shop.labels, Status="exited")
    assert "bring it up first" in refused(down, **wanted, compose_command=shop.command())["msg"]
    assert "names no Compose file" in refused(limited(), **wanted)["msg"]


def test_a_scaled_one_that_does_not_get_well_stops_it(shop, monkeypatch):
    engine = limited(labels=shop.labels)
    calls = []

    def up(_compose, number, _timeout, _more=()):
        calls.append(number)
        data = recorded("exit1", Health=None)
        data["Id"], data["Name"] = str(number) * 64, f"/rec-{number}"
        data["Config"]["Labels"].update({LABEL + "service": "healthy", **shop.labels})
        engine.data[data["Id"]] = data

    monkeypatch.setattr(compose_service.Compose, "up", up)
    wanted = {"service": "healthy", "state": "scaled", "replicas": 4, "compose_command": shop.command()}
    result = refused(engine, **wanted)
    assert calls == [2] and "start rec-2 was done, but it ended again" in result["msg"] and result["changed"] is True


GO = ["noise", "SIGQUIT: quit", "PC=0x46", "", "goroutine 1 [running]:", "main.main()", "\t/a.go:7 token=Canary7Xq"]


def with_dump(engine, lines):
    def signal(_identifier, _name):
        engine.lines += [Line(f"2030-01-01T00:00:00.{number:09d}Z", text, 2) for number, text in enumerate(lines)]

    engine.on["signal"] = signal
    return engine


def test_dump_then_restart():
    engine = with_dump(limited(), GO)
    result = go(engine, service="healthy", state="restarted", dump="quit")
    assert [call[0] for call in engine.made()] == ["signal", "restart"] and engine.made()[0][2] == "SIGQUIT"
    [dump] = result["dumps"]
    assert dump["text"].startswith("SIGQUIT: quit\nPC=0x46") and (dump["kind"], dump["lines"]) == ("go", 6)
    assert "Canary7Xq" not in json.dumps(result) and "hello" not in dump["text"]


def test_no_dump_by_itself():
    engine = limited()
    result = go(engine, service="healthy", state="restarted")
    assert [call[0] for call in engine.made()] == ["restart"] and "dumps" not in result


def test_a_dump_that_fails_does_not_keep_it_from_restarting():
    engine = limited()
    result = go(engine, service="healthy", state="restarted", dump="quit")
    assert result["changed"] is True and "no stacks within 0.2 s" in result["dumps"][0]["error"]
    engine = limited()
    engine.failing["signal"] = CollectError("failed", "no such process")
    result = go(engine, service="healthy", state="restarted", dump="quit")
    assert result["changed"] is True and result["dumps"][0]["error"] == "no such process"


def test_a_dump_of_somebody_else_is_not_taken():
    engine = with_dump(limited(), GO)
    refused(engine, service="healthy", state="restarted", dump="quit", identity={"id": "0" * 64})
    assert engine.made() == []
    go(engine, True, service="healthy", state="restarted", dump="quit")
    assert engine.made() == []


def test_what_is_down_has_no_stacks():
    engine = limited(name="exit1")
    result = go(engine, service="exit1", state="restarted", dump="quit")
    assert [call[0] for call in engine.made()] == ["restart"] and "dumps" not in result


@pytest.mark.parametrize(
    ("lines", "kind"),
    [
        (["goroutine 7 [select, 3 minutes]:"], "go"),
        (["goroutine 0 gp=0x1 m=0 mp=0x2 [idle]:"], "go"),
        (["2026-01-01 12:00:00", "Full thread dump OpenJDK 64-Bit Server VM (21):"], "java"),
        (["it said goroutine 7 [select]:"], ""),
        ([], ""),
    ],
)
def test_where_stacks_begin(lines, kind):
    assert stacks([Line("", text) for text in lines])[0] == kind


def test_stacks_are_bounded():
    kind, text, count, cut = stacks([Line("", "SIGQUIT: quit"), *[Line("", "x" * 500)] * 1000])
    assert (kind, count, cut) == ("go", 1001, True) and len(text) == 32 * 1024
    kind, text, count, cut = stacks([Line("", "SIGQUIT: quit"), *[Line("", "\x1b[31mx")] * 500])
    assert (len(text.splitlines()), count, cut) == (400, 501, True) and "\x1b" not in text
