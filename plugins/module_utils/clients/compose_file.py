# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The Compose file that a project runs from: another memory limit in it, with a way back at every step."""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
import typing as t

from ..core import compose_facts as facts
from ..core.compose_edit import Edit, defines, set_memory
from ..core.docker_plan import Refused
from .compose import Compose
from .errors import CollectError


class FileEdit:
    """One edit of the one file that defines the service."""

    def __init__(self, compose: Compose, memory: int, swap: int) -> None:
        self.compose = compose
        self.memory, self.swap = memory, swap
        self.path, self.backup = "", ""
        self.edit = Edit("", ())
        self.restored = False
        self._name = ""
        self._old = b""
        self._meant: dict[str, t.Any] = {}

    def plan(self) -> None:
        """Everything that can be known before anything is touched, validation of the new text included."""
        text = self._choose()
        if not (os.access(self.path, os.W_OK) and os.access(os.path.dirname(self.path), os.W_OK)):
            raise Refused(f"{self.path} or its directory is not writable here: run as the user who owns it (become)")
        before = self.compose.config()
        try:
            self.edit = set_memory(text, self.compose.place.service, self.memory, self.swap)
            if self.edit.text != text:
                self._check(before)
        except Refused as error:
            raise Refused(f"{self.path} is left alone: {error}. Set it by hand, then docker compose up") from error

    def _choose(self) -> str:
        """The text of the one file that says anything about the service."""
        place = self.compose.place
        texts = {path: _decoded(path) for path in place.files}
        chosen = [path for path, text in texts.items() if defines(text, place.service)]
        if len(chosen) > 1:
            raise Refused(
                f"{', '.join(chosen)} all define {place.service}, and each can set the limit: edit the right one by"
                " hand, then docker compose up"
            )
        self._name = chosen[0] if chosen else place.files[0]
        self.path = os.path.realpath(self._name)
        self._old = texts[self._name].encode("utf-8")
        return texts[self._name]

    def _check(self, before: dict[str, t.Any]) -> None:
        self._meant = self.compose.config(self.edit.text, self._name)
        facts.check_meaning(before, self._meant, self.compose.place.service, self.memory, self.swap)

    @property
    def needed(self) -> bool:
        return self.edit.text.encode("utf-8") != self._old

    def write(self) -> None:
        """A backup first, then the new file in one step, then Compose's own word on it."""
        if _read(self.path) != self._old:
            raise Refused(f"{self.path} was changed by somebody else a moment ago: nothing was written, run this again")
        stamp = time.strftime("%Y%m%dT%H%M%SZ", time.gmtime())
        # Never over another backup: mkstemp gives each a name of its own.
        try:
            handle, self.backup = tempfile.mkstemp(
                prefix=f"{os.path.basename(self.path)}.{stamp}.", dir=os.path.dirname(self.path)
            )
            _fill(handle, self.backup, self._old, self.path)
            self._replace(self.edit.text.encode("utf-8"))
        except OSError as error:
            self._drop_backup()
            raise Refused(f"{self.path} could not be written ({error.strerror}); it is as it was before") from error
        try:
            if self.compose.config() != self._meant:
                raise Refused("Compose reads the file differently from what was validated before it was written")
        except (Refused, CollectError) as error:
            raise Refused(f"validation of {self.path} failed ({error}); {self.put_back()}") from error

    def put_back(self) -> str:
        """The old file again. Says what came of it."""
        try:
            if _read(self.path) != self.edit.text.encode("utf-8"):
                return (
                    f"{self.path} was changed by somebody else meanwhile and is left alone: compare with {self.backup}"
                )
            self._replace(self._old)
        except Refused as error:
            return f"{error}: copy {self.backup} to it"
        except OSError as error:
            return f"{self.path} could NOT be put back ({error.strerror}): copy {self.backup} over it"
        self.restored = True
        self._drop_backup()
        return f"{self.path} is as it was before"

    def _drop_backup(self) -> None:
        with contextlib.suppress(OSError):
            os.unlink(self.backup)
            self.backup = ""

    def _replace(self, data: bytes) -> None:
        handle, name = tempfile.mkstemp(prefix=".incident.", dir=os.path.dirname(self.path))
        try:
            _fill(handle, name, data, self.path)
            os.replace(name, self.path)
        except OSError:
            with contextlib.suppress(OSError):
                os.unlink(name)
            raise

    def to_dict(self) -> dict[str, t.Any]:
        return {"file": self.path, "backup": self.backup, "lines": list(self.edit.lines)}


def _read(path: str) -> bytes:
    """Raises Refused."""
    try:
        with open(path, "rb") as file:
            return file.read()
    except OSError as error:
        raise Refused(f"{path} can't be read: {error.strerror}") from error


def _decoded(path: str) -> str:
    try:
        return _read(path).decode("utf-8")
    except UnicodeDecodeError as error:
        raise Refused(f"{path} is not UTF-8: edit it by hand") from error


def _fill(handle: int, name: str, data: bytes, like: str) -> None:
    """Data that is on the disk, with the owner and mode of another file."""
    with os.fdopen(handle, "wb") as file:
        file.write(data)
        file.flush()
        os.fsync(file.fileno())
    shutil.copymode(like, name)
    with contextlib.suppress(OSError):
        known = os.stat(like)
        os.chown(name, known.st_uid, known.st_gid)
