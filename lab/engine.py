"""The Docker engine: the one that answers is used as it is; where none does, the lab starts one of its own."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import docker
from docker.errors import DockerException

from lab import locks, packages, proc, progress
from lab.config import Config
from lab.errors import LabError
from lab.waiting import wait_until

START_TIMEOUT = 60.0
STOP_TIMEOUT = 60.0
CALL_TIMEOUT = 120
PACKAGES = {"dockerd": "docker.io", "iptables": "iptables"}


def connect() -> docker.DockerClient | None:
    """A client of the engine that answers, or None."""
    try:
        client = docker.from_env(timeout=CALL_TIMEOUT)
        client.ping()
    except DockerException:
        return None
    return client


def installed() -> bool:
    return _dockerd() is not None


def require() -> docker.DockerClient:
    client = connect()
    if client is None:
        raise LabError("no Docker engine answers, so nothing of the lab runs", "lab up")
    return client


def ensure(config: Config) -> docker.DockerClient:
    """The engine that answers; else one that is started here, installed first where it is missing."""
    with _engine_lock(config):
        client = connect()
        if client is not None:
            return client
        if os.environ.get("DOCKER_HOST"):
            raise LabError(
                f"no Docker engine answers at DOCKER_HOST={os.environ['DOCKER_HOST']}", "start it, or unset it"
            )
        if os.geteuid() != 0:
            raise LabError(
                "no Docker engine answers, and only root can start one",
                "start it (sudo systemctl start docker), then lab up",
            )
        packages.need(PACKAGES, config.state / "log")
        with progress.phase("Docker engine started by the lab"):
            _start(config)
        return require()


def started_by_lab(config: Config) -> int | None:
    """The pid of the engine that the lab started, if it still runs."""
    try:
        pid = int(_pid_file(config).read_text())
        command = Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")
    except (OSError, ValueError):
        return None
    # A pid is used again after a reboot: only a dockerd that was given our pid file is ours.
    return pid if str(_pid_file(config)).encode() in command else None


def stop(config: Config, force: bool) -> str:
    """Stop the engine that the lab started, unless somebody else's containers run on it; say what was done."""
    with _engine_lock(config):
        pid = started_by_lab(config)
        client = connect()
        if pid is None:
            return "no engine runs" if client is None else "the engine is not the lab's: left as it is"
        others = len(client.containers.list()) if client else 0
        if others and not force:
            return f"the engine is left running: {others} other containers run on it (--engine stops it all the same)"
        os.kill(pid, signal.SIGTERM)
        wait_until(
            "Docker engine to stop",
            lambda: None if started_by_lab(config) is None else f"pid {pid} lives",
            STOP_TIMEOUT,
        )
        _pid_file(config).unlink(missing_ok=True)
        return "the engine that the lab had started is stopped"


@contextmanager
def _engine_lock(config: Config) -> Iterator[None]:
    with locks.held(config.state / "engine" / "lock", "another lab command that starts or stops the engine", 300):
        yield


def _pid_file(config: Config) -> Path:
    return config.state / "engine" / "dockerd.pid"


def _start(config: Config) -> None:
    log = config.state / "engine" / "dockerd.log"
    if started_by_lab(config) is None:
        _pid_file(config).unlink(missing_ok=True)
        _forget_dead(Path("/var/run/docker/containerd/containerd.pid"), "containerd")
        with log.open("ab") as output:
            process = subprocess.Popen(
                [str(_dockerd()), "--pidfile", str(_pid_file(config)), "--log-level", "warn"],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                cwd="/",
                start_new_session=True,
            )
    else:
        process = None
    deadline = time.monotonic() + START_TIMEOUT
    while connect() is None:
        if process is not None and process.poll() is not None:
            raise LabError(
                f"dockerd ended with status {process.returncode}:\n{proc.tail(log)}", f"the whole log is {log}"
            )
        if time.monotonic() > deadline:
            raise LabError(f"dockerd does not answer after {START_TIMEOUT:.0f} s:\n{proc.tail(log)}", f"read {log}")
        time.sleep(0.1)


def _dockerd() -> str | None:
    return shutil.which("dockerd", path=os.environ.get("PATH", "") + ":/usr/sbin:/sbin")


def _forget_dead(pid_file: Path, program: str) -> None:
    """A pid file that outlived its process makes dockerd wait for a stranger."""
    try:
        name = Path(f"/proc/{int(pid_file.read_text())}/comm").read_text().strip()
    except (OSError, ValueError):
        name = ""
    if name != program:
        pid_file.unlink(missing_ok=True)
