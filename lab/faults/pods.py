"""What faults of Kubernetes are made of: objects of their own, and awaiting what then shows."""

from __future__ import annotations

import functools
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from lab import kubernetes, workloads
from lab.faults import acts
from lab.faults.model import Lab
from lab.kubernetes_api import Api, path
from lab.waiting import wait_until

Object = dict[str, Any]
PODS = f"/api/v1/namespaces/{workloads.FAULTS}/pods"
LABEL = "fault"
EVERY = 0.5
SHOWS = 120.0
"""What crashes is restarted later each time."""


@dataclass(frozen=True)
class Recipe:
    """Objects of a fault, and why it does not show yet (None: it does)."""

    name: str
    objects: Callable[[str, str], list[Object]]
    """Of its name and the image of the services."""
    shows: Callable[[Api, str], str | None]
    before: Callable[[str, str], list[Object]] | None = None
    """What stood there, and was well, before."""
    well: Callable[[Api, str], str | None] | None = None
    """Why it is not yet well; without it, what a Deployment says."""

    def stand(self, lab: Lab, image: str) -> None:
        """Make what stood there before, if anything; whether it is well is awaited with `await_well`."""
        for wanted in self.before(self.name, image) if self.before else ():
            lab.kubernetes.apply(wanted)

    def await_well(self, lab: Lab, timeout: float) -> None:
        if self.before:
            await_shown(lab, self.name, self.well or available, timeout)

    @property
    def inject(self) -> Callable[[Lab], None]:
        return functools.partial(_inject, recipe=self)

    @property
    def clear(self) -> Callable[[Lab], None]:
        return functools.partial(_clear, recipe=self)


def _inject(lab: Lab, recipe: Recipe) -> None:
    image = kubernetes.service_image(lab.config)
    recipe.stand(lab, image)
    recipe.await_well(lab, SHOWS)
    for wanted in recipe.objects(recipe.name, image):
        lab.kubernetes.apply(wanted)
    await_shown(lab, recipe.name, recipe.shows)


def _clear(lab: Lab, recipe: Recipe) -> None:
    """What was made is removed, the last first, and its pods are awaited to be gone."""
    for wanted in reversed(recipe.objects(recipe.name, kubernetes.service_image(lab.config))):
        lab.kubernetes.remove(path(wanted))
    await_gone(lab, recipe.name)


def await_shown(lab: Lab, name: str, shows: Callable[[Api, str], str | None], timeout: float = SHOWS) -> None:
    wait_until(f"{name} to show in Kubernetes", lambda: shows(lab.kubernetes, name), timeout, EVERY, hint="lab status")


def await_gone(lab: Lab, name: str) -> None:
    def reason() -> str | None:
        left = lab.kubernetes.list(PODS, **{LABEL: name})
        for pod in left:
            lab.kubernetes.remove(f"{PODS}/{pod['metadata']['name']}", grace=0)
        return f"{len(left)} pods are left" if left else None

    wait_until(f"the pods of {name} to be gone", reason, acts.CLEARS, EVERY, hint="lab status")


def labels(name: str) -> dict[str, str]:
    return {LABEL: name}


def container(image: str, script: str, **content: Any) -> Object:
    """One that runs a few lines of shell."""
    return {
        "name": "main",
        "image": image,
        "imagePullPolicy": "Never",
        "command": ["sh", "-c", script],
        "resources": {"requests": {"cpu": "5m", "memory": "8Mi"}, "limits": {"cpu": "200m", "memory": "32Mi"}},
        **content,
    }


def workload(name: str, containers: list[Object], replicas: int = 1, **spec: Any) -> Object:
    return workloads.deployment(name, workloads.FAULTS, labels(name), containers, replicas, **spec)


def running(api: Api, name: str) -> list[Object]:
    return api.list(PODS, **labels(name))


def statuses(pod: Object) -> list[Object]:
    status = pod["status"]
    return [*(status.get("initContainerStatuses") or ()), *(status.get("containerStatuses") or ())]


