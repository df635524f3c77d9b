# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What is done with Compose's help: a raised memory limit that stays, and more containers of a service."""

from __future__ import annotations

import dataclasses
import typing as t

from ..core import compose_facts as facts
from ..core import docker_memory as memory
from ..core import docker_parse as parse
from ..core import docker_plan as plan
from ..core.docker_snapshot import Container, Process
from ..core.quantities import size
from . import docker_local as local
from . import docker_machine
from .compose import Compose, Run
from .compose_file import FileEdit
from .docker_engine import DockerOptions, Engine
from .errors import CollectError

_UP = 120.0
"""Seconds that Compose may take for one service, beside what its containers take to stop."""
_NEW = {"status": "missing", "started_at": "", "health": "none", "restart_count": 0, "stopped_processes": 0}


@dataclasses.dataclass
class Turn:
    """One container: what is to be done, and what it was before and after."""

    container: Container
    step: plan.Step
    before: dict[str, t.Any]
    after: dict[str, t.Any]
    acted: bool = False

    def to_dict(self) -> dict[str, t.Any]:
        return {"name": self.container.name, "id": self.container.id, "before": self.before, "after": self.after}


class Service(t.Protocol):
    """The containers that are acted on, as docker_service has them."""

    engine: Engine
    options: DockerOptions
    params: t.Mapping[str, t.Any]
    run: Run
    turns: list[Turn]
    raw: dict[str, dict[str, t.Any]]

    def look(self, identifier: str) -> tuple[Container, list[Process]]: ...

    def wait(self, turn: Turn, before: Container) -> None: ...


class Extra:
    """Beyond the single containers. texts: what would be done or was; notes: more to say; facts: for the result."""

    def __init__(self, service: Service) -> None:
        self.service = service
        self.texts: list[str] = []
        self.notes: list[str] = []
        self.facts: dict[str, t.Any] = {}
        self.changed = False

    def check_options(self) -> None:
        """Raise Refused for options that don't fit, before anything is read."""

    def plan(self) -> None:
        """All that can be refused, before anything is done."""
        raise NotImplementedError

    def act(self) -> None:
        raise NotImplementedError

    def compose(self) -> Compose:
        """Of the project that the first container names."""
        container = self.service.turns[0].container
        labels = (self.service.raw[container.id].get("Config") or {}).get("Labels") or {}
        place = facts.place_of(labels, container.name)
        return Compose(place, self.service.options, self.service.params.get("compose_command"), self.service.run)

    def siblings(self, compose: Compose) -> list[str]:
        """Ids of all containers of the service, running or not, without one-off ones."""
        labels = [f"{parse.COMPOSE}{key}={getattr(compose.place, key)}" for key in ("project", "service")]
        entries = self.service.engine.containers(labels, ())
        name = parse.COMPOSE + "oneoff"
        return [str(entry["Id"]) for entry in entries if str((entry.get("Labels") or {}).get(name)).lower() != "true"]

    def check_same(self, compose: Compose) -> None:
        """Refuse where Compose would bring anything else than what runs: another file, variable, or image."""
        hashes = {}
        for turn in self.service.turns:
            raw = self.service.raw[turn.container.id]
            hashes[turn.container.name] = str(raw["Config"]["Labels"].get(f"{parse.COMPOSE}config-hash") or "")
            image = self.service.engine.image_id(turn.container.image)
            if image != turn.container.image_id:
                raise plan.Refused(
                    f"{turn.container.name} runs image {turn.container.image_id[:19]}, but {turn.container.image} is"
                    f" {image[:19]} now: Compose would bring that one. Tag the old image again, or deploy by hand"
                )
        facts.check_described(compose.place, hashes, compose.hash())

    def up_seconds(self) -> float:
        given = self.service.params.get("stop_timeout")
        stops = [turn.container.stop_timeout if given is None else float(given) for turn in self.service.turns]
        return _UP + sum(stops)


