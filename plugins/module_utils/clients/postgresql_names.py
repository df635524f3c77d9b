# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A server's addresses, within a deadline: the resolver knows none, and libpq waits for it as long as it likes."""

from __future__ import annotations

import queue
import socket
import threading
import typing as t

from .errors import CollectError


def addresses(host: str, port: int, seconds: float) -> list[tuple[int, t.Any]]:
    """(family, address) of each. Raises CollectError(dns)."""
    try:
        found = socket.getaddrinfo(host, port, type=socket.SOCK_STREAM, flags=socket.AI_NUMERICHOST)
    except (OSError, UnicodeError):
        found = _resolved(host, port, seconds)  # what is an address already needs no resolver
    return [(family, address) for family, _type, _protocol, _name, address in found]


def _resolved(host: str, port: int, seconds: float) -> t.Any:
    answers: queue.Queue[t.Any] = queue.Queue()
    threading.Thread(target=_ask, args=(host, port, answers), daemon=True).start()
    try:
        found = answers.get(timeout=max(0.05, seconds))
    except queue.Empty:
        raise CollectError("dns", f"the resolver gives no answer for {host} within {seconds:.1f} s") from None
    if isinstance(found, Exception):
        raise CollectError("dns", f"the name {host} does not resolve: {found}")
    return found


def _ask(host: str, port: int, answers: queue.Queue[t.Any]) -> None:
    try:
        answers.put(socket.getaddrinfo(host, port, type=socket.SOCK_STREAM))
    except (OSError, UnicodeError) as error:
        answers.put(error)
