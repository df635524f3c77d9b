"""`make setup`: two virtual environments and the link that makes this checkout an installed collection."""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from . import pythons
from .paths import BUILD, COLLECTION_LINK, LOGS, ROOT, VENV, VENV_OLDEST, Problem

NEWEST_CORE_NEEDS = (3, 12)
OLDEST_CORE_NEEDS = (3, 11)
STAMP = "setup-stamp"
INPUTS = ("requirements.txt", "requirements-dev.txt")
ONE_LESS = (
    "no working Python 3.12 or newer was found, which the newest ansible-core needs: this machine tests one version"
    " less. Install one (for example: pyenv install 3.13) and run `make setup` again."
)


@dataclass(frozen=True)
class Environment:
    path: Path
    core: str
    """The requirement of ansible-core."""
    packages: tuple[str, ...]
    """Other arguments of pip install."""

    @property
    def python(self) -> Path:
        return self.path / "bin" / "python"

    @property
    def log(self) -> Path:
        return LOGS / f"setup-{self.path.name}.log"

    def arguments(self) -> list[str]:
        return ["--upgrade", self.core, *self.packages, "--editable", "."]


NEWEST = Environment(VENV, "ansible-core>=2.19", ("-r", "requirements-dev.txt"))
OLDEST = Environment(
    VENV_OLDEST,
    "ansible-core==2.19.*",
    ("-r", "requirements.txt", "pytest", "pytest-timeout", "pytest-xdist", "-c", "requirements-dev.txt"),
)


def say(text: str) -> None:
    print(f"setup: {text}", flush=True)


def content_hash(environment: Environment) -> str:
    """Changes when what would be installed changes. Of pyproject.toml that is all before the tools' settings."""
    digest = hashlib.sha256(repr(environment.arguments()).encode())
    for name in INPUTS:
        digest.update((ROOT / name).read_bytes())
    digest.update((ROOT / "pyproject.toml").read_text().split("[tool.")[0].encode())
    digest.update(str(ROOT).encode())
    return digest.hexdigest()


def is_current(environment: Environment) -> bool:
    stamp = environment.path / STAMP
    if not stamp.is_file() or stamp.read_text().strip() != content_hash(environment):
        return False
    # A stamp outlives the interpreter that the environment was made from.
    return pythons.probe(str(environment.python)) is not None


@contextmanager
def locked() -> Iterator[None]:
    """One set-up at a time: two would write the same files."""
    BUILD.mkdir(exist_ok=True)
    with open(BUILD / "setup.lock", "w") as lock:
        try:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            say("another set-up is running in this checkout, waiting for it")
            fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def run(command: list[str], log: Path) -> None:
    LOGS.mkdir(parents=True, exist_ok=True)
    with open(log, "a") as output:
        output.write(f"$ {' '.join(command)}\n")
        output.flush()
        done = subprocess.run(command, cwd=ROOT, stdin=subprocess.DEVNULL, stdout=output, stderr=output)
    if done.returncode:
        tail = "\n".join(log.read_text(errors="replace").splitlines()[-15:])
        hint = "pip needs a package index within reach (PyPI or a mirror: see `pip config list`)"
        raise Problem(f"`{' '.join(command)}` failed:\n{tail}\n{hint}. The whole log: {log}")


def same_interpreter(environment: Environment, wanted: pythons.Interpreter) -> bool:
    there = pythons.probe(str(environment.python))
    return there is not None and there.version == wanted.version


def build(environment: Environment, interpreter: pythons.Interpreter) -> None:
    """Make the environment, or bring it up to date in place where its interpreter stays."""
    started = time.monotonic()
    say(f"{environment.path.relative_to(ROOT)}: {environment.core} on {interpreter}")
    LOGS.mkdir(parents=True, exist_ok=True)
    environment.log.write_text("")
    (environment.path / STAMP).unlink(missing_ok=True)
    if not same_interpreter(environment, interpreter):
        run([interpreter.path, "-m", "venv", "--clear", str(environment.path)], environment.log)
    run([str(environment.python), "-m", "pip", "install", "--quiet", *environment.arguments()], environment.log)
    (environment.path / STAMP).write_text(content_hash(environment) + "\n")
    say(f"{environment.path.relative_to(ROOT)}: ready after {time.monotonic() - started:.0f} s")


def choose(interpreters: list[pythons.Interpreter]) -> list[tuple[Environment, pythons.Interpreter]]:
    """Which environment on which interpreter."""
    oldest = pythons.oldest(interpreters, OLDEST_CORE_NEEDS)
    if oldest is None:
        raise Problem(
            "no working Python 3.11 to 3.14 was found on the PATH or under ~/.pyenv/versions.\n"
            "Install one with venv and ensurepip (on Debian: apt-get install python3-venv), then run `make setup` again"
        )
    newest = pythons.newest(interpreters, NEWEST_CORE_NEEDS)
    if newest is None:
        if os.environ.get("CI") == "true":
            raise Problem(ONE_LESS)
        say(ONE_LESS)
    return [(NEWEST, newest or oldest), (OLDEST, oldest)]


def link_collection(link: Path = COLLECTION_LINK) -> None:
    """Make ansible_collections/incident/response this checkout itself: what is edited is what runs."""
    if link.is_symlink() and link.resolve() == ROOT:
        return
    link.parent.mkdir(parents=True, exist_ok=True)
    if link.is_symlink():
        link.unlink()
    elif link.exists():
        say(f"{link.relative_to(ROOT)}: an installed copy gives way to a link to this checkout")
        shutil.rmtree(link)
    link.symlink_to("../../../..", target_is_directory=True)


def set_up() -> None:
    with locked():
        link_collection()
        outdated = [one for one in (NEWEST, OLDEST) if not is_current(one)]
        if not outdated:
            say("up to date")
            return
        for environment, interpreter in choose(pythons.working()):
            if environment in outdated:
                build(environment, interpreter)


def two_versions() -> bool:
    """Whether the two environments hold different versions of ansible-core."""
    return core_version(NEWEST) != core_version(OLDEST)


def core_version(environment: Environment) -> str | None:
    found = sorted(environment.path.glob("lib/python3*/site-packages/ansible_core-*.dist-info"))
    return found[-1].name.split("-")[1][: -len(".dist")] if found else None


def main() -> int:
    try:
        set_up()
    except Problem as problem:
        print(f"setup: {problem}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
