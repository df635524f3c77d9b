# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Brokers, quorum, topics, log directories and open transactions of a Kafka cluster -> snapshot."""

from __future__ import annotations

import dataclasses
import fnmatch
import functools
import typing as t

from ..core.kafka_snapshot import (
    Broker,
    KafkaSnapshot,
    LogDir,
    Partition,
    Quorum,
    Topic,
    Transaction,
    Unmeasured,
    Voter,
)
from .errors import CollectError
from .kafka_admin import Admin, AskError

MOST_TOPICS_WITH_CONFIG = 2000
MOST_TRANSACTIONS = 200
TRANSACTION_AGE_MS = 5000
QUORUM_SECONDS = 5.0


def chosen(name: str, include: t.Sequence[str], exclude: t.Sequence[str]) -> bool:
    """Whether a name is asked for: exact names and globs, and what is excluded wins."""

    def matches(patterns: t.Sequence[str]) -> bool:
        return any(name == pattern or fnmatch.fnmatchcase(name, pattern) for pattern in patterns)

    return (not include or matches(include)) and not matches(exclude)


def missed(
    snapshot: KafkaSnapshot, what: str, error: CollectError, severity: str = "P3", node: int | None = None
) -> None:
    snapshot.unmeasured.append(Unmeasured(what, error.message, severity, node))


def read_brokers(admin: Admin, snapshot: KafkaSnapshot) -> None:
    """Registered brokers, fenced ones included. What the bootstrap answer said stays where this question fails."""
    snapshot.brokers = [Broker(node, host, port) for node, host, port in sorted(admin.known_brokers())]
    try:
        answer = admin.ask("the brokers", admin.client.describe_cluster)
    except CollectError as error:
        missed(snapshot, "fenced brokers", error)
        return
    snapshot.cluster_id = str(answer.get("cluster_id") or "")
    snapshot.brokers = [
        Broker(item["broker_id"], item["host"], item["port"], item.get("rack"), bool(item.get("is_fenced")))
        for item in sorted(answer["brokers"], key=lambda item: item["broker_id"])
    ] or snapshot.brokers


def read_quorum(admin: Admin, snapshot: KafkaSnapshot) -> None:
    """The metadata quorum. The controller_id of other answers is no witness: under KRaft it is any broker.

    The broker passes the question on to the active controller. Without one it waits, and so does all that comes after
    on that connection: this is asked last, and the silence of a broker that answers everything else is an answer.
    """
    try:
        answer = admin.ask("the metadata quorum", admin.client.describe_metadata_quorum, QUORUM_SECONDS)
        part = answer["topics"][0]["partitions"][0]
        if part.get("error"):
            raise AskError("failed", f"the metadata quorum: {part['error']}")
    except (LookupError, TypeError, ValueError) as error:
        missed(snapshot, "metadata quorum", AskError("failed", f"unexpected answer: {error}"))
        return
    except CollectError as error:
        _no_quorum_answer(snapshot, error)
        return
    snapshot.quorum = Quorum(
        part["leader_id"], part["leader_epoch"], _voters(part["current_voters"]), _voters(part.get("observers"))
    )


def _no_quorum_answer(snapshot: KafkaSnapshot, error: CollectError) -> None:
    if error.kind == "timeout" and snapshot.topics_read:
        snapshot.quorum = Quorum(-1)
        snapshot.quorum_error = (
            f"the broker answers other questions, but for {QUORUM_SECONDS:g} s it found no active controller to ask"
        )
    elif error.kind == "unsupported":
        snapshot.left_out.append("metadata quorum (this cluster does not run with KRaft)")
    else:
        missed(snapshot, "metadata quorum", error)


def _voters(items: t.Iterable[t.Mapping[str, t.Any]] | None) -> tuple[Voter, ...]:
    return tuple(
        Voter(item["replica_id"], item["log_end_offset"], item.get("last_caught_up_timestamp") or -1)
        for item in items or ()
    )


def read_topics(admin: Admin, snapshot: KafkaSnapshot, include: t.Sequence[str], exclude: t.Sequence[str]) -> None:
    try:
        answer = admin.ask("the topics", admin.client.describe_topics)
    except CollectError as error:
        missed(snapshot, "topics and partitions", error, "P2")
        return
    snapshot.topics_read = True
    for item in answer:
        name = item["name"]
        if item["error_code"] and not item["partitions"]:
            missed(snapshot, f"topic {name}", AskError("failed", f"the broker answers with error {item['error_code']}"))
        elif name is not None and chosen(name, include, exclude):
            snapshot.topics[name] = _topic(item)
    _read_min_isr(admin, snapshot)


def _topic(item: t.Mapping[str, t.Any]) -> Topic:
    name = item["name"]
    parts = sorted(item["partitions"], key=lambda part: part["partition_index"])
    partitions = tuple(
        Partition(
            topic=name,
            index=part["partition_index"],
            leader=part["leader_id"],
            replicas=tuple(part["replica_nodes"]),
            isr=tuple(part["isr_nodes"]),
        )
        for part in parts
    )
    return Topic(name, str(item.get("topic_id") or ""), bool(item.get("is_internal")), partitions)


