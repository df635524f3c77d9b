# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which module looks at and acts on what, by runtime: the only place that knows. A third runtime is one more entry."""

from __future__ import annotations

import dataclasses
import shlex
import typing as t

from .plan import Action
from .scope import CheckCall, Runtime


@dataclasses.dataclass(frozen=True)
class ModuleCall:
    """A mutating module with its options, and the inventory host that it runs on."""

    module: str
    host: str
    options: dict[str, t.Any]


VERBS = {
    "start": "started",
    "restart": "restarted",
    "unpause": "unpaused",
    "continue": "continued",
    "raise_memory": "memory_raised",
}
"""What a plan asks for, and the state that the runtime's module calls it by."""


def supported(runtime: Runtime | None) -> bool:
    return runtime is not None and runtime.kind == "docker"


def call_of(action: Action) -> ModuleCall:
    """The call that carries out an action of a plan: its own module where it names one, else what its runtime needs."""
    if not action.module:
        if action.runtime is None:
            raise ValueError(f"{action.title}: nothing says what runs it")
        return act(action.runtime, action.verb, action.identity, action.options)
    options = {**action.options, **({"identity": action.identity} if action.identity else {})}
    return ModuleCall(f"incident.response.{action.module}", action.host, options)


def act(
    runtime: Runtime, verb: str, identity: t.Mapping[str, t.Any], options: t.Mapping[str, t.Any] | None = None
) -> ModuleCall:
    """The call that carries out a verb. Raises ValueError for a runtime that nothing here can act on."""
    if not supported(runtime):
        raise ValueError(f"nothing here can {verb} {runtime.service}: its runtime is {runtime.kind!r}, known is docker")
    wanted = {
        "project": runtime.project,
        "service": runtime.service,
        "state": VERBS[verb],
        "identity": dict(identity),
        **(options or {}),
    }
    return ModuleCall("incident.response.docker_service", runtime.host, wanted)


def by_hand(runtime: Runtime | None, verb: str) -> str:
    """The command that a person would type for a verb."""
    if runtime is None or runtime.kind != "docker":
        return ""
    word = {"continue": "kill -s CONT"}.get(verb, verb)
    project = f"-p {runtime.project} " if runtime.project else ""
    return f"docker compose {project}{word} {runtime.service}"


def limit_by_hand(runtime: Runtime, identity: t.Mapping[str, t.Any], limit: int) -> str:
    """The command that a person would type to give what runs a memory limit back, in bytes, while it runs on."""
    return f"docker update --memory {limit} {str(identity.get('id'))[:12]}" if supported(runtime) else ""


def persist_by_hand(runtime: Runtime, memory: str) -> str:
    """The command that a person would type to write a memory limit into what the runtime deploys from."""
    if not supported(runtime):
        return ""
    words = [f"project={runtime.project}"] if runtime.project else []
    words += [f"service={runtime.service}", f"state={VERBS['raise_memory']}", f"memory={memory}", "persist=true"]
    return f"ansible {runtime.host} -m incident.response.docker_service -a {shlex.quote(' '.join(words))}"


def look(wanted: t.Mapping[str, Runtime], options: t.Mapping[str, t.Any]) -> list[CheckCall]:
    """One check per container host and project, over all services that run there.

    wanted: component name -> runtime. options: more options of docker_health_info, for all of them.
    """
    places: dict[tuple[str, str], dict[str, str]] = {}
    for component, runtime in sorted(wanted.items()):
        if supported(runtime):
            places.setdefault((runtime.host, runtime.project), {})[runtime.service] = component
    calls = []
    for (host, project), components in sorted(places.items()):
        call_options = {"services": sorted(components), "components": components, **options}
        if project:
            call_options["project"] = project
        calls.append(CheckCall(f"containers on {host}", "incident.response.docker_health_info", host, call_options))
    return calls
