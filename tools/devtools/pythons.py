"""Find Python interpreters that work.

A name on the PATH proves nothing: pyenv leaves shims for versions that are not selected, and Debian's python3 may come
without ensurepip. So every candidate is run.
"""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

# Newest first. Newer ones than ansible-core is released for are left alone.
VERSIONS = ((3, 14), (3, 13), (3, 12), (3, 11))
PROBE = "import ensurepip, sqlite3, ssl, sys, venv; print('%d.%d.%d' % sys.version_info[:3])"


@dataclass(frozen=True)
class Interpreter:
    path: str
    version: tuple[int, ...]

    def __str__(self) -> str:
        return f"Python {'.'.join(map(str, self.version))} ({self.path})"


def candidates() -> Iterator[str]:
    names = [f"python{major}.{minor}" for major, minor in VERSIONS] + ["python3"]
    for name in names:
        found = shutil.which(name)
        if found:
            yield found
    pyenv = Path(os.environ.get("PYENV_ROOT") or Path.home() / ".pyenv")
    yield from (str(path) for path in sorted(pyenv.glob("versions/*/bin/python3")))


def probe(path: str) -> Interpreter | None:
    """The interpreter at this path, or None where it doesn't run or can't make virtual environments."""
    try:
        done = subprocess.run([path, "-c", PROBE], capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return None
    version = tuple(int(part) for part in done.stdout.strip().split("."))
    return Interpreter(path, version) if version[:2] in VERSIONS else None


def working(paths: Iterable[str] | None = None) -> list[Interpreter]:
    """Every interpreter that works, in the order of the candidates."""
    found = (probe(path) for path in (candidates() if paths is None else paths))
    return [interpreter for interpreter in found if interpreter]


def newest(interpreters: Iterable[Interpreter], lowest: tuple[int, int]) -> Interpreter | None:
    good = [one for one in interpreters if one.version[:2] >= lowest]
    return max(good, key=lambda one: one.version[:2], default=None)


def oldest(interpreters: Iterable[Interpreter], lowest: tuple[int, int]) -> Interpreter | None:
    good = [one for one in interpreters if one.version[:2] >= lowest]
    return min(good, key=lambda one: one.version[:2], default=None)
