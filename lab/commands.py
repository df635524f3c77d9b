"""What each `lab` command does, in the order in which it does it."""

from __future__ import annotations

import shlex
import shutil
import sysconfig
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import docker

from lab import (
    cgroups,
    engine,
    faults,
    firewall,
    images,
    kafka_admin,
    kubernetes,
    locks,
    progress,
    readiness,
    recovery,
    small_disk,
    stack,
)
from lab.config import DEFAULT_PROJECT, HOME, Config, read_env_file
from lab.errors import LabError
from lab.faults import table
from lab.faults.model import Lab
from lab.waiting import wait_until

LOCK_TIMEOUT = 600
BROKER_TIMEOUT = 90
SETTLE = 30.0


def up(config: Config) -> int:
    start = time.monotonic()
    with _project_lock(config) as lock:
        client = engine.ensure(config)
        images.ensure(config, client)
        lab = Lab(client, config, lock)
        recovery.mend(lab)
        _write_environment(config)
        with progress.phase("PostgreSQL, Redis and Kafka started"):
            stack.start(config, stack.stores(config), lock)
            wait_until("Kafka to have its topic", lambda: _create_topic(config), BROKER_TIMEOUT, hint="lab logs kafka")
        with progress.phase("services, load and monitoring started"):
            for layer in stack.LAYERS:
                stack.start(config, layer, lock)
        if kubernetes.SERVICE in config.profiles:
            kubernetes.deploy(client, config)
        for fault in faults.injected(config):
            faults.get(fault).clear(lab)
        recovery.revive(lab)
        readiness.wait(client, config)
        faults.forget(config)
    progress.done("the lab is up", time.monotonic() - start)
    return 0


def build(config: Config) -> int:
    """Make the images that `up` needs, and nothing else: a lab that runs goes on beside it."""
    start = time.monotonic()
    images.ensure(config, engine.ensure(config))
    progress.done("images built", time.monotonic() - start)
    return 0


def down(config: Config, engine_too: bool, purge: bool) -> int:
    with _project_lock(config) as lock:
        client = engine.connect()
        if client is None and (config.env_file.exists() or (purge and engine.installed())):
            # The engine stopped (a reboot, perhaps) with the lab in it: what is to be removed is still on disk.
            client = engine.ensure(config)
        if client is not None:
            with progress.phase(f"containers, networks and volumes of {config.project} removed"):
                _remove(client, config, lock)
        faults.forget(config)
        config.env_file.unlink(missing_ok=True)
        if config.project == DEFAULT_PROJECT:
            _plain_env_file().unlink(missing_ok=True)
        if purge:
            with progress.phase("images and caches removed"):
                images.purge(config, client)
        progress.say(f"           {engine.stop(config, force=engine_too)}")
    return 0


def status(config: Config) -> int:
    client = engine.require()
    found = stack.containers(client, config)
    if not found:
        raise LabError(f"nothing of project {config.project} runs", "lab up")
    for name in sorted(found):
        progress.say(f"  {name:18} {stack.health(found[name])}")
    if kubernetes.SERVICE in config.profiles:
        for name, state in kubernetes.pods(config):
            progress.say(f"  {name:50} {state}")
    parts = readiness.state(client, config)
    for name, reason in parts.items():
        progress.say(f"  {'ok  ' if reason is None else 'NOT '} {name}{'' if reason is None else ': ' + reason}")
    for fault in faults.injected(config):
        progress.say(f"  injected: {fault}: {faults.get(fault).what}")
    return 0 if not any(parts.values()) else 1


def logs(config: Config, service: str | None, follow: bool, tail: str) -> int:
    arguments = ["--timestamps", f"--tail={tail}", *(["-f"] if follow else []), *([service] if service else [])]
    status = stack.logs(config, arguments)
    if kubernetes.SERVICE in config.profiles and not follow:
        for app in kubernetes.SERVICES:
            if service in (None, app):
                kubernetes.logs(config, app, tail)
    return status


