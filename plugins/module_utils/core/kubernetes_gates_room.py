# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whether there is room for what a change brings: quota, limit ranges, nodes, and connections of a database. Pure."""

from __future__ import annotations

import typing as t
from decimal import Decimal

from .kubernetes_amount import amount_or, human
from .kubernetes_gates_scale import ports
from .kubernetes_plan import MEMORY_LIMIT, Refusal
from .kubernetes_scene import Case
from .kubernetes_target import Raw, part, rows

_NONE = Decimal(0)
Needs = dict[str, Decimal]


def needs(template: Raw) -> Needs:
    """What one pod of a template asks for: limits.memory, requests.cpu and so on. A limit without a request is one."""
    main: Needs = {}
    first: Needs = {}
    for row in rows(template, "spec", "containers"):
        for name, value in _of_container(row).items():
            main[name] = main.get(name, _NONE) + value
    for row in rows(template, "spec", "initContainers"):
        for name, value in _of_container(row).items():
            if row.get("restartPolicy") == "Always":
                main[name] = main.get(name, _NONE) + value
            else:
                first[name] = max(first.get(name, _NONE), value)
    overhead = {
        f"requests.{name}": amount_or(value, _NONE) for name, value in part(template, "spec", "overhead").items()
    }
    return {
        name: max(main.get(name, _NONE), first.get(name, _NONE)) + (overhead.get(name) or _NONE)
        for name in {*main, *first, *overhead}
    }


def _of_container(row: Raw) -> Needs:
    found: Needs = {}
    limits, requests = part(row, "resources", "limits"), part(row, "resources", "requests")
    for name in ("cpu", "memory"):
        limit = amount_or(limits.get(name), None)
        request = amount_or(requests.get(name), limit)
        found.update({f"limits.{name}": limit} if limit is not None else {})
        found.update({f"requests.{name}": request} if request is not None else {})
    return found


def growth(case: Case) -> Needs:
    """What the namespace has to hold beyond now, at the most: the pods that are added, and what all others grow."""
    new, old = needs(case.template), needs(case.workload.template)
    kept = case.workload.replicas if case.state == MEMORY_LIMIT else 0
    found = {
        name: new.get(name, _NONE) * case.added + max(_NONE, new.get(name, _NONE) - old.get(name, _NONE)) * kept
        for name in {*new, *old}
    }
    found["pods"] = Decimal(case.added)
    return {name: value for name, value in found.items() if value > 0}


def quota(case: Case) -> list[Refusal]:
    """Beyond it the server makes no pod, and a rollout stands still."""
    found = []
    more = growth(case)
    for raw in case.scene.quotas or ():
        if part(raw, "spec").get("scopes") or part(raw, "spec").get("scopeSelector"):
            continue
        hard, used = part(raw, "status", "hard"), part(raw, "status", "used")
        for name, value in sorted(hard.items()):
            most, has = amount_or(value, None), amount_or(used.get(name), _NONE) or _NONE
            wanted = more.get(_SHORT.get(name, name))
            if most is None or wanted is None or has + wanted <= most:
                continue
            said = f"{_human(name, has)} of {_human(name, most)} are used, {_human(name, wanted)} more are wanted"
            found.append(Refusal("quota", f"ResourceQuota {part(raw, 'metadata').get('name')}, {name}: {said}"))
    return found


_SHORT = {"cpu": "requests.cpu", "memory": "requests.memory", "count/pods": "pods"}


def _human(name: str, value: Decimal) -> str:
    return human(value) if name.endswith("memory") else f"{value.normalize():f}"


def limit_range(case: Case) -> list[Refusal]:
    """What a single container may have at the most: pods beyond it are refused when they are made."""
    found = []
    for raw in case.scene.limit_ranges or ():
        for rule in rows(raw, "spec", "limits"):
            most = amount_or(part(rule, "max").get("memory"), None)
            if rule.get("type") != "Container" or most is None:
                continue
            for row in rows(case.template, "spec", "containers"):
                limit = amount_or(part(row, "resources", "limits").get("memory"), _NONE) or _NONE
                if limit > most:
                    name = part(raw, "metadata").get("name")
                    why = f"LimitRange {name} allows a container {human(most)}, and {row.get('name')} is to have"
                    found.append(Refusal("limit_range", f"{why} {human(limit)}"))
    return found


