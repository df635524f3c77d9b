# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The verdicts of triage as files: for whoever comes later, or was not there when it was printed."""

from __future__ import annotations

import datetime
import json
import os
import pathlib
import typing as t

KEPT = 100
"""Verdicts that stay; a scheduler would fill the disk otherwise."""


def write(state_dir: pathlib.Path, verdict: t.Mapping[str, t.Any], now: float) -> pathlib.Path:
    """Write one file that only its owner can read, whole or not at all. Raises OSError."""
    where = state_dir / "triage"
    where.mkdir(parents=True, exist_ok=True, mode=0o700)
    moment = datetime.datetime.fromtimestamp(now, datetime.UTC)
    file = where / f"{moment:%Y%m%dT%H%M%S}.{moment.microsecond:06d}Z-{os.getpid()}.json"
    new = file.with_suffix(".new")
    descriptor = os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(descriptor, "w", encoding="utf-8") as stream:
        json.dump(verdict, stream, indent=2, default=str)
    new.replace(file)
    for old in sorted(where.glob("*.json"))[:-KEPT]:
        old.unlink(missing_ok=True)
    return file
