# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which looks triage takes at an inventory host: derived from the tables of checks, so that a new one is taken too."""

from __future__ import annotations

import dataclasses
import typing as t

from ansible.errors import AnsibleError

from ..module_utils.core import runtimes
from ..module_utils.core import triage_scope as scopes
from ..module_utils.core.scenarios.service_scope import CHECK_OF
from ..module_utils.core.scope import ScopeError
from .check_runner import CHECKS, GROUPS, load

NO_GROUP = (*runtimes.CHECKS.values(), "go_health_info")
"""Checks whose name says nothing about an inventory group: engines have docker_hosts, and programs are services."""
CHECK_BY_GROUP = {
    **{GROUPS[module]: module for module in CHECKS if module not in (*CHECK_OF.values(), *NO_GROUP)},
    **CHECK_OF,
}
"""Inventory group -> the check of its hosts."""
QUICK: dict[str, dict[str, t.Any]] = {
    f"{system}_health_info": {"window": 0.0} for system in ("alertmanager", "http", "redis")
}
"""More options of a look that waits for nothing; the second reading is that of an earlier run, out of the store."""


PROGRAM_CHECK = "go_health_info"
PROGRAM_VARIABLES = ("go_metrics_url", "go_pprof_url")
"""A service that says where its program can be looked into is looked into."""
AGAIN = ("kafka_health_info",)
"""Checks that say unknown where one sample is too few to tell: they are asked again, in full."""
LOOKS_BACK = frozenset({"http.errors.high", "http.health.shallow"})
"""Findings that one sample has from what was counted since an earlier look: they may be over, so these too."""


@dataclasses.dataclass(frozen=True)
class Call:
    """One look. quick: options that are to be left out where it has to be repeated in full.

    components: service -> component. only: the component whose findings count, where it is not all of them.
    """

    name: str
    module: str
    options: dict[str, t.Any]
    quick: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    components: dict[str, str] = dataclasses.field(default_factory=dict)
    only: str = ""


def modules_of(groups: t.Iterable[str]) -> list[str]:
    """The checks of a host's groups, without that of an engine."""
    return list(dict.fromkeys(CHECK_BY_GROUP[group] for group in groups if group in CHECK_BY_GROUP))


def is_target(groups: t.Collection[str]) -> bool:
    return bool(scopes.ENGINES.keys() & set(groups) or modules_of(groups))


@dataclasses.dataclass(frozen=True)
class Known:
    """The inventory as triage sees it. problems: host -> what its variables contradict, which hides no other host."""

    targets: dict[str, scopes.Target]
    problems: dict[str, str]


def known(hostvars: t.Mapping[str, t.Any]) -> Known:
    """Every host of the inventory. One whose variables make no sense is known by its groups alone."""
    found, problems = {}, {}
    for name in map(str, hostvars):
        variables = hostvars[name]
        groups = {"group_names": variables.get("group_names") or ()}
        try:
            found[name] = scopes.target_from_vars(
                name, {key: variables[key] for key in scopes.VARIABLES if key in variables}
            )
        except (AnsibleError, ScopeError) as error:
            problems[name] = str(error)
            found[name] = scopes.target_from_vars(name, groups)
    for name, target in found.items():
        missing = list(_nobody(target, found))
        if missing:
            problems[name] = "; ".join(missing)
    return Known(found, problems)


def _nobody(target: scopes.Target, found: t.Mapping[str, scopes.Target]) -> t.Iterator[str]:
    """A name that nothing stands behind would be a dependency that never fails."""
    for other in (*target.service.depends_on, *target.consumers.values()):
        if other not in found:
            where = "depends_on" if other in target.service.depends_on else "kafka_consumers"
            yield f"{target.name}: {where} names {other}, which is not in the inventory"
    for runtime in target.containers.values():
        if runtime.host not in found:
            yield f"{target.name}: runtime.host is {runtime.host}, which is not in the inventory"


def calls(
    host: str,
    variables: t.Mapping[str, t.Any],
    everybody: t.Callable[[], t.Mapping[str, scopes.Target]],
    lines: int,
    full: bool,
) -> list[Call]:
    """The looks at a host. variables: its own. everybody: the inventory, asked for only where it is needed: it costs
    time."""
    found = []
    groups = variables.get("group_names") or ()
    for module in modules_of(groups):
        options: dict[str, t.Any] = {"component": host}
        if "components" in load(module).spec.options:
            options["components"] = _names(everybody())
        found.append(Call(f"{module.removesuffix('_health_info')} {host}", module, options, _quick(module, full)))
    if scopes.SERVICES in groups and any(_is_set(variables, name) for name in PROGRAM_VARIABLES):
        options = {"component": scopes.program(host)}
        found.append(Call(f"program {host}", PROGRAM_CHECK, options, _quick(PROGRAM_CHECK, full)))
    for group, kind in scopes.ENGINES.items():
        if group in groups:
            found += _engine(kind, host, everybody(), lines, full)
    return found


def _is_set(variables: t.Mapping[str, t.Any], name: str) -> bool:
    """One that can't be made out is set: the look that reads it says what is wrong with it."""
    try:
        return bool(variables.get(name))
    except AnsibleError:
        return True


def _quick(module: str, full: bool) -> dict[str, t.Any]:
    if full:
        return {}
    spec = load(module).spec.options
    found: dict[str, t.Any] = {}
    if "quick" in (spec.get("depth") or {}).get("choices", ()):
        found["depth"] = "quick"
    if "samples" in spec:
        found["samples"] = 1
    return {**found, **QUICK.get(module, {})}


def _names(found: t.Mapping[str, scopes.Target]) -> dict[str, str]:
    """What others may call a host by: the name of the service that runs it, and its own."""
    services = {target.service.runtime.service: name for name, target in found.items() if target.service.runtime}
    return {**services, **{name: name for name in found}}


def _engine(kind: str, host: str, found: t.Mapping[str, scopes.Target], lines: int, full: bool) -> list[Call]:
    """One look for each project or namespace that is declared there. Where none is, an engine of containers is judged
    alone; a cluster as a whole."""
    module = runtimes.CHECKS[kind]
    quick = _quick(module, full)
    declared = scopes.on_engine(host, found)
    if not declared and kind == "docker":
        return [Call(f"engine {host}", module, {"component": host, "log_lines": 0}, quick, only=host)]
    if not declared:
        return [Call(f"cluster {host}", module, {"component": host, "log_lines": lines}, quick)]
    made = []
    for project, components in sorted(declared.items()):
        options = {"component": host, "log_lines": lines, **runtimes.place(kind, project, components)}
        made.append(Call(f"{runtimes.WHAT[kind]} on {host}", module, options, quick, components))
    return made
