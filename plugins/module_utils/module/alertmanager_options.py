# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of the modules that talk to an Alertmanager, and what makes no sense in them."""

from __future__ import annotations

import re
import typing as t
import urllib.parse

from ..core.alert_match import NAME
from .argspec import ArgumentSpec
from .check import Misuse
from .http_options import HTTP_CONNECTION
from .option_values import number_within, seconds_above_0, seconds_from_0

REQUIREMENTS: tuple[tuple[str, str, str], ...] = ()
"""The standard library is enough."""
OURS = "incident.response"
MOST_PEERS = 16

ALERTMANAGER_CONNECTION = HTTP_CONNECTION.merge(ArgumentSpec(options={"url": {"type": "str", "required": True}}))
"""How to reach one member."""

ALERTMANAGER_CHECK = ArgumentSpec(
    options={
        "peers": {"type": "list", "elements": "str", "default": []},
        "component": {"type": "str"},
        "window": {"type": "float", "default": 2.0},
        "lookback": {"type": "float", "default": 900.0},
        "watchdog": {"type": "str"},
        "watch_labels": {"type": "dict", "default": {}},
        "severity_label": {"type": "str", "default": "severity"},
        "created_by": {"type": "str", "default": OURS},
        "findings_for_alerts": {"type": "bool", "default": False},
        "expires_within": {"type": "float", "default": 600.0},
        "prometheus_url": {"type": "str"},
        "prometheus_alerts": {"type": "list", "elements": "dict"},
        "thresholds": {"type": "dict", "default": {}},
    },
    mutually_exclusive=(("prometheus_url", "prometheus_alerts"),),
)


def validate_connection(params: t.Mapping[str, t.Any]) -> None:
    """Raises Misuse for numbers that make no sense."""
    seconds_above_0(params, "deadline", "connect_timeout", "timeout", "read_timeout")
    number_within(params, "max_redirects", 0, 20)


def validate(params: t.Mapping[str, t.Any]) -> None:
    """Raises Misuse for what makes no sense in the check's options, alone or together."""
    validate_connection(params)
    seconds_from_0(params, "window", "lookback", "expires_within")
    slowest = max(params["timeout"], params["connect_timeout"], params["window"])
    if slowest >= params["deadline"]:
        raise Misuse(
            f"deadline is {params['deadline']:g} s, and timeout, connect_timeout or window is {slowest:g} s:"
            " raise deadline or lower that"
        )
    if len(params["peers"]) > MOST_PEERS:
        raise Misuse(f"peers: more than {MOST_PEERS} are not looked at")
    labels_of("watch_labels", params.get("watch_labels"))


def address(name: str, url: t.Any) -> str:
    """A base address without a slash at its end. Raises Misuse."""
    text = str(url or "").strip().rstrip("/")
    try:
        parts = urllib.parse.urlsplit(text)
        usable = parts.scheme.lower() in ("http", "https") and bool(parts.hostname) and parts.port != 0
    except ValueError:
        usable = False
    if not usable or any(char <= " " or char == "\x7f" for char in text):
        raise Misuse(f"{name}: it is no address such as http://127.0.0.1:9093")
    if "@" in parts.netloc:
        raise Misuse(f"{name}: a login in the address would be shown; use username and password, or bearer_token")
    if parts.query or parts.fragment:
        raise Misuse(f"{name}: it is the address above /api, without a query")
    if re.search(r"/api/v[0-9]+(/|$)", parts.path):
        raise Misuse(f"{name}: it is the address above /api: leave out {parts.path[parts.path.index('/api/v') :]}")
    return text


def addresses(params: t.Mapping[str, t.Any]) -> tuple[str, ...]:
    """Of all members, each once. Raises Misuse."""
    found = [address("url", params.get("url"))]
    found += [address("peers", peer) for peer in params.get("peers") or ()]
    return tuple(dict.fromkeys(found))


def labels_of(name: str, given: t.Any) -> dict[str, str]:
    """Labels that a caller gave. Raises Misuse."""
    found = {}
    for label, value in (given or {}).items():
        if not NAME.fullmatch(str(label)):
            raise Misuse(f"{name}: {label!r} is no name of a label")
        if isinstance(value, (dict, list)) or value is None or str(value) == "":
            raise Misuse(f"{name}: {label} needs a value that is a text, not {value!r}")
        found[str(label)] = str(value)
    return found
