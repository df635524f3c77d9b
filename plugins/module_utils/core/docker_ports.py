# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Can a container be reached on its ports? Published as it was declared, and listened on from inside. Pure.

A published port that nothing listens on accepts a connection (Docker's proxy does) and resets it; so does one that a
process listens on by loopback only: from inside, by the health check too, all looks well.
"""

from __future__ import annotations

import ipaddress
import re
import typing as t

from .docker_settings import Case
from .docker_snapshot import Container
from .findings import CRITICAL, WARNING, Finding, Remedy

SETTLED = 30.0
"""Seconds after its start in which a container that is healthy may not listen yet."""
SETTLED_UNCHECKED = 120.0
"""The same for one without a health check: nobody says that it is ready."""

_PORT = re.compile(r"(?:(?P<outer>\d{1,5}):)?(?P<inner>\d{1,5})(?:/(?P<protocol>tcp|udp|sctp))?")


class Expected(t.NamedTuple):
    """A port inside as Docker writes it (8080/tcp), and the host's port, empty for any."""

    inner: str
    outer: str


def parse_port(text: t.Any) -> Expected:
    """8080, 8080/udp or 80:8080. Raises ValueError."""
    match = None if isinstance(text, bool) else _PORT.fullmatch(str(text).strip())
    numbers = [int(match[name]) for name in ("inner", "outer") if match[name]] if match else []
    if match is None or not all(0 < number < 65_536 for number in numbers):
        raise ValueError(f"{text!r} is not a port (8080, 8080/udp, or 80:8080 with the host's port first)")
    return Expected(f"{int(match['inner'])}/{match['protocol'] or 'tcp'}", str(int(match["outer"] or 0) or ""))


def wanted(case: Case) -> list[Expected]:
    """What a container was created with, and what the options say that it has to have."""
    found = [Expected(inner, outer) for inner, outers in case.container.declared.items() for outer in outers]
    return list(dict.fromkeys([*found, *case.settings.ports.get(case.service, ())]))


def _shares_network(container: Container) -> bool:
    """Its ports are the host's, or another container's: there is nothing to publish."""
    return container.network_mode == "host" or container.network_mode.startswith("container:")


def _unpublished(case: Case) -> list[Expected]:
    container = case.container
    if _shares_network(container):
        return []
    missing = []
    for port in wanted(case):
        has = container.published.get(port.inner, [])
        # A range (8000-8010) means one of it, which one is Docker's choice.
        exact = port.outer.isdigit() and port.outer != "0"
        if not has or (exact and port.outer not in has):
            missing.append(port)
    return missing


def _words(port: Expected) -> str:
    return f"{port.inner} (host port {port.outer})" if port.outer else port.inner


def not_published(case: Case) -> Finding | None:
    missing = _unpublished(case)
    if not missing:
        return None
    container = case.container
    lost = [port for port in missing if port.outer in container.declared.get(port.inner, ())]
    cause = "it was created without them: the Compose file has changed since, or another file was used"
    if lost:
        cause = "its network was taken away after the start (docker network disconnect), or publishing failed"
    has = ", ".join(container.ports) or "none"
    return case.finding(
        "docker.port.not_published",
        CRITICAL,
        "P2",
        f"Container {container.name} runs, and nobody outside reaches it on {', '.join(map(_words, missing))}:"
        " not published",
        observed={"published": {inner: list(outer) for inner, outer in container.published.items()}},
        threshold={"published": [_words(port) for port in wanted(case)]},
        evidence=(f"ports of the container: {has}", f"networks: {', '.join(container.networks) or 'none'}"),
        causes=(cause, "another container of the same service holds the host's port"),
        remedies=(
            Remedy("Compare with the Compose file", "none", case.compose("config")),
            Remedy("Make it anew as the Compose file says", "disruptive", case.compose("up -d --force-recreate")),
        ),
        details={"missing_ports": [_words(port) for port in missing], "declared": bool(lost)},
    )


def _loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _listening(case: Case) -> tuple[list[int], list[int]]:
    """(ports that nothing listens on, ports that something listens on by loopback only), of the TCP ports."""
    container = case.container
    silent, local = [], []
    inners = set(container.published)
    if _shares_network(container):
        inners |= {port.inner for port in wanted(case)}
    for inner in sorted(inners):
        number, _slash, protocol = inner.partition("/")
        if protocol != "tcp" or not number.isdigit() or container.listeners is None:
            continue
        addresses = [address for address, port in container.listeners if port == int(number)]
        if not addresses:
            silent.append(int(number))
        elif container.network_mode != "host" and all(map(_loopback, addresses)):
            local.append(int(number))
    return silent, local


def silent_ports(case: Case) -> list[int]:
    """Published TCP ports of a container that nothing listens on."""
    return _listening(case)[0]


def _settled(case: Case) -> bool:
    container = case.container
    if container.started is None or container.health.status not in ("none", "healthy", "unhealthy"):
        return False
    wait = SETTLED_UNCHECKED if container.health.status == "none" else SETTLED
    return case.snapshot.now - container.started >= wait


def not_listening(case: Case) -> Finding | None:
    """Of one that is unhealthy it is a reason to be so, and said there."""
    container = case.container
    silent = silent_ports(case) if _settled(case) and container.health.status != "unhealthy" else []
    if not silent:
        return None
    ports = ", ".join(map(str, silent))
    tcp = [inner for inner in container.published if inner.endswith("/tcp")]
    some = len(silent) < len(tcp)
    return case.finding(
        "docker.port.not_listening",
        WARNING if some else CRITICAL,
        "P3" if some else "P2",
        f"Container {container.name} runs, and nothing in it listens on port {ports}: connections are reset",
        observed={"listening": _seen(container), "health": container.health.status},
        threshold={"listening": silent},
        evidence=(
            f"listening sockets inside: {_seen(container) or 'none'}",
            f"published: {', '.join(container.ports)}",
        ),
        causes=(
            "the application listens on another port than the one that is published (compare its settings)",
            *(("what the port is for is switched off: others of its ports are listened on",) if some else ()),
            "its server has ended or has not come up, and the main process goes on without it",
        ),
        remedies=(
            Remedy("See what listens inside", "none", case.docker("top")),
            Remedy("Let its health check use the port, then Docker sees it too"),
            Remedy("Publish the port that it listens on, in the Compose file", "disruptive", case.compose("up -d")),
        ),
        details={"silent_ports": silent},
    )


def loopback_only(case: Case) -> Finding | None:
    container = case.container
    local = _listening(case)[1] if _settled(case) else []
    if not local:
        return None
    ports = ", ".join(map(str, local))
    return case.finding(
        "docker.port.loopback_only",
        CRITICAL,
        "P2",
        f"Container {container.name} listens on port {ports} by loopback only: nobody outside of it gets through",
        observed={"listening": _seen(container)},
        threshold={"listening": [f"0.0.0.0:{port}" for port in local]},
        evidence=(f"listening sockets inside: {_seen(container)}", f"published: {', '.join(container.ports)}"),
        causes=("its listen address is 127.0.0.1 or localhost, which inside of a container is the container itself",),
        remedies=(
            Remedy("Set its listen address to 0.0.0.0 (or ::); publishing on 127.0.0.1 of the host keeps it private"),
            Remedy("Start it with that setting", "disruptive", case.compose("up -d")),
        ),
        details={"loopback_ports": local},
    )


def _seen(container: Container) -> list[str]:
    return [f"{f'[{address}]' if ':' in address else address}:{port}" for address, port in container.listeners or ()][
        :20
    ]
