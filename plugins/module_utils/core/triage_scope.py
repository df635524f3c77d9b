# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory as triage sees it: every host, what runs it, and what depends on what. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from .decide import Graph
from .runtimes import supported
from .scenarios.kafka_scope import broker_runtimes, consumers
from .scenarios.postgresql_scope import pooler_runtime
from .scenarios.service_scope import container
from .scope import Runtime, Service, service_from_vars

ENGINES = {"docker_hosts": "docker", "kubernetes_clusters": "kubernetes"}
"""Inventory group of what runs services -> the kind of runtime that it is to them."""
SERVICES = "http_services"
VARIABLES = (
    "runtime",
    "depends_on",
    "severity_if_down",
    "owner",
    "group_names",
    "kafka_brokers",
    "kafka_consumers",
    "postgresql_pooler_runtime",
)
"""The variables of a host that say what it is to others."""


@dataclasses.dataclass(frozen=True)
class Target:
    """One inventory host. containers: component -> what runs it. pooler: the container of its pooler among them.

    consumers: Kafka group -> the host of the service that consumes with it.
    """

    service: Service
    containers: dict[str, Runtime]
    pooler: str = ""
    consumers: dict[str, str] = dataclasses.field(default_factory=dict)

    @property
    def name(self) -> str:
        return self.service.name

    @property
    def groups(self) -> tuple[str, ...]:
        return self.service.groups


Inventory = t.Mapping[str, Target]


def target_from_vars(name: str, variables: t.Mapping[str, t.Any]) -> Target:
    """A Target from the VARIABLES of a host. Raises ScopeError where they contradict each other."""
    service = service_from_vars(name, variables)
    found: dict[str, Runtime] = {container(name): service.runtime} if service.runtime else {}
    brokers = broker_runtimes(name, variables)
    for broker, runtime in sorted(brokers.items()):
        found[container(name) if len(brokers) == 1 else f"{container(name)}/{broker}"] = runtime
    pooler = pooler_runtime(name, variables)
    if pooler:
        found[f"{container(name)}/pooler"] = pooler
    return Target(service, found, f"{container(name)}/pooler" if pooler else "", consumers(name, variables))


def places(inventory: Inventory) -> dict[Runtime, str]:
    """What runs services -> its component; one that several hosts share has that of the first."""
    found: dict[Runtime, str] = {}
    for name in sorted(inventory):
        for component, runtime in inventory[name].containers.items():
            if supported(runtime):
                found.setdefault(runtime, component)
    return found


def on_engine(host: str, inventory: Inventory) -> dict[str, dict[str, str]]:
    """What is declared to run on a host: project -> service -> component."""
    found: dict[str, dict[str, str]] = {}
    for runtime, component in places(inventory).items():
        if runtime.host == host:
            found.setdefault(runtime.project, {})[runtime.service] = component
    return found


def group_component(target: str, group: str, inventory: Inventory) -> str:
    """The component of a consumer group: with the cluster's name where there are several, as groups are named alike."""
    clusters = sum("kafka" in other.groups for other in inventory.values())
    return f"group:{group}" if clusters <= 1 else f"group:{group}@{target}"


def program(name: str) -> str:
    """The component of the program within a service, which can be looked into."""
    return f"program:{name}"


def graph_of(inventory: Inventory) -> Graph:
    """Component -> what it depends on: a host on its containers and on what it declares, a container on its engine, and
    on the program in it, a pooler's container on the database."""
    where = places(inventory)
    edges: dict[str, list[str]] = {}
    for name, target in inventory.items():
        needs = _needs(target, inventory)
        own = {component: where.get(runtime, component) for component, runtime in target.containers.items()}
        inside = [program(name)] if SERVICES in target.groups else []
        edges[name] = [*(place for component, place in own.items() if component != target.pooler), *inside, *needs]
        edges[program(name)] = needs
        for component, runtime in target.containers.items():
            mine = edges.setdefault(own[component], [])
            behind = [name] if component == target.pooler else []
            mine += [need for need in (runtime.host, *inside, *needs, *behind) if need not in mine]
        edges[f"pooler:{name}"] = [name, *([own[target.pooler]] if target.pooler else [])]
    for name, target in inventory.items():
        for group, consumer in target.consumers.items():
            _consumes(edges, group_component(name, group, inventory), name, inventory.get(consumer), where)
    return edges


def _needs(target: Target, inventory: Inventory) -> list[str]:
    """What it declares, and the pooler of a database: it may come to it through that."""
    found = list(target.service.depends_on)
    return found + [f"pooler:{name}" for name in found if name in inventory and inventory[name].pooler]


def _consumes(
    edges: dict[str, list[str]], group: str, cluster: str, consumer: Target | None, where: t.Mapping[Runtime, str]
) -> None:
    """A group stands or falls with its consumer and with the cluster, and so does the consumer with the cluster."""
    edges[group] = [cluster]
    if consumer is None:
        return
    edges[group].append(consumer.name)
    for component, runtime in consumer.containers.items():
        place = where.get(runtime, component)
        edges[group].append(place)
        if cluster not in edges[place]:
            edges[place].append(cluster)


def owner_of(component: str, inventory: Inventory, asked: str) -> str:
    """The inventory host that a component belongs to; asked: the host whose check named it."""
    name = component.partition(":")[2] or component
    for candidate in (component, name, name.rpartition("/")[0]):
        if candidate in inventory and not component.startswith("group:"):
            return candidate
    return asked
