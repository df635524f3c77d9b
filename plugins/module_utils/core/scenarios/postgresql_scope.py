# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventory variables of a PostgreSQL target: what runs it and its pooler, and how much room it should have.
Pure."""

from __future__ import annotations

import typing as t

from ..scope import Runtime, ScopeError

HEADROOM = 20.0


def pooler_runtime(target: str, settings: t.Mapping[str, t.Any]) -> Runtime | None:
    declared = settings.get("postgresql_pooler_runtime")
    return Runtime.from_vars(f"{target}: postgresql_pooler_runtime", declared) if declared else None


def headroom(target: str, settings: t.Mapping[str, t.Any]) -> float:
    """Percent of the slots that should be free after a cure."""
    value = settings.get("postgresql_headroom")
    if value is None:
        return HEADROOM
    try:
        number = float("nan") if isinstance(value, bool) else float(value)
    except (TypeError, ValueError):
        number = float("nan")
    if not 1 <= number < 100:
        raise ScopeError(f"{target}: postgresql_headroom is a percentage from 1 to 99, not {value!r}")
    return number
