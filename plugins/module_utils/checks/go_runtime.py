# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What go_runtime does, apart from Ansible: look, refuse where it is too close to a limit, collect, look again."""

from __future__ import annotations

import dataclasses
import typing as t

from ..clients.deadline import Deadline
from ..clients.errors import CollectError
from ..clients.go import TOO_CLOSE, closeness, read_heap, read_metrics
from ..clients.go_options import GoOptions
from ..core.go_profile import ProfileError
from ..core.go_snapshot import Heap, Reading
from ..core.go_summary import attachment, top
from ..core.quantities import size
from ..core.redact import Redactor
from ..module.argspec import ArgumentSpec
from ..module.check import Misuse
from ..module.go_options import GO_CONNECTION, address_of, validate_connection

CYCLES = "go_gc_duration_seconds_count"
CANNOT = (CollectError, ProfileError)

_CONNECTION = dataclasses.replace(
    GO_CONNECTION,
    options={
        name: {**option, "required": True} if name in ("metrics_url", "pprof_url") else option
        for name, option in GO_CONNECTION.options.items()
    },
)
SPEC = _CONNECTION.merge(
    ArgumentSpec(
        options={
            "state": {"type": "str", "default": "collected", "choices": ["collected"]},
            "identity": {"type": "dict"},
            "deadline": {"type": "float", "default": 30.0},
        }
    )
)


def perform(params: dict[str, t.Any], check_mode: bool) -> dict[str, t.Any]:
    """The result for Ansible; its key problem says what is wrong. Raises Misuse and CollectError."""
    validate_connection(params)
    if not params.get("metrics_url") or not params.get("pprof_url"):
        raise Misuse("metrics_url and pprof_url are both needed: one asks for the collection, the other one sees it")
    options, deadline = GoOptions.from_params(params), Deadline(params["deadline"])
    hide = Redactor(options.secrets).clean
    try:
        before, _ms = read_metrics(options, deadline)
        same_program(before, params.get("identity"))
        refused = refusal(before, params.get("memory_limit"))
        if refused:
            result = _result(before, None, None, refused)
        elif check_mode:
            result = _result(before, None, None, "")
            result.update(changed=True, msg=f"it would collect the garbage of the Go program at {address_of(params)}")
        else:
            result = _collect(options, deadline, before)
    except CANNOT as error:
        raise CollectError(getattr(error, "kind", "failed"), str(hide(str(error)))) from None
    files = result.pop("attachments", [])
    return {**hide({name: value for name, value in result.items() if value is not None}), "attachments": files}


def same_program(reading: Reading, identity: t.Mapping[str, t.Any] | None) -> None:
    """Refuse a program that was started anew since the plan was made."""
    wanted = (identity or {}).get("start")
    if wanted is None:
        return
    try:
        same = abs(float(wanted) - reading.start) <= 2.0
    except (TypeError, ValueError):
        raise Misuse("identity: start is process_start_time_seconds, a number") from None
    if not same:
        raise CollectError(
            "gone",
            f"It is not the process that was looked at: it was started at {reading.start:.0f}, expected {wanted}."
            " Nothing was changed; look again",
        )


def refusal(reading: Reading, memory_limit: int | None) -> str:
    """Why nothing is asked of it, "" where it may be: the profile itself costs memory, and so may tip it over."""
    part, limit = closeness(reading, memory_limit)
    if part < TOO_CLOSE:
        return ""
    return (
        f"Refused, nothing was changed: the program is at {100 * part:.0f} % of its {limit}, and the profile that"
        f" comes with the collection needs memory of its own. Raise the limit first"
    )


def _collect(options: GoOptions, deadline: Deadline, before: Reading) -> dict[str, t.Any]:
    """A collection is asked for with the heap profile; the counter says whether there was one."""
    heap, data, _ms = read_heap(options, deadline, collect_first=True)
    after, _ms = read_metrics(options, deadline)
    problem = ""
    if abs(after.start - before.start) > 2.0:
        problem = "the program was started anew meanwhile: what it holds now says nothing about the collection"
    elif not _collections(before, after):
        problem = "no collection was seen: what answers at pprof_url is not the program behind metrics_url"
    result = _result(before, after, heap, problem)
    result["attachments"] = [attachment("heap-after-gc.pb.gz", data)]
    return result


def _collections(before: Reading, after: Reading | None) -> int:
    if after is None or before.cycles is None or after.cycles is None:
        return 0
    return max(0, round(after.cycles - before.cycles))


def _numbers(reading: Reading) -> dict[str, t.Any]:
    names = {
        "alloc": "go_memstats_heap_alloc_bytes",
        "inuse": "go_memstats_heap_inuse_bytes",
        "released": "go_memstats_heap_released_bytes",
        "rss": "process_resident_memory_bytes",
        "collections": CYCLES,
    }
    found = {name: reading.get(metric) for name, metric in names.items()}
    return {name: round(value) for name, value in found.items() if value is not None}


def _result(before: Reading, after: Reading | None, heap: Heap | None, problem: str) -> dict[str, t.Any]:
    first, last = _numbers(before), _numbers(after) if after else None
    collections = _collections(before, after)
    freed = first.get("alloc", 0) - last.get("alloc", 0) if last else None
    return {
        "changed": bool(collections) and not problem,
        "before": first,
        "after": last,
        "collections": collections,
        "freed_bytes": freed,
        "top": top(heap) if heap else None,
        "problem": problem or None,
        "msg": problem or _said(collections, freed),
        "diff": {"before": _lines(first), "after": _lines(last or first)},
    }


def _said(collections: int, freed: int | None) -> str:
    if freed is None:
        return "nothing was done"
    kept = "freed" if freed >= 0 else "gave nothing back; meanwhile were added"
    return f"{collections} collection{'' if collections == 1 else 's'} {kept} {size(abs(freed))}"


def _lines(numbers: t.Mapping[str, t.Any]) -> str:
    return "".join(f"{name}: {value}\n" for name, value in numbers.items())
