# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The plan for scenario 5, Kafka: the smallest safe remedy for each root cause, and what only a person may decide.

Rulings: a consumer that is down or hung is restarted once (low risk). A broker that is down is started (disruptive).
A slow consumer is never restarted: that would only cost it time. Where its runtime can scale, it gets the replicas that
it needs (disruptive, see kafka_scale.py). One that was scaled to zero was so by somebody, and is not started. Offsets
are never reset here. What was not measured is not touched.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..findings import Finding, Remedy
from ..plan import Action, Plan
from ..runtimes import by_hand, scale_by_hand, supported
from ..scope import Runtime
from . import workload_plan
from .base import Case
from .containers import VERBS, component_of
from .draft import Draft
from .kafka_scale import scale
from .kafka_scope import broker_runtimes, catches_up_in, consumers, dependencies, group_row
from .running import action_on, first
from .service_actions import hand_over
from .workloads import Workload

SLOW = "kafka.lag.slow"
HUNG = ("kafka.lag.stalled", "kafka.lag.stopped")
UNREADY = "kubernetes.readiness.failing"
BESIDE_SLOW = ("kubernetes.hpa.max", "kubernetes.hpa.blind", "kubernetes.cpu.throttled")
"""What may be said of a workload whose consumer is slow, and is no trouble of its own for a consumer."""
DECISIONS = ("kafka.offset.expired", "kafka.offset.ahead", "kafka.lag.rewound", "kafka.record.corrupt")
"""Findings after which it is for a person to say from where the group reads on: no consumer is started before that."""


def plan(case: Case) -> Plan:
    draft = Draft()
    for finding in case.verdict.roots:
        _treat(case, finding, draft)
    draft.notes.extend(_works_off(case))
    return draft.plan("kafka", case, order=_order)


def _order(action: Action) -> t.Any:
    """A broker comes before those who need it."""
    return (action.risk != "disruptive" or action.verb == "scale", action.service)


def _works_off(case: Case) -> t.Iterator[str]:
    """Backlogs that need nothing: they are said, and why nothing is done."""
    for group in consumers(case.scope.target, case.scope.settings):
        row = group_row(case.scope, case.observed, group)
        seconds = catches_up_in(row)
        if seconds is not None:
            yield (
                f"group {group} works off its backlog of {row['lag']} by itself: gone in about {seconds:.0f} s, so"
                " nothing is restarted or added"
            )


def _treat(case: Case, finding: Finding, draft: Draft) -> None:
    broker = _broker_of(case, finding)
    if broker is not None:
        _treat_broker(case, finding, broker, draft)
        return
    name = _consumer_of(case, finding)
    if name is not None:
        _treat_consumer(case, finding, name, draft)
        return
    starved = _starved_by(case, finding.component)
    if starved:
        draft.notes.append(f"{finding.component} is the cause, so {', '.join(starved)} is neither restarted nor scaled")
        hand_over(case, finding.component, draft)
    draft.proposals.extend(finding.remedies)
    draft.escalate.append(f"no safe automatic remedy for {finding.id}")


def _broker_of(case: Case, finding: Finding) -> Runtime | None:
    for runtime in broker_runtimes(case.scope.target, case.scope.settings).values():
        if finding.component == component_of(runtime):
            return runtime
    return None


def _consumer_of(case: Case, finding: Finding) -> str | None:
    declared = consumers(case.scope.target, case.scope.settings)
    for group, name in declared.items():
        if finding.component in (f"group:{group}", f"container:{name}", name):
            return name
    return None


def _starved_by(case: Case, component: str) -> list[str]:
    """The consumers that depend on what fails."""
    names = sorted(set(consumers(case.scope.target, case.scope.settings).values()))
    return [name for name in names if component in dependencies(case.scope, name)]


def _treat_broker(case: Case, finding: Finding, runtime: Runtime, draft: Draft) -> None:
    found = first(case.observed, runtime)
    verb = VERBS.get(finding.id)
    port_taken = any(other.id == "kafka.broker.not_kafka" for other in _all(case))
    if port_taken:
        draft.proposals.append(
            Remedy("Free the broker's port: something else answers on it (ss -ltnp names the process)")
        )
        draft.escalate.append("something else listens on the broker's port: a start would fail")
    elif verb is None or found is None:
        draft.proposals.extend(finding.remedies)
        draft.escalate.append(f"{finding.id}: the broker is not started by itself")
    else:
        risk = "low" if verb in ("unpause", "continue") else "disruptive"
        undo = f"docker compose stop {runtime.service}" if verb == "start" else ""
        draft.act(action_on(runtime.service, (runtime, found), verb, finding, risk=risk, undo=undo), runtime.service)


def _treat_consumer(case: Case, finding: Finding, name: str, draft: Draft) -> None:
    runtime = case.scope.services[name].runtime
    decision = [other for other in _all(case) if other.id in DECISIONS and _consumer_of(case, other) == name]
    if finding.id in DECISIONS or decision:
        _leave_to_a_person(name, runtime, decision or [finding], draft)
    elif finding.id == SLOW:
        _treat_slow(case, finding, name, runtime, draft)
    elif runtime is None or not supported(runtime):
        draft.escalate.append(
            f"{name} runs on {runtime.kind if runtime else 'nothing that is declared'}: restart it by hand"
        )
    elif finding.id == "kafka.record.poison":
        _restart_once(case, finding, name, runtime, draft)
    elif workload_plan.is_about_one(finding):
        _treat_workload(case, finding, name, runtime, draft)
    else:
        _bring_back(case, finding, name, runtime, draft)