def _read_min_isr(admin: Admin, snapshot: KafkaSnapshot) -> None:
    """min.insync.replicas of the topics; those with a replica out of sync first, where there are too many."""
    from kafka.admin import ConfigResource, ConfigResourceType

    def sound(name: str) -> bool:
        return all(len(part.isr) >= len(part.replicas) for part in snapshot.topics[name].partitions)

    names = sorted(snapshot.topics, key=lambda name: (sound(name), name))
    if len(names) > MOST_TOPICS_WITH_CONFIG:
        left = len(names) - MOST_TOPICS_WITH_CONFIG
        snapshot.left_out.append(f"min.insync.replicas of {left} topics whose replicas are all in sync")
        names = names[:MOST_TOPICS_WITH_CONFIG]

    def ask(part: list[str]) -> dict[str, int | None]:
        wanted = [ConfigResource(ConfigResourceType.TOPIC, name, configs=["min.insync.replicas"]) for name in part]
        found = admin.client.describe_configs(wanted, config_filter="all").get("topic", {})
        return {name: _int(found.get(name, {}).get("min.insync.replicas", {}).get("value")) for name in part}

    answers, failures = admin.bisect("min.insync.replicas", names, ask, 500)
    for name, value in answers.items():
        snapshot.topics[name] = dataclasses.replace(snapshot.topics[name], min_isr=value)
    gone = [error for error in failures.values() if error.kind != "gone"]
    if gone:
        missed(snapshot, f"min.insync.replicas of {len(gone)} topics", gone[0], "P4")


def _int(value: t.Any) -> int | None:
    try:
        return int(value)
    except (TypeError, ValueError):
        return None


def read_log_dirs(admin: Admin, snapshot: KafkaSnapshot) -> None:
    """Directories only: naming no topic keeps the answer small with 10,000 partitions."""
    for node in sorted(snapshot.alive - admin.unreachable):
        try:
            answer = admin.ask(
                f"log directories of broker {node}",
                functools.partial(admin.client.describe_log_dirs, topic_partitions={}, brokers=[node]),
            )
        except CollectError as error:
            missed(snapshot, f"log directories of broker {node}", error)
            continue
        for item in answer[0]["log_dirs"]:
            snapshot.log_dirs.append(_log_dir(node, item))
        if not answer[0]["log_dirs"]:
            missed(snapshot, f"log directories of broker {node}", AskError("permission", "the broker shows none to us"))


def _log_dir(node: int, item: t.Mapping[str, t.Any]) -> LogDir:
    import kafka.errors

    code = item["error_code"]
    error = kafka.errors.for_code(code).__name__ if code else ""
    return LogDir(node, item["log_dir"], error, item.get("total_bytes", -1), item.get("usable_bytes", -1))


def read_retention(admin: Admin, snapshot: KafkaSnapshot) -> None:
    """How long the offsets of an empty group are kept; only asked where there is one."""
    from kafka.admin import ConfigResource, ConfigResourceType

    node = min(snapshot.alive - admin.unreachable, default=None)
    if node is None:
        return
    wanted = [ConfigResource(ConfigResourceType.BROKER, str(node), configs=["offsets.retention.minutes"])]
    try:
        answer = admin.ask(
            "offsets.retention.minutes", lambda: admin.client.describe_configs(wanted, config_filter="all")
        )
        found = answer["broker"][str(node)]["offsets.retention.minutes"]["value"]
    except (LookupError, TypeError, CollectError):
        snapshot.left_out.append("when the offsets of empty groups expire (the broker does not tell)")
        return
    snapshot.retention_minutes = _int(found)


def read_transactions(admin: Admin, snapshot: KafkaSnapshot) -> None:
    """Transactions that are open for more than a moment."""
    names: set[str] = set()
    for node in sorted(snapshot.alive - admin.unreachable):
        try:
            names.update(_transactions_of(admin, node))
        except AskError as error:
            if error.kind == "unsupported":
                snapshot.left_out.append("open transactions (the broker is too old to list them)")
                return
            missed(snapshot, f"open transactions of broker {node}", error, "P4")
        except CollectError as error:
            missed(snapshot, f"open transactions of broker {node}", error, "P4")
    if len(names) > MOST_TRANSACTIONS:
        snapshot.left_out.append(f"{len(names) - MOST_TRANSACTIONS} of {len(names)} open transactions")
    wanted = sorted(names)[:MOST_TRANSACTIONS]
    answers, _failures = admin.bisect("open transactions", wanted, admin.client.describe_transactions, 100)
    for name, item in answers.items():
        partitions = tuple(sorted((tp.topic, tp.partition) for tp in item.topic_partitions))
        snapshot.transactions.append(
            Transaction(
                name,
                item.producer_id,
                getattr(item.state, "value", str(item.state)),
                item.transaction_start_time_ms,
                item.transaction_timeout_ms,
                partitions,
            )
        )


def _transactions_of(admin: Admin, node: int) -> list[str]:
    what = f"open transactions of broker {node}"
    states = ["Ongoing", "PrepareCommit", "PrepareAbort"]
    try:
        answer = admin.ask(
            what,
            lambda: admin.client.list_transactions(
                broker_ids=[node], state_filters=states, duration_filter_ms=TRANSACTION_AGE_MS
            ),
        )
    except AskError as error:
        if error.kind != "unsupported":
            raise
        answer = admin.ask(what, lambda: admin.client.list_transactions(broker_ids=[node], state_filters=states))
    return [item.transactional_id for items in answer.values() for item in items]