def waits_for(*reasons: str) -> Callable[[Api, str], str | None]:
    """A container of it waits for one of these reasons."""

    def shows(api: Api, name: str) -> str | None:
        found = [one.get("state", {}) for pod in running(api, name) for one in statuses(pod)]
        said = [state["waiting"].get("reason", "?") for state in found if "waiting" in state]
        return None if set(said) & set(reasons) else f"its containers wait for {', '.join(said) or 'nothing'}"

    return shows


def ended_with(reason: str) -> Callable[[Api, str], str | None]:
    """A container of it has ended so, now or the last time."""

    def shows(api: Api, name: str) -> str | None:
        found = [one.get(when, {}) for pod in running(api, name) for one in statuses(pod) for when in _ENDS]
        said = [state["terminated"].get("reason", "?") for state in found if "terminated" in state]
        return None if reason in said else f"its containers ended with {', '.join(said) or 'nothing'}"

    return shows


_ENDS = ("state", "lastState")


def restarted(times: int) -> Callable[[Api, str], str | None]:
    def shows(api: Api, name: str) -> str | None:
        count = max((one.get("restartCount", 0) for pod in running(api, name) for one in statuses(pod)), default=0)
        return None if count >= times else f"it was restarted {count} times"

    return shows


def pod_condition(kind: str, status: str, reason: str | None = None) -> Callable[[Api, str], str | None]:
    return lambda api, name: _condition([pod["status"] for pod in running(api, name)], kind, status, reason)


def condition(plural: str, kind: str, status: str, reason: str | None = None) -> Callable[[Api, str], str | None]:
    """A condition of the object of that name; `plural` is where its kind is, such as apps/v1/deployments."""

    def shows(api: Api, name: str) -> str | None:
        found = api.get(own_path(plural, name))
        return _condition([found.get("status", {})], kind, status, reason)

    return shows


def own_path(plural: str, name: str) -> str:
    group, _, last = plural.rpartition("/")
    return f"/apis/{group}/namespaces/{workloads.FAULTS}/{last}/{name}"


def _condition(found: list[Object], kind: str, status: str, reason: str | None) -> str | None:
    said = [item for one in found for item in one.get("conditions") or () if item["type"] == kind]
    if any(item["status"] == status and reason in (None, item.get("reason")) for item in said):
        return None
    states = [f"{item['status']} ({item.get('reason', 'no reason')})" for item in said]
    return f"{kind} is {', '.join(states) or 'unknown'}"


def available(api: Api, name: str, plural: str = "apps/v1/deployments") -> str | None:
    """All replicas of its Deployment are there, or of another kind of workload."""
    found = api.get(own_path(plural, name))
    has, wanted = found.get("status", {}).get("availableReplicas", 0), found["spec"]["replicas"]
    return None if has == wanted else f"{has} of {wanted} replicas are available"


def both(*parts: Callable[[Api, str], str | None]) -> Callable[[Api, str], str | None]:
    return lambda api, name: next((reason for part in parts if (reason := part(api, name))), None)


def running_all(api: Api, name: str) -> str | None:
    """Every pod of it runs."""
    phases = [pod["status"].get("phase") for pod in running(api, name)]
    said = ", ".join(map(str, phases)) or "not there"
    return None if set(phases) == {"Running"} else f"its pods are {said}"


def pod_event(reason: str) -> Callable[[Api, str], str | None]:
    """Something was said of a pod that is there."""

    def shows(api: Api, name: str) -> str | None:
        own = {pod["metadata"]["uid"] for pod in running(api, name)}
        found = api.get(f"/api/v1/namespaces/{workloads.FAULTS}/events")["items"]
        said = {item["reason"] for item in found if item["involvedObject"].get("uid") in own}
        return None if reason in said else f"what is said of it is {', '.join(sorted(said)) or 'nothing'}"

    return shows
