# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Names to addresses: each name once in a look, and no longer than is allowed.

getaddrinfo knows no timeout, so that it runs in a thread that is left behind where it hangs.
"""

from __future__ import annotations

import functools
import ipaddress
import socket
import threading
import time
import typing as t

from .deadline import Deadline
from .errors import CollectError

MOST = 8
"""Addresses of one name that are tried."""

Address = tuple[t.Any, tuple[t.Any, ...]]
"""Family, and what connect() takes."""


class _Entry:
    def __init__(self) -> None:
        self.done = threading.Event()
        self.addresses: list[Address] = []
        self.error = ""
        self.ms = 0.0


class Resolver:
    """Shared by all probes of one look. lookup: getaddrinfo, injectable for tests."""

    def __init__(self, timeout: float, lookup: t.Callable[..., t.Any] = socket.getaddrinfo) -> None:
        self._timeout = timeout
        self._lookup = lookup
        self._known: dict[tuple[str, int], _Entry] = {}
        self._lock = threading.Lock()

    def addresses(self, host: str, port: int, deadline: Deadline) -> tuple[list[Address], float]:
        """All addresses, and the milliseconds that it took. Raises CollectError of kind dns."""
        numeric = _numeric(host, port)
        if numeric is not None:
            return [numeric], 0.0
        entry = self._entry(host, port)
        if not entry.done.wait(deadline.cap(self._timeout)):
            raise CollectError(
                "dns", f"{host} does not resolve: no answer of the resolver in {self._timeout:g} s", host
            )
        if not entry.addresses:
            raise CollectError("dns", f"{host} does not resolve: {entry.error or 'it has no address'}", host)
        return entry.addresses, entry.ms

    def _entry(self, host: str, port: int) -> _Entry:
        with self._lock:
            entry = self._known.get((host, port))
            if entry is None:
                entry = self._known[host, port] = _Entry()
                threading.Thread(target=self._resolve, args=(entry, host, port), daemon=True).start()
            return entry

    def _resolve(self, entry: _Entry, host: str, port: int) -> None:
        started = time.monotonic()
        try:
            found = self._lookup(host, port, type=socket.SOCK_STREAM)
            addresses = [(family, tuple(target)) for family, _kind, _protocol, _name, target in found]
            entry.addresses = list(dict.fromkeys(addresses))[:MOST]
        except (OSError, UnicodeError) as error:
            entry.error = str(getattr(error, "strerror", None) or error)
        finally:
            entry.ms = (time.monotonic() - started) * 1000
            entry.done.set()


@functools.lru_cache(maxsize=4096)
def _numeric(host: str, port: int) -> Address | None:
    """The address of a host that is one already. A scope (fe80::1%eth0) is left to the resolver."""
    try:
        version = ipaddress.ip_address(host).version if "%" not in host else 0
    except ValueError:
        return None
    if version == 4:
        return socket.AF_INET, (host, port)
    return (socket.AF_INET6, (host, port, 0, 0)) if version == 6 else None
