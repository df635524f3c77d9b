"""Faults of memory, all of `auth`, and twins that only look like one."""

from __future__ import annotations

import functools
import re

from docker.models.containers import Container

from lab import http, stack
from lab.errors import LabError
from lab.faults import acts, holders, sessions
from lab.faults.model import Fault, Lab
from lab.waiting import wait_until

SERVICE = "auth"
MIB = 1 << 20
LIMIT = 128 * MIB
"""What the compose file says."""
PLATEAU = 64
"""MiB that are taken at once and kept: much, and no more of it."""
FULL = 0.86
"""Part of its limit that it then uses."""
STARVED = 7 * MIB
"""Less than it needs to start."""
LEAK = 2
"""MiB a second: from the start to the limit in a minute."""
GOROUTINES = 200
"""A second."""
CROWD = 40
"""Requests at a time, beyond the connections that its pool has."""
CACHE_FILE = "/tmp/cache"


def _gauge(lab: Lab, name: str) -> float:
    found = re.search(rf"^{name} (\S+)$", http.text(lab.config.url(SERVICE, "/metrics")), re.M)
    if found is None:
        raise LabError(f"auth has no metric {name}", "lab logs auth")
    return float(found.group(1))


def _await_gauge(lab: Lab, name: str, least: float) -> None:
    def reason() -> str | None:
        value = _gauge(lab, name)
        return None if value >= least else f"it is {value:.0f}"

    wait_until(f"{name} of {least:.0f}", reason, acts.SHOWS, 0.25, hint="lab status")


def _leak(lab: Lab) -> None:
    acts.switch(lab, SERVICE, "leak_memory", LEAK)
    _await_gauge(lab, "go_memstats_heap_inuse_bytes", 16 * MIB)


def _leak_goroutines(lab: Lab) -> None:
    acts.switch(lab, SERVICE, "leak_goroutines", GOROUTINES)
    _await_gauge(lab, "go_goroutines", 2 * GOROUTINES)


def _renew(lab: Lab) -> None:
    """A new container: what was leaked, killed or counted went with the old one, and the limit is the declared one."""
    stack.compose(lab.config, ["up", "-d", "--no-deps", "--force-recreate", SERVICE], "docker-compose up", lab.lock)
    acts.await_health(lab, SERVICE, "healthy", acts.CLEARS)


def _burst(lab: Lab) -> None:
    """Returns when it is over."""
    acts.switch(lab, SERVICE, "burst_memory", PLATEAU)

    def reason() -> str | None:
        left = http.get_json(lab.config.url(f"{SERVICE}-admin", "/switches"))["burst_memory"]
        return None if left == 0 else "it is going on"

    wait_until("the burst to end", reason, acts.SHOWS, 0.25, hint="lab logs auth")


def _outgrow(lab: Lab) -> None:
    """It takes much at once and stays there, and its limit is little above that."""
    acts.switch(lab, SERVICE, "hold_memory", PLATEAU)
    container = lab.container(SERVICE)
    limit = int(_working_set(container) / FULL)
    container.update(mem_limit=limit, memswap_limit=limit)


def _working_set(container: Container) -> int:
    memory = container.stats(stream=False)["memory_stats"]
    reclaimable = memory["stats"].get("total_inactive_file", memory["stats"].get("inactive_file", 0))
    return int(memory["usage"]) - int(reclaimable)


def _starve(lab: Lab) -> None:
    """Its limit is below what it needs to start: the kernel kills it each time that its policy brings it back."""
    container = lab.container(SERVICE)
    container.stop(timeout=2)
    container.update(mem_limit=STARVED, memswap_limit=STARVED)
    container.start()
    acts.await_restarts(lab, SERVICE, 2)


