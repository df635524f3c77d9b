"""The faults, by id, and which of them are in."""

from __future__ import annotations

import json

from lab.config import Config
from lab.errors import LabError
from lab.faults import (
    broker,
    cluster,
    consumer,
    everything,
    host,
    kubernetes,
    kubernetes_hostile,
    kubernetes_node,
    kubernetes_room,
    kubernetes_twins,
    kubernetes_written,
    memory,
    offsets,
    pods_consumers,
    postgresql,
    redis,
    service,
    topic,
    twins,
)
from lab.faults.model import Fault

MODULES = (
    *(consumer, broker, topic, offsets, cluster, twins, postgresql, redis, service, memory, everything, host),
    *(kubernetes, kubernetes_room, kubernetes_node, kubernetes_twins, kubernetes_hostile, kubernetes_written),
    pods_consumers,
)

ALL: dict[str, Fault] = {fault.id: fault for module in MODULES for fault in module.FAULTS}


def get(name: str) -> Fault:
    if name not in ALL:
        raise LabError(f"there is no fault {name!r}", f"lab faults; known are {', '.join(ALL)}")
    return ALL[name]


def injected(config: Config) -> list[str]:
    """The faults that are in, the oldest first; one that was killed while it went in counts."""
    try:
        return [name for name in json.loads(_file(config).read_text()) if name in ALL]
    except (OSError, ValueError):
        return []


def remember(config: Config, name: str) -> None:
    _write(config, [*(other for other in injected(config) if other != name), name])


def forget(config: Config, name: str | None = None) -> None:
    """Forget one fault, or all."""
    _write(config, [other for other in injected(config) if name and other != name])


def _write(config: Config, names: list[str]) -> None:
    file = _file(config)
    if not names:
        file.unlink(missing_ok=True)
        return
    file.parent.mkdir(parents=True, exist_ok=True)
    new = file.with_suffix(".new")
    new.write_text(json.dumps(names))
    new.replace(file)


def _file(config: Config):
    return config.project_state / "faults.json"
