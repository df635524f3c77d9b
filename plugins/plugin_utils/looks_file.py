# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a triage saw, beside its verdict: redacted, compressed, for its owner only, and never larger than it may be."""

from __future__ import annotations

import glob
import gzip
import json
import pathlib
import typing as t
import zlib

from ..module_utils.core import replay
from ..module_utils.core.redact import clean
from ..module_utils.core.triage import Situation
from . import whole_file

SUFFIX = ".looks.json.gz"
LARGEST = 64 * 1024 * 1024
"""Bytes of JSON. Larger looks are not saved: nobody would wait for their replay either."""


def write(verdict_file: pathlib.Path, situation: Situation, verdict: t.Mapping[str, t.Any], kept: int) -> str:
    """Write the looks beside a verdict, and keep so many. Returns why not, empty where it did. Raises OSError."""
    data = json.dumps(clean(replay.saved(situation, verdict)), separators=(",", ":"), default=str).encode()
    if len(data) > LARGEST:
        return f"what was seen has {len(data)} bytes, and at most {LARGEST} are saved for a replay"
    whole_file.replace(path_of(verdict_file), gzip.compress(data, 6, mtime=0), 0o600)
    for old in sorted(verdict_file.parent.glob(f"*{SUFFIX}"))[:-kept]:
        old.unlink(missing_ok=True)
    return ""


def path_of(verdict_file: pathlib.Path) -> pathlib.Path:
    """The file of the looks that belongs to the file of a verdict."""
    return verdict_file.with_name(verdict_file.name.removesuffix(".json") + SUFFIX)


def find(wanted: str) -> list[pathlib.Path]:
    """Files of a path (of looks or of a verdict), of a directory, or of a glob; none where nothing is there."""
    path = pathlib.Path(wanted).expanduser()
    if path.is_dir():
        return sorted(path.glob(f"*{SUFFIX}"))
    if path.exists():
        beside = path_of(path)
        return [beside if path.suffix == ".json" and beside.exists() else path]
    found = sorted(pathlib.Path(name) for name in glob.glob(str(path)))
    looks = [file for file in found if file.name.endswith(SUFFIX)]
    return looks or found


def read(file: pathlib.Path) -> t.Any:
    """What is in a file. Raises ReplayError where it can't be read, is none of ours, or would fill the memory."""
    try:
        with gzip.open(file, "rb") as stream:
            data = stream.read(LARGEST + 1)
        if len(data) > LARGEST:
            raise replay.ReplayError(f"it has more than {LARGEST} bytes")
        return json.loads(data)
    except OSError as error:
        raise replay.ReplayError(f"it can't be read: {error.strerror or error}") from None
    except (EOFError, zlib.error) as error:
        raise replay.ReplayError(f"it is cut off or damaged: {error}") from None
    except (ValueError, RecursionError) as error:
        if isinstance(error, replay.ReplayError):
            raise
        raise replay.ReplayError("it has no JSON in it") from None
