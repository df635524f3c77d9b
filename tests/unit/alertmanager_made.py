# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Looks at an Alertmanager for tests: a healthy one, and what differs from it."""

from __future__ import annotations

import typing as t

from ansible_collections.incident.response.plugins.module_utils.core.alert_match import Matcher
from ansible_collections.incident.response.plugins.module_utils.core.alertmanager_snapshot import (
    Alert,
    Counters,
    Member,
    Sent,
    Silence,
    Snapshot,
    Status,
)

NOW = 1_795_900_000.0
URL = "http://am1:9093"
OTHER = "http://am2:9093"
RECEIVERS = {"team": ("webhook",), "null": ()}
PEERS = (("A", "10.0.0.1:9094"), ("B", "10.0.0.2:9094"))
IDS = {URL: "A", OTHER: "B"}


def counters(at: float = NOW, **changes: t.Any) -> Counters:
    """Of a process that has run for a day."""
    values: dict[str, t.Any] = {
        "at": at,
        "sent": {"webhook": Sent(100, 0, 100, 0), "email": Sent()},
        "start": NOW - 86400,
        "reload_ok": True,
        "reload_at": NOW - 86400,
        "config_hash": "17",
    }
    return Counters(**{**values, **changes})


def status(url: str = URL, **changes: t.Any) -> Status:
    values: dict[str, t.Any] = {
        "version": "0.28.1",
        "started": NOW - 86400,
        "cluster": "ready",
        "name": IDS[url],
        "peers": PEERS,
        "config": "abc",
        "receivers": RECEIVERS,
    }
    return Status(**{**values, **changes})


def member(url: str = URL, **changes: t.Any) -> Member:
    values: dict[str, t.Any] = {
        "status": status(url),
        "ready": True,
        "alerts": [],
        "silences": [],
        "first": counters(NOW - 2),
        "later": counters(),
        "skew": 0.0,
        "answered": True,
    }
    return Member(url, **{**values, **changes})


def alert(name: str = "ServiceDown", mark: str = "", **changes: t.Any) -> Alert:
    labels = {"alertname": name, "severity": "critical", "service": "orders", **changes.pop("labels", {})}
    values = {"state": "active", "receivers": ("team",), "since": NOW - 300, **changes}
    return Alert(mark or f"f-{sorted(labels.items())}", labels, **values)


def silence(mark: str = "s1", **changes: t.Any) -> Silence:
    values: dict[str, t.Any] = {
        "state": "active",
        "matchers": (Matcher("service", "orders"),),
        "created_by": "ann",
        "comment": "moving racks",
        "starts": NOW - 600,
        "ends": NOW + 3600,
    }
    return Silence(mark, **{**values, **changes})


def snapshot(*members: Member, **changes: t.Any) -> Snapshot:
    return Snapshot(**{"now": NOW, "members": list(members) or [member()], **changes})
