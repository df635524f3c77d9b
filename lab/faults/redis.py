"""Faults of Redis, and twins that only look like one."""

from __future__ import annotations

import contextlib
import functools
from collections.abc import Callable
from typing import Any

from lab.errors import LabError
from lab.faults import acts
from lab.faults.model import Fault, Lab
from lab.faults.redis_crowd import SERVICE, answer, as_root, await_answer, await_info, cli, hold, info, release, send
from lab.waiting import wait_until

REPLICA = "redis-replica"
SETTINGS = {
    "maxmemory": "64mb",
    "maxmemory-policy": "allkeys-lru",
    "maxclients": "1000",
    "busy-reply-threshold": "5000",
    "key-load-delay": "0",
    "loading-process-events-interval-bytes": "2097152",
    "stop-writes-on-bgsave-error": "yes",
}
"""What redis.conf says, for whatever a fault sets otherwise."""
CROWD = 100
WORKERS: tuple[dict[str, Any], ...] = (
    {"name": "lab-worker", "command": ["BLPOP", "lab:queue", "0"]},
    {"name": "lab-reader", "command": ["XREAD", "BLOCK", "0", "STREAMS", "lab:stream", "$"]},
    {"name": "lab-listener", "command": ["SUBSCRIBE", "lab:news"]},
    {"name": "sentinel-lab-cmd"},
)
"""Idle for ever, and never to be killed."""
LONG = "3600"
LOADED_KEYS = "30000"
LOAD_DELAY = "1500"


def _restore(lab: Lab, *names: str) -> None:
    for name in names:
        cli(lab, "CONFIG", "SET", name, SETTINGS[name])


def _stop(lab: Lab) -> None:
    acts.stop(lab, SERVICE)


def _start(lab: Lab) -> None:
    acts.start(lab, SERVICE)


def _freeze(lab: Lab) -> None:
    lab.container(SERVICE).kill(signal="STOP")
    acts.await_health(lab, SERVICE, "unhealthy")


def _thaw(lab: Lab) -> None:
    lab.container(SERVICE).kill(signal="CONT")
    acts.await_health(lab, SERVICE, "healthy", acts.CLEARS)


def _restart(lab: Lab) -> None:
    """What nothing but time would end: a signal ends the sleep, and what was saved is loaded again."""
    lab.container(SERVICE).restart(timeout=5)
    acts.await_health(lab, SERVICE, "healthy", acts.CLEARS)


def _sleep(lab: Lab) -> None:
    send(lab, "DEBUG", "SLEEP", LONG)
    await_answer(lab, "silence", "", "PING")


def _pause_all(lab: Lab) -> None:
    cli(lab, "CLIENT", "PAUSE", "3600000", "ALL")
    await_answer(lab, "silence", "", "PING")


def _pause_writes(lab: Lab) -> None:
    cli(lab, "CLIENT", "PAUSE", "3600000", "WRITE")
    hold(lab, "redis_writes_paused", [{"name": "lab-writer", "command": ["SET", "lab:held", "1"]}])
    wait_until(
        "a writer to be held", lambda: None if "flags=b" in cli(lab, "CLIENT", "LIST") else "none is", acts.SHOWS
    )


def _unpause_writes(lab: Lab) -> None:
    release(lab, "redis_writes_paused")
    cli(lab, "CLIENT", "UNPAUSE")


def _script(lab: Lab) -> None:
    cli(lab, "CONFIG", "SET", "busy-reply-threshold", "200")
    send(lab, "EVAL", "while true do end", "0")
    await_answer(lab, "the script to be busy", "BUSY", "PING")


def _end_script(lab: Lab) -> None:
    answer(lab, "SCRIPT", "KILL")
    await_answer(lab, "the script to be gone", "PONG", "PING")
    _restore(lab, "busy-reply-threshold")


def _fill(lab: Lab) -> None:
    """More than fits, and nothing may be evicted."""
    cli(lab, "CONFIG", "SET", "maxmemory", "16mb")
    cli(lab, "CONFIG", "SET", "maxmemory-policy", "noeviction")
    script = "for i = 1, 500 do redis.call('set', 'lab:fill:' .. ARGV[1] .. ':' .. i, string.rep('x', 1000)) end"
    wait_until("memory to be full", lambda: _is_full(lab, script), acts.SHOWS, every=0.0)


def _is_full(lab: Lab, script: str) -> str | None:
    said = answer(lab, "EVAL", script, "0", info(lab, "total_commands_processed"))
    return None if "OOM" in said else f"it says {said[:80]!r}"


