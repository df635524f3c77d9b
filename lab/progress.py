"""What a person sees while the lab works: one line for each phase, with its seconds."""

from __future__ import annotations

import sys
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager

_lock = threading.Lock()


def say(text: str) -> None:
    with _lock:
        print(_over() + text, flush=True)


def done(what: str, seconds: float, detail: str = "") -> None:
    say(f"{seconds:7.1f} s  {what}{': ' + detail if detail else ''}")


def complain(text: str) -> None:
    with _lock:
        print(text, file=sys.stderr, flush=True)


def _over() -> str:
    """Write over the name of the phase that is under way, where one stands."""
    return "\r\x1b[K" if sys.stdout.isatty() else ""


@contextmanager
def phase(what: str) -> Iterator[None]:
    """One line when the phase is over; at a terminal its name stands there while it runs."""
    start = time.monotonic()
    if sys.stdout.isatty():
        with _lock:
            print(f"{_over()}          … {what}", end="", flush=True)
    yield
    done(what, time.monotonic() - start)
