# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a Prometheus writes, read with the mistrust it takes: numbers that are words, times that are none. Pure."""

from __future__ import annotations

import datetime
import json
import math
import re
import typing as t

from .hostile import inert
from .prometheus_snapshot import ABSENT, OK, Part, Row

UNITS = {"ms": 0.001, "s": 1.0, "m": 60.0, "h": 3600.0, "d": 86400.0, "w": 604800.0, "y": 31536000.0}
_STEP = re.compile(r"(\d+(?:\.\d+)?)(ms|[smhdwy])")
_SPAN = re.compile(r"(?:\d+(?:\.\d+)?(?:ms|[smhdwy]))+")
_TIME = re.compile(r"(\d{4}-\d\d-\d\d)[Tt ](\d\d:\d\d:\d\d)(\.\d+)?([Zz]|[+-]\d\d:?\d\d)")
_HTML = re.compile(r"\s*(?:<!--.*?-->\s*)*<(?:!doctype\s+html|html|head|body)\b", re.I | re.S)
LONGEST = 300
ERROR_KINDS = {
    "bad_data": "bad_data",
    "execution": "execution",
    "timeout": "timeout",
    "canceled": "timeout",
    "unavailable": "not_ready",
    "internal": "internal",
    "not_found": ABSENT,
    "too_many_requests": "limited",
}
"""errorType of the API -> kind of a Part."""
STATUS_KINDS = {
    400: "bad_data",
    401: "auth",
    403: "auth",
    404: ABSENT,
    405: ABSENT,
    410: ABSENT,
    422: "execution",
    429: "limited",
    501: ABSENT,
    502: "proxy",
    503: "not_ready",
    504: "proxy",
}


def number(value: t.Any) -> float | None:
    """The number of a sample ("1.5", "+Inf", 3). None for NaN and for what is no number: neither is ever zero."""
    if isinstance(value, bool):
        return None
    try:
        found = float(value)
    except (TypeError, ValueError, OverflowError):
        return None
    return None if math.isnan(found) else found


def whole(value: float) -> int:
    """A count; 0 for one that is endless."""
    return round(value) if math.isfinite(value) else 0


def seconds(value: t.Any) -> float | None:
    """A duration in seconds: 300, "300", "5m", "1h30m". None for what is none, or not above 0."""
    if isinstance(value, str) and _SPAN.fullmatch(value.strip()):
        found: float | None = sum(float(count) * UNITS[unit] for count, unit in _STEP.findall(value))
    else:
        found = number(value)
    return found if found is not None and 0 < found < math.inf else None


def epoch(value: t.Any) -> float | None:
    """A time in epoch seconds: a number, or RFC 3339 with any number of digits. None for Go's zero time too."""
    found = number(value)
    if found is not None:
        return found if 0 < found < 1e11 else None
    match = _TIME.fullmatch(value.strip()) if isinstance(value, str) else None
    if match is None or match[1].startswith("0001-"):
        return None
    zone = "+00:00" if match[4] in "Zz" else match[4][:3] + ":" + match[4][-2:]
    try:
        whole = datetime.datetime.fromisoformat(f"{match[1]}T{match[2]}{zone}").timestamp()
    except (ValueError, OverflowError):
        return None
    return whole + float(match[3] or 0)


def short(text: t.Any, limit: int = LONGEST) -> str:
    """One line of what others wrote."""
    return " ".join(inert(str(text)[: 4 * limit]).split())[:limit]


def is_html(text: str) -> bool:
    return bool(_HTML.match(text[:4096]))


def answer(status: int, body: str, cut: bool) -> Part:
    """The Part of one whole answer of the API. cut: its body was larger than what is read of it."""
    if cut:
        return Part("too_large", "its answer is larger than what is read", status)
    if is_html(body):
        return Part("html", "it answers with a page for people", status, text=body[:4096])
    try:
        said = json.loads(body)
    except (ValueError, RecursionError):
        said = None
    if not isinstance(said, dict):
        kind = STATUS_KINDS.get(status, "not_json" if 200 <= status < 300 else "status")
        return Part(kind, f"status {status}: {short(body)}", status, text=body[:4096])
    if said.get("status") == "success" and 200 <= status < 300:
        return Part(OK, "", status, said.get("data"), _words(said.get("warnings")), _words(said.get("infos")))
    kind = ERROR_KINDS.get(str(said.get("errorType")), "") or STATUS_KINDS.get(status, "status")
    return Part(kind, short(said.get("error") or f"status {status}"), status, text=body[:4096])


def _words(value: t.Any) -> tuple[str, ...]:
    return tuple(short(item) for item in value[:50]) if isinstance(value, list) else ()


def rows(part: Part | None) -> list[Row]:
    """The samples of a vector whose values are numbers; NaN, histograms and what is malformed are left out."""
    data = part.data if part and part.kind == OK else None
    found = []
    for item in items(data.get("result") if isinstance(data, dict) else None):
        value, labels = item.get("value"), item.get("metric")
        if isinstance(value, list) and len(value) == 2 and isinstance(labels, dict):
            amount = number(value[1])
            if amount is not None:
                found.append(Row({str(name): str(text) for name, text in labels.items()}, amount))
    return found


def scalar(part: Part | None) -> float | None:
    """The value of a scalar."""
    data = part.data if part and part.kind == OK else None
    value = data.get("result") if isinstance(data, dict) else None
    return number(value[1]) if isinstance(value, list) and len(value) == 2 else None


def items(value: t.Any) -> list[dict[str, t.Any]]:
    """The objects of a list; none where it is null or something else."""
    return [item for item in value if isinstance(item, dict)] if isinstance(value, list) else []


def words(value: t.Any) -> dict[str, str]:
    """Labels or annotations as text."""
    return {str(name): short(text) for name, text in value.items()} if isinstance(value, dict) else {}


def exposition(text: str, wanted: t.Collection[str]) -> dict[str, float]:
    """The wanted metrics out of a text of metrics, each summed over its labels. Lines that are none are passed over."""
    found: dict[str, float] = {}
    for line in text.splitlines():
        name = line.partition("{")[0].partition(" ")[0]
        if name not in wanted:
            continue
        words_after = line[len(name) :].rpartition("}")[2].split()
        value = number(words_after[0]) if words_after else None
        if value is not None:
            found[name] = found.get(name, 0.0) + value
    return found


def build(text: str) -> str:
    """Whose metrics these are: the first part of NAME_build_info that tells, "" where nothing does."""
    names = set(re.findall(r"^([a-z]+)_build_info\b", text, re.M))
    return next((name for name in ("alertmanager", "thanos", "cortex", "mimir", "prometheus") if name in names), "")
