"""Faults of one service, `auth`, and of what it depends on."""

from __future__ import annotations

import contextlib
import functools
import io
import re
import tarfile

from docker.models.containers import Container

from lab import firewall, http
from lab.faults import acts
from lab.faults.model import Fault, Lab
from lab.waiting import wait_until

SERVICE = "auth"
DEPENDENCY = "redis"
ENOUGH_FAILED = 25
"""Failed requests; a ratio of fewer than 20 is not judged."""
LIFE_FILE = "/tmp/seconds-to-live"
"""As in the services (misleading.go)."""
METRICS = (
    ("page", "are a sign-in page"),
    ("cut", "end in the middle of a line"),
    ("twice", "say the same series twice"),
    ("failing", "are answered with 500"),
    ("empty", "are empty"),
    ("endless", "trickle for ever"),
)
"""How the metrics of auth can be broken; the value of the switch is the place in this list, from 1."""


def _freeze(lab: Lab) -> None:
    lab.container(SERVICE).kill(signal="STOP")


def _thaw(lab: Lab) -> None:
    with contextlib.suppress(Exception):
        lab.container(SERVICE).kill(signal="CONT")
    acts.await_health(lab, SERVICE, "healthy", acts.CLEARS)


def _hang(lab: Lab) -> None:
    acts.switch(lab, SERVICE, "hang", 1)


def _answer(lab: Lab) -> None:
    acts.reset(lab, SERVICE)
    acts.await_health(lab, SERVICE, "healthy", acts.CLEARS)


def _kill(lab: Lab) -> None:
    lab.container(SERVICE).kill()


def _spoil(name: str, value: int) -> functools.partial[None]:
    """An inject that turns a switch of auth, and returns at once: it shows in the next answer."""
    return functools.partial(acts.switch, service=SERVICE, name=name, value=value)


def _mend(lab: Lab) -> None:
    acts.reset(lab, SERVICE)


def _close(how: tuple[str, ...]) -> functools.partial[None]:
    return functools.partial(_close_port, how=how)


def _close_port(lab: Lab, how: tuple[str, ...]) -> None:
    firewall.close(lab.config, [lab.config.ports[SERVICE]], how)


def _open_port(lab: Lab) -> None:
    firewall.open_all(lab.config)


def _fail(lab: Lab) -> None:
    """Its work fails while its health page says yes; returns when enough requests have."""
    before = _failed(lab)
    acts.switch(lab, SERVICE, "errors", 1)

    def reason() -> str | None:
        failed = _failed(lab) - before
        return None if failed >= ENOUGH_FAILED else f"{failed} have failed"

    wait_until("requests of auth to fail", reason, acts.SHOWS, 0.25, hint="lab status")


def _failed(lab: Lab) -> int:
    text = http.text(lab.config.url(SERVICE, "/metrics"))
    return sum(
        int(float(count)) for count in re.findall(r'^http_requests_total\{[^}]*status="5..".*\} (\S+)$', text, re.M)
    )


def _live_for(seconds: int) -> functools.partial[None]:
    return functools.partial(_die_again_and_again, seconds=seconds)


def _die_again_and_again(lab: Lab, seconds: int) -> None:
    """From its next start on it lives so long; its restart policy brings it back each time."""
    container = lab.container(SERVICE)
    _write(container, str(seconds))
    container.exec_run(["kill", "-ABRT", "1"])  # not through Docker, which would take it for a stop that was wanted
    acts.await_restarts(lab, SERVICE, 2)


def _live_on(lab: Lab) -> None:
    """A restart by hand, which sets the count of restarts back: the loop is over."""
    container = lab.container(SERVICE)
    _write(container, "no more")
    container.restart(timeout=1)
    acts.await_health(lab, SERVICE, "healthy", acts.CLEARS)


def _write(container: Container, text: str) -> None:
    """Write the file that says how long it may live; that works in a container that does not run, too."""
    packed = io.BytesIO()
    with tarfile.open(fileobj=packed, mode="w") as archive:
        entry = tarfile.TarInfo(LIFE_FILE.rpartition("/")[2])
        entry.size = len(text)
        archive.addfile(entry, io.BytesIO(text.encode()))
    container.put_archive(LIFE_FILE.rpartition("/")[0], packed.getvalue())


