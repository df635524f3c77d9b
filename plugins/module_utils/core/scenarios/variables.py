# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Host variables that a scenario reads: what they may be, and what is said where they are something else. Pure."""

from __future__ import annotations

import typing as t

from ..scope import ScopeError


def flag(target: str, settings: t.Mapping[str, t.Any], name: str) -> bool | None:
    """A variable that is true, false or not set; nothing else is guessed to be one of them."""
    value = settings.get(name)
    if value is None or isinstance(value, bool):
        return value
    if str(value).lower() in ("true", "yes"):
        return True
    if str(value).lower() in ("false", "no"):
        return False
    raise ScopeError(f"{target}: {name} is true or false, not {value!r}")