class MemoryRaise(Extra):
    """The limit of each container is raised by its turn; here is the room for it, the drift, and the file."""

    file: FileEdit | None = None

    def check_options(self) -> None:
        memory.wanted_size(self.service.params["memory"])

    def plan(self) -> None:
        size = memory.wanted_size(self.service.params["memory"])
        self._check_room(size)
        if self.service.params.get("persist"):
            self._plan_file(size)
        else:
            self._see_drift(size)

    def _check_room(self, size: int) -> None:
        growing = [turn.container for turn in self.service.turns if turn.step.verbs]
        if not growing:
            return
        machine = docker_machine.machine_memory()
        if machine is None or not self._is_here(growing[0], machine[0]):
            raise plan.Refused(
                f"the engine at {self.service.options.docker_host} does not run on the host that this runs on, so that"
                " its available memory can't be seen. Nothing was done; run this on the engine's own host"
            )
        memory.check_room(sum(size - self._used(container) for container in growing), machine[1], machine[0])

    def _is_here(self, container: Container, total: int) -> bool:
        if container.pid and local.local_facts(container.pid, container.id) is not None:
            return True
        return self.service.options.docker_host.startswith("unix://") and self.service.engine.total_memory() == total

    def _used(self, container: Container) -> int:
        if container.status not in ("running", "paused"):
            return 0
        found = parse.memory_from_stats(self.service.engine.stats(container.id))
        return min(container.memory_limit, found.working_set or 0) if found else 0

    def _see_drift(self, size: int) -> None:
        """What the file says. Nothing that fails here is a reason not to raise a limit."""
        try:
            compose = self.compose()
            written = facts.memory_of(compose.config()["services"][compose.place.service])
        except (CollectError, plan.Refused) as error:
            self.facts = {"drift": None, "reason": str(error)}
            self.notes = [f"Whether the Compose file says the same is not known: {error}"]
            return
        said = memory.drift(self.service.turns[0].container.name, size, written)
        self.facts = {"drift": bool(said), "file": ", ".join(compose.place.files), "memory": written}
        self.notes = [f"{said} (persist=true writes it there)"] if said else []

    def _plan_file(self, size: int) -> None:
        turns = self.service.turns
        paused = [turn.container.name for turn in turns if turn.container.status == "paused"]
        if paused and not self.service.params.get("force"):
            raise plan.Refused(
                f"{paused[0]} is paused, and persist replaces it, which throws away what it holds: unpause first"
                " (state=unpaused), or raise its limit without persist"
            )
        compose = self.compose()
        everything = self.siblings(compose)
        if len(everything) != len(turns):
            raise plan.Refused(
                f"persist redeploys all {len(everything)} containers of {compose.place.service}, and {len(turns)} was"
                " meant. Leave out identity and container, or raise this one without persist"
            )
        self.check_same(compose)
        first = turns[0].container
        swap = turns[0].step.memory[1] or memory.new_swap(first.memory_limit, first.memory_swap, size)
        self.file = FileEdit(compose, size, swap)
        self.file.plan()
        if self.file.needed:
            self.texts = [f"set the limit in {self.file.path} and redeploy {compose.place.service}"]
        self.facts = {"drift": False, "memory": size, **self.file.to_dict()}

    def act(self) -> None:
        if self.file is None or not self.file.needed:
            return
        self._check_still(self.file.compose)
        try:
            self.file.write()
        except plan.Refused as error:
            self._forget(error)
            raise
        self.changed = True
        self.facts.update(self.file.to_dict())
        try:
            self.file.compose.up(len(self.service.turns), self.up_seconds(), self._stop())
            for turn in self.service.turns:
                self._see(turn)
        except (CollectError, plan.Refused) as error:
            said = self._undo(self.file)
            self._forget(error)
            raise plan.Refused(f"the redeploy failed: {error}. {said}") from error

    def _forget(self, error: Exception) -> None:
        """What was planned of the file did not come true."""
        self.facts = {"drift": None, "reason": str(error)}
        if self.file:
            self.facts.update(file=self.file.path, backup=self.file.backup)

    def _check_still(self, compose: Compose) -> None:
        """Right before the redeploy: the same containers, in the same life, made from the same file."""
        turns = self.service.turns
        if set(self.siblings(compose)) != {turn.container.id for turn in turns}:
            raise plan.Refused(f"the containers of {compose.place.service} changed meanwhile: look again, plan anew")
        for turn in turns:
            container, _stopped = self.service.look(turn.container.id)
            plan.check_identity(container, {"id": turn.container.id, "started_at": turn.container.started_at})
        self.check_same(compose)

    def _stop(self) -> list[str]:
        given = self.service.params.get("stop_timeout")
        return [] if given is None else ["--timeout", str(given)]

    def _see(self, turn: Turn) -> None:
        """The container of the same name that Compose made in its place: with the limit, and well."""
        container, _stopped = self.service.look(turn.container.name)
        text = turn.step.text if turn.step.verbs else f"redeploy {container.name}"
        turn.container, turn.step, turn.acted = container, plan.Step(("start",), text), True
        wanted = self.file.memory if self.file else 0
        if container.memory_limit != wanted:
            raise plan.Refused(f"{container.name} has {size(container.memory_limit)} after it")
        self.service.wait(turn, container)

    def _undo(self, file: FileEdit) -> str:
        """The old file, and the containers as it says. What is so in the end is looked at, and said."""
        said = [file.put_back()]
        try:
            if file.restored:
                file.compose.up(len(self.service.turns), self.up_seconds(), self._stop())
                said.append(f"{file.compose.place.service} was brought up from it again")
        except CollectError as error:
            said.append(f"bringing it up again failed too ({error.message}): docker compose up -d by hand")
        for turn in self.service.turns:
            try:
                container, stopped = self.service.look(turn.container.name)
                turn.container, turn.after = container, plan.facts(container, stopped)
                said.append(f"{container.name} is {container.status} with {size(container.memory_limit)}")
            except CollectError as error:
                said.append(f"{turn.container.name}: {error.message}")
        self.changed = not file.restored
        return "; ".join(said)


