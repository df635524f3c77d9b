# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What an Alertmanager's API answers -> plain values. Pure and total: what is missing or odd becomes empty or unknown,
what is no such answer at all raises Unexpected."""

from __future__ import annotations

import hashlib
import typing as t

from . import alertmanager_config
from .alert_match import Matcher
from .alertmanager_snapshot import STATES, UNKNOWN, Alert, Silence, Status
from .docker_snapshot import parse_time

SILENCE_STATES = ("active", "pending", "expired")
MOST_ALERTS = 50_000
MOST_LABELS = 64


class Unexpected(ValueError):
    """It is JSON, and not what this part of the API answers."""


def _text(value: t.Any) -> str:
    return value if isinstance(value, str) else ""


def _dict(value: t.Any) -> dict[str, t.Any]:
    return value if isinstance(value, dict) else {}


def _rows(value: t.Any, what: str) -> list[dict[str, t.Any]]:
    if value is None:
        return []  # Go writes an empty list so, now and then
    if not isinstance(value, list):
        raise Unexpected(f"{what} are no list")
    return [row for row in value if isinstance(row, dict)]


def _texts(value: t.Any) -> tuple[str, ...]:
    return tuple(item for item in value if isinstance(item, str)) if isinstance(value, list) else ()


def labels_of(value: t.Any) -> dict[str, str]:
    """Labels as plain texts."""
    pairs = list(_dict(value).items())[:MOST_LABELS]
    return {str(name): said for name, said in pairs if isinstance(said, str)}


def alerts(data: t.Any) -> list[Alert]:
    """Raises Unexpected."""
    return [_alert(row) for row in _rows(data, "alerts")[:MOST_ALERTS]]


def _alert(row: t.Mapping[str, t.Any]) -> Alert:
    status = _dict(row.get("status"))
    labels = labels_of(row.get("labels"))
    state = _text(status.get("state"))
    receivers = row.get("receivers")
    names = [_text(_dict(item).get("name")) for item in receivers] if isinstance(receivers, list) else []
    return Alert(
        # Without one, its labels tell it from others just as well.
        fingerprint=_text(row.get("fingerprint")) or repr(sorted(labels.items())),
        labels=labels,
        state=state if state in STATES else UNKNOWN,
        silenced_by=_texts(status.get("silencedBy")),
        inhibited_by=_texts(status.get("inhibitedBy")),
        muted_by=_texts(status.get("mutedBy")),
        receivers=tuple(name for name in names if name),
        since=parse_time(row.get("startsAt")),
    )


def silences(data: t.Any) -> list[Silence]:
    """Raises Unexpected."""
    return [silence(row) for row in _rows(data, "silences")]


def silence(row: t.Mapping[str, t.Any]) -> Silence:
    """One silence of the API."""
    state = _text(_dict(row.get("status")).get("state"))
    return Silence(
        id=_text(row.get("id")),
        state=state if state in SILENCE_STATES else UNKNOWN,
        matchers=tuple(_matcher(item) for item in _rows(row.get("matchers"), "matchers")),
        created_by=_text(row.get("createdBy")),
        comment=_text(row.get("comment")),
        starts=parse_time(row.get("startsAt")),
        ends=parse_time(row.get("endsAt")),
    )


def _matcher(row: t.Mapping[str, t.Any]) -> Matcher:
    # isEqual came with 0.22; before that there were no negative matchers.
    equal = row.get("isEqual")
    return Matcher(_text(row.get("name")), _text(row.get("value")), row.get("isRegex") is True, equal is not False)


def status(data: t.Any) -> Status:
    """Raises Unexpected where it is no status of an Alertmanager."""
    row = _dict(data)
    if not isinstance(row.get("cluster"), dict) or not isinstance(row.get("versionInfo"), dict):
        raise Unexpected("it has neither cluster nor versionInfo: another program answers there")
    cluster = row["cluster"]
    peers = _rows(cluster.get("peers"), "peers")
    config = _text(_dict(row.get("config")).get("original"))
    return Status(
        version=_text(row["versionInfo"].get("version")),
        started=parse_time(row.get("uptime")),
        cluster=_text(cluster.get("status")) or UNKNOWN,
        name=_text(cluster.get("name")),
        peers=tuple(sorted((_text(peer.get("name")), _text(peer.get("address"))) for peer in peers)),
        config=hashlib.sha256(config.encode("utf-8", "replace")).hexdigest()[:16] if config else "",
        receivers=alertmanager_config.receivers(config),
        config_text=config,
    )


def prometheus_alerts(data: t.Any) -> list[dict[str, str]]:
    """Labels of the alerts that are firing, out of what Prometheus answers at /api/v1/alerts, or of its list of alerts.
    Raises Unexpected."""
    found = data
    if isinstance(data, dict):
        if data.get("status") != "success":
            raise Unexpected("it does not say success")
        found = _dict(data.get("data")).get("alerts")
    rows = _rows(found, "alerts of Prometheus")
    return [labels_of(row.get("labels")) for row in rows if row.get("state", "firing") == "firing"]
