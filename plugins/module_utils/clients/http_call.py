# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One question to an API over HTTP: any method, JSON both ways, and every byte within one budget.

It is the connection of http_probe with what an API needs beside it. Every failure is a CollectError; a status that is
no success is an answer.
"""

from __future__ import annotations

import contextlib
import dataclasses
import email.utils
import json
import time
import typing as t

from .deadline import Deadline
from .errors import CollectError
from .http_link import connect, shut
from .http_options import HttpOptions, target
from .http_probe import OVERHEAD, REDIRECTS, Failure, ask, follow, open_wire, read_body
from .http_resolve import Resolver

LIMIT = 24 * 1024 * 1024
"""Bytes of a body that are read, packed and unpacked."""
KEPT = ("content-type", "date")
MESSAGE = 200


@dataclasses.dataclass(frozen=True)
class Response:
    """A whole answer. skew: the server's clock minus ours in seconds, None where it does not tell its time."""

    status: int
    kind: str
    body: bytes
    skew: float | None

    def json(self) -> t.Any:
        """The body as JSON. Raises CollectError of kind unexpected."""
        try:
            return json.loads(self.body)
        except (ValueError, RecursionError):
            page = b"<html" in self.body[:1024].lower() or b"<!doctype" in self.body[:1024].lower()
            what = "a web page" if page else "no JSON"
            raise CollectError("unexpected", f"it answers {self.status} with {what}") from None

    def said(self) -> str:
        """What the server says about an error, for people."""
        try:
            data = json.loads(self.body[:65536])
        except (ValueError, RecursionError):
            data = self.body[:MESSAGE].decode("utf-8", "replace").strip()
        if isinstance(data, dict):
            data = data.get("message") or data.get("error") or ""
        return str(data)[:MESSAGE]


class Caller:
    """Asks one API; shared by threads. Redirects of a GET are followed; the login stays with the host named first."""

    def __init__(self, options: HttpOptions, deadline: Deadline, resolver: Resolver | None = None) -> None:
        self.options = options
        self.deadline = deadline
        self.resolver = resolver or Resolver(options.connect_timeout)

    def get(self, url: str, limit: int = LIMIT, login: bool = True) -> Response:
        """Raises CollectError."""
        first = here = target(url)
        budget = Deadline(self.deadline.cap(self.options.connect_timeout + self.options.read_timeout))
        for _turn in range(self.options.max_redirects + 1):
            answer, where = self._once("GET", here.shown + _query(here.path), None, budget, limit, login)
            if answer.status not in REDIRECTS or not where:
                return answer
            try:
                here = follow(here, where)
            except ValueError as error:
                raise CollectError("redirect", str(error), first.shown) from None
            login = login and here.origin == first.origin
        raise CollectError("redirect", f"it redirects more than {self.options.max_redirects} times", first.shown)

    def send(self, method: str, url: str, data: t.Any = None) -> Response:
        """A question that changes something, asked once. Raises CollectError."""
        body = json.dumps(data).encode() if data is not None else None
        budget = Deadline(self.deadline.cap(self.options.connect_timeout + self.options.read_timeout))
        return self._once(method, url, body, budget, LIMIT, True)[0]

    def _once(
        self, method: str, url: str, body: bytes | None, budget: Deadline, limit: int, login: bool
    ) -> tuple[Response, str]:
        here = target(url)
        budget.check(f"asking {here.shown}")
        link = connect(here, self.options, self.resolver, budget)
        failed: CollectError | None = None
        try:
            wire = open_wire(link, self.options, budget, limit + OVERHEAD)
            answer = ask(here, login, link, wire, self.options, KEPT, method, body)
            with contextlib.closing(answer.response):
                found, cut = read_body(answer, limit)
        except Failure as error:
            late = error.kind in ("silent", "endless") and self.deadline.expired()
            failed = CollectError("deadline" if late else error.kind, error.message, here.shown)
        finally:
            shut(link.sock)
        if failed is not None:
            # Raised here, it does not keep what was half read alive.
            raise failed
        if cut:
            raise CollectError("too_large", f"its answer is larger than {limit // 1024**2} MiB", here.shown)
        kind = answer.headers.get("content-type", "")
        response = Response(answer.status, kind, found, _skew(answer.headers.get("date", "")))
        return response, answer.headers.get("location", "")


def _query(path: str) -> str:
    _path, mark, query = path.partition("?")
    return mark + query


def _skew(date: str) -> float | None:
    try:
        # The header has whole seconds, cut off.
        return email.utils.parsedate_to_datetime(date).timestamp() + 0.5 - time.time()
    except (TypeError, ValueError, OverflowError):
        return None
