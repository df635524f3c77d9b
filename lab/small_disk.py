"""A small file system in place of the volumes of some containers: what fills it does not fill the machine's."""

from __future__ import annotations

import errno
import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path

from lab.config import Config
from lab.errors import LabError

ROOM = 96 << 20
"""Bytes beyond what is put on it: some segments of a write-ahead log, and little of the machine's memory."""
FILLER = "filler"
BLOCK = 1 << 20


def make(config: Config, volumes: Mapping[str, Path]) -> None:
    """Copy the volumes (by any name) to a file system of that size and mount it in their place.

    Their containers must not run. What was there comes back with `remove`, without what was written since.
    """
    remove(config)
    place = _place(config)
    place.mkdir(parents=True, exist_ok=True)
    most = ROOM + sum(512 * file.lstat().st_blocks for source in volumes.values() for file in source.rglob("*"))
    _run("mount", "-t", "tmpfs", "-o", f"size={most},mode=711", _name(config), place)
    for name, source in volumes.items():
        _run("cp", "--archive", source, place / name)
        _run("mount", "--bind", place / name, source)


def fill(config: Config) -> None:
    """To the last byte."""
    with (_place(config) / FILLER).open("wb", buffering=0) as file:
        for block in (BLOCK, 1):
            try:
                while True:
                    file.write(b"\0" * block)
            except OSError as error:
                if error.errno != errno.ENOSPC:
                    raise


def remove(config: Config) -> None:
    """Unmount every place of this project, the last one first."""
    for place in reversed(_mounted(config)):
        # Containers have mounts of their own of it, so it may go while they run.
        _run("umount", "--lazy", place)
    shutil.rmtree(_place(config), ignore_errors=True)


def _mounted(config: Config) -> list[str]:
    lines = [line.split() for line in Path("/proc/self/mounts").read_text().splitlines()]
    return [words[1] for words in lines if words[0] == _name(config)]


def _place(config: Config) -> Path:
    return config.project_state / "small-disk"


def _name(config: Config) -> str:
    return f"lab:{config.project}"


def _run(*command: str | Path) -> None:
    done = subprocess.run([str(word) for word in command], capture_output=True, text=True, check=False)
    if done.returncode != 0:
        raise LabError(f"{' '.join(map(str, command))}: {done.stderr.strip()}", "run it as root")
