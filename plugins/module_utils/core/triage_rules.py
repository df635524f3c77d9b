# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The runbook's four rules, and what takes all services down at once. Pure.

All down: infrastructure. One down: its log. High latency: database and resources. Error spike: stack traces.
"""

from __future__ import annotations

import dataclasses
import typing as t

from .decide import Graph, Verdict, dependencies
from .findings import CRITICAL, Finding, Remedy
from .triage_looks import Look
from .triage_scope import SERVICES, Inventory
from .triage_words import (
    CONTAINER_DOWN,
    DAEMON,
    ERRORS,
    FULL_DISK,
    HOST_RESOURCES,
    MEMORY,
    NETWORK,
    SLOW,
    is_down,
    is_no_way,
    lacking_on_host,
)

NETWORK_NODE = "network"
UP, DOWN, UNMEASURED = "up", "down", "not measured"
SEVERAL = 2

TEXTS = {
    "all_down": "all services are down: infrastructure first (Docker, network, host)",
    "one_down": "one service is down: its own log first",
    "latency": "high latency: database connections and resource usage first",
    "errors": "error spike: stack traces in its log first",
}
CAUSES = {
    "triage.all_down.docker": "the Docker daemon can't be reached",
    "triage.all_down.network": "nothing answers, and no packet comes back: the network to them is gone",
    "triage.all_down.resources": "their host is out of disk or memory",
    "triage.all_down.dependency": "they all need what has failed",
    "triage.all_down.own_reasons": "no common cause was found: each is down for its own reason",
}


@dataclasses.dataclass(frozen=True)
class Rule:
    """Which rule of the runbook fits, empty where none does. cause: one of CAUSES, for all_down only."""

    id: str = ""
    cause: str = ""

    @property
    def text(self) -> str:
        return TEXTS.get(self.id, "") + (f"; {CAUSES[self.cause]}" if self.cause else "")

    def to_dict(self) -> dict[str, str]:
        return {"id": self.id, "cause": self.cause, "text": self.text}


Owners = t.Mapping[str, str]


def services_of(
    inventory: Inventory, looks: t.Sequence[Look], findings: t.Sequence[Finding], owners: Owners
) -> dict[str, str]:
    """Every service that was to be looked at, and whether it is up, down or not measured.

    Its own check decides: one of two containers that is away leaves it up. Where that gave nothing, its container does.
    """
    states: dict[str, str] = {}
    for look in looks:
        target = inventory.get(look.host)
        if target is None or SERVICES not in target.groups or look.module != "http_health_info":
            continue
        own = [finding for finding in findings if finding.component == look.host and is_down(finding)]
        boxes = [f for f in findings if owners.get(f.component) == look.host and f.id in CONTAINER_DOWN and is_down(f)]
        if own or (boxes and not look.reachable):
            states[look.host] = DOWN
        else:
            states[look.host] = UP if look.reachable else UNMEASURED
    return states


def all_down(services: t.Mapping[str, str]) -> bool:
    """None of several services is up, and one at least is known to be down."""
    states = list(services.values())
    return len(states) >= SEVERAL and DOWN in states and UP not in states


def common_causes(
    inventory: Inventory, findings: t.Sequence[Finding], owners: Owners, services: t.Mapping[str, str]
) -> tuple[list[Finding], dict[str, list[str]]]:
    """Findings that only several looks together make, and the edges that they need in the graph."""
    found = [*_hosts(inventory, findings, owners)]
    edges: dict[str, list[str]] = {}
    lost = [finding for finding in findings if is_no_way(finding)]
    down = {name for name, state in services.items() if state == DOWN}
    if all_down(services) and len(down) >= SEVERAL and down <= {finding.component for finding in lost}:
        found.append(_network(lost))
        edges = {finding.component: [NETWORK_NODE] for finding in lost}
    return found, edges


def _network(lost: t.Sequence[Finding]) -> Finding:
    names = sorted({finding.component for finding in lost})
    return Finding(
        id=NETWORK,
        component=NETWORK_NODE,
        subject="network",
        state=CRITICAL,
        severity="P1",
        summary=f"The network to {', '.join(names[:5])}{' and others' if len(names) > 5 else ''} is gone: none answers",
        observed={"lost": names},
        evidence=tuple(finding.summary for finding in lost[:5]),
        causes=("a route, a firewall, DNS or a link between here and them", "their host is down"),
        remedies=(Remedy("Look from another place whether they answer there; then at route, firewall and DNS here"),),
        since=min((finding.since for finding in lost if finding.since is not None), default=None),
    )


_RESOURCE = {MEMORY: "memory", **dict.fromkeys(FULL_DISK, "disk")}


def _hosts(inventory: Inventory, findings: t.Sequence[Finding], owners: Owners) -> t.Iterator[Finding]:
    """A host that is out of something, where several of those that it runs say so and its own look did not."""
    engines: dict[str, dict[str, list[Finding]]] = {}
    for finding in findings:
        what = lacking_on_host(finding) or _RESOURCE.get(finding.id, "")
        owner = owners.get(finding.component, "")
        if what and finding.state == CRITICAL:
            for host in _engines_of(owner, inventory):
                engines.setdefault(host, {}).setdefault(what, []).append(finding)
    for host, kinds in sorted(engines.items()):
        for what, said in sorted(kinds.items()):
            seen = any(finding.component == host for finding in said)
            if not seen and len({owners.get(finding.component) for finding in said}) >= SEVERAL:
                yield _full(host, what, said)


def _engines_of(owner: str, inventory: Inventory) -> set[str]:
    target = inventory.get(owner)
    return {runtime.host for runtime in target.containers.values()} | {owner} if target else set()


def _full(host: str, what: str, said: t.Sequence[Finding]) -> Finding:
    look = "free -m; dmesg -T | grep -i 'out of memory'" if what == "memory" else "df -h; df -i; docker system df -v"
    return Finding(
        id=HOST_RESOURCES,
        component=host,
        subject=f"host {host}",
        state=CRITICAL,
        severity="P1",
        summary=f"Host {host} is out of {what}: {len(said)} that it runs say so at once",
        observed={"resource": what, "said_by": sorted({finding.component for finding in said})},
        evidence=tuple(finding.summary for finding in said[:5]),
        causes=(f"something on {host} takes more {what} than there is; a higher limit for one makes it worse",),
        remedies=(Remedy(f"See what takes the {what}, and free it", "none", look),),
        since=min((finding.since for finding in said if finding.since is not None), default=None),
    )


def rule_of(verdict: Verdict, services: t.Mapping[str, str], owners: Owners) -> Rule:
    """The first rule that fits what was found."""
    if not verdict.roots:
        return Rule()
    if all_down(services):
        return Rule("all_down", _cause(verdict, services))
    down = [name for name, state in services.items() if state == DOWN]
    if len(down) == 1 and owners.get(verdict.roots[0].component) == down[0]:
        return Rule("one_down")
    failures = {finding.id for finding in (*verdict.roots, *(item.finding for item in verdict.suppressed))}
    if not down and failures & ERRORS:
        return Rule("errors")
    return Rule("latency") if not down and failures & SLOW else Rule()


def _cause(verdict: Verdict, services: t.Mapping[str, str]) -> str:
    roots = {finding.id for finding in verdict.roots}
    full = {f.id for f in verdict.roots if f.id in FULL_DISK and f.state == CRITICAL}
    if DAEMON in roots:
        return "triage.all_down.docker"
    if NETWORK in roots:
        return "triage.all_down.network"
    if HOST_RESOURCES in roots or MEMORY in roots or full:
        return "triage.all_down.resources"
    own = {finding.component for finding in verdict.roots if finding.component in services}
    boxes = {f.component for f in verdict.roots if f.component.partition(":")[2] in services}
    one = len({finding.component for finding in verdict.roots}) == 1
    return "triage.all_down.dependency" if one or not own | boxes else "triage.all_down.own_reasons"


def seen_below(component: str, graph: Graph, looks: t.Iterable[Look]) -> list[str]:
    """What the looks at everything that a component depends on said: for latency, that is where one looks first."""
    below = dependencies(graph, component)
    return [f"{look.name}: {look.status}" for look in looks if look.host in below and not look.problem]
