# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What was read from the members of an Alertmanager at one moment. No judgement here."""

from __future__ import annotations

import dataclasses
import typing as t

from .alert_match import Matcher

OK = "ok"
ACTIVE = "active"
SUPPRESSED = "suppressed"
STATES = ("unprocessed", ACTIVE, SUPPRESSED)
UNKNOWN = "unknown"

PARTS = ("status", "ready", "alerts", "silences", "metrics")
"""What is asked of a member."""


class Problem(t.NamedTuple):
    """Why a part was not read. kind: of the client (refused, timeout, ...), or auth, gone, not_ready, unexpected."""

    kind: str
    message: str
    status: int = 0


class Alert(t.NamedTuple):
    """One alert. since: epoch seconds, None where it does not say."""

    fingerprint: str
    labels: dict[str, str]
    state: str
    silenced_by: tuple[str, ...] = ()
    inhibited_by: tuple[str, ...] = ()
    muted_by: tuple[str, ...] = ()
    receivers: tuple[str, ...] = ()
    since: float | None = None

    @property
    def name(self) -> str:
        return self.labels.get("alertname", "")


class Silence(t.NamedTuple):
    """One silence. state: active, pending, expired or unknown. starts, ends: epoch seconds."""

    id: str
    state: str
    matchers: tuple[Matcher, ...] = ()
    created_by: str = ""
    comment: str = ""
    starts: float | None = None
    ends: float | None = None


class Sent(t.NamedTuple):
    """Counters of one integration, as far as they are exported. Attempts are tried again; a notification fails when
    all of its attempts did."""

    notifications: float = 0.0
    failed: float = 0.0
    attempts: float = 0.0
    failed_attempts: float = 0.0


@dataclasses.dataclass(frozen=True)
class Counters:
    """One reading of a member's metrics. at: its wall clock. sent: integration (and receiver, if told) -> Sent."""

    at: float
    sent: dict[str, Sent]
    reasons: dict[str, dict[str, float]] = dataclasses.field(default_factory=dict)
    start: float | None = None
    reload_ok: bool | None = None
    reload_at: float | None = None
    config_hash: str = ""


@dataclasses.dataclass(frozen=True)
class Status:
    """What /api/v2/status says. config: a digest of the configuration, "" where it hands none out."""

    version: str = ""
    started: float | None = None
    cluster: str = UNKNOWN
    name: str = ""
    peers: tuple[tuple[str, str], ...] = ()
    config: str = ""
    receivers: dict[str, tuple[str, ...]] | None = None
    config_text: str = dataclasses.field(default="", repr=False)


@dataclasses.dataclass
class Member:
    """One Alertmanager. What is None was not read; problems says why, by part. skew: its clock minus ours, seconds."""

    url: str
    problems: dict[str, Problem] = dataclasses.field(default_factory=dict)
    status: Status | None = None
    ready: bool | None = None
    alerts: list[Alert] | None = None
    silences: list[Silence] | None = None
    first: Counters | None = None
    later: Counters | None = None
    skew: float | None = None
    answered: bool = False
    """Whether anything at all came back from it, be it an error."""


@dataclasses.dataclass
class Snapshot:
    """now: epoch seconds by the server's clock where it told it, else by ours; silences end by that clock.

    expected: labels of alerts that Prometheus says are firing, None where nobody asked; expected_problem: why they are
    not known.
    """

    now: float
    members: list[Member]
    expected: list[dict[str, str]] | None = None
    expected_problem: Problem | None = None

    @property
    def alerts(self) -> list[Alert] | None:
        """Alerts of all members, each once; where members differ, the one that is being notified counts."""
        lists = [member.alerts for member in self.members if member.alerts is not None]
        if not lists:
            return None
        found: dict[str, Alert] = {}
        for alert in (alert for alerts in lists for alert in alerts):
            before = found.get(alert.fingerprint)
            if before is None or (before.state != ACTIVE and alert.state == ACTIVE):
                found[alert.fingerprint] = alert
        return list(found.values())

    @property
    def silences(self) -> list[Silence] | None:
        """Silences of all members, each once."""
        lists = [member.silences for member in self.members if member.silences is not None]
        if not lists:
            return None
        return list({silence.id: silence for silences in lists for silence in silences}.values())

    @property
    def receivers(self) -> dict[str, tuple[str, ...]] | None:
        """Receiver -> its integrations, as the first member that knows tells it."""
        for member in self.members:
            if member.status and member.status.receivers is not None:
                return member.status.receivers
        return None
