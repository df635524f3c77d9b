# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The check kafka_health_info: options -> snapshot -> findings."""

from __future__ import annotations

import typing as t

from ..clients.deadline import Deadline
from ..clients.kafka import Wanted, collect
from ..clients.kafka_options import KafkaOptions
from ..core.kafka_judge import judge
from ..core.kafka_lag import LagRules
from ..core.kafka_members import some
from ..core.kafka_settings import THRESHOLDS, Settings
from ..core.kafka_snapshot import OK, KafkaSnapshot, Sample
from ..core.kafka_summary import summary
from ..core.quantities import count
from ..module.argspec import COMMON_CHECK, ArgumentSpec
from ..module.check import Check, Misuse, Observation
from ..module.option_values import samples_within_deadline, seconds_above_0
from ..module.thresholds_option import merged_thresholds

MOST_SAMPLES = 4000
"""Samples handed to the store: less than half of what a task's result may weigh."""

KAFKA_CONNECTION = ArgumentSpec(
    options={
        "bootstrap_servers": {"type": "list", "elements": "str", "required": True},
        "client_id": {"type": "str", "default": "incident.response"},
        "security_protocol": {
            "type": "str",
            "default": "PLAINTEXT",
            "choices": ["PLAINTEXT", "SSL", "SASL_PLAINTEXT", "SASL_SSL"],
        },
        "validate_certs": {"type": "bool", "default": True},
        "ssl_check_hostname": {"type": "bool", "default": True},
        "ssl_cafile": {"type": "path"},
        "ssl_certfile": {"type": "path"},
        "ssl_keyfile": {"type": "path"},
        "ssl_password": {"type": "str", "no_log": True},
        "ssl_crlfile": {"type": "path"},
        "sasl_mechanism": {
            "type": "str",
            "choices": ["PLAIN", "SCRAM-SHA-256", "SCRAM-SHA-512", "GSSAPI"],
        },
        "sasl_plain_username": {"type": "str"},
        "sasl_plain_password": {"type": "str", "no_log": True},
        "sasl_kerberos_service_name": {"type": "str", "default": "kafka"},
        "sasl_kerberos_domain_name": {"type": "str"},
    },
    required_if=(
        ("security_protocol", "SASL_PLAINTEXT", ("sasl_mechanism",)),
        ("security_protocol", "SASL_SSL", ("sasl_mechanism",)),
        ("sasl_mechanism", "PLAIN", ("sasl_plain_username", "sasl_plain_password")),
        ("sasl_mechanism", "SCRAM-SHA-256", ("sasl_plain_username", "sasl_plain_password")),
        ("sasl_mechanism", "SCRAM-SHA-512", ("sasl_plain_username", "sasl_plain_password")),
    ),
    required_together=(("ssl_certfile", "ssl_keyfile"),),
)
"""How to reach a Kafka cluster; the same in every module that does."""

NAMES: dict[str, t.Any] = {"type": "list", "elements": "str"}

SPEC = COMMON_CHECK.merge(KAFKA_CONNECTION).merge(
    ArgumentSpec(
        options={
            "component": {"type": "str", "default": "kafka"},
            "expected_brokers": {"type": "list", "elements": "int"},
            "expected_topics": dict(NAMES),
            "expected_replication": {"type": "int"},
            "busy_topics": dict(NAMES),
            "groups": dict(NAMES),
            "exclude_groups": {**NAMES, "default": []},
            "topics": dict(NAMES),
            "exclude_topics": {**NAMES, "default": []},
            "expected_empty": {**NAMES, "default": []},
            "allowed_lag": {"type": "int", "default": 10},
            "samples": {"type": "int", "default": 3},
            "interval": {"type": "float", "default": 5.0},
            "commit_interval": {"type": "float", "default": 5.0},
            "thresholds": {"type": "dict", "default": {}},
        }
    )
)


def run(params: dict[str, t.Any]) -> Observation:
    """Look at one Kafka cluster. Raises Misuse for options that make no sense."""
    _validate(params)
    options = KafkaOptions.from_params(params)
    settings = _settings(params)
    snapshot = collect(options, _wanted(params), Deadline(params["deadline"]))
    history = _history(_of_the_same_topics(params.get("history") or (), snapshot))
    findings = judge(snapshot, settings, history)
    samples = _samples(snapshot)
    return Observation(
        reachable=snapshot.reachable,
        findings=findings,
        snapshot=summary(snapshot, settings, history),
        thresholds={"allowed_lag": settings.rules.allowed, **settings.thresholds},
        measured=_measured(snapshot, options),
        samples=samples,
    )


def _validate(params: t.Mapping[str, t.Any]) -> None:
    if not params["bootstrap_servers"] or not all(str(item).strip() for item in params["bootstrap_servers"]):
        raise Misuse("bootstrap_servers: name at least one broker as host:port")
    for name in ("groups", "topics", "expected_brokers", "expected_topics", "busy_topics"):
        if params.get(name) is not None and not params[name]:
            raise Misuse(f"{name}: an empty list is not all; leave it out to look at all, or name some")
    for name, lowest in (("samples", 1), ("allowed_lag", 0), ("expected_replication", 1)):
        if params.get(name) is not None and params[name] < lowest:
            raise Misuse(f"{name}: {params[name]} is below {lowest}")
    seconds_above_0(params, "deadline", "interval", "commit_interval")
    samples_within_deadline(params)


