# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The connection to a container engine: its calls, and its many ways to fail as one CollectError with a kind."""

from __future__ import annotations

import dataclasses
import datetime
import email.utils
import os
import socket
import ssl
import time
import typing as t

from .deadline import Deadline
from .docker_logs import Tail, read_tail
from .errors import CollectError, causes_of

SOCKET = "unix:///var/run/docker.sock"
AGENT = "incident.response"
LOG_BUDGET = 256 * 1024


@dataclasses.dataclass(frozen=True)
class DockerOptions:
    """How to reach an engine."""

    docker_host: str = SOCKET
    api_version: str = "auto"
    timeout: float = 10.0
    tls: bool = False
    validate_certs: bool = True
    ca_path: str = ""
    client_cert: str = ""
    client_key: str = ""

    @classmethod
    def from_params(cls, params: t.Mapping[str, t.Any]) -> DockerOptions:
        """From a module's options; without a host DOCKER_HOST counts, then the usual socket."""
        values = {
            field.name: params[field.name] for field in dataclasses.fields(cls) if params.get(field.name) is not None
        }
        values.setdefault("docker_host", os.environ.get("DOCKER_HOST") or SOCKET)
        return cls(**values)

    @property
    def uses_tls(self) -> bool:
        return self.tls or self.docker_host.startswith("https://")


def connect(options: DockerOptions, deadline: Deadline) -> Engine:
    """A connection that has answered. Raises CollectError."""
    import docker

    deadline.check("connecting to Docker")
    with translated(options.docker_host, "connecting"):
        client = docker.APIClient(
            base_url=options.docker_host,
            version=options.api_version,
            timeout=max(0.1, deadline.cap(options.timeout)),
            tls=_tls(options) if options.uses_tls else False,
            user_agent=AGENT,
            num_pools=16,
        )
    return Engine(client, options.docker_host, options.timeout)


def _tls(options: DockerOptions) -> t.Any:
    import docker

    pair = (options.client_cert, options.client_key) if options.client_cert or options.client_key else None
    verify = options.validate_certs
    return docker.tls.TLSConfig(client_cert=pair, ca_cert=options.ca_path or None, verify=verify)


class Engine:
    """The calls that the check makes; each raises CollectError and nothing else."""

    def __init__(self, client: t.Any, address: str, timeout: float) -> None:
        self._client = client
        self.address = address
        self._timeout = timeout

    def about(self) -> dict[str, t.Any]:
        """Version, and the engine's clock against ours."""
        with translated(self.address, "asking for its version"):
            sent = time.time()
            answer = self._client.get(f"{self._client.base_url}/_ping")
            version = self._client.version()
        now = time.time()
        stamp = email.utils.parsedate_to_datetime(answer.headers["Date"]) if "Date" in answer.headers else None
        # The header has whole seconds: what is within two of ours is the same clock.
        skew = (stamp - datetime.datetime.fromtimestamp(sent, datetime.timezone.utc)).total_seconds() if stamp else 0.0
        skew = 0.0 if abs(skew) < 2 else round(skew, 1)
        return {
            "version": str(version.get("Version", "")),
            "api_version": str(version.get("ApiVersion", "")),
            "os": str(version.get("Os", "")),
            "clock_skew_seconds": skew,
            "now": now + skew,
        }

    def containers(self, labels: t.Sequence[str], names: t.Sequence[str]) -> list[dict[str, t.Any]]:
        """Short entries of all containers, running or not, that have all labels."""
        filters: dict[str, t.Any] = {}
        if labels:
            filters["label"] = list(labels)
        if names:
            filters["name"] = list(names)
        with translated(self.address, "listing containers"):
            return list(self._client.containers(all=True, filters=filters or None))

    def inspect(self, identifier: str) -> dict[str, t.Any]:
        with translated(self.address, f"inspecting {identifier[:12]}"):
            return dict(self._client.inspect_container(identifier))

    def size_written(self, identifier: str) -> int | None:
        """Bytes that a container wrote into its own layer; the engine has to add them up, and makes no event."""
        with translated(self.address, f"adding up what {identifier[:12]} wrote"):
            client = self._client
            url = f"{client.base_url}/v{client.api_version}/containers/{identifier}/json"
            answer = client.get(url, params={"size": 1}, timeout=self._timeout)
            client._raise_for_status(answer)
            size = answer.json().get("SizeRw")
        return size if isinstance(size, int) else None

    def image_id(self, name: str) -> str:
        """The image that a name stands for now."""
        with translated(self.address, f"inspecting the image {name}"):
            return str(self._client.inspect_image(name).get("Id") or "")

    def events(self, since: float, until: float) -> list[dict[str, t.Any]]:
        """What the engine remembers of a time; it keeps 256 events of all kinds."""
        with translated(self.address, "reading its events"):
            stream = self._client.events(since=f"{since:.3f}", until=f"{until:.3f}", decode=True)
            try:
                return [event for event in stream if isinstance(event, dict)]
            finally:
                stream.close()

    def top(self, identifier: str) -> list[list[str]]:
        with translated(self.address, f"listing processes of {identifier[:12]}"):
            found = self._client.top(identifier, ps_args="-o pid,ppid,stat,comm")
            return [list(map(str, row)) for row in found.get("Processes") or ()]

    def stats(self, identifier: str) -> dict[str, t.Any]:
        with translated(self.address, f"reading statistics of {identifier[:12]}"):
            return dict(self._client.stats(identifier, stream=False, one_shot=True))

    def tail(self, identifier: str, tty: bool, lines: int, since: float | None, deadline: Deadline) -> Tail:
        """The end of the log, streamed: the library's own call loads it whole, and reads a terminal's byte by byte."""
        params: dict[str, t.Any] = {"stdout": 1, "stderr": 1, "timestamps": 1, "tail": int(lines)}
        if since is not None:
            params["since"] = f"{since:.3f}"
        client = self._client
        url = f"{client.base_url}/v{client.api_version}/containers/{identifier}/logs"
        with translated(self.address, f"reading the log of {identifier[:12]}"):
            answer = client.get(url, params=params, stream=True, timeout=max(0.1, deadline.cap(self._timeout)))
            try:
                client._raise_for_status(answer)
                return read_tail(answer.raw.read, tty, lines, LOG_BUDGET, deadline)
            finally:
                answer.close()

    def start(self, identifier: str) -> None:
        with translated(self.address, f"starting {identifier[:12]}"):
            self._client.start(identifier)

    def restart(self, identifier: str, stop_timeout: int) -> None:
        with translated(self.address, f"restarting {identifier[:12]}"):
            self._client.restart(identifier, timeout=stop_timeout)

    def unpause(self, identifier: str) -> None:
        with translated(self.address, f"unpausing {identifier[:12]}"):
            self._client.unpause(identifier)

    def signal(self, identifier: str, name: str) -> None:
        """To the first process only."""
        with translated(self.address, f"sending {name} to {identifier[:12]}"):
            self._client.kill(identifier, signal=name)

    def update(self, identifier: str, memory: int, swap: int) -> None:
        """Both limits at once: one alone is refused where it would cross the other."""
        with translated(self.address, f"updating {identifier[:12]}"):
            self._client.update_container(identifier, mem_limit=memory, memswap_limit=swap)

    def total_memory(self) -> int:
        with translated(self.address, "asking for the machine's memory"):
            return int(self._client.info().get("MemTotal") or 0)

    def run_inside(self, identifier: str, command: t.Sequence[str]) -> None:
        with translated(self.address, f"running {command[0]} in {identifier[:12]}"):
            made = self._client.exec_create(identifier, list(command))
            self._client.exec_start(made["Id"])


