# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What docker_service would do to a container, what it refuses, and when it is done. Pure."""

from __future__ import annotations

import dataclasses
import shlex
import typing as t

from .docker_deaths import exit_text
from .docker_snapshot import Container, Process, parse_time

STATES = ("started", "restarted", "unpaused", "continued", "memory_raised", "scaled")
_DOWN = ("created", "exited", "dead")
STEADY = 2.0
"""Seconds that a container without a health check has to run before it counts as started."""


class Refused(Exception):
    """Nothing was done, and why."""


@dataclasses.dataclass(frozen=True)
class Step:
    """Calls to make, in order (none: it is so already), and the sentence that says so. memory: the limit, and that
    of memory and swap together, of a call `update`."""

    verbs: tuple[str, ...]
    text: str
    memory: tuple[int, int] = (0, 0)


_OF_STATE = {"memory": "memory_raised", "persist": "memory_raised", "replicas": "scaled"}
_OF_STATE.update({"allow_fewer": "scaled", "dump": "restarted"})


def check_options(params: t.Mapping[str, t.Any]) -> None:
    """Refuse an option that would be ignored, as somebody expects something of it."""
    for option, state in _OF_STATE.items():
        if params.get(option) not in (None, False) and params["state"] != state:
            raise Refused(f"{option} goes with state={state}, not with state={params['state']}. Nothing was done")


def check_identity(container: Container, identity: t.Mapping[str, t.Any] | None) -> None:
    """Refuse where the container is not the one that somebody looked at before. Both are named."""
    if not identity:
        return
    wanted_id, wanted_start = str(identity.get("id") or ""), identity.get("started_at")
    long_enough = len(wanted_id) >= 12 or container.id == wanted_id
    same_id = not wanted_id or (long_enough and container.id.startswith(wanted_id))
    same_start = wanted_start is None or str(wanted_start) == container.started_at
    if same_id and same_start:
        return
    raise Refused(
        f"{container.name} is not the container that was seen: asked for id {wanted_id[:12] or 'any'} started at"
        f" {wanted_start or 'never'}, found id {container.id[:12]} started at {container.started_at or 'never'}."
        " Nothing was done; look again and plan anew"
    )


def decide(container: Container, stopped: t.Sequence[Process], state: str, force: bool) -> Step:
    """The step from what is to what was asked for. Raises Refused where another step is the right one."""
    name, status = container.name, container.status
    if status == "removing":
        raise Refused(f"{name} is being removed")
    if status == "unknown":
        raise Refused(f"{name} has a status that this version does not know; nothing was done")
    return _DECISIONS[state](name, status, bool(stopped), force)


def _start(name: str, status: str, stopped: bool, _force: bool) -> Step:
    if status in _DOWN:
        return Step(("start",), f"start {name}, which is {status}")
    if status == "paused":
        raise Refused(f"{name} is paused: unpause instead (state=unpaused)")
    if stopped:
        raise Refused(f"{name} runs, but its main process is stopped: let it go on instead (state=continued)")
    return Step((), f"{name} is {status} already")


def _restart(name: str, status: str, _stopped: bool, force: bool) -> Step:
    if status == "paused" and not force:
        raise Refused(
            f"{name} is paused: unpause instead (state=unpaused), a restart would throw away what it holds."
            " force=true restarts it all the same"
        )
    if status == "paused":
        return Step(("unpause", "restart"), f"unpause and restart {name}")
    return Step(("restart",), f"restart {name}, which is {status}")


def _unpause(name: str, status: str, _stopped: bool, _force: bool) -> Step:
    if status == "paused":
        return Step(("unpause",), f"unpause {name}")
    if status == "running":
        return Step((), f"{name} is not paused")
    raise Refused(f"{name} is {status}, not paused: start it instead (state=started)")


def _continue(name: str, status: str, stopped: bool, _force: bool) -> Step:
    if status == "paused":
        raise Refused(f"{name} is paused, not stopped by a signal: unpause instead (state=unpaused)")
    if status != "running":
        raise Refused(f"{name} is {status}: there is no process to continue; start it instead (state=started)")
    return Step(("continue",), f"let {name} go on (SIGCONT)") if stopped else Step((), f"{name} is not stopped")


