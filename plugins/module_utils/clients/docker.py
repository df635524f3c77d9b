# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A container engine -> its snapshot: one list call, then everything about each container at once, one deadline."""

from __future__ import annotations

import contextlib
import dataclasses
import typing as t

from ..core import docker_parse as parse
from ..core.docker_snapshot import Container, Disk, DockerSnapshot, Process
from ..core.log_lines import group
from . import docker_local as local
from . import docker_machine as machine
from .deadline import Deadline
from .docker_engine import DockerOptions, Engine, connect
from .docker_logs import Tail
from .errors import CollectError
from .pool import gather

EVENT_MEMORY = 256
"""Events that an engine keeps; so many back means that there were more."""
MANY = 50
"""Beyond so many containers only the logs of those that look unwell are read, and the layers of so many added up."""
NO_LONGER = ("is not running", "is restarting")
"""What the engine says of a container that ran a moment ago."""
SPACING = 2.0
"""Seconds between two samples of what moves."""
MOST_PATHS = 200
"""Paths of volumes and the like whose file systems are looked at."""


@dataclasses.dataclass(frozen=True)
class Wanted:
    """What to look at. services, containers: None is whatever is there. window: seconds back that events matter.

    procfs: where memory and pressure of the engine's machine are read.
    """

    project: str = ""
    services: tuple[str, ...] | None = None
    containers: tuple[str, ...] | None = None
    log_lines: int = 100
    log_since: float | None = None
    full: bool = False
    window: float = 900.0
    procfs: str = machine.PROCFS


def collect(
    options: DockerOptions, wanted: Wanted, deadline: Deadline, now: float, join: t.Callable[..., Engine] = connect
) -> DockerSnapshot:
    """Look once. now: our clock, used until the engine's own is known. Never raises for what the engine does."""
    snapshot = DockerSnapshot(now=now, address=options.docker_host)
    found = gather({"engine": lambda: _reach(options, deadline, join)}, deadline)["engine"]
    if isinstance(found, CollectError):
        snapshot.error_kind, snapshot.error = found.kind, found.message
        return snapshot
    engine, about = found
    snapshot.reachable, snapshot.engine = True, about
    snapshot.now = float(about.get("now") or now)
    _Look(engine, wanted, deadline, snapshot).run()
    return snapshot


def _reach(
    options: DockerOptions, deadline: Deadline, join: t.Callable[..., Engine]
) -> tuple[Engine, dict[str, t.Any]]:
    engine = join(options, deadline)
    return engine, engine.about()


