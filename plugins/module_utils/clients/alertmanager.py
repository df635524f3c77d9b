# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Read everything that alertmanager_health_info judges, of all members at once, within one deadline. Only GET."""

from __future__ import annotations

import dataclasses
import functools
import time
import typing as t

from ..core import alertmanager_metrics, alertmanager_parse
from ..core.alertmanager_snapshot import Counters, Member, Problem, Snapshot
from .deadline import Deadline
from .errors import CollectError
from .http_call import LIMIT, Caller, Response
from .http_options import HttpOptions, target
from .pool import gather

MARGIN = 0.05
"""Share of the deadline that is kept for what comes after the last answer."""
API = "/api/v2"
PATHS = {
    "status": f"{API}/status",
    "ready": "/-/ready",
    "alerts": f"{API}/alerts",
    "silences": f"{API}/silences",
    "metrics": "/metrics",
}
HEARD = ("redirect", "too_large", "not_http", "unexpected")
"""Errors after which it is known that something is there."""
ABSENT = (404, 405, 410)
METRICS_LIMIT = 8 * 1024 * 1024
Clock = t.Callable[[], float]
Key = tuple[str, str]


@dataclasses.dataclass(frozen=True)
class Wanted:
    """urls: of all members, without a slash at the end. window: seconds between two readings of the metrics, 0 for one.
    prometheus_url: whose firing alerts have to be there, "" for nobody's."""

    urls: tuple[str, ...]
    window: float = 2.0
    prometheus_url: str = ""


def collect(options: HttpOptions, wanted: Wanted, deadline: Deadline, clock: Clock = time.time) -> Snapshot:
    """One look. What could not be read is a problem of its member, never an exception."""
    inner = Deadline(deadline.left() * (1 - MARGIN))
    look = _Look(Caller(options, inner), wanted, deadline, clock)
    return look.snapshot()


class _Look:
    def __init__(self, caller: Caller, wanted: Wanted, deadline: Deadline, clock: Clock) -> None:
        self.caller = caller
        self.wanted = wanted
        self.deadline = deadline
        self.clock = clock
        self.members = {url: Member(target(url).shown.rstrip("/")) for url in wanted.urls}

    def snapshot(self) -> Snapshot:
        started = time.monotonic()
        expected, problem = self._expected()
        self._round(tuple(PATHS))
        self._explain()
        again = [url for url, member in self.members.items() if member.first is not None]
        if again and self.wanted.window:
            self.caller.deadline.wait(max(0.0, self.wanted.window - (time.monotonic() - started)))
            self._round(("metrics",), again)
        skew = next((member.skew for member in self.members.values() if member.skew is not None), None)
        return Snapshot(self.clock() + (skew or 0.0), list(self.members.values()), expected, problem)

    def _expected(self) -> tuple[list[dict[str, str]] | None, Problem | None]:
        """Before the Alertmanagers are asked: what fires only after that can't be missed in them."""
        if not self.wanted.prometheus_url:
            return None, None
        url = self.wanted.prometheus_url + "/api/v1/alerts"
        at_home = target(url).origin in {target(mine).origin for mine in self.wanted.urls}
        job = functools.partial(self.caller.get, url, login=at_home)
        answer = gather({"prometheus": job}, self.deadline)["prometheus"]
        try:
            return alertmanager_parse.prometheus_alerts(checked(answer).json()), None
        except CollectError as error:
            return None, Problem(error.kind, error.message)
        except alertmanager_parse.Unexpected as error:
            return None, Problem("unexpected", f"what answers there is no Prometheus: {error}")

    def _round(self, parts: t.Sequence[str], urls: t.Sequence[str] | None = None) -> None:
        jobs: dict[Key, t.Callable[[], t.Any]] = {}
        for url in urls or tuple(self.members):
            for part in parts:
                limit = METRICS_LIMIT if part == "metrics" else LIMIT
                jobs[url, part] = functools.partial(self.caller.get, url + PATHS[part], limit)
        for (url, part), answer in gather(jobs, self.deadline, workers=32).items():
            self._take(self.members[url], part, answer)

    def _take(self, member: Member, part: str, answer: t.Any) -> None:
        member.answered |= isinstance(answer, Response) or getattr(answer, "kind", "") in HEARD
        if isinstance(answer, Response):
            member.skew = answer.skew if member.skew is None else member.skew
        try:
            if part == "ready":
                member.ready = _ready(answer)
                return
            good = checked(answer)
            if part == "metrics":
                self._metrics(member, good)
            else:
                setattr(member, part, getattr(alertmanager_parse, part)(good.json()))
        except CollectError as error:
            status = answer.status if isinstance(answer, Response) else 0
            if part == "ready" and error.kind == "not_ready":
                member.ready = False
            if part != "metrics" or member.first is None:
                member.problems[part] = Problem(error.kind, error.message, status)
        except (alertmanager_parse.Unexpected, alertmanager_metrics.NoMetrics) as error:
            member.problems[part] = Problem("unexpected", f"what it answers is not of an Alertmanager: {error}", 200)

    def _metrics(self, member: Member, answer: Response) -> None:
        counters: Counters = alertmanager_metrics.read(answer.body.decode("utf-8", "replace"), self.clock())
        if member.first is None:
            member.first = counters
        else:
            member.later = counters

    def _explain(self) -> None:
        """Where the API v2 is not there: what is, then? Nobody has to guess that."""
        gone = [url for url, m in self.members.items() if m.problems.get("status", Problem("", "")).kind == "gone"]
        jobs = {url: functools.partial(self.caller.get, f"{url}/api/v1/status") for url in gone}
        for url, answer in (gather(jobs, self.deadline) if jobs else {}).items():
            status = self.members[url].problems["status"].status
            told = f"it answers {status} at {API}"
            if isinstance(answer, Response) and answer.status == 200 and b'"status":"success"' in answer.body[:4096]:
                told += ", and only knows the API v1: it is older than 0.16, update it"
            elif isinstance(answer, Response) and answer.status == 410:
                told += " and 410 at /api/v1, which newer ones have no more: url lacks its path (--web.route-prefix)"
            else:
                told += " and has no API v1 either: no Alertmanager is there, or it has a path (--web.route-prefix)"
            for part in ("status", "alerts", "silences"):
                if part in self.members[url].problems:
                    self.members[url].problems[part] = Problem("gone", told, status)


def checked(answer: t.Any) -> Response:
    """A successful answer. Raises CollectError for any other."""
    if isinstance(answer, CollectError):
        raise answer
    response = t.cast(Response, answer)
    if response.status in (401, 403):
        raise CollectError("auth", f"it answers {response.status}: the login is refused")
    if response.status in ABSENT:
        raise CollectError("gone", f"it answers {response.status}")
    if 300 <= response.status < 400:
        raise CollectError("redirect", f"it answers {response.status}, without saying where to")
    if response.status != 200:
        said = response.said()
        raise CollectError("failed", f"it answers {response.status}" + (f": {said}" if said else ""))
    return response


def _ready(answer: t.Any) -> bool:
    """Raises CollectError; of kind not_ready where the server itself says so."""
    if isinstance(answer, Response) and answer.status in (500, 502, 503, 504):
        raise CollectError("not_ready", f"it answers {answer.status}")
    return checked(answer).status == 200