_DECISIONS: dict[str, t.Callable[[str, str, bool, bool], Step]] = {
    "started": _start,
    "restarted": _restart,
    "unpaused": _unpause,
    "continued": _continue,
}


def facts(container: Container, stopped: t.Sequence[Process]) -> dict[str, t.Any]:
    """What of a container can change here; before and after of a diff."""
    return {
        "status": container.status,
        "started_at": container.started_at,
        "health": container.health.status,
        "restart_count": container.restart_count,
        "stopped_processes": len(stopped),
        "memory_limit": container.memory_limit,
        "memory_swap_limit": container.memory_swap,
    }


def predicted(step: Step, before: dict[str, t.Any]) -> dict[str, t.Any]:
    """The facts after a step, as far as they are known before it."""
    if not step.verbs:
        return dict(before)
    if step.verbs == ("update",):
        return {**before, "memory_limit": step.memory[0], "memory_swap_limit": step.memory[1]}
    after = {**before, "status": "running", "stopped_processes": 0}
    if "start" in step.verbs or "restart" in step.verbs:
        after.update(started_at="(new)", health="starting" if before["health"] != "none" else "none", restart_count=0)
    return after


def was_changed(step: Step, before: t.Mapping[str, t.Any], after: t.Mapping[str, t.Any]) -> bool:
    """Whether the change can be seen, whatever the calls returned."""
    if not step.verbs:
        return False
    last = step.verbs[-1]
    if last == "update":
        return bool(after["memory_limit"] == step.memory[0] != before["memory_limit"])
    if last in ("start", "restart"):
        return bool(after["started_at"]) and after["started_at"] != before["started_at"]
    if last == "unpause":
        return bool(before["status"] == "paused" and after["status"] != "paused")
    return int(before["stopped_processes"]) > int(after["stopped_processes"])


@dataclasses.dataclass(frozen=True)
class Moment:
    """A container while it is waited for. steady: seconds that it has been seen running without a break."""

    container: Container
    stopped: int
    steady: float


def progress(before: Container, now: Moment, verb: str) -> str:
    """'' while waiting, 'ready', or why it will not get there."""
    container = now.container
    if verb == "update":
        return "ready"
    if container.status in ("exited", "dead"):
        return f"it ended again with {container.exit_code}: {exit_text(container.exit_code)}"
    if container.status == "restarting" or container.restart_count > _allowed(before, verb):
        return f"it crashed and is restarted again and again (exit code {container.exit_code})"
    if container.status != "running" or now.stopped:
        return ""
    if container.health.status == "none":
        return "ready" if now.steady >= STEADY else ""
    return "ready" if container.health.status == "healthy" and _has_new_probe(before, container, verb) else ""


def _allowed(before: Container, verb: str) -> int:
    """Start and restart by hand set the engine's count to 0; the others leave it."""
    return 0 if verb in ("start", "restart") else before.restart_count


def _has_new_probe(before: Container, now: Container, verb: str) -> bool:
    """Health and its log live on through a pause and a restart: only a probe since then says something."""
    if verb in ("start", "restart"):
        ended = parse_time(now.health.probes[-1]["at"]) if now.health.probes else None
        return ended is not None and now.started is not None and ended >= now.started
    return bool(now.health.probes) and now.health.probes[-1:] != before.health.probes[-1:]


def missing_text(project: str, service: str, container: str) -> str:
    """The failure where there is nothing to act on, with the command to type."""
    if container:
        return f"There is no container {container}. Where it belongs to Compose: docker compose up -d SERVICE"
    project_part = f"-p {shlex.quote(project)} " if project else ""
    where = f" of project {project}" if project else ""
    return (
        f"There is no container of service {service}{where}."
        f" Create it: docker compose {project_part}up -d {shlex.quote(service)}"
    )