def connections(case: Case) -> list[Refusal]:
    """Each new pod opens a pool of its own, also those that a rollout has beside the old ones."""
    headroom, size = case.wish.headroom, case.wish.pool_size
    if headroom is None or size is None or not case.added or case.added * size <= headroom:
        return []
    fit = max(0, headroom) // size
    why = f"{case.added} more pods open up to {case.added * size} connections of PostgreSQL and {headroom} are free"
    return [Refusal("postgresql_headroom", f"{why}: {fit} more would fit. Free connections first")]


def nodes(case: Case) -> list[Refusal]:
    """Whether the added pods find a node. Where nodes or their pods can't be read, the rollout itself will tell."""
    if case.scene.nodes is None or case.scene.everywhere is None:
        return []
    each, wanted = comes(case)
    free = free_of(case)
    placed = fitting(free, each, wanted, bool(ports(case)))
    if placed >= wanted:
        return []
    asks = f"{human(each.get('requests.memory', _NONE))} of memory and {each.get('requests.cpu', _NONE):f} CPUs"
    count = f"{placed} of {wanted}" if placed else "none"
    why = f"{count} of the pods that come ({asks} each) would find a node: {len(free)} nodes take them at all"
    return [Refusal("room", why + ", and what they have is taken", True)]


def comes(case: Case) -> tuple[Needs, int]:
    """What each pod that comes asks of a node, and how many have to find a place at once; 0: none has to."""
    each = needs(case.template)
    if case.added or case.state != MEMORY_LIMIT:
        return each, case.added
    # Without a surge each pod comes in the place of an old one: only what it grows has to be there.
    old = needs(case.workload.template)
    return {name: max(_NONE, value - old.get(name, _NONE)) for name, value in each.items()}, 1


def placeless(case: Case) -> int:
    """How many of the pods that come find no node among those that were looked at."""
    each, wanted = comes(case)
    return wanted - fitting(free_of(case), each, wanted, bool(ports(case)))


def free_of(case: Case) -> list[Needs]:
    """What each node that takes such a pod has left: allocatable less the requests of what is on it."""
    taken: dict[str, Needs] = {}
    for raw in case.scene.everywhere or ():
        node = str(part(raw, "spec").get("nodeName") or "")
        if not node or part(raw, "status").get("phase") in ("Succeeded", "Failed"):
            continue
        sums = taken.setdefault(node, {})
        for name, value in {**needs(raw), "pods": Decimal(1)}.items():
            sums[name] = sums.get(name, _NONE) + value
    found = []
    for raw in case.scene.nodes or ():
        if not takes(raw, case.template):
            continue
        has, sums = part(raw, "status", "allocatable"), taken.get(str(part(raw, "metadata").get("name")), {})
        left = {f"requests.{name}": (amount_or(has.get(name), _NONE) or _NONE) for name in ("cpu", "memory")}
        left["pods"] = amount_or(has.get("pods"), Decimal(110)) or _NONE
        found.append({name: value - sums.get(name, _NONE) for name, value in left.items()})
    return found


def fitting(free: t.Iterable[Needs], each: Needs, wanted: int, one_each: bool) -> int:
    """How many of the wanted pods find a place, each on its own node where it needs a port of it."""
    placed = 0
    for left in free:
        most = int(max(_NONE, left["pods"]))
        for name in ("requests.cpu", "requests.memory"):
            if each.get(name):
                most = min(most, int(max(_NONE, left[name]) // each[name]))
        placed += min(most, 1) if one_each else most
    return min(placed, wanted)


def takes(node: Raw, template: Raw) -> bool:
    """Ready, open, with the wanted labels, and with no taint that the pods don't tolerate."""
    conditions = {row.get("type"): row.get("status") for row in rows(node, "status", "conditions")}
    if conditions.get("Ready") != "True" or part(node, "spec").get("unschedulable"):
        return False
    labels = part(node, "metadata", "labels")
    if any(labels.get(key) != value for key, value in part(template, "spec", "nodeSelector").items()):
        return False
    taints = [row for row in rows(node, "spec", "taints") if row.get("effect") in ("NoSchedule", "NoExecute")]
    return all(any(_tolerates(one, taint) for one in rows(template, "spec", "tolerations")) for taint in taints)


def _tolerates(toleration: Raw, taint: Raw) -> bool:
    if toleration.get("effect") not in (None, "", taint.get("effect")):
        return False
    if toleration.get("operator") == "Exists":
        return toleration.get("key") in (None, "", taint.get("key"))
    return bool(toleration.get("key") == taint.get("key") and toleration.get("value", "") == taint.get("value", ""))