def _treat_slow(case: Case, finding: Finding, name: str, runtime: Runtime | None, draft: Draft) -> None:
    if runtime is not None and supported(runtime, "scale"):
        scale(case, finding, name, runtime, draft)
    else:
        _leave_alone(finding, name, draft)


def _treat_workload(case: Case, finding: Finding, name: str, runtime: Runtime, draft: Draft) -> None:
    """Where its pods are in trouble, that is treated as of any service; what only lags behind it is treated as lag."""
    lags = {other.id: other for other in _all(case) if _consumer_of(case, other) == name}
    hung = next((lags[name_] for name_ in HUNG if name_ in lags), None)
    if finding.id in BESIDE_SLOW and SLOW in lags:
        draft.notes.append(finding.summary)
        draft.proposals.extend(finding.remedies)
        _treat_slow(case, lags[SLOW], name, runtime, draft)
    elif finding.id == UNREADY and hung and not finding.details.get("new_revision"):
        _restart(case, finding, name, runtime, draft)
    else:
        workload_plan.treat(case.about(name), finding, draft)


def _bring_back(case: Case, finding: Finding, name: str, runtime: Runtime, draft: Draft) -> None:
    """Start, unpause or restart the one consumer that is down or hung; anything else about it is for a person."""
    poison = any(other.id == "kafka.record.poison" and _consumer_of(case, other) == name for other in _all(case))
    found = first(case.observed, runtime)
    if poison and finding.id == "kafka.lag.stalled":
        return
    verb = {"docker.process.frozen": "restart"}.get(finding.id) or VERBS.get(finding.id)
    if verb is None and finding.id in HUNG:
        verb = "restart"
    if verb is None or found is None:
        draft.proposals.extend(finding.remedies)
        draft.escalate.append(f"no safe automatic remedy for {finding.id}")
    elif isinstance(found, Workload) and not found.available:
        _leave_down(finding, name, runtime, found, draft)
    else:
        draft.act(action_on(name, (runtime, found), verb, finding), name)


def _leave_down(finding: Finding, name: str, runtime: Runtime, found: Workload, draft: Draft) -> None:
    """No pod of it is there. Where that is a trouble, the check of the cluster has a finding about it."""
    draft.proposals.extend(finding.remedies)
    if found.wanted:
        draft.escalate.append(
            f"none of the {found.wanted} pods of {name} is available, and what they wait for is not known yet: look"
            " again in a minute"
        )
        return
    draft.notes.append(f"{name} is scaled to zero: somebody wanted that, so it is not started by itself")
    draft.proposals.append(Remedy(f"Start {name}, once that is wanted", "low", scale_by_hand(runtime, 1)))
    draft.escalate.append(f"{name} is scaled to zero, and {finding.summary}")


def _restart(case: Case, finding: Finding, name: str, runtime: Runtime, draft: Draft) -> None:
    found = first(case.observed, runtime)
    if found is None:
        draft.leave(finding, f"{finding.id}: what runs {name} was not seen")
        return
    draft.act(action_on(name, (runtime, found), "restart", finding), name)


def _restart_once(case: Case, finding: Finding, name: str, runtime: Runtime, draft: Draft) -> None:
    """A poison record survives a restart: one is worth a try, a second one never is."""
    key = f"poison:{finding.details['topic']}/{finding.details['partition']}@{finding.details['offset']}"
    found = first(case.observed, runtime)
    draft.proposals.extend(finding.remedies)
    if found is None or case.was_done(key, name):
        draft.escalate.append(
            f"{name} was restarted for this record before, and it fails on it again: {finding.subject}"
        )
        return
    draft.notes.append("One restart is tried, in case the consumer and not the record is at fault; never a second one")
    draft.act(dataclasses.replace(action_on(name, (runtime, found), "restart", finding), key=key), name)


def _leave_alone(finding: Finding, name: str, draft: Draft) -> None:
    eta = finding.details.get("eta_seconds")
    when = (
        f"it would catch up in {eta / 60:.0f} min at today's rates" if eta else "it does not catch up at today's rates"
    )
    draft.notes.append(f"{name} works, but slower than records arrive: {when}. A restart would not make it faster")
    draft.proposals.extend(finding.remedies)
    draft.escalate.append(
        f"{name} needs more consumers (up to the number of partitions), a faster sink or less traffic"
    )


def _leave_to_a_person(name: str, runtime: Runtime | None, decision: t.Sequence[Finding], draft: Draft) -> None:
    for finding in decision:
        draft.notes.append(f"{finding.summary}. From where the group reads on is for a person to say; nothing is reset")
        draft.proposals.extend(finding.remedies)
    command = by_hand(runtime, "start")
    draft.proposals.append(Remedy(f"Then start {name} again", "low", command))
    draft.escalate.append(f"{decision[0].id}: somebody has to say from where {name} reads on")


def _all(case: Case) -> list[Finding]:
    return [*case.verdict.roots, *(item.finding for item in case.verdict.suppressed)]
