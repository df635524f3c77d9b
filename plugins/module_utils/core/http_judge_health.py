# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What endpoints answered to several questions in a row: sick, flapping, slow, or somebody else. Pure."""

from __future__ import annotations

import re
import statistics
import typing as t

from .findings import CRITICAL, UNKNOWN, WARNING, Finding, Remedy
from .hostile import inert
from .http_health_body import Failing, Health, read
from .http_judge_reach import WAYS, attempts, phases, unreached
from .http_settings import Settings, command, finding
from .http_snapshot import OK, Look, Probe
from .quantities import span

RECENT = 10
"""Probes that flapping is judged by."""
LONGEST = 200


def judge_answers(look: Look, settings: Settings, history: t.Sequence[t.Mapping[str, t.Any]]) -> t.Iterator[Finding]:
    """Sick or flapping, then slow, then whether it is the right server at all."""
    bad = [bool(problem(look, probe)) for probe in look.probes]
    if not look.probes or not measured(look.last):
        yield unreached(look, look.last, settings, 0)
        return
    past = [*earlier(look, history, settings.lookback), *bad][-RECENT:]
    changes = transitions(past)
    row = in_a_row(bad)
    if changes >= settings.thresholds["transitions"]["warn"] and any(past):
        yield _flapping(look, settings, past, changes)
    elif row:
        yield _sick(look, look.last, settings, row)
    elif any(bad):
        yield _now_and_then(look, settings, bad)
    else:
        yield from _degraded(look)
    yield from _slow(look, settings)
    yield from _endless(look)
    yield from _server(look)


def measured(probe: Probe) -> bool:
    return probe.kind == OK or probe.kind in WAYS


def problem(look: Look, probe: Probe) -> str:
    """Why a probe counts as bad, "" where it is good."""
    if probe.kind != OK:
        return probe.message or probe.kind
    if not look.endpoint.expects(probe.status):
        return f"status {probe.status}"
    if read(probe.body).state == "bad" and not look.endpoint.expected_status:
        return "its body says that it is failing"
    pattern = look.endpoint.expected_body
    if pattern and not re.search(pattern, probe.body):
        return "its body is not as expected"
    return ""


def in_a_row(bad: t.Sequence[bool]) -> int:
    """Bad probes at the end, without a good one among them."""
    row = 0
    for item in reversed(bad):
        if not item:
            break
        row += 1
    return row


def transitions(bad: t.Sequence[bool]) -> int:
    return sum(before != after for before, after in zip(bad, bad[1:]))


def earlier(look: Look, history: t.Sequence[t.Mapping[str, t.Any]], lookback: float) -> list[bool]:
    """Outcomes of earlier looks, oldest first. A look that names this endpoint nowhere found it good."""
    found: list[bool] = []
    for sample in history:
        at, bad = sample.get("at"), sample.get("bad")
        if not isinstance(at, (int, float)) or not isinstance(bad, dict) or look.now - at > lookback:
            continue
        said = bad.get(look.endpoint.name, "0")
        found += [char == "1" for char in str(said)[:RECENT]]
    return found


def _flapping(look: Look, settings: Settings, past: t.Sequence[bool], changes: int) -> Finding:
    reasons = sorted({why for probe in look.probes if (why := problem(look, probe))})
    pattern = "".join("x" if item else "." for item in past)
    return finding(
        look.endpoint,
        "http.health.flapping",
        settings.level("transitions", changes) or WARNING,
        "P2",
        f"flaps: {changes} times between good and bad in its last {len(past)} probes",
        observed={"transitions": changes, "probes": len(past), "bad": sum(past)},
        threshold=settings.pair("transitions"),
        evidence=(f"oldest first, x is bad: {pattern}", *reasons),
        causes=(
            "one of several instances behind this address is sick",
            "a dependency answers at the edge of its timeout",
            "it restarts again and again",
        ),
        remedies=(
            Remedy("Find out which instance answers badly before anything is restarted: one sample proves nothing"),
        ),
        details=_dependencies(_worst_body(look)),
    )


def _worst_body(look: Look) -> Health:
    return next((read(p.body) for p in reversed(look.probes) if problem(look, p) and p.body), Health())


