# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What Compose's labels and its resolved configuration say about a service, and what follows from it. Pure."""

from __future__ import annotations

import copy
import dataclasses
import typing as t

from .docker_memory import parse_size
from .docker_parse import COMPOSE
from .docker_plan import Refused


@dataclasses.dataclass(frozen=True)
class Place:
    """Where a running project says that it comes from."""

    project: str
    service: str
    files: tuple[str, ...]
    directory: str
    env_files: tuple[str, ...]
    config_hash: str


def place_of(labels: t.Mapping[str, t.Any], name: str) -> Place:
    """From the labels of a container. Raises Refused where Compose v2 did not make it."""

    def label(key: str) -> str:
        return str(labels.get(COMPOSE + key) or "")

    def listed(key: str) -> tuple[str, ...]:
        return tuple(part.strip() for part in label(key).split(",") if part.strip())

    place = Place(
        project=label("project"),
        service=label("service"),
        files=listed("project.config_files"),
        directory=label("project.working_dir"),
        env_files=listed("project.environment_file"),
        config_hash=label("config-hash"),
    )
    missing = [
        key
        for key, value in (("project", place.project), ("service", place.service), ("config-hash", place.config_hash))
        if not value
    ]
    if missing or not place.files:
        raise Refused(
            f"{name} names no Compose file (label {COMPOSE}{missing[0] if missing else 'project.config_files'} is"
            " missing): Compose v2 did not make it, so there is no file to go by"
        )
    return place


def check_described(place: Place, hashes: t.Mapping[str, str], hash_now: str) -> None:
    """Refuse where a container is not what the file describes now. hashes: container name -> its config hash."""
    other = sorted(name for name, made_of in hashes.items() if made_of != hash_now)
    if other:
        raise Refused(
            f"{', '.join(other)} was not made from what {', '.join(place.files)} says now (config hash"
            f" {hashes[other[0]][:12] or 'none'}, the file's is {hash_now[:12]}): the file, or a variable in it, has"
            " changed since. A redeploy would bring that change too; look at it, then docker compose up by hand"
        )


def memory_of(service: t.Mapping[str, t.Any]) -> int | None:
    """The limit in the resolved configuration of a service; None: none."""
    limits = ((service.get("deploy") or {}).get("resources") or {}).get("limits") or {}
    value = service.get("mem_limit") or limits.get("memory")
    return parse_size(value) if value else None


def check_meaning(
    before: t.Mapping[str, t.Any], after: t.Mapping[str, t.Any], service: str, memory: int, swap: int
) -> None:
    """Refuse where an edited file means anything but the same with another limit. Both: resolved configuration."""
    wanted = copy.deepcopy(dict(before))
    target = wanted["services"][service]
    limits = ((target.get("deploy") or {}).get("resources") or {}).get("limits") or {}
    if "memory" in limits:
        limits["memory"] = str(memory)
    if target.get("mem_limit") or "memory" not in limits:
        target["mem_limit"] = str(memory)
    if int(target.get("memswap_limit") or 0) > 0:
        target["memswap_limit"] = str(swap)
    if wanted == dict(after):
        return
    now = after.get("services") or {}
    others = sorted(name for name in now if name != service and now[name] != before["services"].get(name))
    said = (
        f"it would change {', '.join(others)} too"
        if others
        else f"it would not give {service} the limits that are wanted"
    )
    raise Refused(f"the edit is not safe: {said}, as Compose reads it")


def check_scalable(config: t.Mapping[str, t.Any], service: str, replicas: int) -> None:
    """Refuse more than one container where something that only one can hold is fixed."""
    if replicas <= 1:
        return
    name = config.get("container_name")
    if name:
        raise Refused(
            f"{service} can't have {replicas} containers: container_name {name} is fixed. Remove it from the file"
        )
    if config.get("network_mode") == "host":
        raise Refused(f"{service} can't have {replicas} containers: it uses the host's network")
    for port in config.get("ports") or ():
        room = _room(str(port.get("published") or ""))
        if room is not None and room < replicas:
            raise Refused(
                f"{service} can't have {replicas} containers: it holds host port {port['published']} for its port"
                f" {port.get('target')}, which one can hold. Publish none (put a proxy before it), or a range"
            )
    for network, settings in (config.get("networks") or {}).items():
        address = (settings or {}).get("ipv4_address") or (settings or {}).get("ipv6_address")
        if address:
            raise Refused(
                f"{service} can't have {replicas} containers: address {address} in network {network} is fixed"
            )


def _room(published: str) -> int | None:
    """How many containers can publish that; None: as many as one likes."""
    if published in ("", "0"):
        return None
    first, _dash, last = published.partition("-")
    return int(last) - int(first) + 1 if first.isdigit() and last.isdigit() else 1
