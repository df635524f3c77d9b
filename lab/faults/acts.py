"""What faults are made of: acting on one part of the lab, and awaiting what then shows."""

from __future__ import annotations

import json
from collections.abc import Callable, Sequence
from contextlib import suppress

from docker.errors import NotFound
from kafka import KafkaConsumer
from kafka.structs import TopicPartition

from lab import http, kafka_admin, stack
from lab.errors import LabError
from lab.faults.model import Lab
from lab.waiting import wait_until

SHOWS = 60.0
CLEARS = 90.0
LAG = 30
BOOST = 20


def stop(lab: Lab, *services: str) -> None:
    """docker stop, which `restart: unless-stopped` respects."""
    for service in services:
        lab.container(service).stop()
    for service in services:
        _await_stopped(lab, service)


def start(lab: Lab, *services: str) -> None:
    """docker start, and wait until the health check agrees."""
    for service in services:
        lab.container(service).start()
    for service in services:
        await_health(lab, service, "healthy", CLEARS)


def pause(lab: Lab, service: str) -> None:
    lab.container(service).pause()


def unpause(lab: Lab, service: str) -> None:
    with suppress(Exception):
        lab.container(service).unpause()
    await_health(lab, service, "healthy", CLEARS)


def await_health(lab: Lab, service: str, wanted: str, timeout: float = SHOWS) -> None:
    def reason() -> str | None:
        value = stack.health(lab.container(service))
        return None if value == wanted else f"it is {value}"

    _await(f"{service} to be {wanted}", reason, timeout)


def switch(lab: Lab, service: str, name: str, value: int) -> None:
    code = http.status(lab.config.url(f"{service}-admin", f"/switch/{name}?value={value}"), "POST")
    if code != 200:
        raise LabError(f"{service} answered {code} to its switch {name}", f"lab logs {service}")


def await_restarts(lab: Lab, service: str, wanted: int) -> None:
    """Until its restart policy has brought it back so often."""

    def reason() -> str | None:
        count = int(lab.container(service).attrs["RestartCount"])
        return None if count >= wanted else f"it was {count} times"

    wait_until(f"{service} to be restarted {wanted} times", reason, SHOWS, 0.25, hint=f"lab logs {service}")


def reset(lab: Lab, service: str) -> None:
    code = http.status(lab.config.url(f"{service}-admin", "/reset"), "POST")
    if code != 200:
        raise LabError(f"{service} answered {code} to its reset", f"lab logs {service}")


def write(lab: Lab, records: Sequence[tuple[int, bytes]], topic: str = "") -> list[int]:
    return kafka_admin.produce(lab.config.brokers, topic or lab.config.topic, records)


def order(number: int) -> bytes:
    """A record such as the service `orders` writes."""
    return json.dumps({"id": number, "item": "lab", "quantity": 1}).encode()


def boost(lab: Lab, partitions: Sequence[int], each: int = BOOST) -> None:
    """Good records on top of the usual traffic, so that a lag need not be waited for."""
    write(lab, [(partition, order(n)) for n in range(each) for partition in partitions])


def every_partition(lab: Lab) -> range:
    return range(lab.config.partitions)


def await_group_empty(lab: Lab, group: str = "") -> None:
    group = group or lab.config.group

    def reason() -> str | None:
        with kafka_admin.admin(lab.config.brokers) as kafka:
            state = kafka.group(group)["group_state"]
        return None if state in ("Empty", "Dead") else f"it is {state}"

    _await(f"group {group} to be empty", reason, SHOWS)


def await_lag(lab: Lab, above: int = LAG, group: str = "") -> None:
    def reason() -> str | None:
        with kafka_admin.admin(lab.config.brokers) as kafka:
            lag = sum(kafka.lags(group or lab.config.group, lab.config.topic).values())
        return None if lag > above else f"it is {lag}"

    _await(f"a lag above {above}", reason, SHOWS, every=0.5)


def await_caught_up(lab: Lab, group: str = "") -> None:
    def reason() -> str | None:
        with kafka_admin.admin(lab.config.brokers) as kafka:
            lag = sum(kafka.lags(group or lab.config.group, lab.config.topic).values())
        return None if lag <= lab.config.small_lag else f"it is {lag}"

    _await(f"a lag of at most {lab.config.small_lag}", reason, CLEARS)


def await_slow(lab: Lab, group: str = "", above: int = LAG) -> None:
    """Every partition commits, and the lag grows all the same, beyond what arrives between two commits."""
    group = group or lab.config.group
    with kafka_admin.admin(lab.config.brokers) as kafka:
        committed = kafka.committed(group, lab.config.topic)
        lag = sum(kafka.lags(group, lab.config.topic).values())

        def reason() -> str | None:
            now = kafka.committed(group, lab.config.topic)
            behind = [str(part.partition) for part, at in committed.items() if now[part] <= at]
            if behind:
                return f"partition {', '.join(behind)} has committed nothing"
            lag_now = sum(kafka.lags(group, lab.config.topic).values())
            return None if lag_now > max(lag, above) else f"the lag was {lag} and is {lag_now}"

        _await("commits in every partition and a growing lag", reason, SHOWS)


def await_stuck(lab: Lab, partition: int, offset: int) -> None:
    """The group has committed everything before the offset and goes no further."""
    where = TopicPartition(lab.config.topic, partition)

    def reason() -> str | None:
        with kafka_admin.admin(lab.config.brokers) as kafka:
            at = kafka.committed(lab.config.group, lab.config.topic).get(where, 0)
        return None if at == offset else f"it is at {at}"

    _await(f"partition {partition} to stand at {offset}", reason, SHOWS)


def skip_unreadable(lab: Lab, group: str = "") -> None:
    """Commit one further wherever the next record to be read is not JSON; the group has no members."""
    group = group or lab.config.group
    with kafka_admin.admin(lab.config.brokers) as kafka:
        committed = kafka.committed(group, lab.config.topic)
        ends = kafka.ends(lab.config.topic)
        waiting = {partition: at for partition, at in committed.items() if at < ends[partition]}
        skip = {partition: at + 1 for partition, at in waiting.items() if not _is_json(_read(lab, partition, at))}
        if skip:
            kafka.commit(group, skip)


def _read(lab: Lab, partition: TopicPartition, offset: int) -> bytes:
    consumer = KafkaConsumer(
        bootstrap_servers=lab.config.brokers, client_id="lab", group_id=None, enable_auto_commit=False
    )
    try:
        consumer.assign([partition])
        consumer.seek(partition, offset)
        records = consumer.poll(timeout_ms=10_000, max_records=1).get(partition)
    finally:
        consumer.close()
    if not records:
        raise LabError(
            f"no record can be read at {partition.topic}/{partition.partition} offset {offset}", "lab logs kafka"
        )
    return records[0].value


def _is_json(value: bytes) -> bool:
    try:
        json.loads(value)
    except ValueError:
        return False
    return True


def _await_stopped(lab: Lab, service: str) -> None:
    def reason() -> str | None:
        status = lab.container(service).status
        return None if status == "exited" else f"it is {status}"

    _await(f"{service} to stop", reason, SHOWS)


def remove(lab: Lab, service: str) -> None:
    """Remove a service's container, if there is one."""
    found = stack.containers(lab.client, lab.config).get(service)
    if found is None:
        return
    with suppress(NotFound):
        found.remove(force=True)


def _await(what: str, reason: Callable[[], str | None], timeout: float, every: float = 0.25) -> None:
    wait_until(what, reason, timeout, every, hint="lab status, then lab clear")
