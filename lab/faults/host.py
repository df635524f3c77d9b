"""The machine itself has too little: disk or memory, so that all that runs on it fails at once.

Neither can be had for real without endangering the machine that the lab borrows. So the stores get a small file system,
which is really full; and the services share a cgroup with little memory, where the kernel really kills them although
none has a limit of its own, while what /proc/meminfo says then is recorded.
"""

from __future__ import annotations

import json
import shutil
from contextlib import suppress
from pathlib import Path

from docker.errors import APIError

from lab import cgroups, http, small_disk, stack
from lab.config import SERVICES
from lab.faults import acts
from lab.faults.model import Fault, Lab
from lab.waiting import NOT_YET, wait_until

ROOM = 2 << 20
"""Bytes for all services together: less than it takes to start one container."""
AVAILABLE = 98_312
CACHED = 6_910_204
"""kB that a machine of 8 GB has left when the kernel begins to kill, and of one that is well with its cache."""
MEMINFO = """MemTotal:        8140192 kB
MemFree:           71204 kB
MemAvailable:   {available:>8} kB
Buffers:             612 kB
Cached:         {available:>8} kB
SwapTotal:             0 kB
SwapFree:              0 kB
"""
PRESSURE = """some avg10={some:.2f} avg60={some:.2f} avg300=1.02 total=181734021
full avg10={full:.2f} avg60={full:.2f} avg300=0.58 total=151100947
"""


def _fill_disk(lab: Lab) -> None:
    """The stores go on as before on a small file system, until something else fills it."""
    acts.stop(lab, *stack.STORES)
    small_disk.make(lab.config, {store: _volume(lab, store) for store in stack.STORES})
    acts.start(lab, *stack.STORES)
    small_disk.fill(lab.config)
    # The next save would come after some minutes.
    lab.container("redis").exec_run(["redis-cli", "BGSAVE"])
    acts.await_restarts(lab, "kafka", 3)
    _await_all_down(lab)


def _volume(lab: Lab, store: str) -> Path:
    (source,) = [mount["Source"] for mount in lab.container(store).attrs["Mounts"] if mount["Type"] == "volume"]
    return Path(source)


def _await_all_down(lab: Lab) -> None:
    def reason() -> str | None:
        well = [name for name in SERVICES if _is_well(lab, name)]
        return f"{', '.join(well)} still are" if well else None

    wait_until("no service to be well", reason, acts.SHOWS, 0.25, hint="lab status, then lab clear")


def _is_well(lab: Lab, service: str) -> bool:
    with suppress(*NOT_YET):
        return http.status(lab.config.url(service, "/health")) == 200
    return False


def _free_disk(lab: Lab) -> None:
    """The stores are as they were before; a consumer that has read further than that starts anew.

    What crashed is made anew, or its crashes would be told for a quarter of an hour.
    """
    for service in (*stack.STORES, "notification"):
        lab.container(service).stop()
    small_disk.remove(lab.config)
    _renew(lab, "kafka")
    acts.start(lab, *stack.STORES, "notification")


def _fill_another(lab: Lab) -> None:
    small_disk.make(lab.config, {})
    small_disk.fill(lab.config)


def _starve(lab: Lab) -> None:
    """The services are made anew without limits of their own, in a room that is too small for any of them."""
    _record(lab, AVAILABLE, 88.2, 72.9)
    cgroups.limit_memory(lab.config.room, ROOM)
    more = lab.config.project_state / "room.json"
    service = {"cgroup_parent": _parent(lab), "mem_limit": 0, "memswap_limit": 0}
    more.write_text(json.dumps({"services": dict.fromkeys(SERVICES, service)}))
    files = ["-f", str(stack.COMPOSE_FILE), "-f", str(more)]
    new = ["up", "--no-start", "--no-deps", "--force-recreate", *SERVICES]
    stack.compose(lab.config, [*files, *new], "docker-compose up", lab.lock)
    for name in SERVICES:
        with suppress(APIError):  # it was killed before its program began
            lab.container(name).start()
    for name in SERVICES:
        _await_starved(lab, name)


def _parent(lab: Lab) -> str:
    """systemd takes the name of a slice; else it is a path, and without its slash one below the engine's own group."""
    return ("" if lab.client.info()["CgroupDriver"] == "systemd" else "/") + lab.config.room


def _await_starved(lab: Lab, service: str) -> None:
    def reason() -> str | None:
        attrs = lab.container(service).attrs
        dead = attrs["State"]["Status"] in ("created", "exited", "dead")
        return None if dead or attrs["RestartCount"] >= 2 else f"it was restarted {attrs['RestartCount']} times"

    wait_until(f"{service} to be killed", reason, acts.SHOWS, 0.25, hint=f"lab logs {service}")


def _record(lab: Lab, available: int, some: float, full: float) -> None:
    texts = {
        "meminfo": MEMINFO.format(available=available),
        "pressure/memory": PRESSURE.format(some=some, full=full),
    }
    for name, text in texts.items():
        file = lab.config.procfs / name
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)


def _feed(lab: Lab) -> None:
    """As the compose file says."""
    _renew(lab, *SERVICES)
    for name in reversed(SERVICES):
        acts.await_health(lab, name, "healthy", acts.CLEARS)
    cgroups.sweep(lab.config.room)
    _forget(lab)


def _renew(lab: Lab, *services: str) -> None:
    new = ["up", "-d", "--no-deps", "--force-recreate", *services]
    stack.compose(lab.config, new, "docker-compose up", lab.lock)


def _forget(lab: Lab) -> None:
    shutil.rmtree(lab.config.procfs, ignore_errors=True)


# What asks a service that is down, or waits for it.
BESIDE = (
    *("docker.container.unhealthy", "docker.memory.unlimited", "http.metrics.broken", "http.process.restarted"),
    *("http.connect.refused", "http.health.flapping", "http.response.reset"),
    *("http.response.silent", "go.metrics.unreachable", "go.pprof.unreachable", "prometheus.target.down"),
)

FAULTS = (
    Fault(
        "host_disk_full",
        "the file system that PostgreSQL, Redis and Kafka keep their data on is full",
        _fill_disk,
        _free_disk,
        ("docker.disk.high", "docker.container.crash_loop", "http.health.failing", "redis.persistence.failing"),
        (
            *BESIDE,
            *("kafka.broker.reset", "kafka.broker.silent", "kafka.broker.unreachable", "redis.writes.refused"),
            *("postgresql.disk.space", "postgresql.server.storage"),
        ),
        scenario=None,
    ),
    Fault(
        "host_disk_elsewhere",
        "a file system is full that no container writes to",
        _fill_another,
        lambda lab: small_disk.remove(lab.config),
        scenario=None,
        twin=True,
    ),
    Fault(
        "host_memory_short",
        "the machine has no memory left, and its kernel kills the services, which are at no limit of their own",
        _starve,
        _feed,
        ("docker.host.memory", "docker.memory.oom_killed"),
        (
            *(*BESIDE, "http.health.failing", "kafka.lag.stopped"),
            *("docker.container.crash_loop", "docker.container.start_failed"),
        ),
        scenario=None,
    ),
    Fault(
        "host_memory_cached",
        "most of the machine's memory holds files, which the kernel gives back when somebody needs it",
        lambda lab: _record(lab, CACHED, 0.4, 0.1),
        _forget,
        scenario=None,
        twin=True,
    ),
)
