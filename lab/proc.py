"""Running other programs: quietly, with a log, and with an error that says what they said."""

from __future__ import annotations

import os
import subprocess
from collections.abc import Mapping, Sequence
from pathlib import Path

from lab.errors import LabError


def run(
    command: Sequence[str | Path],
    log: Path,
    what: str,
    *,
    timeout: float = 900,
    cwd: Path | None = None,
    env: Mapping[str, str] | None = None,
    keep: Sequence[int] = (),
) -> None:
    """Run to the end; standard output and error go to `log`, whose tail is the error's text when it fails.

    `keep` are file descriptors that the program inherits: a lock held by one outlives a killed `lab`.
    """
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("wb") as output:
        try:
            status = subprocess.run(
                [str(part) for part in command],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd=cwd,
                env={**os.environ, **(env or {})},
                timeout=timeout,
                pass_fds=tuple(keep),
                check=False,
            ).returncode
        except FileNotFoundError as error:
            raise LabError(
                f"{what}: there is no program {error.filename!r}", "install it and run the command again"
            ) from error
        except subprocess.TimeoutExpired as error:
            raise LabError(f"{what}: not done within {timeout:.0f} s", f"read {log}") from error
    if status != 0:
        raise LabError(f"{what} failed with status {status}:\n{tail(log)}", f"the whole log is {log}")


def tail(log: Path, lines: int = 12) -> str:
    text = log.read_bytes().decode(errors="replace").splitlines()
    return "\n".join("    " + line for line in text[-lines:])