class Scaling(Extra):
    """One container more at a time, or one fewer; the next when the one before is well."""

    _compose: Compose
    _known: set[str]

    def check_options(self) -> None:
        params = self.service.params
        if params.get("container") or params.get("identity"):
            raise plan.Refused("scaling is of a whole service: name project and service, no container and no identity")
        if int(params["replicas"]) <= 0:
            raise plan.Refused(
                f"replicas={params['replicas']} would leave nothing: it is 1 or more. Stop a service by hand"
            )

    def plan(self) -> None:
        wanted, turns = int(self.service.params["replicas"]), self.service.turns
        self._compose = compose = self.compose()
        name = compose.place.service
        ill = [turn.container for turn in turns if turn.container.status != "running"]
        if ill:
            raise plan.Refused(f"{ill[0].name} is {ill[0].status}: bring it up first (state=started), then scale")
        if wanted < len(turns) and not self.service.params.get("allow_fewer"):
            raise plan.Refused(
                f"{name} has {len(turns)} containers, and {wanted} are fewer: allow_fewer=true removes the others"
            )
        self.check_same(compose)
        config = compose.config()["services"][name]
        facts.check_scalable(config, name, wanted)
        self._known = {turn.container.id for turn in turns}
        if wanted != len(turns):
            self.texts = [f"scale {name} from {len(turns)} to {wanted} containers"]
        written = int(config.get("scale") or (config.get("deploy") or {}).get("replicas") or 1)
        self.facts = {"drift": written != wanted, "file": ", ".join(compose.place.files), "replicas": written}
        if written != wanted:
            self.notes = [f"The Compose file says {written}: the next docker compose up goes back to that"]

    def act(self) -> None:
        wanted = int(self.service.params["replicas"])
        step = 1 if wanted > len(self._known) else -1
        for number in range(len(self._known) + step, wanted + step, step) if wanted != len(self._known) else ():
            self._one(number)

    def _one(self, number: int) -> None:
        """To this number. Raises Refused where somebody else scales as well, or the new one does not get well."""
        self.check_same(self._compose)
        if set(self.siblings(self._compose)) != self._known:
            raise plan.Refused(
                f"the containers of {self._compose.place.service} changed meanwhile: look again, plan anew"
            )
        failed = None
        try:
            self._compose.up(number, self.up_seconds(), ["--no-recreate"])
        except CollectError as error:
            failed = error
        now = set(self.siblings(self._compose))
        self.changed = self.changed or now != self._known
        for turn in self.service.turns:
            if turn.container.id in self._known - now:
                turn.after = {**turn.after, "status": "missing"}
        new, self._known = sorted(now - self._known), now
        for identifier in new:
            container, stopped = self.service.look(identifier)
            text = f"start {container.name}"
            turn = Turn(container, plan.Step(("start",), text), dict(_NEW), plan.facts(container, stopped), True)
            self.service.turns.append(turn)
            if not failed:
                self.service.wait(turn, container)
        if failed or len(now) != number:
            said = failed.message if failed else "docker compose up did not do it"
            raise plan.Refused(f"{len(now)} containers of {self._compose.place.service}, not {number}: {said}")
