# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The many ways in which a Kubernetes API says no, each an exception that a caller can tell from the others."""

from __future__ import annotations

import http.client
import json
import re
import socket
import ssl
import typing as t

from .errors import CollectError, causes_of

VERBS = {"GET": "get", "POST": "create", "PUT": "update", "PATCH": "patch", "DELETE": "delete"}
CANNOT = re.compile(
    r'User "(?P<user>[^"]*)" cannot (?P<verb>\w+) resource "(?P<resource>[^"]*)" in API group "[^"]*"'
    r'(?: in the namespace "(?P<namespace>[^"]*)")?'
)
CLIENT_ALERTS = ("CERTIFICATE_EXPIRED", "BAD_CERTIFICATE", "CERTIFICATE_REQUIRED", "UNKNOWN_CA", "CERTIFICATE_UNKNOWN")


class Place(t.NamedTuple):
    """What a call was about. resource is the plural with its subresource, as RBAC names it: pods/log."""

    verb: str
    resource: str
    namespace: str = ""
    name: str = ""

    def __str__(self) -> str:
        where = f" in {self.namespace}" if self.namespace else ""
        named = f" {self.name}" if self.name else ""
        return f"{self.verb} {self.resource}{named}{where}"


class ApiError(CollectError):
    """The API could not be asked, or it said no. status is 0 where no answer came; reason is the API's own word."""

    def __init__(
        self, kind: str, message: str, address: str = "", place: Place | None = None, status: int = 0, reason: str = ""
    ) -> None:
        super().__init__(kind, message, address)
        self.place = place or Place("", "")
        self.status = status
        self.reason = reason
        self.details: dict[str, t.Any] = {}
        self.retry_after = 0.0


class Unreachable(ApiError):
    """Nobody is there: refused, no such name, no route, reset."""


class Silent(ApiError):
    """Somebody took the call and gave no whole answer in time."""


class TlsError(ApiError):
    """TLS fails; the message has the exact reason."""


class NotKubernetes(ApiError):
    """What answers there does not speak the Kubernetes API."""


class Unauthorized(ApiError):
    """401: the API does not know who asks."""


class Forbidden(ApiError):
    """403: the API knows who asks, and place says what they may not do."""


class NotFound(ApiError):
    """404: the object, or the whole resource, is not there."""


class Conflict(ApiError):
    """409: it exists already, or somebody else changed it meanwhile."""


class Expired(ApiError):
    """410: the place in a list, or the version of an object, is no longer known."""


class Invalid(ApiError):
    """400 or 422: the API does not take what it was given."""


class Throttled(ApiError):
    """429: asked too often; of an eviction: a PodDisruptionBudget does not allow it now."""


class ServerError(ApiError):
    """5xx: the API itself is in trouble."""


STATUSES: dict[int, tuple[type[ApiError], str]] = {
    400: (Invalid, "invalid"),
    401: (Unauthorized, "auth"),
    403: (Forbidden, "permission"),
    404: (NotFound, "gone"),
    409: (Conflict, "conflict"),
    410: (Expired, "expired"),
    422: (Invalid, "invalid"),
    429: (Throttled, "throttled"),
}


def place_of(method: str, path: str) -> Place:
    """What a path of the API is about."""
    parts = [part for part in path.partition("?")[0].split("/") if part]
    rest = parts[2:] if parts[:1] == ["api"] else parts[3:] if parts[:1] == ["apis"] else []
    namespace = ""
    if len(rest) > 2 and rest[0] == "namespaces":
        namespace, rest = rest[1], rest[2:]
    resource = "/".join(rest[:1] + rest[2:3]) or path.partition("?")[0]
    name = rest[1] if len(rest) > 1 else ""
    verb = "list" if method == "GET" and len(rest) == 1 else VERBS.get(method, method.lower())
    return Place(verb, resource, namespace, name)


