# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The engine's JSON -> snapshot. Total: missing fields, null and words of a newer engine give unknown, no error."""

from __future__ import annotations

import ipaddress
import sys
import typing as t

from .docker_snapshot import (
    HEALTHS,
    STATUSES,
    UNKNOWN,
    Container,
    Cpu,
    Event,
    Health,
    Memory,
    Pids,
    Process,
    parse_time,
)
from .hostile import inert

COMPOSE = "com.docker.compose."
_OUTPUT = 4096
_SIGNALS = {"SIGHUP": 1, "SIGINT": 2, "SIGQUIT": 3, "SIGKILL": 9, "SIGTERM": 15, "SIGCONT": 18, "SIGSTOP": 19}


def _dict(value: t.Any) -> dict[str, t.Any]:
    return value if isinstance(value, dict) else {}


def _list(value: t.Any) -> list[t.Any]:
    return value if isinstance(value, list) else []


def _int(value: t.Any, default: int = 0) -> int:
    try:
        return int(value)
    except (TypeError, ValueError, OverflowError):
        return default


def _text(value: t.Any) -> str:
    return inert(value) if isinstance(value, str) else ""


def _time(value: t.Any) -> str:
    """Docker's own text of a time, empty for Go's zero time."""
    return _text(value) if parse_time(value) is not None else ""


def word(value: t.Any, known: t.Sequence[str]) -> str:
    """A word of the engine, or unknown."""
    lower = value.lower() if isinstance(value, str) else ""
    return lower if lower in known else UNKNOWN


def container_from_inspect(data: t.Mapping[str, t.Any]) -> Container:
    """What GET /containers/{id}/json gave."""
    state, config, host = (_dict(data.get(name)) for name in ("State", "Config", "HostConfig"))
    labels = _dict(config.get("Labels"))
    container = Container(
        id=_text(data.get("Id")),
        name=_text(data.get("Name")).lstrip("/"),
        service=_text(labels.get(COMPOSE + "service")),
        project=_text(labels.get(COMPOSE + "project")),
        oneoff=_text(labels.get(COMPOSE + "oneoff")).lower() == "true",
        status=_status(state),
        exit_code=_int(state["ExitCode"]) if state.get("ExitCode") is not None else None,
        error=_text(state.get("Error"))[:_OUTPUT],
        oom_flag=state.get("OOMKilled") is True,
        pid=_int(state.get("Pid")),
        restart_count=_int(data.get("RestartCount")),
        created_at=_time(data.get("Created")),
        started_at=_time(state.get("StartedAt")),
        finished_at=_time(state.get("FinishedAt")),
        health=_health(state, config),
        restart_policy=_text(_dict(host.get("RestartPolicy")).get("Name")) or "no",
        stop_timeout=float(_int(config.get("StopTimeout"), 10)),
        image=_text(config.get("Image")),
        image_id=_text(data.get("Image")),
        command=" ".join(_text(part) for part in [data.get("Path"), *_list(data.get("Args"))])[:_OUTPUT].strip(),
        config_hash=_text(labels.get(COMPOSE + "config-hash")),
        compose_image=_text(labels.get(COMPOSE + "image")),
        log_path=_text(data.get("LogPath")),
        tty=config.get("Tty") is True,
    )
    container.created, container.started, container.finished = (
        parse_time(value) for value in (container.created_at, container.started_at, container.finished_at)
    )
    _limits(container, host)
    container.data_path = _data_path(container.id, _text(data.get("HostnamePath")))
    container.writes_to = _writes_to(data.get("Mounts"))
    _logging(container, _dict(host.get("LogConfig")))
    _network(container, _dict(data.get("NetworkSettings")))
    container.network_mode = _text(host.get("NetworkMode"))
    container.declared = _bindings(host.get("PortBindings"))
    return container


def _status(state: t.Mapping[str, t.Any]) -> str:
    """Status and not the flags: a restarting or a paused container is Running=true as well."""
    return word(state.get("Status"), STATUSES)