def _empty(lab: Lab) -> None:
    cli(lab, "CONFIG", "SET", "maxmemory", SETTINGS["maxmemory"])
    cli(lab, "CONFIG", "SET", "maxmemory-policy", SETTINGS["maxmemory-policy"])
    _unlink(lab, "lab:fill:*")
    cli(lab, "MEMORY", "PURGE")


def _unlink(lab: Lab, pattern: str) -> None:
    command = f"redis-cli --scan --pattern '{pattern}' | xargs -r -n 500 redis-cli UNLINK > /dev/null"
    as_root(lab, command)


def _crowd(name: str, count: int) -> list[dict[str, Any]]:
    return [{"name": name, "count": count}]


def _pile_up(lab: Lab) -> None:
    """Nearly all places taken by clients that do nothing. The first ones are at work, though idle even longer."""
    cli(lab, "CONFIG", "SET", "maxclients", str(CROWD))
    others = int(info(lab, "connected_clients"))
    traps = [{**group, "count": 2} for group in WORKERS]
    leak = _crowd("lab-leak", CROWD - max(4, others) - 3 - 2 * len(traps))
    hold(lab, "redis_crowded", [*traps, *leak])
    wait_until("them to be idle", lambda: _idle(lab, CROWD // 2), acts.SHOWS)


def _idle(lab: Lab, least: int) -> str | None:
    found = [line for line in cli(lab, "CLIENT", "LIST").splitlines() if "name=lab-leak" in line]
    idle = sum(int(line.partition(" idle=")[2].split()[0]) >= 4 for line in found)
    return None if idle >= least else f"{idle} are idle for long enough"


def _disperse(lab: Lab) -> None:
    release(lab, "redis_crowded")
    _restore(lab, "maxclients")


def _shut(lab: Lab) -> None:
    """No place left: whoever comes is turned away, and whoever leaves is followed by another."""
    cli(lab, "CONFIG", "SET", "maxclients", str(CROWD))
    hold(lab, "redis_shut", [{**_crowd("lab-leak", 3 * CROWD)[0], "until_refused": True}])
    await_answer(lab, "the door to be shut", "ERR max number", "PING")


def _open(lab: Lab) -> None:
    release(lab, "redis_shut")
    await_answer(lab, "a place", "PONG", "PING")
    _restore(lab, "maxclients")


def _fail_to_save(lab: Lab) -> None:
    as_root(lab, "cd /data && { [ ! -f dump.rdb ] || mv dump.rdb kept.rdb; } && mkdir -p dump.rdb && touch dump.rdb/x")
    cli(lab, "SET", "lab:change", "1")
    answer(lab, "BGSAVE")
    await_info(lab, "rdb_last_bgsave_status", "err")


def _save_again(lab: Lab) -> None:
    as_root(
        lab, "cd /data && if [ -d dump.rdb ]; then rm -r dump.rdb; fi && { [ ! -f kept.rdb ] || mv kept.rdb dump.rdb; }"
    )
    answer(lab, "BGSAVE")
    await_info(lab, "rdb_last_bgsave_status", "ok")


def _load(lab: Lab) -> None:
    """As after a start with much data: the same process loads what it saved, and each key takes its time."""
    cli(lab, "DEBUG", "POPULATE", LOADED_KEYS, "lab:load", "100")
    cli(lab, "SAVE")
    cli(lab, "CONFIG", "SET", "loading-process-events-interval-bytes", "1024")
    cli(lab, "CONFIG", "SET", "key-load-delay", LOAD_DELAY)
    send(lab, "DEBUG", "RELOAD", "NOSAVE")
    await_answer(lab, "it to load", "LOADING", "PING")


def _loaded(lab: Lab) -> None:
    if answer(lab, "PING").startswith("LOADING"):
        cli(lab, "CONFIG", "SET", "key-load-delay", "0")
        with contextlib.suppress(LabError):
            await_answer(lab, "the load to end", "PONG", "PING")
    _restore(lab, "key-load-delay", "loading-process-events-interval-bytes")
    _unlink(lab, "lab:load:*")


def _orphan(lab: Lab) -> None:
    cli(lab, "CONFIG", "SET", "replica-serve-stale-data", "no", service=REPLICA)
    cli(lab, "REPLICAOF", "127.0.0.1", "1", service=REPLICA)
    await_answer(lab, "the link to be down", "MASTERDOWN", "PING", service=REPLICA)


def _adopt(lab: Lab) -> None:
    cli(lab, "CONFIG", "SET", "replica-serve-stale-data", "yes", service=REPLICA)
    cli(lab, "REPLICAOF", SERVICE, "6379", service=REPLICA)
    await_info(lab, "master_link_status", "up", service=REPLICA)


def _restrict(lab: Lab) -> None:
    cli(lab, "ACL", "SETUSER", "default", "-client|list", "-slowlog|get", "-config|get")


def _allow(lab: Lab) -> None:
    cli(lab, "ACL", "SETUSER", "default", "+@all")


def _store(lab: Lab) -> None:
    """What must never be flushed: nothing expires, a stream, a lock, a queue."""
    cli(lab, "DEBUG", "POPULATE", "500", "lab:store:order", "100")
    cli(lab, "XADD", "lab:store:events", "*", "kind", "paid")
    cli(lab, "SET", "lab:store:lock:7", "worker-1")
    cli(lab, "RPUSH", "bull:lab:store", "job")


def _cache(lab: Lab) -> None:
    """What may go: everything expires. It fills its memory and evicts, as a cache does."""
    cli(lab, "CONFIG", "SET", "maxmemory", "16mb")
    script = "for i = 1, 1000 do redis.call('set', ARGV[1] .. i, string.rep('x', 500), 'EX', 3600) end"
    for part in range(25):
        cli(lab, "EVAL", script, "0", f"lab:cache:{part}:")


def _uncache(lab: Lab) -> None:
    _unlink(lab, "lab:cache:*")
    cli(lab, "MEMORY", "PURGE")
    _restore(lab, "maxmemory")


def _unstore(lab: Lab) -> None:
    _unlink(lab, "lab:store:*")
    _unlink(lab, "bull:lab:store")


def _workers(lab: Lab) -> None:
    """Idle for ever, and at work: consumers that wait, and subscribers."""
    hold(lab, "redis_workers", [{**group, "count": 5} for group in WORKERS])


def _redis(
    name: str, what: str, inject: Callable[[Lab], None], clear: Callable[[Lab], None], *found: str, **more: Any
) -> Fault:
    return Fault(name, what, inject, clear, findings=found, scenario="redis", **more)


OOM = ("redis.writes.refused",)
FAULTS = (
    _redis(
        "redis_stopped",
        "Redis' container is stopped",
        _stop,
        _start,
        "docker.container.not_running",
        "redis.server.refused",
    ),
    _redis(
        "redis_frozen",
        "Redis' process is stopped by a signal while its container is up",
        _freeze,
        _thaw,
        "docker.process.frozen",
        "redis.server.silent",
    ),
    _redis(
        "redis_container_paused",
        "Redis' container is paused",
        functools.partial(acts.pause, service=SERVICE),
        functools.partial(acts.unpause, service=SERVICE),
        "docker.container.paused",
        "redis.server.silent",
    ),
    _redis("redis_held_up", "one command holds Redis' only thread", _sleep, _restart, "redis.server.silent"),
    _redis("redis_clients_paused", "CLIENT PAUSE of all commands", _pause_all, _restart, "redis.server.paused"),
    _redis(
        "redis_writes_paused",
        "CLIENT PAUSE of writes: PING is answered",
        _pause_writes,
        _unpause_writes,
        "redis.server.paused",
    ),
    _redis("redis_busy", "a script that never ends", _script, _end_script, "redis.server.busy"),
    _redis(
        "redis_memory_full",
        "memory is full and nothing may be evicted: PING is answered",
        _fill,
        _empty,
        "redis.memory.full",
        possible=OOM,
    ),
    _redis("redis_crowded", "idle clients take nearly all places", _pile_up, _disperse, "redis.clients.high"),
    _redis("redis_shut", "maxclients is reached", _shut, _open, "redis.clients.full"),
    _redis(
        "redis_save_failing",
        "its data can't be saved, so it refuses writes",
        _fail_to_save,
        _save_again,
        "redis.persistence.failing",
        possible=OOM,
    ),
    _redis("redis_loading", "it loads a large file", _load, _loaded, "redis.server.loading"),
    _redis(
        "redis_replica_orphaned",
        "the replica's primary is not there, and it serves no stale data",
        _orphan,
        _adopt,
        "redis.replication.down",
        possible=("redis.replication.missing",),
        profile="cluster",
    ),
    _redis(
        "redis_restricted",
        "the user of the check lacks rights",
        _restrict,
        _allow,
        "redis.auth.forbidden",
        possible=("redis.auth.failures",),
    ),
    _redis("redis_cache_like", "a cache that is full and evicts", _cache, _uncache, twin=True),
    _redis("redis_store_like", "data that no flush may touch", _store, _unstore, twin=True),
    _redis(
        "redis_workers",
        "consumers that wait and subscribers, idle and at work",
        _workers,
        lambda lab: release(lab, "redis_workers"),
        twin=True,
    ),
)
