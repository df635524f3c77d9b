# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What HTTP endpoints answered in one look, without judgement. Nothing here does I/O."""

from __future__ import annotations

import dataclasses
import typing as t

OK = "ok"
TLS_KINDS = ("tls_expired", "tls_early", "tls_untrusted", "tls_hostname", "tls_client", "tls_failed")


@dataclasses.dataclass(frozen=True)
class Endpoint:
    """What is looked at, and what it should answer. The URLs are as they are asked; name: as findings call it.

    expected_status: () is every 2xx. expected_headers: name in lower case, pattern. expected_body: a pattern, or "".
    """

    component: str
    name: str
    health_url: str
    metrics_url: str = ""
    expected_status: tuple[int, ...] = ()
    expected_body: str = ""
    expected_headers: tuple[tuple[str, str], ...] = ()

    def expects(self, status: int) -> bool:
        return status in self.expected_status if self.expected_status else 200 <= status < 300


class Attempt(t.NamedTuple):
    """One address of a name that was tried. kind: ok, or a kind of Probe."""

    address: str
    kind: str
    message: str = ""


class Times(t.NamedTuple):
    """Milliseconds that each phase took. ttfb: from the request to the first byte. total: all of it."""

    dns: float = 0.0
    connect: float = 0.0
    tls: float = 0.0
    ttfb: float = 0.0
    total: float = 0.0


class Certificate(t.NamedTuple):
    """From when until when the server's certificate is valid, in epoch seconds; None where it could not be read."""

    not_before: float | None = None
    not_after: float | None = None


class Probe(t.NamedTuple):
    """One question and its answer.

    kind: ok (a whole answer, whatever its status), or where it ended: dns, refused, timeout, unreachable, silent,
    reset, broken (cut off in the middle), endless (not whole in time), not_http, redirects (a loop or too many), one of
    TLS_KINDS, deadline, failed. status: 0 where none came. cut: the body was larger than what is read of it.
    """

    kind: str = OK
    message: str = ""
    status: int = 0
    headers: t.Mapping[str, str] = {}
    body: str = ""
    cut: bool = False
    times: Times = Times()
    attempts: tuple[Attempt, ...] = ()
    certificate: Certificate | None = None
    redirects: tuple[str, ...] = ()


@dataclasses.dataclass(frozen=True)
class Metrics:
    """What one reading of /metrics said. kind: ok, broken (it can't be judged; message says why), or a kind of Probe.

    statuses: first digit of the status -> requests. buckets: upper bound -> requests, summed over all series.
    """

    kind: str = OK
    message: str = ""
    at: float = 0.0
    series: int = 0
    bytes: int = 0
    requests_name: str = ""
    statuses: t.Mapping[str, float] = dataclasses.field(default_factory=dict)
    latency_name: str = ""
    buckets: t.Mapping[float, float] = dataclasses.field(default_factory=dict)
    open_fds: float | None = None
    max_fds: float | None = None
    start_time: float | None = None


@dataclasses.dataclass(frozen=True)
class Look:
    """All that one endpoint answered in one look. probes: oldest first. others: further addresses of its name."""

    endpoint: Endpoint
    now: float
    probes: tuple[Probe, ...] = ()
    others: tuple[Attempt, ...] = ()
    first: Metrics | None = None
    later: Metrics | None = None

    @property
    def last(self) -> Probe:
        return self.probes[-1] if self.probes else Probe("deadline", "it was not asked before the deadline")

    @property
    def metrics(self) -> Metrics | None:
        """The newest reading."""
        return self.later or self.first

    @property
    def reachable(self) -> bool:
        return any(probe.status for probe in self.probes)