def _settings(params: t.Mapping[str, t.Any]) -> Settings:
    return Settings(
        component=params["component"],
        bootstrap=params["bootstrap_servers"][0],
        thresholds=merged_thresholds(THRESHOLDS, params),
        rules=LagRules(params["allowed_lag"], params["commit_interval"]),
        expected_brokers=_names(params, "expected_brokers"),
        expected_topics=_names(params, "expected_topics"),
        expected_replication=params.get("expected_replication"),
        busy_topics=_names(params, "busy_topics"),
        expected_empty=_names(params, "expected_empty"),
        command_config=params["security_protocol"] != "PLAINTEXT",
    )


def _names(params: t.Mapping[str, t.Any], name: str) -> tuple[t.Any, ...]:
    return tuple(params.get(name) or ())


def _wanted(params: t.Mapping[str, t.Any]) -> Wanted:
    return Wanted(
        groups=_names(params, "groups"),
        exclude_groups=_names(params, "exclude_groups"),
        topics=_names(params, "topics"),
        exclude_topics=_names(params, "exclude_topics"),
        busy_topics=_names(params, "busy_topics"),
        rounds=params["samples"],
        interval=params["interval"],
        allowed_lag=params["allowed_lag"],
    )


def _of_the_same_topics(
    entries: t.Iterable[t.Mapping[str, t.Any]], snapshot: KafkaSnapshot
) -> list[t.Mapping[str, t.Any]]:
    """Without the samples of a topic that was deleted since: its successor of the same name counts from 0 again."""
    ids = {name: topic.id for name, topic in snapshot.topics.items() if topic.id}
    return [
        entry
        for entry in entries
        if not entry.get("topic_id") or ids.get(str(entry.get("topic"))) in (None, entry["topic_id"])
    ]


def _history(entries: t.Iterable[t.Mapping[str, t.Any]]) -> list[Sample]:
    """Samples of earlier looks; entries of another kind are not ours and are passed over."""
    history = []
    for entry in entries:
        try:
            committed, end = entry.get("committed"), entry.get("end")
            history.append(
                Sample(
                    at=float(entry["at"]),
                    group=str(entry["group"]),
                    topic=str(entry["topic"]),
                    partition=int(entry["partition"]),
                    committed=None if committed is None else int(committed),
                    end=None if end is None else int(end),
                )
            )
        except (KeyError, TypeError, ValueError):
            continue
    return history


def _samples(snapshot: KafkaSnapshot) -> list[dict[str, t.Any]]:
    """The fresh samples; where there are too many, the newest of each partition, those with lag first."""
    fresh = snapshot.samples
    if len(fresh) > MOST_SAMPLES:
        newest = {(item.group, item.topic, item.partition): item for item in fresh}
        fresh = sorted(newest.values(), key=lambda item: item.committed == item.end)[:MOST_SAMPLES]
        left = len(snapshot.samples) - len(fresh)
        snapshot.left_out.append(f"{left} of {len(snapshot.samples)} samples, which the store does not get")
    ids = {name: topic.id for name, topic in snapshot.topics.items()}
    return [{**item.to_dict(), "at": round(item.at, 3), "topic_id": ids.get(item.topic, "")} for item in fresh]


def _measured(snapshot: KafkaSnapshot, options: KafkaOptions) -> list[str]:
    """What was looked at, in words."""
    good = sum(probe.kind == OK for probe in snapshot.probes)
    said = [f"{good} of {count(len(snapshot.probes), 'bootstrap server')} answered"]
    if not options.validate_certs and options.tls:
        said.append("certificates were not verified (validate_certs: false)")
    if snapshot.brokers:
        listeners = count(len(snapshot.listeners), "advertised listener")
        said.append(f"{count(len(snapshot.alive), 'broker')}, {listeners}")
    if snapshot.quorum and snapshot.quorum.voters:
        said.append(f"quorum of {count(len(snapshot.quorum.voters), 'controller')}")
    if snapshot.topics_read:
        partitions = sum(len(topic.partitions) for topic in snapshot.topics.values())
        said.append(f"{count(partitions, 'partition')} of {count(len(snapshot.topics), 'topic')}")
    if snapshot.log_dirs:
        paths = [f"{item.path} on broker {item.broker}" for item in snapshot.log_dirs]
        said.append(f"disk of {some(paths)}")
    said += _measured_groups(snapshot)
    said += [f"left out: {text}" for text in snapshot.left_out]
    return said


def _measured_groups(snapshot: KafkaSnapshot) -> list[str]:
    if not snapshot.topics_read and not snapshot.groups:
        return []
    times = sorted({item.at for item in snapshot.samples})
    if not times:
        return [count(len(snapshot.groups), "group")]
    span = f" over {times[-1] - times[0]:.0f} s" if len(times) > 1 else ""
    said = [f"{count(len(snapshot.groups), 'group')} with {count(len(times), 'sample')}{span}"]
    if snapshot.peeks:
        said.append(f"checksum of {count(len(snapshot.peeks), 'record')} at offsets that wait")
    return said


CHECK = Check(name="kafka_health_info", spec=SPEC, requirements=(("kafka", "kafka-python", "3.0.12"),), run=run)
