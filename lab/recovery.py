"""Taking up what a killed command or a person left behind."""

from __future__ import annotations

from docker.errors import APIError

from lab import http, progress, stack
from lab.config import SERVICES
from lab.errors import LabError
from lab.faults.model import Lab
from lab.waiting import NOT_YET, wait_until

SETTLE = 20.0


def mend(lab: Lab) -> None:
    """Undo what would keep the stack from starting; say what was found."""
    found = stack.containers(lab.client, lab.config)
    if not found:
        return
    mended = [f"{service} was frozen" for service in stack.thaw(lab.client, lab.config)]
    if "impostor" in found:
        found["impostor"].remove(force=True)
        mended.append("something stood on Kafka's port")
    mended += [f"{service} had switches on" for service in SERVICES if reset_switches(lab, service)]
    for text in mended:
        progress.say(f"           mended: {text}")


def reset_switches(lab: Lab, service: str) -> bool:
    """Turn off whatever the service's admin port turned on; whether there was anything."""
    try:
        url = lab.config.url(f"{service}-admin")
        if not any(http.get_json(f"{url}/switches").values()):
            return False
        return http.status(f"{url}/reset", "POST") == 200
    except NOT_YET:
        return False  # it does not run: nothing is switched on


def revive(lab: Lab) -> None:
    """Give what is unhealthy a little time after everything was started, then restart it."""
    try:
        wait_until("containers to be healthy", lambda: ", ".join(_unhealthy(lab)) or None, SETTLE)
    except LabError:
        for service in _unhealthy(lab):
            with progress.phase(f"{service} restarted, being unhealthy"):
                _restart(lab, service)


def _restart(lab: Lab, service: str) -> None:
    try:
        lab.container(service).restart(timeout=5)
    except APIError as error:
        raise LabError(f"{service} is unhealthy and can't be restarted: {error.explanation}", "lab down") from error


def _unhealthy(lab: Lab) -> list[str]:
    return [
        name for name, found in stack.containers(lab.client, lab.config).items() if stack.health(found) == "unhealthy"
    ]
