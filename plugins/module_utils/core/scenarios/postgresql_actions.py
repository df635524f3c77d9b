# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Actions of a plan that are a module's call on the target, and the draft that collects a plan. Pure."""

from __future__ import annotations

import dataclasses
import typing as t

from ..findings import Finding
from ..plan import Action
from .base import Case
from .draft import on_target

CONNECTION = (
    "host",
    "port",
    "database",
    "user",
    "password",
    "ssl_mode",
    "ssl_root_cert",
    "ssl_cert",
    "ssl_key",
    "connect_timeout",
    "reserve_user",
    "reserve_password",
    "pgbouncer_host",
    "pgbouncer_port",
    "pgbouncer_user",
    "pgbouncer_password",
    "pgbouncer_ssl_mode",
)
"""Options that an action takes over from the target's variables; secrets are among them, so none is in a plan."""
PROTECTION = ("protected_users", "protected_applications", "pooler_addresses")


def key_of(root: t.Mapping[str, t.Any]) -> str:
    return f"cancel:{root['pid']}@{root['backend_start']}"


def tried(case: Case, root: t.Mapping[str, t.Any]) -> bool:
    return any(item.key == key_of(root) for item in case.done)


def root_action(case: Case, finding: Finding, root: t.Mapping[str, t.Any], criteria: str, action: str) -> Action:
    identity = {"pid": root["pid"], "backend_start": root["backend_start"]}
    options = {"criteria": criteria, "action": action, "min_age": 0.0}
    verb = "cancel the statement" if action == "cancel" else "terminate the session"
    found = call(
        case,
        f"{verb} of pid {root['pid']} on",
        "postgresql_sessions",
        options,
        finding,
        "disruptive",
        "1 session",
        f"pid {root['pid']} is the session that was seen",
    )
    return dataclasses.replace(found, identity=identity, key=key_of(root) if action == "cancel" else "")


def call(
    case: Case,
    verb: str,
    module: str,
    options: dict[str, t.Any],
    finding: Finding,
    risk: str,
    amount: str,
    precondition: str,
) -> Action:
    """An action that is a module's call on the target."""
    inherits = (*CONNECTION, *PROTECTION) if module == "postgresql_sessions" else CONNECTION
    return on_target(case, verb, module, options, finding, risk, amount, precondition, inherits)
