"""Faults of the consumer: the service `notification`."""

from __future__ import annotations

from lab import kubernetes
from lab.errors import LabError
from lab.faults import acts, pods_consumers
from lab.faults.model import Fault, Lab

SERVICE = "notification"
POISON = b"\x00this is not JSON\xff"
WRITES = 0.75  # three of the load generator's four requests are orders
SLOWNESS = 0.6  # so much of what arrives is still sent


def _stop(lab: Lab) -> None:
    acts.stop(lab, SERVICE)
    acts.await_group_empty(lab)
    acts.boost(lab, acts.every_partition(lab))
    acts.await_lag(lab)


def _freeze(lab: Lab) -> None:
    lab.container(SERVICE).kill(signal="STOP")
    acts.boost(lab, acts.every_partition(lab))
    acts.await_health(lab, SERVICE, "unhealthy")
    acts.await_group_empty(lab)
    acts.await_lag(lab)


def _thaw(lab: Lab) -> None:
    lab.container(SERVICE).kill(signal="CONT")


def _slow(lab: Lab) -> None:
    """Commits go on in every partition, at a part of the rate at which records arrive there."""
    if lab.config.rate == 0:
        raise LabError("without traffic nobody is slow", "set LAB_RATE and run lab up")
    arrive = lab.config.rate * WRITES / lab.config.partitions
    acts.switch(lab, SERVICE, "sink_delay", round(1000 / (arrive * SLOWNESS)))
    acts.boost(lab, acts.every_partition(lab))
    acts.await_slow(lab)


def _poison(lab: Lab) -> None:
    behind = [(0, acts.order(n)) for n in range(acts.LAG + 1)]
    offset = acts.write(lab, [(0, POISON), *behind])[0]
    acts.await_stuck(lab, 0, offset)
    acts.await_lag(lab)


def _skip_poison(lab: Lab) -> None:
    """Commit past the record, which only works while the group has no member."""
    acts.stop(lab, SERVICE)
    acts.await_group_empty(lab)
    acts.skip_unreadable(lab)
    acts.start(lab, SERVICE)
    if kubernetes.SERVICE in lab.config.profiles:
        pods_consumers.skip_unreadable(lab)


FAULTS = (
    Fault(
        "consumer_stopped",
        "the consumer's container is stopped",
        _stop,
        lambda lab: acts.start(lab, SERVICE),
        ("docker.container.not_running", "kafka.lag.stopped"),
    ),
    Fault(
        "consumer_frozen",
        "the consumer's process is stopped by a signal while its container is up",
        _freeze,
        _thaw,
        ("docker.process.frozen", "kafka.lag.stopped"),
    ),
    Fault(
        "consumer_slow",
        "the consumer takes long for each record: it commits in every partition, and the lag grows",
        _slow,
        lambda lab: acts.reset(lab, SERVICE),
        ("kafka.lag.slow",),
    ),
    Fault(
        "poison_message",
        "a record that is not JSON stands in one partition, and the consumer tries it for ever",
        _poison,
        _skip_poison,
        ("kafka.lag.stalled", "kafka.record.poison"),
    ),
)
