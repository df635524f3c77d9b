# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One variable of a run as a value. Apart from settings: a check needs these few, and none of what settings imports."""

from __future__ import annotations

import math
import os
import pathlib
import typing as t

from ansible.module_utils.parsing.convert_bool import boolean

from .store import default_state_dir


def number(name: str, get: t.Callable[[str], t.Any]) -> float:
    """A number of 0 or more. Raises ValueError that names the variable."""
    value = get(name)
    try:
        if isinstance(value, bool):
            raise TypeError
        number = float(value)
    except (TypeError, ValueError):
        raise ValueError(f"{name} is a number, not {value!r}") from None
    if not math.isfinite(number) or number < 0:
        raise ValueError(f"{name} is a number of 0 or more, not {value!r}")
    return number


def state_dir(value: t.Any) -> pathlib.Path:
    """Where the store is: what was set, or the user's state directory. Raises ValueError for a relative path."""
    path = pathlib.Path(str(value)).expanduser() if value else default_state_dir(os.environ)
    if not path.is_absolute():
        raise ValueError(f"incident_state_dir is an absolute path, not {value!r}")
    return path


def truth(value: t.Any) -> bool:
    return bool(boolean(value, strict=False))