def env(config: Config) -> int:
    """Printed for a shell to evaluate: after it the runbook's commands mean this lab."""
    if not config.env_file.exists():
        raise LabError(f"project {config.project} is not up", "lab up")
    values = {**read_env_file(config.env_file), **stack.compose_environment(config)}
    if kubernetes.SERVICE in config.profiles:
        values["KUBECONFIG"] = str(config.kubeconfig)
    values.pop("COMPOSE_PROFILES", None)  # compose reads it from the file, where a later `lab up` may change it
    for name, value in values.items():
        print(f"export {name}={shlex.quote(value)}")
    directories = [*stack.compose_directories(), Path(sysconfig.get_path("scripts"))]
    print(f'export PATH={shlex.quote(":".join(map(str, directories)))}:"$PATH"')
    return 0


def list_faults(form: str) -> int:
    print({"text": table.text, "json": table.as_json, "markdown": table.markdown}[form]())
    return 0


def inject(config: Config, name: str) -> int:
    fault = faults.get(name)
    with _project_lock(config) as lock:
        lab = Lab(engine.require(), config, lock)
        if fault.profile and fault.profile not in config.profiles:
            raise LabError(f"{name} needs the profile {fault.profile}", f"lab up --profile {fault.profile}")
        injected = faults.injected(config)
        if name in injected:
            raise LabError(f"{name} is injected already", f"lab clear {name}")
        if not injected:
            _must_be_ready(lab)
        faults.remember(config, name)
        with progress.phase(f"{name} injected: {fault.what}"):
            fault.inject(lab)
    found = ", ".join(fault.findings) or "nothing (a twin: it only looks like a fault)"
    progress.say(f"           to be found: {found}")
    return 0


def clear(config: Config, name: str | None) -> int:
    wanted = [faults.get(name).id] if name else list(reversed(faults.injected(config)))
    if not wanted:
        progress.say("no fault is injected")
        return 0
    with _project_lock(config) as lock:
        lab = Lab(engine.require(), config, lock)
        for fault in wanted:
            with progress.phase(f"{fault} cleared"):
                faults.get(fault).clear(lab)
        remaining = [fault for fault in faults.injected(config) if fault not in wanted]
        if not remaining:
            readiness.wait(lab.client, config)
        for fault in wanted:
            faults.forget(config, fault)
    return 0


@contextmanager
def _project_lock(config: Config) -> Iterator[int]:
    with locks.held(
        config.project_state / "lock", f"another lab command on project {config.project}", LOCK_TIMEOUT
    ) as lock:
        yield lock


def _plain_env_file() -> Path:
    return HOME / ".env"


def _write_environment(config: Config) -> None:
    stack.write_environment(config)
    if config.project == DEFAULT_PROJECT:
        # Who types docker-compose in lab/ without `lab env` means the default lab.
        _plain_env_file().write_text(config.env_file.read_text())


def _remove(client: docker.DockerClient, config: Config, lock: int) -> None:
    firewall.open_all(config)
    small_disk.remove(config)
    stack.thaw(client, config)
    stack.compose(
        config,
        ["--profile", "*", "down", "--volumes", "--remove-orphans", "--timeout", "5"],
        "docker-compose down",
        lock,
    )
    stack.sweep(client, config)
    kubernetes.sweep(config)
    cgroups.sweep(config.room)
    shutil.rmtree(config.procfs, ignore_errors=True)


def _create_topic(config: Config) -> None:
    """Create the topic; raises while the broker does not answer."""
    kafka_admin.knock(config.ports["kafka"])
    with kafka_admin.admin(config.brokers) as kafka:
        kafka.create(config.topic, config.partitions)


def _must_be_ready(lab: Lab) -> None:
    """A busy machine makes a healthy stack slow for a moment: that is not refused."""

    def reason() -> str | None:
        bad = {name: why for name, why in readiness.state(lab.client, lab.config).items() if why}
        return "; ".join(f"{name}: {why}" for name, why in bad.items()) or None

    try:
        wait_until("the lab", reason, SETTLE)
    except LabError as error:
        raise LabError(f"the fault would not be the only one: {error.message}", "lab up") from error


__all__ = ["clear", "down", "env", "inject", "list_faults", "logs", "status", "up"]