# What a look may see besides, depending on when it comes.
BESIDE = ("docker.container.unhealthy", "http.metrics.broken")
GONE = (
    "docker.container.not_running",
    "http.connect.refused",
    "http.health.failing",
    "http.health.flapping",
    "http.process.restarted",
    "http.response.reset",
)

FAULTS = (
    Fault(
        "service_stopped",
        "the container of auth is stopped",
        lambda lab: acts.stop(lab, SERVICE),
        lambda lab: acts.start(lab, SERVICE),
        ("docker.container.not_running", "http.connect.refused"),
        BESIDE,
        scenario="service",
    ),
    Fault(
        "service_paused",
        "the container of auth is paused",
        functools.partial(acts.pause, service=SERVICE),
        functools.partial(acts.unpause, service=SERVICE),
        ("docker.container.paused", "http.response.silent"),
        BESIDE,
        scenario="service",
    ),
    Fault(
        "service_frozen",
        "the process of auth is stopped by a signal while its container is up",
        _freeze,
        _thaw,
        ("docker.process.frozen", "http.response.silent"),
        BESIDE,
        scenario="service",
    ),
    Fault(
        "service_hanging",
        "auth accepts connections and answers nothing",
        _hang,
        _answer,
        ("http.response.silent",),
        BESIDE,
        scenario="service",
    ),
    Fault(
        "service_dependency",
        "auth is well, but the Redis that it needs is stopped",
        lambda lab: acts.stop(lab, DEPENDENCY),
        lambda lab: acts.start(lab, DEPENDENCY),
        ("docker.container.not_running", "http.health.failing", "redis.server.refused"),
        BESIDE,
        scenario="service",
    ),
    Fault(
        "service_killed",
        "auth was killed (SIGKILL), which looks like the kernel's doing where memory is short",
        _kill,
        lambda lab: acts.start(lab, SERVICE),
        ("docker.container.not_running", "http.connect.refused"),
        BESIDE,
        scenario="service",
    ),
    Fault(
        "service_crashing",
        "auth panics as soon as it starts, again and again",
        _live_for(0),
        _live_on,
        ("docker.container.crash_loop",),
        (*BESIDE, *GONE),
        scenario="service",
    ),
    Fault(
        "service_crashing_late",
        "auth panics 11 s after each start: long enough for its restart policy to try at once every time",
        _live_for(11),
        _live_on,
        ("docker.container.crash_loop",),
        (*BESIDE, *GONE),
        scenario="service",
    ),
    Fault(
        "service_dropped",
        "a firewall drops what is sent to the port of auth",
        _close(firewall.DROP),
        _open_port,
        ("http.connect.timeout",),
        scenario="service",
    ),
    Fault(
        "service_rejected",
        "a firewall refuses what is sent to the port of auth",
        _close(firewall.REJECT),
        _open_port,
        ("http.connect.refused",),
        scenario="service",
    ),
    Fault(
        "service_loopback",
        "auth listens on the loopback address of its container only",
        _spoil("loopback", 1),
        _mend,
        ("docker.port.loopback_only", "http.response.reset"),
        BESIDE,
        scenario="service",
    ),
    Fault(
        "service_failing",
        "all the work of auth fails while its health page says that it is well",
        _fail,
        _mend,
        ("http.errors.high", "http.health.shallow"),
        BESIDE,
        scenario="service",
    ),
    Fault(
        "service_flapping",
        "the health page of auth says to every second question that it fails",
        _spoil("flap", 1),
        _answer,
        ("http.health.flapping",),
        BESIDE,
        scenario="service",
    ),
    Fault(
        "service_slow",
        "the health page of auth takes 1.5 s",
        _spoil("slow_health", 1500),
        _mend,
        ("http.health.slow",),
        scenario="service",
    ),
    *(
        Fault(
            f"metrics_{name}",
            f"the metrics of auth {what}",
            _spoil("metrics", number),
            _mend,
            ("http.metrics.broken",),
            scenario="service",
        )
        for number, (name, what) in enumerate(METRICS, 1)
    ),
    Fault(
        "log_hostile",
        "auth logs what would hurt a terminal or a template",
        _spoil("log_hostile", 1),
        _mend,
        scenario="service",
        twin=True,
    ),
)
