# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The check postgresql_health_info: options -> snapshot -> findings."""

from __future__ import annotations

import typing as t

from ..clients.deadline import Deadline
from ..clients.postgresql import collect
from ..clients.postgresql_options import PostgresqlOptions
from ..core.postgresql_judge import judge
from ..core.postgresql_protect import Protection
from ..core.postgresql_settings import THRESHOLDS, Settings
from ..core.postgresql_snapshot import Counters, PostgresqlSnapshot
from ..core.postgresql_summary import activity_files, summary
from ..module.argspec import COMMON_CHECK, ArgumentSpec
from ..module.check import Check, Misuse, Observation
from ..module.option_values import seconds_above_0
from ..module.thresholds_option import merged_thresholds

SSL_MODES = ["disable", "allow", "prefer", "require", "verify-ca", "verify-full"]

POSTGRESQL_CONNECTION = ArgumentSpec(
    options={
        "host": {"type": "str", "default": "127.0.0.1"},
        "port": {"type": "int", "default": 5432},
        "database": {"type": "str", "default": "postgres"},
        "user": {"type": "str", "required": True},
        "password": {"type": "str", "no_log": True},
        "ssl_mode": {"type": "str", "default": "prefer", "choices": SSL_MODES},
        "ssl_root_cert": {"type": "path"},
        "ssl_cert": {"type": "path"},
        "ssl_key": {"type": "path"},
        "connect_timeout": {"type": "float", "default": 5.0},
        "reserve_user": {"type": "str"},
        "reserve_password": {"type": "str", "no_log": True},
        "pgbouncer_host": {"type": "str"},
        "pgbouncer_port": {"type": "int", "default": 6432},
        "pgbouncer_user": {"type": "str"},
        "pgbouncer_password": {"type": "str", "no_log": True},
        "pgbouncer_ssl_mode": {"type": "str", "default": "prefer", "choices": SSL_MODES},
    },
    required_together=(("ssl_cert", "ssl_key"),),
)
"""How to reach a server and its pooler; the same in every module that does."""

NAMES: dict[str, t.Any] = {"type": "list", "elements": "str", "default": []}
PROTECTION = ArgumentSpec(
    options={name: dict(NAMES) for name in ("protected_users", "protected_applications", "pooler_addresses")}
)
"""Whose sessions are never ended. The check takes them too: it counts who may be."""

SPEC = (
    COMMON_CHECK.merge(POSTGRESQL_CONNECTION)
    .merge(PROTECTION)
    .merge(
        ArgumentSpec(
            options={
                "component": {"type": "str", "default": "postgresql"},
                "depth": {"type": "str", "default": "quick", "choices": ["quick", "full"]},
                "interval": {"type": "float", "default": 2.0},
                "idle_age": {"type": "float", "default": 300.0},
                "young": {"type": "float", "default": 60.0},
                "restarted": {"type": "float", "default": 60.0},
                "least_headroom": {"type": "int", "default": 3},
                "expected_role": {"type": "str", "default": "any", "choices": ["any", "primary", "standby"]},
                "data_path": {"type": "path"},
                "thresholds": {"type": "dict", "default": {}},
            }
        )
    )
)


def run(params: dict[str, t.Any]) -> Observation:
    """Look at one server. Raises Misuse for options that make no sense."""
    validate(params)
    settings = _settings(params)
    options = PostgresqlOptions.from_params(params)
    history = _history(params.get("history") or ())
    snapshot = collect(options, Deadline(params["deadline"]))
    findings = judge(snapshot, settings, history)
    return Observation(
        reachable=snapshot.reachable,
        findings=findings,
        snapshot=summary(snapshot, history),
        thresholds={**settings.thresholds, "idle_age": settings.idle_age, "young": settings.young},
        measured=_measured(snapshot, options),
        samples=[item.to_dict() for item in snapshot.counters[-1:]],
        # Evidence is for what is wrong; a healthy server's thousand sessions would only cost their redaction.
        attachments=activity_files(snapshot) if findings else {},
    )


def validate(params: t.Mapping[str, t.Any]) -> None:
    """What no argument spec can say. Raises Misuse."""
    if not str(params["host"]).strip():
        raise Misuse("host: name the server, or the directory of its socket")
    for name in ("port", "pgbouncer_port"):
        if not 0 < params[name] < 65536:
            raise Misuse(f"{name}: {params[name]} is no port; give a number from 1 to 65535")
    spans = ("deadline", "connect_timeout", "interval", "idle_age", "young")
    seconds_above_0(params, *(name for name in spans if name in params))
    if params.get("depth") == "full" and params["interval"] >= params["deadline"]:
        raise Misuse(f"interval is {params['interval']:g} s, but deadline is {params['deadline']:g} s: raise deadline")


def protection(params: t.Mapping[str, t.Any]) -> Protection:
    users, applications, addresses = (tuple(params.get(name) or ()) for name in PROTECTION.options)
    return Protection(users, applications, addresses)


def _settings(params: t.Mapping[str, t.Any]) -> Settings:
    names = ("component", "idle_age", "young", "restarted", "least_headroom", "expected_role")
    return Settings(
        thresholds=merged_thresholds(THRESHOLDS, params),
        protection=protection(params),
        **{name: params[name] for name in names},
    )


def _history(entries: t.Iterable[t.Mapping[str, t.Any]]) -> list[Counters]:
    """Counters of earlier looks; entries of another kind are not ours and are passed over."""
    found = []
    for entry in entries:
        try:
            sessions = entry.get("sessions")
            found.append(
                Counters(
                    at=float(entry["at"]),
                    start=float(entry["start"]),
                    deadlocks=int(entry["deadlocks"]),
                    commits=int(entry["commits"]),
                    rollbacks=int(entry["rollbacks"]),
                    sessions=None if sessions is None else int(sessions),
                )
            )
        except (KeyError, TypeError, ValueError):
            continue
    return found


def _measured(snapshot: PostgresqlSnapshot, options: PostgresqlOptions) -> list[str]:
    said = list(snapshot.measured)
    if snapshot.reserve_used:
        said.append("seen through a reserved slot, since no other was free")
    if snapshot.version and options.ordinary.ssl_mode == "require" and not options.ordinary.local:
        said.append("the server's certificate was not verified (ssl_mode: require)")
    return said


CHECK = Check("postgresql_health_info", SPEC, (("psycopg2", "psycopg2-binary", "2.9"),), run)