def of_status(status: int, body: bytes, place: Place, address: str, retry_after: str = "") -> ApiError:
    """The exception for an answer that is none of the good ones."""
    told = _told(body)
    message = str(told.get("message") or "").strip() or body[:200].decode("utf-8", "replace").strip()
    if status == 400 and "HTTP request to an HTTPS server" in message:
        return TlsError("tls", "the API wants https:// and was asked by http://", address, place, status)
    if not told and 300 <= status < 500 and status not in (401, 403, 429):
        text = f"status {status} and no answer of a Kubernetes API: {message}"
        return NotKubernetes("not_protocol", text, address, place, status)
    kind, word = STATUSES.get(status, (ServerError, "failed"))
    if kind is Forbidden:
        place = _refused(message, place)
    error = kind(word, f"{message or f'status {status}'} (while asked to {place})", address, place, status)
    error.reason = str(told.get("reason") or "")
    details = told.get("details")
    error.details = details if isinstance(details, dict) else {}
    error.retry_after = float(retry_after) if retry_after.strip().isdigit() else 0.0
    return error


def _told(body: bytes) -> dict[str, t.Any]:
    """The Status object of an answer, or nothing."""
    try:
        found = json.loads(body)
    except (ValueError, RecursionError):
        return {}
    return found if isinstance(found, dict) and found.get("kind") == "Status" else {}


def _refused(message: str, place: Place) -> Place:
    """The API says itself what is not allowed, which may be another verb or a wider place than was thought."""
    found = CANNOT.search(message)
    if not found:
        return place
    return Place(found["verb"], found["resource"], found["namespace"] or "", place.name)


def of_exception(error: BaseException, place: Place, address: str) -> ApiError:
    """The exception for a call that got no answer, by what is at the bottom of it."""
    chain = list(causes_of(error))
    for inner in chain:
        if isinstance(inner, ApiError):
            return inner
        if isinstance(inner, CollectError) and inner.kind == "deadline":
            return Silent("timeout", f"no whole answer in time (while asked to {place})", address, place)
        found = _of_one(inner, place, address)
        if found:
            return found
    return Unreachable("failed", f"{type(error).__name__}: {error} (while asked to {place})", address, place)


def _of_one(error: BaseException, place: Place, address: str) -> ApiError | None:
    if isinstance(error, ssl.SSLError) and not isinstance(error, (ssl.SSLEOFError, ssl.SSLZeroReturnError)):
        return TlsError("tls", _tls_reason(error), address, place)
    if type(error).__name__ == "CertificateError":
        return TlsError("tls", f"its certificate is not trusted: {error}", address, place)
    if isinstance(error, socket.gaierror):
        return Unreachable("dns", f"its name can't be resolved: {error.strerror or error}", address, place)
    if isinstance(error, ConnectionRefusedError):
        return Unreachable("refused", "nothing listens there: connection refused", address, place)
    if isinstance(error, (ConnectionResetError, BrokenPipeError, http.client.IncompleteRead, ssl.SSLEOFError)):
        return Unreachable("reset", "the connection was closed before the whole answer came", address, place)
    if isinstance(error, TimeoutError) or "Timeout" in type(error).__name__:
        return Silent("timeout", f"no whole answer in time (while asked to {place})", address, place)
    if isinstance(error, http.client.HTTPException):
        return NotKubernetes("not_protocol", f"what answers there speaks no HTTP: {error}", address, place)
    if isinstance(error, OSError) and error.errno:
        return Unreachable("refused", f"it can't be reached: {error.strerror}", address, place)
    return None


def _tls_reason(error: ssl.SSLError) -> str:
    if isinstance(error, ssl.SSLCertVerificationError):
        return f"its certificate is not trusted: {error.verify_message or error.reason}"
    reason = str(error.reason or error)
    if any(word in reason.upper() for word in CLIENT_ALERTS):
        return f"the API refuses the client certificate, or wants one ({reason})"
    if "WRONG_VERSION" in reason.upper() or "HTTP_REQUEST" in reason.upper():
        return f"what answers there speaks no TLS ({reason})"
    return f"the handshake fails: {reason}"