def _now_and_then(look: Look, settings: Settings, bad: t.Sequence[bool]) -> Finding:
    """The last probe was good, and one before it was not."""
    worst = next(probe for probe in reversed(look.probes) if problem(look, probe))
    times = sum(bad)
    return finding(
        look.endpoint,
        "http.health.failing",
        WARNING,
        "P3",
        f"failed {times} of {len(bad)} probes and is good again: {problem(look, worst)}",
        observed={"bad": times, "probes": len(bad), "status": worst.status, "kind": worst.kind},
        threshold=settings.pair("failed_in_a_row"),
        evidence=(*_dependency_facts(read(worst.body)), *attempts(worst), *phases(worst)),
        causes=("it was just restarted", "a dependency answers at the edge of its timeout"),
        remedies=(Remedy("Look again before anything is done"),),
        details={**_dependencies(read(worst.body)), "status": worst.status},
    )


def _sick(look: Look, probe: Probe, settings: Settings, row: int) -> Finding:
    if probe.kind != OK:
        return unreached(look, probe, settings, row)
    if probe.status in (401, 403) and not look.endpoint.expects(probe.status):
        return _rejected(look, probe, settings)
    if look.endpoint.expects(probe.status) and (look.endpoint.expected_status or read(probe.body).state != "bad"):
        return _unexpected_body(look, probe)
    return _failing(look, probe, settings, row)


def _failing(look: Look, probe: Probe, settings: Settings, row: int) -> Finding:
    health = read(probe.body)
    blamed = _blame(health)
    return finding(
        look.endpoint,
        "http.health.failing",
        settings.level("failed_in_a_row", row) or WARNING,
        "P2",
        f"answers {probe.status}{': ' + blamed if blamed else ''}",
        observed={"status": probe.status, "in_a_row": row, "probes": len(look.probes), "dependency": _one(health)},
        threshold=settings.pair("failed_in_a_row"),
        evidence=(*_dependency_facts(health), *_said(probe, health), *phases(probe)),
        causes=_failing_causes(probe, health),
        remedies=_failing_remedies(look, health),
        details={**_dependencies(health), "status": probe.status},
    )


def _blame(health: Health) -> str:
    names = health.names
    if len(names) == 1:
        return f"its dependency {names[0]} fails"
    return f"its dependencies {', '.join(names[:5])} fail" if names else ""


def _one(health: Health) -> str:
    return health.names[0] if len(health.names) == 1 else ""


def _dependencies(health: Health) -> dict[str, t.Any]:
    """dependency: the one that fails, "" where it is none or several. dependencies: all of them, with their errors."""
    return {"dependency": _one(health), "dependencies": {item.name: item.error for item in health.failing}}


def _dependency_facts(health: Health) -> list[str]:
    return [_fact(item) for item in health.failing]


def _fact(item: Failing) -> str:
    word = "is degraded" if item.state == "fair" else "fails"
    return f"{item.name} {word}{': ' + item.error if item.error else ''}"


def _said(probe: Probe, health: Health) -> list[str]:
    """The beginning of a body that names no dependency."""
    text = " ".join(inert(probe.body[: 2 * LONGEST]).split())[:LONGEST]
    return [] if health.failing or not text else [f"it says: {text}"]


def _failing_causes(probe: Probe, health: Health) -> tuple[str, ...]:
    if len(health.names) == 1:
        return (
            f"{health.names[0]} is down or can't be reached from it",
            f"its connection to {health.names[0]} is stuck",
        )
    if health.names:
        return ("what its dependencies have in common: host, network, name resolution",)
    if probe.status in (502, 503, 504) and not health.known:
        return ("a proxy before it has no instance to pass to", "it is overloaded or shutting down")
    if probe.status == 404:
        return ("the path of the URL is wrong", "another service answers on this port")
    if probe.status == 429:
        return ("it limits the rate of its callers, this probe among them",)
    if probe.status == 400 and "https" in probe.body.lower():
        return ("the port speaks TLS, and the URL says http",)
    return ("a fault of its own: look at its log",)


def _failing_remedies(look: Look, health: Health) -> tuple[Remedy, ...]:
    if health.names:
        names = ", ".join(health.names[:5])
        return (Remedy(f"Look at {names} first; a restart of this service will not help while that fails"),)
    return (
        Remedy("Read the whole answer, then the service's log", command=command(look.endpoint)),
        Remedy("Restart it where nothing else explains it", "low"),
    )


def _rejected(look: Look, probe: Probe, settings: Settings) -> Finding:
    why = "refuses the login of this check" if settings.logs_in else "wants a login, and this check has none"
    return finding(
        look.endpoint,
        "http.auth.rejected",
        UNKNOWN,
        "P3",
        f"{why} ({probe.status}): whether it is healthy is not known",
        observed={"status": probe.status},
        causes=("the credentials are wrong or have expired", "the login was not sent on, since it was redirected"),
        remedies=(Remedy("Set username and password, or bearer_token, to what it accepts"),),
    )


