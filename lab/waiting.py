"""Awaiting a condition, always with a deadline."""

from __future__ import annotations

import time
from collections.abc import Callable
from http.client import HTTPException

from docker.errors import DockerException
from kafka.errors import KafkaError

from lab.errors import LabError

# What half-started and half-stopped systems answer: it means "not yet".
NOT_YET = (LabError, OSError, KafkaError, DockerException, HTTPException, ValueError, LookupError)


def wait_until(
    what: str, reason: Callable[[], str | None], timeout: float, every: float = 0.25, hint: str = "lab status"
) -> float:
    """Ask `reason` until it returns None (the condition holds); return the seconds that took.

    `reason` says in a few words why the condition does not hold yet; its last answer is the error's text.
    """
    start = time.monotonic()
    while True:
        try:
            last = reason()
        except NOT_YET as error:
            last = error.message if isinstance(error, LabError) else f"{type(error).__name__}: {error}"
        if last is None:
            return time.monotonic() - start
        if time.monotonic() - start > timeout:
            raise LabError(f"{what}: not within {timeout:.0f} s ({last})", hint)
        time.sleep(every)
