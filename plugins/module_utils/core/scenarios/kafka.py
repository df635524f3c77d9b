# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Scenario 5 of the runbook, Kafka: notification delays, message backlog. Checks, graph, correlation and proof.

The tree is: broker first, then the consumer of the group that lags, then its messages; nothing downstream of a failing
broker is touched. The plan is in kafka_plan.py.
"""

from __future__ import annotations

import re
import typing as t

from ..decide import Graph
from ..findings import CRITICAL, Finding, Remedy
from ..kafka_lag import OK
from ..plan import Plan
from ..runtimes import look
from ..scope import CheckCall, Observed, Runtime, Scope, ScopeError
from . import kafka_plan
from .base import Case, Proof, findings_of
from .containers import component_of
from .kafka_scope import broker_runtimes, catches_up_in, consumers, dependencies, group_row, scaling
from .running import logs
from .service_scope import own_looks

RECORD = re.compile(r"topic=(?P<topic>\S+) partition=(?P<partition>\d+) offset=(?P<offset>\d+)")
OTHER_RECORD = re.compile(
    r"\b(?P<topic>[A-Za-z0-9._-]{1,249})[-/\[](?P<partition>\d+)\]?\s*(?:@|offset[ =:]+)\s*(?P<offset>\d+)"
)
"""How programs name a record in their logs: topic=a partition=1 offset=5, a-1@5, a/1 offset 5, a[1] offset: 5."""

WANTED_LOG_LINES = 200


class KafkaScenario:
    """See base.Scenario."""

    name = "kafka"
    title = "Kafka: notification delays, message backlog"
    group = "kafka"
    metric = "lag (records)"
    target_vars: tuple[str, ...] = (
        "kafka_consumers",
        "kafka_brokers",
        "kafka_scale_most",
        "kafka_scale_drain",
        "kafka_pool_sizes",
    )
    transient: frozenset[str] = frozenset()
    deep = True

    def services(self, target: str, settings: t.Mapping[str, t.Any]) -> set[str]:
        scaling(target, settings)
        return set(consumers(target, settings).values())

    def checks(self, scope: Scope) -> list[CheckCall]:
        own = {"component": scope.target}
        calls = [CheckCall(f"cluster {scope.target}", "incident.response.kafka_health_info", scope.target, own)]
        calls += own_looks(scope, self._needed(scope))
        # Of its own accord only pods in trouble are read, and a consumer that fails on a record is well for Kubernetes.
        more: dict[str, t.Any] = {"well_logs": True}
        if scope.acted_ago is None:
            more["scale_to"] = scaling(scope.target, scope.settings).most
        return calls + look(self._runtimes(scope), {"log_lines": WANTED_LOG_LINES}, {"kubernetes": more})

    def _needed(self, scope: Scope) -> set[str]:
        """What the consumers depend on besides the cluster: a consumer that waits for it is not to blame."""
        names = self.services(scope.target, scope.settings)
        return {other for name in names for other in dependencies(scope, name)}

    def _runtimes(self, scope: Scope) -> dict[str, Runtime]:
        wanted = {component_of(runtime): runtime for runtime in broker_runtimes(scope.target, scope.settings).values()}
        for name in self.services(scope.target, scope.settings):
            runtime = scope.services[name].runtime
            if runtime is None:
                raise ScopeError(
                    f"{name}: it consumes for {scope.target}, but its variable runtime does not say what runs it"
                )
            wanted[f"container:{name}"] = runtime
        return wanted

    def graph(self, scope: Scope) -> Graph:
        brokers = [component_of(runtime) for runtime in broker_runtimes(scope.target, scope.settings).values()]
        edges: dict[str, list[str]] = {}
        for group, name in consumers(scope.target, scope.settings).items():
            edges[f"group:{group}"] = [f"container:{name}", scope.target]
        names = self.services(scope.target, scope.settings)
        for name, service in scope.services.items():
            edges[name] = list(service.depends_on)
            if name in names:
                edges[f"container:{name}"] = sorted({*service.depends_on, scope.target})
                edges[name].insert(0, f"container:{name}")
        # The target is among the services too: what runs it are its brokers.
        target = scope.services.get(scope.target)
        edges[scope.target] = [*brokers, *(target.depends_on if target else ())]
        return edges

    def correlate(self, scope: Scope, observed: t.Sequence[Observed]) -> list[Finding]:
        """A record that its consumer fails on again and again: one partition stands still, its log names that
        offset."""
        owners = consumers(scope.target, scope.settings)
        found: list[Finding] = []
        for finding in findings_of(observed):
            group = str(finding.details.get("group") or "")
            if finding.id == "kafka.lag.stalled" and group in owners:
                runtime = scope.services[owners[group]].runtime
                lines = logs(observed, runtime) if runtime else []
                found.extend(_poison(finding, group, lines))
        return found

    def refine(self, scope: Scope, findings: list[Finding]) -> list[Finding]:
        return findings

    def plan(self, case: Case) -> Plan:
        return kafka_plan.plan(case)

    def prove(self, scope: Scope, observed: t.Sequence[Observed], blamed: t.Collection[str]) -> Proof:
        """Good: nothing is found, every group of ours is within its allowed lag, and offsets move (or nothing
        arrives). Of a consumer that was only too slow it is enough that its lag falls fast."""
        cluster = next((item for item in observed if item.module.endswith("kafka_health_info")), None)
        if cluster is None or not cluster.result.get("reachable"):
            return Proof(False, "the cluster does not answer", None)
        failing = [f for f in findings_of(observed) if f.severity != "P4"]
        ours = consumers(scope.target, scope.settings)
        samples = [s for s in cluster.result.get("samples") or () if not ours or s.get("group") in ours]
        allowed = float((cluster.result.get("thresholds") or {}).get("allowed_lag", 10))
        lag, high, advanced, arriving = movement(samples, allowed)
        note = f"lag {lag:g}, offsets {'advancing' if advanced else 'standing still'}"
        if failing:
            return Proof(False, f"{note}; still {failing[0].summary}", lag)
        if ours and not samples:
            return Proof(False, "no committed offsets were read: no sign of life", None)
        alive = advanced or not arriving
        if high and set(blamed) == {kafka_plan.SLOW}:
            gone = self._gone_in(scope, observed)
            if gone is not None:
                return Proof(True, f"{note}, falling: gone in about {gone:.0f} s", lag)
        return Proof(not high and alive, note if alive else f"{note} while records arrive", lag)

    def _gone_in(self, scope: Scope, observed: t.Sequence[Observed]) -> float | None:
        """Seconds until no group of ours lags, None where that is not soon enough, or not known."""
        rows = [group_row(scope, observed, group) for group in consumers(scope.target, scope.settings)]
        etas = [0.0 if row.get("verdict") == OK else catches_up_in(row) for row in rows]
        known = [eta for eta in etas if eta is not None]
        soon = len(known) == len(etas) and max(known, default=0) <= scaling(scope.target, scope.settings).drain
        return max(known, default=0.0) if soon else None


def movement(samples: t.Sequence[t.Mapping[str, t.Any]], allowed: float) -> tuple[float, list[str], bool, bool]:
    """(total lag, partitions above their allowed lag, did commits advance, did records arrive) over one look's
    samples."""
    partitions: dict[str, list[t.Mapping[str, t.Any]]] = {}
    for sample in samples:
        partitions.setdefault(f"{sample['group']}/{sample['topic']}/{sample['partition']}", []).append(sample)
    lag, high, advanced, arriving = 0.0, [], False, False
    for name, series in partitions.items():
        series.sort(key=lambda sample: float(sample["at"]))
        first, last = series[0], series[-1]
        behind = max(0.0, float(last["end"] or 0) - float(last["committed"] or 0))
        lag += behind
        if behind > allowed:
            high.append(name)
        advanced = advanced or float(last["committed"] or 0) > float(first["committed"] or 0)
        arriving = arriving or float(last["end"] or 0) > float(first["end"] or 0)
    return lag, high, advanced, arriving


def _poison(finding: Finding, group: str, lines: t.Sequence[str]) -> t.Iterator[Finding]:
    for part in finding.details.get("topic_partitions") or ():
        if part.get("verdict") != "stalled":
            continue
        said = [line for line in lines if _names(line, part)]
        if len(said) >= 2:
            yield _poison_finding(finding, group, part, said)


def _names(line: str, part: t.Mapping[str, t.Any]) -> bool:
    for pattern in (RECORD, OTHER_RECORD):
        match = pattern.search(line)
        if match and match["topic"] == part["topic"] and int(match["partition"]) == part["partition"]:
            return int(match["offset"]) == int(part["committed"])
    return False


def _poison_finding(stalled: Finding, group: str, part: t.Mapping[str, t.Any], said: t.Sequence[str]) -> Finding:
    where = f"topic {part['topic']}, partition {part['partition']}, offset {part['committed']}"
    command = (
        f"kafka-consumer-groups --bootstrap-server ADDRESS --group '{group}' --reset-offsets"
        f" --topic {part['topic']}:{part['partition']} --to-offset {part['committed'] + 1} --execute"
    )
    return Finding(
        id="kafka.record.poison",
        component=f"group:{group}",
        subject=where,
        state=CRITICAL,
        severity="P2",
        summary=f"Group {group} fails on one record again and again: {where}",
        observed={"failures_in_log": len(said)},
        evidence=(f"the consumer's log names that offset {len(said)} times; the last: {said[-1][:300]}",),
        causes=("the consumer can't process this record; a restart makes it fail on the same record again",),
        remedies=(
            Remedy("Mend the consumer so that it sets such a record aside (a dead-letter topic), and deploy it"),
            Remedy(
                "Skip this one record, once its loss is agreed; the group must be stopped for it", "disruptive", command
            ),
        ),
        since=stalled.since,
        details={"group": group, "topic": part["topic"], "partition": part["partition"], "offset": part["committed"]},
    )


SCENARIO = KafkaScenario()
