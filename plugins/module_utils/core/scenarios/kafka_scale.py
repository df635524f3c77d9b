# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How many replicas a slow consumer gets, or why none, and what would help instead.

The dose is computed (kubernetes_dose.py) from what arrives, what waits and what one busy member handles. More
consumers are no help where those that are behind have one partition each, or where the limit is in each partition;
then, and where a limit or another owner of the replicas stands against it, nothing is done.
"""

from __future__ import annotations

import dataclasses
import typing as t

from ..findings import Finding, Remedy
from ..kubernetes_dose import Dose, Limits, Load, replicas_for
from ..plan import Action
from ..runtimes import scale_by_hand
from ..scope import Runtime
from .base import Case
from .draft import Draft
from .kafka_scope import Scaling, dependencies, group_row, scaling
from .service_scope import group_of
from .workloads import Workload, first

FASTER = Remedy("Make the consumer, or what it writes to, faster: look where its time goes (CPU limit, sink latency)")


OWNED = {
    "autoscaler": Remedy("Raise the maximum of its autoscaler, where what it uses can take that", "disruptive"),
    "controller": Remedy("Change the number in what owns it", "disruptive"),
    "gitops": Remedy("Change the number of replicas in the repository", "disruptive"),
    "quota": Remedy("Raise the quota of its namespace, or free what fills it", "disruptive"),
    "room": Remedy("Give the cluster a node, or free what fills those that there are", "disruptive"),
}
"""What stands against more replicas -> what would help instead."""


class No(Exception):
    """No replica more, and why. instead: what would help."""

    def __init__(self, why: str, *instead: Remedy) -> None:
        super().__init__(why)
        self.why = why
        self.instead = instead


@dataclasses.dataclass(frozen=True)
class _Consumer:
    """A slow consumer with all that its dose is computed from. each: members of the group that one replica is."""

    name: str
    runtime: Runtime
    seen: Workload
    load: t.Mapping[str, t.Any]
    backlog: float
    each: int
    wish: Scaling

    @property
    def partitions(self) -> int:
        """Replicas for which there is something to read."""
        return max(1, int(self.load["partitions"]) // self.each)


def scale(case: Case, finding: Finding, name: str, runtime: Runtime, draft: Draft) -> None:
    """Plan the replicas that are needed and possible. Where there are none, say why in the plan."""
    # Not its word about more consumers: that is what is decided here.
    draft.proposals.extend(remedy for remedy in finding.remedies if remedy.risk == "none")
    try:
        consumer = _consumer(case, finding, name, runtime)
        _check_helps(consumer)
        dose = _dose(case, consumer)
    except No as error:
        draft.notes.append(f"{name} works, but slower than records arrive. A restart would not make it faster")
        draft.proposals.extend(error.instead)
        draft.escalate.append(f"{name} gets no more replicas: {error.why}")
        return
    draft.proposals.extend(_instead(case, consumer, dose) if dose.limited_by else ())
    draft.notes.append(f"{name} from {consumer.seen.wanted} to {dose.replicas} replicas: {'; '.join(dose.reasons)}")
    draft.notes += [f"not looked at, as it may not be read: {text}" for text in consumer.seen.unread]
    back = scale_by_hand(runtime, consumer.seen.wanted)
    draft.notes.append(f"it stays so until it is deployed again; when the backlog is gone: {back}")
    draft.act(_action(consumer, finding, dose, back), name)


def _consumer(case: Case, finding: Finding, name: str, runtime: Runtime) -> _Consumer:
    seen = first(case.observed, runtime)
    row = group_row(case.scope, case.observed, str(finding.details.get("group")))
    if seen is None:
        raise No(f"{runtime.service} was not seen on {runtime.host}")
    if not seen.wanted:
        raise No(f"{seen.said} is scaled to zero, and what reads for its group is something else")
    if seen.available < seen.wanted:
        raise No(f"{seen.available} of its {seen.wanted} pods are available: those first, more would not be better")
    if not row.get("load"):
        raise No("what its group has to handle was not seen")
    wish = scaling(case.scope.target, case.scope.settings)
    backlog = float(row.get("lag") or 0)
    return _Consumer(name, runtime, seen, row["load"], backlog, _members_each(row, seen), wish)


def _members_each(row: t.Mapping[str, t.Any], seen: Workload) -> int:
    members = row.get("members")
    if members is None:
        return 1
    if members < seen.wanted or members % seen.wanted:
        raise No(
            f"its group has {members} members and it has {seen.wanted} pods: somebody else reads with the group, or"
            " some pods do not",
            Remedy("See who the members of the group are, before any are added"),
        )
    return int(members) // seen.wanted


def _check_helps(consumer: _Consumer) -> None:
    """Whether another member could take something from those that are behind. Raises No."""
    load = consumer.load
    if load.get("bound") is not None:
        raise No(
            f"each partition is read at about {load['bound']:.3g}/s, whoever has it and however many others it has: the"
            " limit is in each partition (one record after the other, or what it writes to), not in the number of"
            " consumers",
            FASTER,
        )
    if not load.get("busy") or load.get("relievable"):
        return
    if consumer.seen.wanted >= consumer.partitions:
        raise No(
            f"all {load['partitions']} partitions are taken, one by each consumer: one more would have nothing to do",
            *_more_partitions(),
        )
    raise No(
        "who is behind has one partition each (a hot key, or slow records in it): another consumer could take nothing"
        " from it",
        Remedy("Spread the records of that key over more partitions, or handle them faster"),
        FASTER,
    )


def _more_partitions() -> tuple[Remedy, ...]:
    return FASTER, Remedy("Add partitions to the topic, and then consumers (keys go to other partitions)", "disruptive")


def _dose(case: Case, consumer: _Consumer) -> Dose:
    """More than now. Raises No."""
    load, wish, current = consumer.load, consumer.wish, consumer.seen.wanted
    arrival, capacity = load.get("arrival"), load.get("capacity")
    headroom, size = _connections(case, consumer)
    limits = Limits(
        most=wish.most,
        headroom=headroom,
        pool_size=size,
        partitions=consumer.partitions,
        fits=_fits(consumer),
    )
    dose = replicas_for(
        Load(
            current=current,
            arrival=arrival,
            per_replica=None if capacity is None else capacity * consumer.each,
            backlog=consumer.backlog,
            drain=wish.drain,
        ),
        limits,
    )
    if dose.limited_by == "room":
        dose = dataclasses.replace(dose, reasons=(dose.reasons[0], _against(consumer), *dose.reasons[2:]))
    if dose.replicas > current:
        return dose
    raise No("; ".join(dose.reasons), *_instead(case, consumer, dose))


def _fits(consumer: _Consumer) -> int:
    growth = consumer.seen.growth
    if growth is None:
        raise No(f"what stands against more could not be seen: {consumer.seen.problem or 'no time was left to look'}")
    if int(growth["replicas"]) != consumer.seen.wanted:
        raise No("somebody else changes its number of replicas right now: look again")
    # Nobody stands against more than were asked about: others limit those.
    return int(growth["fits"]) if growth["against"] else 10**6


def _against(consumer: _Consumer) -> str:
    return "; ".join(str(row["why"]) for row in (consumer.seen.growth or {})["against"])


def _connections(case: Case, consumer: _Consumer) -> tuple[int | None, int | None]:
    """(free connections, how many a replica opens) of the PostgreSQL that it depends on and that has the least."""
    size, found = consumer.wish.pool_sizes.get(consumer.name), []
    for name in _databases(case, consumer):
        free = _headroom(case, name)
        if size is None:
            raise No(
                f"it uses {name}, and how many connections a replica opens is not declared",
                Remedy(f"Declare it: kafka_pool_sizes: {{{consumer.name}: NUMBER}}"),
            )
        if free is None:
            raise No(f"it uses {name}, and how many connections are free there was not seen")
        found.append(free)
    return (min(found), size) if found else (None, None)


def _databases(case: Case, consumer: _Consumer) -> list[str]:
    names = dependencies(case.scope, consumer.name)
    return [name for name in names if group_of(case.scope.services[name]) == "postgresql"]


def _headroom(case: Case, name: str) -> int | None:
    for look in case.observed:
        if look.host == name and look.module.endswith("postgresql_health_info"):
            found = ((look.result.get("snapshot") or {}).get("connections") or {}).get("headroom")
            return None if found is None else int(found)
    return None


def _instead(case: Case, consumer: _Consumer, dose: Dose) -> tuple[Remedy, ...]:
    if dose.limited_by == "most":
        return (Remedy(f"Allow more: kafka_scale_most={dose.needed or dose.replicas + 1}", "disruptive"), FASTER)
    if dose.limited_by == "partitions":
        return _more_partitions()
    if dose.limited_by == "postgresql_headroom":
        command = "ansible-playbook incident.response.scenario_database --limit"
        databases = _databases(case, consumer)
        return tuple(Remedy(f"Free connections of {name} first", "none", f"{command} {name}") for name in databases)
    if dose.limited_by == "room":
        reasons = [str(row["reason"]) for row in (consumer.seen.growth or {})["against"]]
        return tuple(OWNED[reason] for reason in reasons if reason in OWNED)
    return (FASTER,)


def _action(consumer: _Consumer, finding: Finding, dose: Dose, back: str) -> Action:
    seen = consumer.seen
    return Action(
        verb="scale",
        service=consumer.name,
        runtime=consumer.runtime,
        dose=f"{seen.wanted} to {dose.replicas} replicas",
        risk="disruptive",
        reason=finding.summary,
        precondition=f"{seen.said} has {seen.wanted} replicas, and is as it was seen",
        undo=back,
        identity=seen.identity,
        blames=(finding.id,),
        options={"replicas": dose.replicas, "partitions": consumer.partitions},
    )