class _Look:
    """One look at an engine that answers; fills the snapshot."""

    def __init__(self, engine: Engine, wanted: Wanted, deadline: Deadline, snapshot: DockerSnapshot) -> None:
        self.engine = engine
        self.wanted = wanted
        self.deadline = deadline
        self.snapshot = snapshot

    def run(self) -> None:
        # Events and the list first, at once: what this look does itself must not push older events out.
        jobs: dict[str, t.Callable[[], t.Any]] = {
            "list": self._list,
            "events": self._events,
            "kernel": local.kernel_ooms,
        }
        found = gather(jobs, self.deadline)
        self._keep_events(found["events"])
        if isinstance(found["kernel"], tuple):
            self.snapshot.kernel, self.snapshot.kernel_since = found["kernel"]
        if isinstance(found["list"], CollectError):
            self.snapshot.unmeasured["the list of containers"] = found["list"].message
            return
        self._inspect(found["list"])
        if self.snapshot.gone:
            self._look_again(found["list"])
        self._details()

    def _list(self) -> list[tuple[str, str]]:
        """(id, name) of the containers that are wanted, without one-off ones (docker compose run)."""
        wanted = self.wanted
        labels = [f"{parse.COMPOSE}project={wanted.project}"] if wanted.project else []
        found = []
        for entry in self.engine.containers(labels, wanted.containers or ()):
            identifier = str(entry.get("Id") or "")
            names = [str(name).lstrip("/") for name in entry.get("Names") or ()]
            tags = entry.get("Labels") or {}
            service = str(tags.get(parse.COMPOSE + "service") or "")
            if wanted.services is not None and service not in wanted.services:
                continue
            if wanted.containers is not None and not _asked(wanted.containers, identifier, names):
                continue
            if wanted.containers is None and str(tags.get(parse.COMPOSE + "oneoff", "")).lower() == "true":
                continue
            # A container that is renamed at the moment has a name like 0123456789ab_name.
            found.append((identifier, names[0] if names else identifier[:12]))
        return found + self._by_id({name for _id, name in found})

    def _by_id(self, known: set[str]) -> list[tuple[str, str]]:
        """The engine's filter takes names only: what was given as an id is inspected under that id."""
        asked = [name for name in self.wanted.containers or () if name not in known and _hexadecimal(name)]
        return [(name, name) for name in asked]

    def _events(self) -> tuple[list[dict[str, t.Any]], float]:
        since = self.snapshot.now - self.wanted.window
        return self.engine.events(since, self.snapshot.now), since

    def _keep_events(self, found: t.Any) -> None:
        snapshot = self.snapshot
        if isinstance(found, CollectError):
            snapshot.unmeasured["events"] = found.message
            return
        raw, since = found
        events = [event for event in map(parse.event_from_json, raw) if event is not None]
        snapshot.events = [event for event in events if event.action not in ("exec_create", "exec_start", "exec_die")]
        full = len(raw) >= EVENT_MEMORY
        snapshot.events_since = min((event.at for event in events), default=since) if full else since

    def _inspect(self, listed: list[tuple[str, str]]) -> None:
        jobs = {(identifier, name): self._inspector(identifier) for identifier, name in listed}
        for (identifier, name), found in gather(jobs, self.deadline).items():
            if not isinstance(found, CollectError):
                container = parse.container_from_inspect(found)
                container.id = container.id or identifier
                container.name = container.name or name
                self.snapshot.containers.append(container)
            elif found.kind == "gone":
                self.snapshot.gone.append(name)
            else:
                self.snapshot.unmeasured[f"container {name}"] = found.message

    def _inspector(self, identifier: str) -> t.Callable[[], dict[str, t.Any]]:
        return lambda: self.engine.inspect(identifier)

    def _look_again(self, before: list[tuple[str, str]]) -> None:
        """Something vanished between list and inspect: it may have been made anew under the same name."""
        found = gather({"list": self._list}, self.deadline)["list"]
        if not isinstance(found, CollectError):
            known = {identifier for identifier, _name in before}
            self._inspect([entry for entry in found if entry[0] not in known])

    def _details(self) -> None:
        """Samples, logs meanwhile, and second samples where movement is asked for."""
        containers = self.snapshot.containers
        running = [container for container in containers if container.status == "running"]
        # All of it at once: a container that does not answer costs its time once, and not again for its log.
        jobs: dict[tuple[str, str], t.Callable[[], t.Any]] = {("sample", c.id): self._sampler(c) for c in running}
        jobs.update({("log", c.id): self._log_reader(c) for c in self._with_logs()})
        jobs.update({("image", name): self._image_reader(name) for name in {c.image for c in running if c.image}})
        jobs.update({("disk", path): self._disk_reader(path) for path in self._paths()})
        found = gather(jobs, self.deadline)
        first = {c.id: found["sample", c.id] for c in running}
        found.update(self._second([c for c in running if isinstance(first[c.id], _Sample)], first))
        for container in containers:
            self._keep_samples(container, first.get(container.id), found.get(("second", container.id)))
            self._keep_log(container, found.get(("log", container.id)))
            self._keep_extras(container, found)
        self._note_left_out(found)
        here = any(isinstance(sample, _Sample) and sample.facts is not None for sample in first.values())
        self._keep_machine(here, bool(running))
        if self.snapshot.disk is not None:
            self._keep_disks({key[1]: value for key, value in found.items() if key[0] == "disk"})

    def _second(self, answered: list[Container], first: dict[str, t.Any]) -> dict[tuple[str, str], t.Any]:
        """Where movement is asked for: second samples of those that gave a first one, and what is slow to add up."""
        if not self.wanted.full:
            return {}
        if answered:
            youngest = min(first[container.id].at for container in answered)
            self.deadline.wait(max(0.0, SPACING - (youngest - self.deadline.left())))
        jobs: dict[tuple[str, str], t.Callable[[], t.Any]] = {("second", c.id): self._sampler(c) for c in answered}
        sized = self.snapshot.containers[:MANY]
        jobs.update({("size", container.id): self._size_reader(container) for container in sized})
        if len(sized) < len(self.snapshot.containers):
            self.snapshot.notes.append(f"layers of {len(sized)} of {len(self.snapshot.containers)} containers")
        return gather(jobs, self.deadline)

    def _image_reader(self, name: str) -> t.Callable[[], str]:
        return lambda: self.engine.image_id(name)

    def _size_reader(self, container: Container) -> t.Callable[[], int | None]:
        return lambda: self.engine.size_written(container.id)

    def _keep_extras(self, container: Container, found: t.Mapping[tuple[str, str], t.Any]) -> None:
        """What is said of a container only where it could be read: none of it is missed."""
        image, size = found.get(("image", container.image)), found.get(("size", container.id))
        container.tag_image = image if isinstance(image, str) else ""
        container.layer_bytes = size if isinstance(size, int) else None
        if self.engine.address.startswith("unix:") and container.log_path:
            container.log_bytes = local.log_bytes(container.log_path, container.id)

    def _note_left_out(self, found: t.Mapping[tuple[str, str], t.Any]) -> None:
        """What is nice to know and could not be read is said once, with one reason, and is no finding."""
        kinds = (("size", "layers"), ("image", "names of images"), ("disk", "volumes"))
        for kind, what in kinds:
            late = [value for key, value in found.items() if key[0] == kind and isinstance(value, CollectError)]
            late = [error for error in late if error.kind != "gone"]
            if late:
                self.snapshot.notes.append(f"{len(late)} {what}, which could not be looked at: {late[0].message}")

    def _keep_machine(self, here: bool, running: bool) -> None:
        """This machine's kernel log, disk and memory say something of containers only where the engine runs on it."""
        snapshot = self.snapshot
        own = self.engine.address.startswith("unix:")
        if not own or (running and not here):
            snapshot.kernel, snapshot.kernel_since = [], None
        seen = [c for c in snapshot.containers if c.data_path and (here or c.log_bytes is not None)]
        if own and seen:
            snapshot.disk = machine.disk_of(seen[0].data_path)
        if own and here:
            procfs = self.wanted.procfs
            snapshot.machine, snapshot.pressure = machine.machine_memory(procfs), machine.machine_pressure(procfs)

    def _paths(self) -> list[str]:
        """What containers write to, where it may be on this machine."""
        if not self.engine.address.startswith("unix:"):
            return []
        paths = sorted({path for container in self.snapshot.containers for path in container.writes_to})
        if len(paths) > MOST_PATHS:
            self.snapshot.notes.append(f"file systems of {MOST_PATHS} of {len(paths)} volumes")
        return paths[:MOST_PATHS]

    def _disk_reader(self, path: str) -> t.Callable[[], machine.Mounted | None]:
        return lambda: machine.mounted_at(path)

    def _keep_disks(self, found: t.Mapping[str, t.Any]) -> None:
        """The file systems beside the engine's own, each once, with those who write to it."""
        engine = None
        with contextlib.suppress(OSError):
            engine = machine.mounted_at(self.snapshot.disk.path) if self.snapshot.disk else None
        disks: dict[int, Disk] = {}
        writers: dict[int, set[str]] = {}
        for path, value in sorted(found.items()):
            if not isinstance(value, machine.Mounted) or (engine and value.device == engine.device):
                continue
            disks.setdefault(value.device, value.disk)
            names = {c.service or c.name for c in self.snapshot.containers if path in c.writes_to}
            writers.setdefault(value.device, set()).update(names)
        self.snapshot.disks = [
            dataclasses.replace(disk, services=tuple(sorted(writers[device]))) for device, disk in disks.items()
        ]

    def _sampler(self, container: Container) -> t.Callable[[], _Sample]:
        return lambda: self._sample(container)

    def _sample(self, container: Container) -> _Sample:
        """From this machine's own files where the engine runs here, through the engine otherwise."""
        at = self.deadline.left()
        facts = local.local_facts(container.pid, container.id) if container.pid else None
        if facts is not None:
            return _Sample(at, facts.processes, facts)
        processes = [row for row in map(parse.process_from_row, self.engine.top(container.id)) if row is not None]
        stats = self.engine.stats(container.id) if self.wanted.full else None
        return _Sample(at, processes, None, stats)

    def _keep_samples(self, container: Container, first: t.Any, second: t.Any) -> None:
        if first is None:
            return
        if isinstance(first, CollectError):
            self._not_sampled(container, first)
            return
        container.processes = first.processes
        last = second if isinstance(second, _Sample) else first
        container.memory, container.pids, container.listeners = last.memory, last.pids, last.listeners
        if second is not None:
            container.cpu = parse.cpu_between(first.throttling, last.throttling, first.at - last.at)
            if container.memory is None:
                container.unmeasured["memory"] = "neither its cgroup nor its statistics could be read"

    def _not_sampled(self, container: Container, error: CollectError) -> None:
        if error.kind == "gone" or any(words in error.message for words in NO_LONGER):
            self.snapshot.notes.append(f"{container.name} ended while it was looked at")
        else:
            container.unmeasured["the state of its processes"] = error.message

    def _with_logs(self) -> list[Container]:
        """Whose log is read: all, or only of those that look unwell where there are many."""
        containers = self.snapshot.containers
        if self.wanted.log_lines <= 0:
            return []
        if len(containers) <= MANY:
            return [container for container in containers if container.status != "created"]
        unwell = [c for c in containers if c.status != "running" or c.health.status == "unhealthy" or c.restart_count]
        read = len(unwell[:MANY])
        self.snapshot.notes.append(f"logs of {read} of {len(containers)} containers, those that look unwell")
        return unwell[:MANY]

    def _log_reader(self, container: Container) -> t.Callable[[], Tail]:
        wanted = self.wanted
        return lambda: self.engine.tail(container.id, container.tty, wanted.log_lines, wanted.log_since, self.deadline)

    def _keep_log(self, container: Container, found: t.Any) -> None:
        if isinstance(found, CollectError):
            if found.kind in ("deadline", "timeout"):
                container.unmeasured["its log"] = found.message
            elif found.kind != "gone":
                container.logs_error = found.message
        elif found is not None:
            container.logs, container.traces = group(found.lines)
            container.logs_cut = found.cut


@dataclasses.dataclass(frozen=True)
class _Sample:
    """at: seconds left of the deadline, so later samples have less."""

    at: float
    processes: list[Process]
    facts: local.LocalFacts | None
    stats: dict[str, t.Any] | None = None

    @property
    def memory(self) -> t.Any:
        if self.facts is not None:
            return self.facts.memory
        return parse.memory_from_stats(self.stats) if self.stats else None

    @property
    def pids(self) -> t.Any:
        if self.facts is not None:
            return self.facts.pids
        return parse.pids_from_stats(self.stats) if self.stats else None

    @property
    def listeners(self) -> list[tuple[str, int]] | None:
        return self.facts.listeners if self.facts is not None else None

    @property
    def throttling(self) -> tuple[int, int] | None:
        if self.facts is not None:
            return self.facts.throttling
        return parse.throttling(self.stats) if self.stats else None


def _hexadecimal(name: str) -> bool:
    return 12 <= len(name) <= 64 and all(char in "0123456789abcdef" for char in name)


def _asked(asked: t.Sequence[str], identifier: str, names: t.Sequence[str]) -> bool:
    return any(name in names or name == identifier for name in asked)
