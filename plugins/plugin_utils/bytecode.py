# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Lets Python keep what it compiled of this collection's shared code, as it does for every other package.

Ansible's collection loader compiles each file anew in each process, which is more than half of what importing a check
costs. Where the directory can't be written Python compiles as Ansible would; nothing else about the modules differs.
"""

from __future__ import annotations

import importlib.abc
import importlib.machinery
import importlib.util
import pathlib
import sys
import typing as t

PLUGINS = pathlib.Path(__file__).resolve().parents[1]
SHARED = ("module_utils", "plugin_utils")
"""Directories whose files nothing but Python imports: Ansible redirects none of them."""


class Finder(importlib.abc.MetaPathFinder):
    """Finds the files below SHARED of the collection that this file belongs to; all else is left to Ansible."""

    def __init__(self, plugins: str) -> None:
        self.plugins = plugins

    def find_spec(
        self, fullname: str, path: t.Any = None, target: t.Any = None
    ) -> importlib.machinery.ModuleSpec | None:
        below = fullname.removeprefix(f"{self.plugins}.").split(".")
        if not fullname.startswith(f"{self.plugins}.") or below[0] not in SHARED:
            return None
        file = PLUGINS.joinpath(*below).with_suffix(".py")
        return importlib.util.spec_from_file_location(fullname, file) if file.is_file() else None


def keep() -> None:
    """From here on, for this process and those that it forks. A second call changes nothing."""
    if not any(isinstance(finder, Finder) for finder in sys.meta_path):
        sys.meta_path.insert(0, Finder(__name__.rpartition(".plugin_utils.")[0]))
