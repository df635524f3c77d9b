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


VERBS: dict[str, dict[str, str]] = {
    "docker": {
        "start": "started",
        "restart": "restarted",
        "unpause": "unpaused",
        "continue": "continued",
        "raise_memory": "memory_raised",
    },
    "kubernetes": {
        "restart": "restarted",
        "roll_back": "rolled_back",
        "raise_memory": "memory_limit",
        "scale": "scaled",
    },
}
"""Kind of runtime -> what a plan asks for, and the state that the runtime's module calls it by."""
CHECKS = {"docker": "docker_health_info", "kubernetes": "kubernetes_health_info"}
WHAT = {"docker": "containers", "kubernetes": "workloads"}
"""Kind of runtime -> the word for what is looked at."""
KUBECTL = {"restart": "rollout restart", "roll_back": "rollout undo", "logs -f": "logs -f"}


def supported(runtime: Runtime | None, verb: str = "") -> bool:
    """Whether something here looks at it, and can carry out that verb on it."""
    return runtime is not None and runtime.kind in VERBS and (not verb or verb in VERBS[runtime.kind])


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
    if not supported(runtime, verb):
        known = ", ".join(sorted(kind for kind, verbs in VERBS.items() if verb in verbs)) or "none"
        raise ValueError(
            f"nothing here can {verb} {runtime.service}: its runtime is {runtime.kind!r}, known is {known}"
        )
    wanted = {"state": VERBS[runtime.kind][verb], "identity": dict(identity), **(options or {})}
    if runtime.kind == "kubernetes":
        kind, _slash, name = runtime.service.partition("/")
        wanted = {"namespace": runtime.project, "kind": kind, "name": name, **wanted}
        return ModuleCall("incident.response.kubernetes_workload", runtime.host, wanted)
    wanted = {"project": runtime.project, "service": runtime.service, **wanted}
    return ModuleCall("incident.response.docker_service", runtime.host, wanted)


def by_hand(runtime: Runtime | None, verb: str) -> str:
    """The command that a person would type for a verb."""
    if runtime is not None and runtime.kind == "kubernetes":
        words = KUBECTL.get(verb)
        return f"kubectl -n {runtime.project} {words} {runtime.service.lower()}" if words else ""
    if runtime is None or runtime.kind != "docker":
        return ""
    word = {"continue": "kill -s CONT"}.get(verb, verb)
    project = f"-p {runtime.project} " if runtime.project else ""
    return f"docker compose {project}{word} {runtime.service}"


def scale_by_hand(runtime: Runtime, replicas: int) -> str:
    """The command that a person would type for a number of replicas."""
    if runtime.kind != "kubernetes":
        return ""
    return f"kubectl -n {runtime.project} scale {runtime.service.lower()} --replicas={replicas}"


def limit_by_hand(runtime: Runtime, identity: t.Mapping[str, t.Any], limit: int) -> str:
    """The command that a person would type to give what runs a memory limit back, in bytes, while it runs on."""
    return f"docker update --memory {limit} {str(identity.get('id'))[:12]}" if runtime.kind == "docker" else ""


def persist_by_hand(runtime: Runtime, memory: str) -> str:
    """The command that a person would type to write a memory limit into what the runtime deploys from."""
    if runtime.kind != "docker":
        return ""
    words = [f"project={runtime.project}"] if runtime.project else []
    words += [f"service={runtime.service}", f"state={VERBS['docker']['raise_memory']}", f"memory={memory}"]
    words.append("persist=true")
    return f"ansible {runtime.host} -m incident.response.docker_service -a {shlex.quote(' '.join(words))}"


def look(
    wanted: t.Mapping[str, Runtime],
    options: t.Mapping[str, t.Any],
    of_kind: t.Mapping[str, t.Mapping[str, t.Any]] | None = None,
) -> list[CheckCall]:
    """One check per host that runs things and project or namespace on it, over all services that run there.

    wanted: component name -> runtime. options: more options of the checks, for all of them; of_kind: for those of one
    kind of runtime.
    """
    found: dict[tuple[str, str, str], dict[str, str]] = {}
    for component, runtime in sorted(wanted.items()):
        if supported(runtime):
            found.setdefault((runtime.kind, runtime.host, runtime.project), {})[runtime.service] = component
    calls = []
    for (kind, host, project), components in sorted(found.items()):
        module = f"incident.response.{CHECKS[kind]}"
        more = {**options, **(of_kind or {}).get(kind, {})}
        calls.append(CheckCall(f"{WHAT[kind]} on {host}", module, host, {**place(kind, project, components), **more}))
    return calls


def place(kind: str, project: str, components: t.Mapping[str, str]) -> dict[str, t.Any]:
    """The options of a runtime's check that select some of what runs there. components: service -> component."""
    if kind == "kubernetes":
        paths = {f"{project}/{service.partition('/')[2]}": component for service, component in components.items()}
        return {"namespaces": [project], "names": sorted(paths), "components": paths}
    selected = {"services": sorted(components), "components": dict(components)}
    return {**selected, **({"project": project} if project else {})}
