# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which look follows from which at one host. Who asks, and from where, is up to the caller."""

from __future__ import annotations

import typing as t

from ..module_utils.core import runtimes
from ..module_utils.core.findings import UNKNOWN
from ..module_utils.core.redact import clean
from ..module_utils.core.triage_looks import digest
from .triage_targets import AGAIN, LOOKS_BACK, Call

SPEC: dict[str, dict[str, t.Any]] = {
    "depth": {"type": "str", "default": "quick", "choices": ["quick", "full"]},
    "log_lines": {"type": "int", "default": 100},
}
"""Arguments of both steps that look: what one of them hands back the other asks in the same way."""
Result = dict[str, t.Any]
Looking = t.Generator[tuple[str, Result], Result, list[Result]]
"""Yields a check and options of this look, is sent its result, and returns what triage needs of all results."""


def looks(host: str, calls: t.Iterable[Call]) -> Looking:
    """A host or an engine that is away costs its timeout once: what else would be asked of it is left out."""
    found: list[Result] = []
    for call in calls:
        result = yield call.module, {**call.options, **call.quick}
        if call.quick and result.get("reachable") and _too_short(call.module, result):
            result = yield call.module, call.options
        if call.only and "findings" in result:
            result["findings"] = [item for item in result["findings"] if item["component"] == call.only]
        found.append(digest(call.name, call.module, host, result, call.components))
        if result.get("unreachable") or (_is_engine(call) and not result.get("reachable")):
            break
    return found


def apart(calls: t.Sequence[Call]) -> list[list[Call]]:
    """Calls that need not wait for each other: only those of an engine do."""
    engine = [call for call in calls if _is_engine(call)]
    return [*([call] for call in calls if not _is_engine(call)), *([engine] if engine else [])]


def failed(error: Exception) -> Result:
    return {"failed": True, "msg": str(clean(str(error)))}


def lost(host: str, error: Exception) -> list[Result]:
    """The looks at a host whose variables don't even say what to ask."""
    return [digest(f"host {host}", "", host, failed(error))]


def _is_engine(call: Call) -> bool:
    return call.module in runtimes.CHECKS.values()


def _too_short(module: str, result: t.Mapping[str, t.Any]) -> bool:
    """A growing lag, or errors that a service has had since the last look and may have no more."""
    findings = result.get("findings") or ()
    undecided = module in AGAIN and any(finding["state"] == UNKNOWN for finding in findings)
    return undecided or any(finding["id"] in LOOKS_BACK for finding in findings)
