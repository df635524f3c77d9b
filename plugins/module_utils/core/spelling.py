# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Variables that look like an option and are none: what is misspelt has no effect, and nobody would notice. Pure."""

from __future__ import annotations

import difflib
import typing as t

ALIKE = 0.85
"""How much two names have in common, of 1, to be taken for one that was misspelt. Below it somebody else's variables,
which may begin with the same word, would be accused."""


def misspelt(names: t.Iterable[str], prefix: str, options: t.Collection[str]) -> dict[str, str]:
    """Variable -> the one that was probably meant, for those with the prefix of options and the name of none.

    The prefix is not compared: two names would be alike for it alone.
    """
    found: dict[str, str] = {}
    for name in names:
        option = name.removeprefix(prefix)
        if option == name or option in options:
            continue
        meant = difflib.get_close_matches(option, options, n=1, cutoff=ALIKE)
        if meant:
            found[name] = prefix + meant[0]
    return found