def _unexpected_body(look: Look, probe: Probe) -> Finding:
    return finding(
        look.endpoint,
        "http.health.unexpected",
        CRITICAL,
        "P2",
        f"answers {probe.status}, but its body is not as expected",
        observed={"status": probe.status, "matches": False},
        threshold={"pattern": look.endpoint.expected_body},
        evidence=(*_said(probe, Health()), *phases(probe)),
        causes=("another program or an error page answers", "it answers without doing its work"),
        remedies=(Remedy("Read the whole answer", command=command(look.endpoint)),),
    )


def _degraded(look: Look) -> t.Iterator[Finding]:
    """It is good by its status, and says itself that it is less than well."""
    health = read(look.last.body)
    if health.state != "fair" and not health.failing:
        return
    blamed = f": {', '.join(health.names[:5])}" if health.names else ""
    yield finding(
        look.endpoint,
        "http.health.degraded",
        WARNING,
        "P3",
        f"answers {look.last.status} and says that it is degraded{blamed}",
        observed={"status": look.last.status, "dependency": _one(health)},
        evidence=_dependency_facts(health),
        causes=("a dependency that it can do without fails",),
        remedies=(Remedy("Look at what it names; a restart of this service will not help while that fails"),),
        details={**_dependencies(health), "status": look.last.status},
    )


def _slow(look: Look, settings: Settings) -> t.Iterator[Finding]:
    """By the median: one slow answer of several is chance."""
    answered = [probe for probe in look.probes if probe.kind == OK]
    if not answered:
        return
    middle = statistics.median(probe.times.total for probe in answered)
    level = settings.level("health_ms", middle)
    if level is None:
        return
    typical = min(answered, key=lambda probe: abs(probe.times.total - middle))
    longest = max(("dns", "connect", "tls", "ttfb"), key=lambda name: float(getattr(typical.times, name)))
    yield finding(
        look.endpoint,
        "http.health.slow",
        level,
        "P3",
        f"takes {span(middle / 1000)} to answer",
        observed={"median_ms": round(middle), "probes": len(answered), **typical.times._asdict()},
        threshold=settings.pair("health_ms"),
        evidence=phases(typical),
        causes=SLOW[longest],
        remedies=(Remedy("Look at what it depends on before it is restarted"),),
        details={"phase": longest},
    )


SLOW = {
    "dns": ("the resolver of this machine is slow",),
    "connect": ("the network loses packets, or the way is long", "its accept queue overflows"),
    "tls": ("it is short of CPU", "its handshake waits for something, such as revocation lists"),
    "ttfb": ("it waits for a dependency", "it is short of CPU, threads or connections of a pool"),
}
"""The phase that took longest -> why."""


def _endless(look: Look) -> t.Iterator[Finding]:
    if look.last.kind != OK or not look.last.cut:
        return
    yield finding(
        look.endpoint,
        "http.response.endless",
        WARNING,
        "P3",
        "answers with more than a health page has; the rest was not read",
        observed={"status": look.last.status, "read_characters": len(look.last.body)},
        causes=("the URL is not that of a health page", "another program answers"),
        remedies=(Remedy("Set health_url to a short page"),),
    )


def _server(look: Look) -> t.Iterator[Finding]:
    """Another program on the port: its headers are not those that were declared."""
    answered = [probe for probe in look.probes if probe.kind == OK]
    if not answered:
        return
    headers = answered[-1].headers
    wrong = {
        name: headers.get(name, "")
        for name, pattern in look.endpoint.expected_headers
        if not re.search(pattern, headers.get(name, ""))
    }
    if not wrong:
        return
    yield finding(
        look.endpoint,
        "http.server.unexpected",
        CRITICAL,
        "P2",
        f"is answered by another server than expected ({', '.join(sorted(wrong))} differ)",
        observed={name: value or None for name, value in wrong.items()},
        threshold=dict(look.endpoint.expected_headers),
        evidence=[f"{name}: {value or 'is not sent'}" for name, value in sorted(wrong.items())],
        causes=("another program took the port", "the name or a proxy leads to another service"),
        remedies=(Remedy("Find out who listens on that port; stop what does not belong there", "disruptive"),),
    )
