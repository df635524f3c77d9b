# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Calls to a Kubernetes API: plain JSON in and out, each within a deadline, each failure told from the others.

No model of the library is made of an answer: of 10,000 pods that costs more time and memory than to judge them.
"""

from __future__ import annotations

import json
import typing as t
import urllib.parse

from .deadline import Deadline
from .errors import CollectError
from .kubernetes_errors import (
    ApiError,
    Expired,
    NotKubernetes,
    Place,
    ServerError,
    Silent,
    Throttled,
    Unauthorized,
    of_exception,
    of_status,
    place_of,
)
from .kubernetes_login import Login
from .kubernetes_options import KubernetesOptions
from .pool import gather

AGENT = "incident.response"
LIMIT = 64 * 1024 * 1024
"""Bytes that are read of an answer: 500 large pods are about 16 MiB."""
CHUNK = 64 * 1024
CONNECTIONS = 16
JSON = "application/json"
MERGE = "application/strategic-merge-patch+json"
PATIENCE = 5.0
"""Seconds that a question waits at most where the API says that it is asked too often."""

Query = t.Mapping[str, t.Any]


class Text(t.NamedTuple):
    """A text, and whether there was more of it than was read."""

    text: str
    cut: bool


class _Answer(t.NamedTuple):
    status: int
    body: bytes
    cut: bool
    retry_after: str


def connect(options: KubernetesOptions, deadline: Deadline) -> Link:
    """A link that has asked nothing yet. Raises CollectError: Unset where the options name no cluster.

    A kubeconfig may run a program to log in, which may hang: that too has to be over by the deadline.
    """
    made = gather({"login": lambda: Login(options)}, deadline, 1)["login"]
    if isinstance(made, CollectError):
        raise Silent("timeout", "logging in took too long", options.host) if made.kind == "deadline" else made
    return Link(made, deadline)


class Link:
    """A cluster's API. Calls may be made from many threads; every one raises ApiError and nothing else.

    Paths begin with /api or /apis; names in them are quoted by the caller (see quoted).
    """

    def __init__(self, login: Login, deadline: Deadline) -> None:
        self.login = login
        self.address = login.host
        self.deadline = deadline
        self._pool = _pool(login)

    def get(self, path: str, query: Query | None = None) -> dict[str, t.Any]:
        return self._json("GET", path, query)

    def pages(self, path: str, query: Query | None = None, limit: int = 500) -> t.Iterator[dict[str, t.Any]]:
        """The items of a list, page by page, none of them twice.

        A list that takes longer than the API remembers it (410) is begun anew, once; then the error is raised.
        """
        seen: set[str] = set()
        token, restarted = "", False
        while True:
            asked = {**(query or {}), "limit": limit, **({"continue": token} if token else {})}
            try:
                page = self.get(path, asked)
            except Expired:
                if restarted or not token:
                    raise
                token, restarted = "", True
                continue
            for item in _items(page):
                name = _identity(item)
                if name not in seen:
                    seen.add(name)
                    yield item
            meta = page.get("metadata")
            token = str((meta.get("continue") if isinstance(meta, dict) else "") or "")
            if not token:
                return

    def post(self, path: str, body: t.Any, content_type: str = JSON, query: Query | None = None) -> dict[str, t.Any]:
        return self._json("POST", path, query, body, content_type)

    def put(self, path: str, body: t.Any, query: Query | None = None) -> dict[str, t.Any]:
        return self._json("PUT", path, query, body)

    def patch(self, path: str, body: t.Any, content_type: str = MERGE, query: Query | None = None) -> dict[str, t.Any]:
        return self._json("PATCH", path, query, body, content_type)

    def delete(self, path: str, body: t.Any = None, query: Query | None = None) -> dict[str, t.Any]:
        return self._json("DELETE", path, query, body)

    def text(self, path: str, query: Query | None = None, limit_bytes: int = 256 * 1024) -> Text:
        """A plain text, as of a log: its first limit_bytes."""
        answer = self._asked("GET", path, query, None, JSON, limit_bytes)
        return Text(answer.body.decode("utf-8", "replace"), answer.cut)

    def close(self) -> None:
        self._pool.clear()

    def _json(
        self, method: str, path: str, query: Query | None, body: t.Any = None, content_type: str = JSON
    ) -> dict[str, t.Any]:
        answer = self._asked(method, path, query, body, content_type, LIMIT)
        place = place_of(method, path)
        if answer.cut:
            raise ServerError("failed", f"an answer of more than {LIMIT} bytes (while asked to {place})", self.address)
        try:
            found = json.loads(answer.body)
        except (ValueError, RecursionError):
            found = None
        if not isinstance(found, dict):
            text = f"an answer that is no JSON object (while asked to {place})"
            raise NotKubernetes("not_protocol", text, self.address, place, answer.status)
        return found

    def _asked(
        self, method: str, path: str, query: Query | None, body: t.Any, content_type: str, limit: int
    ) -> _Answer:
        """A good answer. A question is asked once more where the API wants a pause; an order never is."""
        place = place_of(method, path)
        url = self.address + path + (f"?{_encoded(query)}" if query else "")
        data = None if body is None else json.dumps(body).encode()
        try:
            return self._bounded(method, url, data, content_type, limit, place)
        except Throttled as error:
            pause = min(max(error.retry_after, 0.5), PATIENCE)
            if method != "GET" or not self.deadline.wait(pause):
                raise
        return self._bounded(method, url, data, content_type, limit, place)

    def _bounded(
        self, method: str, url: str, data: bytes | None, content_type: str, limit: int, place: Place
    ) -> _Answer:
        """One call, over in time whatever it hangs at: a name server and slow headers know no timeout of a socket."""
        seconds = self.deadline.cap(self.login.options.timeout)
        if seconds <= 0:
            raise Silent("deadline", f"no time left for it (while asked to {place})", self.address, place)
        inner = Deadline(seconds)
        job: t.Callable[[], _Answer] = lambda: self._call(method, url, data, content_type, limit, place, inner)  # noqa: E731
        found = gather({"call": job}, inner, 1)["call"]
        if isinstance(found, ApiError):
            raise found
        if isinstance(found, CollectError):
            if found.kind == "deadline":
                text = f"no whole answer within {seconds:.3g} s (while asked to {place})"
                raise Silent("timeout", text, self.address, place)
            raise ApiError(found.kind, found.message, self.address, place)
        return t.cast(_Answer, found)

    def _call(
        self, method: str, url: str, data: bytes | None, content_type: str, limit: int, place: Place, inner: Deadline
    ) -> _Answer:
        try:
            answer = self._answer(method, url, data, content_type, limit, inner)
        except Exception as error:
            raise of_exception(error, place, self.address) from error
        if 200 <= answer.status < 300:
            return answer
        refusal = of_status(answer.status, answer.body, place, self.address, answer.retry_after)
        if isinstance(refusal, Unauthorized) and self.login.client_expired:
            refusal.message = f"the client certificate expired at {self.login.client_expired}"
        raise refusal

    def _answer(
        self, method: str, url: str, data: bytes | None, content_type: str, limit: int, inner: Deadline
    ) -> _Answer:
        import urllib3

        wait = urllib3.Timeout(connect=inner.cap(self.login.options.connect_timeout), read=max(0.05, inner.left()))
        response = self._pool.request(
            method,
            url,
            body=data,
            headers=self._headers(content_type if data is not None else ""),
            timeout=wait,
            retries=False,
            redirect=False,
            preload_content=False,
            decode_content=False,
        )
        body, cut = b"", True
        try:
            body, cut = _read(response, limit, inner)
        finally:
            # What was not read to its end is of no use to the next call.
            response.close() if cut else response.release_conn()
        return _Answer(response.status, body, cut, str(response.headers.get("Retry-After") or ""))

    def _headers(self, content_type: str) -> t.Any:
        """A body has to come as it is: what is packed may be a bomb. Groups are a header each."""
        import urllib3

        plain = {"Accept": f"{JSON}, */*", "Accept-Encoding": "identity", "User-Agent": AGENT, **self.login.headers()}
        if content_type:
            plain["Content-Type"] = content_type
        found = urllib3.HTTPHeaderDict(plain)
        for name, value in self.login.groups():
            found.add(name, value)
        return found


def quoted(name: str) -> str:
    """A name as it may stand in a path."""
    return urllib.parse.quote(name, safe="")


def _encoded(query: Query) -> str:
    plain = {name: str(value).lower() if isinstance(value, bool) else value for name, value in query.items()}
    return urllib.parse.urlencode(plain, doseq=True)


def _items(page: t.Mapping[str, t.Any]) -> t.Iterator[dict[str, t.Any]]:
    """A list of nothing may be null."""
    items = page.get("items")
    for item in items if isinstance(items, list) else ():
        if isinstance(item, dict):
            yield item


def _identity(item: t.Mapping[str, t.Any]) -> str:
    meta = item.get("metadata")
    if not isinstance(meta, dict):
        return str(id(item))
    return str(meta.get("uid") or f"{meta.get('namespace')}/{meta.get('name')}")


def _read(response: t.Any, limit: int, inner: Deadline) -> tuple[bytes, bool]:
    """The body up to a limit, and whether there is more. Reads what is there, so that the deadline is seen."""
    read = getattr(response, "read1", None) or response.read
    parts: list[bytes] = []
    size = 0
    while size <= limit:
        inner.check("reading the answer")
        part = read(CHUNK)
        if not part:
            return b"".join(parts), False
        parts.append(part)
        size += len(part)
    return b"".join(parts)[:limit], True


def _pool(login: Login) -> t.Any:
    import urllib3

    args: dict[str, t.Any] = {"maxsize": CONNECTIONS, "num_pools": 2}
    if login.context is not None:
        args["ssl_context"] = login.context
        if not login.verify:
            args |= {"cert_reqs": "CERT_NONE", "assert_hostname": False}
    if login.server_name:
        args |= {"server_hostname": login.server_name, "assert_hostname": login.server_name}
    return urllib3.ProxyManager(login.proxy, **args) if login.proxy else urllib3.PoolManager(**args)
