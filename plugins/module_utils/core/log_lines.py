# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Log lines as Docker hands them out -> entries with a time, stack traces kept together and counted. Pure."""

from __future__ import annotations

import re
import typing as t

from .hostile import inert

LONGEST_TRACE = 8 * 1024
MOST_TRACES = 20

_STAMP = re.compile(r"(\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(?:\.\d+)?(?:Z|[+-]\d\d:\d\d)) ?")


class Line(t.NamedTuple):
    """One line. stream: 1 is stdout, 2 is stderr (a terminal has one only)."""

    at: str
    text: str
    stream: int = 1


def split_stamp(text: str) -> tuple[str, str]:
    """(time, rest) of a line that Docker put a time before."""
    match = _STAMP.match(text)
    return (match.group(1), text[match.end() :]) if match else ("", text)


_GO_START = re.compile(r"(?:.{0,64}\s)?(?:panic: |fatal error: |SIGQUIT: quit|goroutine \d+ \[)")
_GO_MORE = re.compile(
    r"\s*$|\t|goroutine \d+ \[|created by |\[signal |\[recovered\]|panic: |exit status \d|runtime: |r[0-9a-z]{1,2}\s+0x"
    r"|[\w./*()\[\]{}$%~·-]{1,300}\(.*\)$|\.\.\.(?:additional frames|\d+ frames)"
)
_PY_START = re.compile(r"(?:.{0,64}\s)?Traceback \(most recent call last\):")
_PY_MORE = re.compile(r"[ \t]|$|Traceback \(most|During handling of|The above exception|  \+")
_PY_END = re.compile(r"[A-Za-z_][\w.]{0,200}(?::|$)")
_AT = re.compile(r"\s+at [\w.$<>\[\] /@:-]{1,300}[(:]|\s+\.\.\. \d+ (?:more|common frames)")
_JAVA_MORE = re.compile(r"\s+at |\s*Caused by: |\s+Suppressed: |\s+\.\.\. \d+ |\s*$")
_NUMBERS = re.compile(r"0x[0-9a-fA-F]+|\d+")


def _extent(lines: t.Sequence[Line], start: int) -> tuple[str, int]:
    """(kind, index after the end) of the trace that begins at a line; the kind is empty where none does."""
    text = lines[start].text
    if _GO_START.match(text):
        return "go", _while(lines, start + 1, _GO_MORE)
    if _PY_START.match(text):
        return "python", _python_end(lines, start + 1)
    if start + 1 < len(lines) and _AT.match(lines[start + 1].text) and text.strip():
        kind = "javascript" if re.search(r"\.(?:js|mjs|cjs|ts):\d+|node:", lines[start + 1].text) else "java"
        return kind, _while(lines, start + 1, _JAVA_MORE)
    return "", start


def _while(lines: t.Sequence[Line], at: int, more: t.Pattern[str]) -> int:
    while at < len(lines) and more.match(lines[at].text):
        at += 1
    while at > 0 and not lines[at - 1].text.strip():
        at -= 1
    return at


def _python_end(lines: t.Sequence[Line], at: int) -> int:
    """Indented lines, then the line of the exception; a chained exception goes on after an empty line."""
    while at < len(lines):
        at = _while(lines, at, _PY_MORE) if _PY_MORE.match(lines[at].text) else at
        if at < len(lines) and _PY_END.match(lines[at].text):
            at += 1
        following = next((n for n in range(at, min(at + 3, len(lines))) if lines[n].text.strip()), None)
        if following is None or not re.match(r"During handling of|The above exception", lines[following].text):
            break
        at = following
    return at


def group(lines: t.Sequence[Line]) -> tuple[list[dict[str, str]], list[dict[str, t.Any]]]:
    """(entries, traces). An entry is a line, or a whole stack trace; equal traces (but for numbers) are one."""
    entries: list[tuple[int, dict[str, str]]] = []
    traces: dict[tuple[str, str], dict[str, t.Any]] = {}
    for stream in sorted({line.stream for line in lines}):
        numbered = [(number, line) for number, line in enumerate(lines) if line.stream == stream]
        own = [line for _number, line in numbered]
        at = 0
        while at < len(own):
            kind, end = _extent(own, at)
            end = max(end, at + 1)
            text = "\n".join(line.text for line in own[at:end])[:LONGEST_TRACE]
            entries.append((numbered[at][0], {"at": own[at].at, "text": text}))
            if kind and end > at + 1:
                _count(traces, kind, text)
            at = end
    ordered = [entry for _number, entry in sorted(entries, key=lambda pair: pair[0])]
    return ordered, sorted(traces.values(), key=lambda trace: -int(trace["count"]))[:MOST_TRACES]


def _count(traces: dict[tuple[str, str], dict[str, t.Any]], kind: str, text: str) -> None:
    key = (kind, _NUMBERS.sub("#", text))
    trace = traces.setdefault(key, {"kind": kind, "text": text, "count": 0})
    trace["count"] += 1


def line_from_bytes(data: bytes, stream: int) -> Line:
    """One line, inert. Docker's own time is taken off it."""
    at, text = split_stamp(inert(data.decode("utf-8", "replace")))
    return Line(at, text.rstrip("\r\n"), stream)