class translated:
    """Turns whatever comes out of the SDK into a CollectError; nothing of a secret is in its texts."""

    def __init__(self, address: str, doing: str) -> None:
        self._address = address
        self._doing = doing

    def __enter__(self) -> None:
        return None

    def __exit__(self, _kind: t.Any, error: BaseException | None, _trace: t.Any) -> None:
        if error is None or isinstance(error, CollectError) or not isinstance(error, Exception):
            return
        kind, text = classify(error)
        raise CollectError(kind, f"{text} (while {self._doing})", self._address) from error


def classify(error: BaseException) -> tuple[str, str]:
    """(kind, text for people) of an exception, by what is at the bottom of it."""
    status = getattr(getattr(error, "response", None), "status_code", None) or getattr(error, "status_code", None)
    explanation = str(getattr(error, "explanation", "") or "").strip()
    if status is not None and explanation:
        return {404: "gone", 401: "auth", 403: "permission"}.get(status, "failed"), explanation
    chain = list(causes_of(error))
    for kinds, kind in _KINDS:
        for inner in chain:
            if isinstance(inner, kinds):
                return kind, _reason(inner)
    words = " ".join(f"{type(inner).__name__} {inner}" for inner in chain)
    for needle, kind in _WORDS:
        if needle in words:
            return kind, str(error)
    return "failed", f"{type(error).__name__}: {error}"


_KINDS: tuple[tuple[t.Any, str], ...] = (
    (ssl.SSLError, "tls"),
    (PermissionError, "permission"),
    (socket.gaierror, "dns"),
    (FileNotFoundError, "gone"),
    (ConnectionRefusedError, "refused"),
    (ConnectionResetError, "reset"),
    (BrokenPipeError, "reset"),
    (TimeoutError, "timeout"),
)
_WORDS = (
    ("Permission denied", "permission"),
    ("No such file", "gone"),
    ("Connection refused", "refused"),
    ("Name or service not known", "dns"),
    ("NameResolution", "dns"),
    ("Timeout", "timeout"),
    ("timed out", "timeout"),
    ("reset by peer", "reset"),
    ("SSL", "tls"),
    ("HTTP request to an HTTPS server", "tls"),
    ("BadStatusLine", "not_protocol"),
    ("Expecting value", "not_protocol"),
    ("JSONDecodeError", "not_protocol"),
)


def _reason(error: BaseException) -> str:
    return str(getattr(error, "strerror", None) or error) or type(error).__name__
