"""Faults that only a cluster can have: the services `kafka-1` to `kafka-3`."""

from __future__ import annotations

from lab import kafka_admin
from lab.config import CLUSTER
from lab.faults import acts
from lab.faults.model import Fault, Lab
from lab.waiting import wait_until

# One replica, on the broker that goes; three replicas; three that all have to be in sync.
LONE, SAFE, STRICT = "cluster-rf1", "cluster-rf3", "cluster-min3"
GOES = 3


def _topics(lab: Lab) -> None:
    with kafka_admin.admin(lab.config.cluster_brokers) as kafka:
        kafka.create(LONE, -1, -1, assignments={0: [GOES]})
        kafka.create(SAFE, 3, 3)
        kafka.create(STRICT, 3, 3, configs={"min.insync.replicas": "3"})


def _lose_one(lab: Lab) -> None:
    _topics(lab)
    acts.stop(lab, f"kafka-{GOES}")
    wait_until("the cluster to notice", lambda: _not_noticed(lab), acts.SHOWS)


def _not_noticed(lab: Lab) -> str | None:
    with kafka_admin.admin(lab.config.cluster_brokers[: GOES - 1]) as kafka:
        lone = kafka.partitions(LONE)
        if not lone or lone[0]["leader_id"] != -1:
            return f"{LONE} still has a leader"
        parts = [part for topic in (SAFE, STRICT) for part in kafka.partitions(topic)]
    full = [part for part in parts if len(part["isr_nodes"]) != len(CLUSTER) - 1]
    return f"{len(full)} partitions are still held to be replicated" if full or not parts else None


def _lose_quorum(lab: Lab) -> None:
    _topics(lab)
    acts.stop(lab, "kafka-2", "kafka-3")
    wait_until("the quorum to be lost", lambda: _has_leader(lab), acts.SHOWS)


def _has_leader(lab: Lab) -> str | None:
    """With two of three voters away the last one leads nothing, after its election times out."""
    log = lab.container("kafka-1").logs(tail=200).decode(errors="replace")
    return None if "CandidateState" in log or "ProspectiveState" in log else "kafka-1 does not look for a leader yet"


def _return(lab: Lab) -> None:
    acts.start(lab, *CLUSTER)
    with kafka_admin.admin(lab.config.cluster_brokers) as kafka:
        wait_until("the quorum to lead", lambda: _no_leader(kafka), acts.CLEARS)
        kafka.delete([LONE, SAFE, STRICT])


def _no_leader(kafka: kafka_admin.Kafka) -> str | None:
    quorum = kafka.client.describe_metadata_quorum()
    leader = quorum["topics"][0]["partitions"][0]["leader_id"]
    return None if leader in (1, 2, 3) else f"the leader is {leader}"


FAULTS = (
    Fault(
        "cluster_broker_gone",
        "one of three brokers is stopped",
        _lose_one,
        _return,
        (
            "docker.container.not_running",
            "kafka.broker.missing",
            "kafka.broker.unreachable",
            "kafka.partition.offline",
            "kafka.partition.under_replicated",
            "kafka.partition.under_min_isr",
        ),
        profile="cluster",
    ),
    Fault(
        "cluster_no_quorum",
        "two of three brokers are stopped: the last one has no quorum",
        _lose_quorum,
        _return,
        ("docker.container.not_running", "kafka.broker.unreachable", "kafka.quorum.no_leader"),
        profile="cluster",
    ),
)
