# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A container engine in memory, for tests of the client and of what acts: it answers with recorded inspect JSON."""

from __future__ import annotations

import copy
import json
import os
import subprocess
from pathlib import Path

from ansible_collections.incident.response.plugins.module_utils.clients.docker_logs import Tail
from ansible_collections.incident.response.plugins.module_utils.clients.errors import CollectError
from ansible_collections.incident.response.plugins.module_utils.core.log_lines import Line

FIXTURES = Path(__file__).parent / "fixtures" / "docker"


def recorded(name: str, **state) -> dict:
    """Inspect JSON of a fault; its processes are not on this machine."""
    data = json.loads((FIXTURES / f"{name}.json").read_text())
    data["State"].update({"Pid": 0, **state})
    return data


class StubEngine:
    """data: id -> inspect JSON. failing: method -> exception to raise. calls: what was asked, in order."""

    address = "tcp://stub:2375"

    def __init__(self, *containers: dict, now: float = 0.0) -> None:
        self.data = {data["Id"]: data for data in containers}
        self.failing: dict[str, Exception] = {}
        self.calls: list[tuple] = []
        self.raw_events: list[dict] = []
        self.lines = [Line("2026-01-01T00:00:00Z", "hello")]
        self.processes = [["7", "1", "Ss", "app"]]
        self.now = now
        self.total = 8 * 2**30
        self.on = {}

    def join(self, _options, _deadline) -> StubEngine:
        self._called("join")
        return self

    def _called(self, name: str, *arguments) -> None:
        self.calls.append((name, *arguments))
        if name in self.failing:
            raise self.failing[name]
        hook = self.on.get(name)
        if hook:
            hook(*arguments)

    def about(self) -> dict:
        self._called("about")
        return {"version": "0", "now": self.now}

    def containers(self, labels, names) -> list[dict]:
        self._called("containers", tuple(labels), tuple(names))
        wanted = [label.partition("=")[::2] for label in labels]
        entries = []
        for data in list(self.data.values()):
            tags = data["Config"]["Labels"]
            if all(tags.get(name) == value for name, value in wanted):
                entries.append({"Id": data["Id"], "Names": [data["Name"]], "Labels": tags})
        after = self.on.pop("listed", None)
        if after:
            after()
        return entries

    def inspect(self, identifier) -> dict:
        self._called("inspect", identifier)
        if identifier in self.data:
            return copy.deepcopy(self.data[identifier])
        for data in self.data.values():
            if identifier == data["Name"].lstrip("/") or data["Id"].startswith(identifier):
                return copy.deepcopy(data)
        raise CollectError("gone", f"No such container: {identifier}")

    def events(self, since, until) -> list[dict]:
        self._called("events", since, until)
        return self.raw_events

    def top(self, identifier) -> list[list[str]]:
        self._called("top", identifier)
        return self.processes

    def stats(self, identifier) -> dict:
        self._called("stats", identifier)
        return {"memory_stats": {"usage": 10}, "cpu_stats": {"throttling_data": {"periods": 1, "throttled_periods": 0}}}

    def image_id(self, name) -> str:
        self._called("image_id", name)
        return next((data["Image"] for data in self.data.values() if data["Config"]["Image"] == name), "")

    def size_written(self, identifier) -> int | None:
        self._called("size_written", identifier)
        return self.data[identifier].get("SizeRw")

    def tail(self, identifier, tty, lines, since, deadline) -> Tail:
        self._called("tail", identifier, lines)
        return Tail(list(self.lines), False)

    def start(self, identifier) -> None:
        self._called("start", identifier)

    def restart(self, identifier, stop_timeout) -> None:
        self._called("restart", identifier, stop_timeout)

    def unpause(self, identifier) -> None:
        self._called("unpause", identifier)

    def signal(self, identifier, name) -> None:
        self._called("signal", identifier, name)

    def run_inside(self, identifier, command) -> None:
        self._called("run_inside", identifier, tuple(command))

    def update(self, identifier, memory, swap) -> None:
        self._called("update", identifier, memory, swap)

    def total_memory(self) -> int:
        self._called("total_memory")
        return self.total

    def made(self, *names: str) -> list[tuple]:
        """The calls that change something."""
        changing = ("start", "restart", "update", "unpause", "signal", "run_inside")
        return [call for call in self.calls if call[0] in (names or changing)]


def run_program(args, *, data=None, binary_data=False, cwd=None, environ_update=None):
    """As run_command of a module."""
    env = {**os.environ, **(environ_update or {})}
    done = subprocess.run(args, input=data or "", capture_output=True, text=True, cwd=cwd, env=env, check=False)
    return done.returncode, done.stdout, done.stderr