def _exceed(lab: Lab) -> None:
    """More at once than it may have: the kernel kills it, its policy brings it back, and Docker forgets why."""
    before = lab.container(SERVICE).attrs["State"]["StartedAt"]
    acts.switch(lab, SERVICE, "burst_memory", 2 * LIMIT // MIB)

    def reason() -> str | None:
        return None if lab.container(SERVICE).attrs["State"]["StartedAt"] != before else "it still runs"

    wait_until("auth to be killed", reason, acts.SHOWS, 0.25, hint="lab logs auth")
    acts.await_health(lab, SERVICE, "healthy", acts.CLEARS)


def _exceed_beside(lab: Lab) -> None:
    """Another process in the container takes all memory: it is killed, and the service lives on."""
    status, _output = lab.container(SERVICE).exec_run(["tail", "/dev/zero"])
    if status != 137:
        raise LabError(f"the process that takes all memory ended with status {status}, not killed", "lab logs auth")


def _fill_cache(lab: Lab) -> None:
    """Files that were written and read stay in memory until somebody needs it."""
    for command in (f"head -c {100 * MIB} /dev/zero > {CACHE_FILE}", f"cat {CACHE_FILE} > /dev/null"):
        status, output = lab.container(SERVICE).exec_run(["sh", "-c", command])
        if status != 0:
            raise LabError(f"auth can't read a file: {output.decode(errors='replace')}", "lab logs auth")


def _drop_cache(lab: Lab) -> None:
    lab.container(SERVICE).exec_run(["rm", "-f", CACHE_FILE])


def _block(lab: Lab) -> None:
    """A transaction that was left open holds the table that auth reads, while many ask it."""
    lock = {"kind": "idle", "name": "lab-forgetful", "transaction": True, "statements": ["LOCK TABLE tokens"]}
    sessions.hold(lab, "memory_database", [lock])
    url = lab.config.url(SERVICE, "/verify?token=lab-{worker}-{number}")
    holders.start(lab, "memory_database_crowd", "lab.http_holder", {"url": url, "workers": CROWD})


def _unblock(lab: Lab) -> None:
    holders.end(lab, "memory_database_crowd", "lab.http_holder")
    sessions.release(lab, "memory_database")
    sessions.await_gone(lab)


def _spoil(value: int) -> functools.partial[None]:
    return functools.partial(acts.switch, service=SERVICE, name="pprof", value=value)


def _mend(lab: Lab) -> None:
    acts.reset(lab, SERVICE)


PPROF = (("absent", "are not there"), ("forbidden", "are forbidden"), ("broken", "are cut"), ("stalled", "never end"))
"""How the profiles of auth can be wrong; the value of the switch is the place in this list, from 1."""
# What a look may see besides, depending on when it comes.
BESIDE = ("docker.container.unhealthy", "docker.memory.high", "go.heap.limit")

FAULTS = (
    Fault(
        "memory_leak",
        "auth keeps 2 MiB more every second",
        _leak,
        _renew,
        ("go.heap.leak",),
        BESIDE,
        scenario="memory",
    ),
    Fault(
        "goroutine_leak",
        "auth starts 200 goroutines a second that never end",
        _leak_goroutines,
        _renew,
        ("go.goroutines.leak",),
        ("go.goroutines.stuck", "go.goroutines.high", "go.heap.leak"),
        scenario="memory",
    ),
    Fault(
        "memory_undersized",
        "auth needs more than 80 % of its memory limit, and no more with time",
        _outgrow,
        _renew,
        ("docker.memory.high",),
        ("go.heap.limit",),
        scenario="memory",
    ),
    Fault(
        "memory_oom",
        "auth took more memory than it may and was killed; its restart policy brought it back",
        _exceed,
        _renew,
        ("docker.memory.oom_killed",),
        scenario="memory",
    ),
    Fault(
        "memory_oom_beside",
        "the kernel killed another process in the container of auth for its memory",
        _exceed_beside,
        _renew,
        ("docker.memory.oom_killed",),
        scenario="memory",
    ),
    Fault(
        "memory_oom_loop",
        "the memory limit of auth is below what it needs to start: it is killed again and again",
        _starve,
        _renew,
        ("docker.memory.oom_killed",),
        ("docker.container.crash_loop", "go.metrics.unreachable", "go.pprof.unreachable"),
        scenario="memory",
    ),
    Fault(
        "memory_database",
        "a forgotten transaction holds the table of auth, whose requests pile up",
        _block,
        _unblock,
        ("go.goroutines.waiting_database",),
        BESIDE,
        scenario="memory",
    ),
    *(
        Fault(
            f"pprof_{name}",
            f"the profiles of auth {what}",
            _spoil(number),
            _mend,
            (f"go.pprof.{name}",),
            scenario="memory",
        )
        for number, (name, what) in enumerate(PPROF, 1)
    ),
    Fault(
        "memory_burst",
        "auth took 64 MiB for 5 s and gave them back",
        _burst,
        _renew,
        scenario="memory",
        twin=True,
    ),
    Fault(
        "memory_cache",
        "auth has read a large file, which the kernel keeps as long as nobody needs the memory",
        _fill_cache,
        _drop_cache,
        scenario="memory",
        twin=True,
    ),
)
