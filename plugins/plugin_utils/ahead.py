# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Imports files of this collection by Python's own loader, which keeps what it compiled beside them (__pycache__).

Ansible's loader of collections compiles every file anew in every process; that was over half of the time that our
imports took. What is imported here first is found by every later import statement. What is not (since it is written in
a way that IMPORTS does not know) is imported by Ansible as ever: only slower.
"""

from __future__ import annotations

import importlib
import importlib.util
import os
import re
import sys
import typing as t

PLUGINS = __package__.rpartition(".")[0]
ROOT = os.path.dirname(os.path.dirname(os.path.abspath(__file__)))
IMPORTS = re.compile(r"^from (\.+)([\w.]*) import (.*)", re.MULTILINE)
"""An import of ours as it stands at the top of a file; names in brackets are names in a module."""

_seen: set[str] = set()


def prepare(name: str) -> None:
    """Import what a file is about to import. name: its __name__."""
    load(name.removeprefix(f"{PLUGINS}."))


def load(*names: str) -> None:
    """Import files by their names below plugins (plugin_utils.store), after what they import themselves."""
    for name in names:
        if name not in _seen:
            _seen.add(name)
            _load(name, os.path.join(ROOT, *name.split(".")) + ".py")


def _load(name: str, file: str) -> None:
    try:
        with open(file, encoding="utf-8") as stream:
            source = stream.read()
    except OSError:
        return
    load(*_imported(name, source))
    if f"{PLUGINS}.{name}" not in sys.modules:
        _execute(f"{PLUGINS}.{name}", file)


def _imported(name: str, source: str) -> t.Iterator[str]:
    """Whatever may be a file of ours: of `from ..core import gate` both core and core.gate."""
    for dots, stem, names in IMPORTS.findall(source):
        base = [*name.split(".")[: -len(dots)], *filter(None, stem.split("."))]
        yield ".".join(base)
        yield from (".".join([*base, word.split()[0]]) for word in names.split(",") if word.split())


def _execute(full: str, file: str) -> None:
    """What an import statement does, with another loader."""
    package, _dot, own = full.rpartition(".")
    parent = importlib.import_module(package)
    spec = importlib.util.spec_from_file_location(full, file)
    if spec is None or spec.loader is None:
        return
    module = importlib.util.module_from_spec(spec)
    sys.modules[full] = module
    try:
        spec.loader.exec_module(module)
    except BaseException:
        del sys.modules[full]
        raise
    setattr(parent, own, module)
