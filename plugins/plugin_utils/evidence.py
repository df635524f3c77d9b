# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The evidence bundle: what was seen before anything was changed, as files with a sha256 manifest, redacted at
capture."""

from __future__ import annotations

import base64
import binascii
import hashlib
import json
import os
import pathlib
import re
import typing as t

from ..module_utils.core.redact import clean, redact_text

FILE_LIMIT = 2 * 1024 * 1024
BUNDLE_LIMIT = 50 * 1024 * 1024


class EvidenceError(Exception):
    """Evidence could not be written; nothing may be changed then. The text says where and why."""


def file_name(text: str) -> str:
    """A safe file name for anything that a target calls itself."""
    return re.sub(r"[^A-Za-z0-9._-]+", "_", text).strip("._")[:120] or "unnamed"


def bundle(observed: t.Iterable[t.Mapping[str, t.Any]], extra: t.Mapping[str, t.Any]) -> dict[str, str | bytes]:
    """File name -> content of everything worth keeping: each look's result, its attachments, and what the caller
    adds. Bytes are a binary attachment that its check made fit to be kept; everything else is redacted when written."""
    files: dict[str, str | bytes] = {}
    for number, look in enumerate(observed, 1):
        result = dict(look["result"])
        stem = f"{number:02d}-{file_name(look['name'])}"
        for name, content in _attachments(result.pop("attachments", None) or {}):
            files[f"{stem}-{file_name(name)}"] = content
        files[f"{stem}.json"] = json.dumps(clean(result), indent=2, sort_keys=True, default=str)
    for name, value in extra.items():
        files[f"{file_name(name)}.json"] = json.dumps(clean(value), indent=2, sort_keys=True, default=str)
    return files


def _attachments(found: t.Any) -> t.Iterator[tuple[str, str | bytes]]:
    """Name and content, of texts (name -> text) and of binary files (a list of name, content_base64 and sha256)."""
    if isinstance(found, t.Mapping):
        yield from ((str(name), str(text)) for name, text in found.items())
        return
    for entry in found:
        try:
            data = base64.b64decode(str(entry["content_base64"]), validate=True)
        except (KeyError, binascii.Error):
            data = b""
        name = str(entry.get("name", ""))
        if not data or hashlib.sha256(data).hexdigest() != entry.get("sha256"):
            yield f"{name}.damaged.txt", f"{name} did not arrive whole: its sha256 is not {entry.get('sha256')}\n"
        else:
            yield name, _as_text(data)


def _as_text(data: bytes) -> str | bytes:
    """What is text is kept as text, and so redacted, whatever it came as."""
    try:
        return data.decode("utf-8")
    except UnicodeDecodeError:
        return data


def write(directory: pathlib.Path, files: t.Mapping[str, str | bytes], taken_at: str) -> dict[str, t.Any]:
    """Write a bundle and its manifest, both on disk when this returns. Raises EvidenceError. Returns the manifest."""
    manifest: dict[str, t.Any] = {"taken_at": taken_at, "files": []}
    total = 0
    try:
        directory.mkdir(mode=0o700, parents=True, exist_ok=True)
        for name, content in sorted(files.items()):
            data, entry = _artefact(name, content)
            total += len(data)
            if isinstance(content, bytes) and len(content) > FILE_LIMIT:
                entry["left_out"] = f"a binary file can't be cut, and has more than {FILE_LIMIT} bytes"
            elif total > BUNDLE_LIMIT:
                entry["left_out"] = f"the bundle would be larger than {BUNDLE_LIMIT} bytes"
            else:
                _write_file(directory / name, data)
            manifest["files"].append(entry)
        _write_file(directory / "manifest.json", json.dumps(manifest, indent=2).encode())
        _sync_directory(directory)
    except OSError as error:
        raise EvidenceError(f"{directory}: {error.strerror or error}") from error
    return manifest


def verify(directory: pathlib.Path) -> list[str]:
    """What does not fit the manifest: changed, missing or unknown files. Empty where the bundle is whole."""
    manifest = json.loads((directory / "manifest.json").read_text(encoding="utf-8"))
    wrong = []
    for entry in manifest["files"]:
        path = directory / entry["name"]
        if entry.get("left_out"):
            continue
        if not path.is_file():
            wrong.append(f"{entry['name']} is missing")
        elif hashlib.sha256(path.read_bytes()).hexdigest() != entry["sha256"]:
            wrong.append(f"{entry['name']} was changed")
    return wrong


def _artefact(name: str, content: str | bytes) -> tuple[bytes, dict[str, t.Any]]:
    if isinstance(content, bytes):
        digest = hashlib.sha256(content).hexdigest()
        return content, {
            "name": name,
            "bytes": len(content),
            "sha256": digest,
            "truncated": False,
            "redactions": 0,
            "binary": True,
        }
    safe, redactions = redact_text(content)
    data = safe.encode("utf-8", "replace")
    cut = len(data) > FILE_LIMIT
    data = data[:FILE_LIMIT]
    digest = hashlib.sha256(data).hexdigest()
    return data, {"name": name, "bytes": len(data), "sha256": digest, "truncated": cut, "redactions": redactions}


def _write_file(path: pathlib.Path, data: bytes) -> None:
    with open(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "wb") as handle:
        handle.write(data)
        handle.flush()
        os.fsync(handle.fileno())


def _sync_directory(directory: pathlib.Path) -> None:
    number = os.open(directory, os.O_RDONLY)
    try:
        os.fsync(number)
    finally:
        os.close(number)
