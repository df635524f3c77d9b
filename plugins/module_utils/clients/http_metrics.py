# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read /metrics as it streams in, with the parser of prometheus_client: never the whole of it is in memory."""

from __future__ import annotations

import threading
import time
import typing as t

from ..core.http_metrics import BadSeries, Reader
from ..core.http_snapshot import Metrics
from .deadline import Deadline
from .errors import CollectError
from .http_link import ConnectError, Link, connect, shut
from .http_options import HttpOptions, Target, target
from .http_probe import Answer, Failure, Told, ask, open_wire, unpacked
from .http_resolve import Resolver

LIMIT = 20 * 1024 * 1024
"""Bytes of metrics that are read, packed and unpacked."""
LONGEST_LINE = 64 * 1024
BATCH = 200
"""Lines that are parsed at once."""
AT_ONCE = 16
"""Readings at the same time: each one remembers the series that it has seen."""
OPENMETRICS = "application/openmetrics-text"
END = "# EOF"


class Names(t.NamedTuple):
    """Metrics with other names than the usual ones, "" where they have those."""

    requests: str = ""
    latency: str = ""


class Scraper:
    """Reads the metrics of one service after the other. now: the wall clock, for the rate between two readings."""

    def __init__(
        self,
        options: HttpOptions,
        deadline: Deadline,
        resolver: Resolver,
        names: Names,
        now: t.Callable[[], float] = time.time,
    ) -> None:
        self.options = options
        self.deadline = deadline
        self.resolver = resolver
        self.names = names
        self._now = now
        self._turn = threading.Semaphore(AT_ONCE)

    def read(self, url: str) -> Metrics:
        """One reading; what goes wrong is a Metrics that says so."""
        with self._turn:
            return self._read(url)

    def _read(self, url: str) -> Metrics:
        here, at = target(url), self._now()
        budget = Deadline(self.deadline.cap(self.options.connect_timeout + self.options.read_timeout))
        try:
            link = connect(here, self.options, self.resolver, budget)
        except ConnectError as error:
            return Metrics(error.kind, f"they can't be read: {error.message}", at)
        except CollectError as error:
            return Metrics("failed", error.message, at)
        try:
            return self._parse(here, link, budget, at)
        except Failure as error:
            late = error.kind in ("silent", "endless") and self.deadline.expired()
            return Metrics("deadline" if late else error.kind, error.message, at)
        except BadSeries as error:
            return Metrics("broken", str(error), at)
        finally:
            shut(link.sock)

    def _parse(self, here: Target, link: Link, budget: Deadline, at: float) -> Metrics:
        wire = open_wire(link, self.options, budget, LIMIT + LONGEST_LINE)
        answer = ask(here, True, link, wire, self.options, ("content-type",))
        if answer.status != 200:
            raise BadSeries(f"they are answered with status {answer.status}")
        kind = answer.headers.get("content-type", "")
        if "html" in kind.lower():
            raise BadSeries("they are an HTML page")
        text = _Text(answer, budget, kind.startswith(OPENMETRICS))
        reader = Reader(self.names.requests, self.names.latency)
        with Told(wire, self.options, answer):
            for batch in text.batches():
                parse(batch, reader)
        text.check_end()
        return reader.metrics(at, text.size)


def parse(lines: t.Sequence[str], reader: Reader) -> None:
    """Only what is judged, and what looks odd, goes through the parser. Raises BadSeries for a line that is none."""
    from prometheus_client.parser import text_fd_to_metric_families

    odd = [line for line in lines if not reader.passes(line)]
    try:
        for family in text_fd_to_metric_families(t.cast(t.TextIO, odd)):
            for sample in family.samples:
                reader.add(sample.name, sample.labels, sample.value)
    except BadSeries:
        raise
    except Exception as error:
        # Whatever a parser does with what others wrote: it is their text that is wrong.
        raise BadSeries(f"a line is no metric: {str(error)[:120] or type(error).__name__}") from None


class _Text:
    """The lines of a body that count (comments do not), in batches, within bounds."""

    def __init__(self, answer: Answer, budget: Deadline, openmetrics: bool) -> None:
        self._answer = answer
        self._budget = budget
        self._openmetrics = openmetrics
        self._last = ""
        self._whole = True
        self.size = 0

    def batches(self) -> t.Iterator[list[str]]:
        """Raises BadSeries, besides what reading raises."""
        rest = b""
        batch: list[str] = []
        for part in unpacked(self._answer, LIMIT):
            self.size += len(part)
            if self.size > LIMIT:
                raise BadSeries(f"they are larger than {LIMIT // 1024**2} MiB")
            *lines, rest = (rest + part).split(b"\n")
            if len(rest) > LONGEST_LINE or any(len(line) > LONGEST_LINE for line in lines):
                raise BadSeries(f"a line is longer than {LONGEST_LINE // 1024} KiB")
            batch += [line for raw in lines if (line := self._line(raw))]
            while len(batch) >= BATCH:
                self._in_time()
                yield batch[:BATCH]
                del batch[:BATCH]
        self._whole = not self._line(rest)
        if batch:
            yield batch

    def _line(self, raw: bytes) -> str:
        try:
            line = raw.decode("utf-8").strip()
        except UnicodeDecodeError:
            raise BadSeries("they are no UTF-8") from None
        if not line:
            return ""
        self._last = line
        if line.startswith(("<!", "<html", "<HTML")):
            raise BadSeries("they are an HTML page")
        if line.startswith("#"):
            return ""
        return line.partition(" # {")[0] if self._openmetrics else line

    def _in_time(self) -> None:
        if self._budget.expired():
            raise Failure("endless", "they are not whole in time", self._answer)

    def check_end(self) -> None:
        """Raises BadSeries where the last line has no end, or OpenMetrics none of its own."""
        if self._openmetrics and self._last != END:
            raise BadSeries("they are cut off: OpenMetrics ends with # EOF")
        if not self._whole:
            raise BadSeries("they are cut off in the middle of a line")
