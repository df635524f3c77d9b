# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Logs as Docker sends them: frames, terminals, pieces of long lines, hostile bytes, stack traces."""

from __future__ import annotations

import io

import pytest
from ansible_collections.incident.response.plugins.module_utils.clients.deadline import Deadline
from ansible_collections.incident.response.plugins.module_utils.clients.docker_logs import (
    LONGEST_LINE,
    MOST_READ,
    read_tail,
)
from ansible_collections.incident.response.plugins.module_utils.core.log_lines import Line, group

STAMP = "2026-01-01T00:00:0%d.123456789Z "


def frame(text, stream=1):
    data = text if isinstance(text, bytes) else text.encode()
    return bytes([stream, 0, 0, 0]) + len(data).to_bytes(4, "big") + data


def read(data, tty=False, lines=100, budget=256 * 1024, step=None):
    source = io.BytesIO(data)
    reader = source.read if step is None else lambda size: source.read(min(size, step))
    return read_tail(reader, tty, lines, budget, Deadline(10))


@pytest.mark.parametrize("step", [None, 1, 3, 7])
def test_frames_and_streams(step):
    data = frame(STAMP % 1 + "out\n") + frame(STAMP % 2 + "err\n", 2) + frame(STAMP % 3 + "windows\r\n")
    tail = read(data, step=step)
    assert [(line.text, line.stream) for line in tail.lines] == [("out", 1), ("err", 2), ("windows", 1)]
    assert tail.lines[0].at == (STAMP % 1).strip()
    assert tail.cut is False


def test_a_terminal_has_no_frames():
    tail = read((STAMP % 1 + "one\r\n" + STAMP % 2 + "two\r\n").encode(), tty=True, step=5)
    assert [line.text for line in tail.lines] == ["one", "two"]


def test_the_newest_lines_stay():
    data = b"".join(frame(STAMP % 1 + f"line {number}\n") for number in range(1000))
    tail = read(data, lines=10)
    assert [line.text for line in tail.lines] == [f"line {number}" for number in range(990, 1000)]
    tail = read(data, lines=1000, budget=1000)
    assert tail.cut and tail.lines[-1].text == "line 999" and len(tail.lines) < 30


def test_pieces_of_a_line_are_one_line():
    piece = "x" * 16384
    data = (
        frame(STAMP % 1 + piece) + frame(STAMP % 2 + piece) + frame(STAMP % 3 + "end\n") + frame(STAMP % 4 + "next\n")
    )
    tail = read(data)
    assert len(tail.lines) == 2
    assert tail.lines[0].text.startswith("xxx") and "bytes in all]" in tail.lines[0].text
    assert len(tail.lines[0].text) < LONGEST_LINE + 100
    assert tail.lines[1].text == "next" and tail.cut


def test_interleaved_pieces_of_two_streams():
    data = frame(STAMP % 1 + "a" * 10) + frame(STAMP % 2 + "err\n", 2) + frame("b\n")
    assert [(line.text, line.stream) for line in read(data).lines] == [("err", 2), ("a" * 10 + "b", 1)]


class Endless:
    """A line that never ends."""

    def __init__(self):
        self.given = 0

    def read(self, size):
        self.given += size
        return b"y" * size


def test_an_endless_line_is_given_up():
    source = Endless()
    tail = read_tail(source.read, True, 100, 1000, Deadline(30))
    assert tail.cut and source.given < MOST_READ + 1024 * 1024
    assert len(tail.lines) <= 1


@pytest.mark.parametrize(
    "data", [b"", b"\x01", frame("")[:5], frame("x" * 100)[:50], b"\xff" * 100, frame(b"\xff\xfe\x00\n")]
)
def test_broken_streams_are_no_error(data):
    read(data)


def test_hostile_bytes_are_inert():
    tail = read(frame(b"2026-01-01T00:00:01Z \x1b[31mred\x1b[0m \x00 \xff {{ 7*7 }}\n"))
    assert tail.lines[0].text == "red  \ufffd {{ 7*7 }}"


def lines(text, stream=2):
    return [Line(f"t{number}", line, stream) for number, line in enumerate(text.split("\n"))]


GO = """panic: runtime error: invalid memory address or nil pointer dereference
[signal SIGSEGV: segmentation violation code=0x1 addr=0x0 pc=0x47f0e1]

goroutine 1 [running]:
main.(*Server).handle(0x0, {0xc000012345, 0x5})
\t/app/main.go:12 +0x1d
main.main()
\t/app/main.go:7 +0x25
exit status 2"""
PYTHON = """Traceback (most recent call last):
  File "/app/main.py", line 3, in <module>
    work()
ValueError: bad thing

During handling of the above exception, another exception occurred:

Traceback (most recent call last):
  File "/app/main.py", line 5, in <module>
    raise RuntimeError("x")
RuntimeError: x"""
JAVA = """Exception in thread "main" java.lang.IllegalStateException: boom
\tat com.example.App.run(App.java:10)
\tat com.example.App.main(App.java:5)
Caused by: java.io.IOException: disk
\tat com.example.Disk.read(Disk.java:42)
\t... 2 more"""
NODE = """TypeError: Cannot read properties of undefined (reading 'x')
    at handler (/app/index.js:10:15)
    at processTicksAndRejections (node:internal/process/task_queues:95:5)"""


@pytest.mark.parametrize(("kind", "text"), [("go", GO), ("python", PYTHON), ("java", JAVA), ("javascript", NODE)])
def test_traces_are_kept_together(kind, text):
    entries, traces = group(lines(f"before\n{text}\nafter"))
    assert [entry["text"] for entry in entries] == ["before", text, "after"]
    assert [(trace["kind"], trace["count"]) for trace in traces] == [(kind, 1)]


def test_equal_traces_are_counted():
    other = GO.replace("0xc000012345", "0xc00009999").replace("goroutine 1 ", "goroutine 87 ")
    entries, traces = group(lines("\n".join([GO, "line", other, "line", PYTHON])))
    assert [(trace["kind"], trace["count"]) for trace in traces] == [("go", 2), ("python", 1)]
    assert len(entries) == 5


def test_a_trace_between_lines_of_the_other_stream():
    trace = lines(GO, 2)
    mixed = [item for pair in zip(trace, [Line("", "request", 1)] * len(trace), strict=True) for item in pair]
    entries, traces = group(mixed)
    assert traces[0]["text"] == GO
    assert [entry["text"] for entry in entries].count("request") == len(trace)


@pytest.mark.parametrize(
    "text", ["", "\n\n", "panic: x", "Traceback (most recent call last):", "\tat x(y)", "goroutine 1 ["]
)
def test_half_traces_are_no_error(text):
    entries, _traces = group(lines(text))
    assert "\n".join(entry["text"] for entry in entries) == text


def test_ordinary_lines_are_no_trace():
    text = "level=info msg=ok\nGET /a?at=x 200\nhttp: panic serving 1.2.3.4: boom\nat noon (12:00)"
    entries, traces = group(lines(text))
    assert len(entries) == 4 and traces == []