def _health(state: t.Mapping[str, t.Any], config: t.Mapping[str, t.Any]) -> Health:
    check, health = _dict(config.get("Healthcheck")), _dict(state.get("Health"))
    test = [_text(part) for part in _list(check.get("Test"))]
    if not health or test[:1] == ["NONE"]:
        return Health()
    interval, timeout, start = (_int(check.get(name)) / 1e9 for name in ("Interval", "Timeout", "StartPeriod"))
    return Health(
        status=word(health.get("Status"), HEALTHS),
        streak=_int(health.get("FailingStreak")),
        command=" ".join(test[1:] if test[:1] in (["CMD"], ["CMD-SHELL"]) else test),
        grace=start + ((interval or 30) + (timeout or 30)) * (_int(check.get("Retries")) or 3),
        probes=[_probe(entry) for entry in _list(health.get("Log"))[-5:] if isinstance(entry, dict)],
    )


def _probe(entry: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    return {
        "at": _time(entry.get("End")),
        "exit_code": _int(entry.get("ExitCode"), -1),
        "output": _text(entry.get("Output"))[:_OUTPUT],
    }


def _limits(container: Container, host: t.Mapping[str, t.Any]) -> None:
    container.memory_limit = max(0, _int(host.get("Memory")))
    container.memory_swap = _int(host.get("MemorySwap"))
    nano, quota, period = (_int(host.get(name)) for name in ("NanoCpus", "CpuQuota", "CpuPeriod"))
    container.cpus = nano / 1e9 if nano > 0 else quota / (period or 100_000) if quota > 0 else 0.0
    container.pids_limit = max(0, _int(host.get("PidsLimit")))


def _data_path(identifier: str, path: str) -> str:
    """The engine's own directory: it has the file of each container's name below containers/ID."""
    root, found, _rest = path.partition(f"/containers/{identifier}/")
    return root if found and identifier else ""


def _writes_to(mounts: t.Any) -> list[str]:
    """Sources of what is mounted into it and not read-only; a tmpfs has none."""
    found = [_text(_dict(mount).get("Source")) for mount in _list(mounts) if _dict(mount).get("RW") is True]
    return [path for path in found if path.startswith("/")]


def _logging(container: Container, config: t.Mapping[str, t.Any]) -> None:
    """The driver, and how it rotates. Its other options may hold what is secret."""
    container.log_driver = _text(config.get("Type"))
    options = _dict(config.get("Config"))
    container.log_options = {name: _text(options[name]) for name in ("max-size", "max-file") if name in options}


def _bindings(ports: t.Any) -> dict[str, list[str]]:
    """Port inside -> host ports, of those that are bound at all."""
    found = {}
    for inner, outer in _dict(ports).items():
        bound = [_text(_dict(binding).get("HostPort")) for binding in _list(outer)]
        if bound:
            found[inert(str(inner))] = list(dict.fromkeys(bound))
    return found


def _network(container: Container, settings: t.Mapping[str, t.Any]) -> None:
    for name, network in _dict(settings.get("Networks")).items():
        address = _text(_dict(network).get("IPAddress")) or _text(_dict(network).get("GlobalIPv6Address"))
        container.networks[inert(str(name))] = address
    container.published = _bindings(settings.get("Ports"))
    for inner, outer in _dict(settings.get("Ports")).items():
        for binding in _list(outer):
            binding = _dict(binding)
            container.ports.append(
                f"{_text(binding.get('HostIp'))}:{_text(binding.get('HostPort'))}->{inert(str(inner))}"
            )
        if not outer:
            container.ports.append(inert(str(inner)))


def event_from_json(data: t.Mapping[str, t.Any]) -> Event | None:
    """One line of GET /events; None for what is not about a container."""
    actor = _dict(data.get("Actor"))
    attributes = _dict(actor.get("Attributes"))
    identifier = _text(actor.get("ID") or data.get("id"))
    if data.get("Type", "container") != "container" or not identifier:
        return None
    nano = data.get("timeNano")
    return Event(
        at=nano / 1e9 if isinstance(nano, int) and nano > 0 else float(_int(data.get("time"))),
        action=_text(data.get("Action") or data.get("status")).split(":", 1)[0].strip(),
        container_id=identifier,
        exit_code=_optional(attributes.get("exitCode")),
        signal=_SIGNALS.get(_text(attributes.get("signal")).upper(), _optional(attributes.get("signal"))),
    )


def _optional(value: t.Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError):
        return None


def memory_from_stats(stats: t.Mapping[str, t.Any]) -> Memory | None:
    """The working set is what the kernel can't drop: usage without inactive file pages (cgroup v1 and v2 name them
    differently). The page cache of a large read is no memory that is missing."""
    data = _dict(stats.get("memory_stats"))
    usage = _optional(data.get("usage"))
    if usage is None:
        return None
    inner = _dict(data.get("stats"))
    inactive = _int(inner.get("total_inactive_file", inner.get("inactive_file")))
    return Memory(
        usage=usage,
        working_set=max(0, usage - inactive),
        peak=_optional(data.get("max_usage")),
        limit=_optional(data.get("limit")),
        source="stats",
    )


_NO_LIMIT = 2**62
"""Beyond it a limit is the kernel's word for none."""


def pids_from_stats(stats: t.Mapping[str, t.Any]) -> Pids | None:
    data = _dict(stats.get("pids_stats"))
    current, limit = _optional(data.get("current")), _optional(data.get("limit"))
    return None if current is None else Pids(current, limit if limit and 0 < limit < _NO_LIMIT else None)


_LISTEN = "0A"


def listeners_from_table(text: str, cut: bool = False) -> list[tuple[str, int]] | None:
    """(address, port) of the listening sockets of /proc/PID/net/tcp or tcp6, which has them before all others. cut:
    only its beginning was read; where that ends among them, nobody knows them all: None.
    """
    found = []
    rows = [line.split() for line in text.splitlines()[: -1 if cut else None]]
    if cut and (not rows or rows[-1][3:4] == [_LISTEN]):
        return None
    for fields in rows:
        if len(fields) < 4 or fields[3] != _LISTEN:
            continue
        address, _colon, port = fields[1].partition(":")
        try:
            found.append((_address(address), int(port, 16)))
        except ValueError:
            continue
    return found


def _address(text: str) -> str:
    """Words of 32 bits in the machine's own order."""
    raw = bytes.fromhex(text)
    if sys.byteorder == "little":
        raw = b"".join(raw[at : at + 4][::-1] for at in range(0, len(raw), 4))
    found = ipaddress.ip_address(raw)
    mapped = getattr(found, "ipv4_mapped", None)
    return str(mapped or found)


def throttling(stats: t.Mapping[str, t.Any]) -> tuple[int, int] | None:
    """(periods, throttled periods) so far."""
    data = _dict(_dict(stats.get("cpu_stats")).get("throttling_data"))
    periods, throttled = _optional(data.get("periods")), _optional(data.get("throttled_periods"))
    return None if periods is None or throttled is None else (periods, throttled)


def cpu_between(first: tuple[int, int] | None, second: tuple[int, int] | None, seconds: float) -> Cpu | None:
    """What two readings say; counters that fell belong to a container that was started anew between them."""
    if first is None or second is None or second[0] < first[0] or second[1] < first[1]:
        return None
    return Cpu(second[0] - first[0], second[1] - first[1], seconds)


def process_from_row(row: t.Sequence[str]) -> Process | None:
    """A row of `top` with pid, ppid, stat and comm."""
    if len(row) < 4 or not row[0].isdigit() or not row[1].isdigit():
        return None
    return Process(int(row[0]), int(row[1]), row[2], inert(row[3]))
