"""Redis as faults get at it: commands inside the container, and clients held by a process that outlives the command."""

from __future__ import annotations

from typing import Any

from lab.errors import LabError
from lab.faults import acts, holders
from lab.faults.model import Lab
from lab.waiting import wait_until

SERVICE = "redis"
HOLDER = "lab.redis_holder"
PREFIX = "lab-"
"""Names of everything that is held begin so."""


def cli(lab: Lab, *words: str, service: str = SERVICE) -> str:
    """redis-cli inside the container, where DEBUG is allowed. Raises LabError for an error reply."""
    status, output = lab.container(service).exec_run(["redis-cli", "-e", *words])
    text = output.decode(errors="replace").strip()
    if status != 0:
        raise LabError(f"{service} refuses {' '.join(words[:2])}: {text}", f"lab logs {service}")
    return text


def send(lab: Lab, *words: str, service: str = SERVICE) -> None:
    """A command whose answer nobody waits for."""
    lab.container(service).exec_run(["redis-cli", *words], detach=True)


def answer(lab: Lab, *words: str, service: str = SERVICE) -> str:
    """The answer, an error included; "" where none comes within two seconds."""
    command = ["timeout", "2", "redis-cli", *words]
    return lab.container(service).exec_run(command)[1].decode(errors="replace").strip()


def info(lab: Lab, name: str, service: str = SERVICE) -> str:
    for line in answer(lab, "INFO", service=service).splitlines():
        if line.startswith(f"{name}:"):
            return line.partition(":")[2].strip()
    return ""


def as_root(lab: Lab, script: str) -> None:
    status, output = lab.container(SERVICE).exec_run(["sh", "-c", script], user="root")
    if status != 0:
        raise LabError(f"{SERVICE}: {output.decode(errors='replace').strip()}", f"lab logs {SERVICE}")


def hold(lab: Lab, fault: str, groups: list[dict[str, Any]]) -> int:
    """Start the holder; returns how many connections it holds once all are there."""
    address = ["127.0.0.1", lab.config.ports[SERVICE]]
    return int(holders.start(lab, fault, HOLDER, {"address": address, "groups": groups}))


def release(lab: Lab, fault: str) -> None:
    holders.end(lab, fault, HOLDER)


def await_answer(lab: Lab, what: str, wanted: str, *words: str, service: str = SERVICE) -> None:
    """Until a command is answered with a text that begins so; "" waits for silence."""

    def reason() -> str | None:
        said = answer(lab, *words, service=service)
        good = said.startswith(wanted) if wanted else not said
        return None if good else f"it says {said[:80]!r}"

    wait_until(what, reason, acts.SHOWS)


def await_info(lab: Lab, name: str, wanted: str, service: str = SERVICE) -> None:
    def reason() -> str | None:
        found = info(lab, name, service)
        return None if found == wanted else f"it is {found!r}"

    wait_until(f"{service}: {name} to be {wanted}", reason, acts.CLEARS)
