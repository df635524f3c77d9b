# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The check docker_health_info: options -> snapshot -> findings."""

from __future__ import annotations

import re
import time
import typing as t

from ..clients.deadline import Deadline
from ..clients.docker import Wanted, collect
from ..clients.docker_engine import DockerOptions
from ..core.docker_judge import judge
from ..core.docker_ports import Expected, parse_port
from ..core.docker_settings import THRESHOLDS, Settings
from ..core.docker_snapshot import parse_time
from ..core.docker_summary import attachments, measured, samples, summary
from ..module.argspec import COMMON_CHECK, ArgumentSpec
from ..module.check import Check, Misuse, Observation
from ..module.docker_options import DOCKER_CONNECTION
from ..module.option_values import seconds_above_0
from ..module.thresholds_option import merged_thresholds

MOST_LINES = 10_000

SPEC = COMMON_CHECK.merge(DOCKER_CONNECTION).merge(
    ArgumentSpec(
        options={
            "component": {"type": "str", "default": "docker"},
            "project": {"type": "str"},
            "services": {"type": "list", "elements": "str"},
            "containers": {"type": "list", "elements": "str"},
            "components": {"type": "dict", "default": {}},
            "expected_replicas": {"type": "dict", "default": {}},
            "expected_ports": {"type": "dict", "default": {}},
            "config_hashes": {"type": "dict", "default": {}},
            "log_lines": {"type": "int", "default": 100},
            "log_since": {"type": "str"},
            "depth": {"type": "str", "default": "quick", "choices": ["quick", "full"]},
            "restart_window": {"type": "float", "default": 900.0},
            "procfs": {"type": "path", "default": "/proc"},
            "thresholds": {"type": "dict", "default": {}},
        },
        mutually_exclusive=(("containers", "services"), ("containers", "project"), ("containers", "expected_replicas")),
    )
)


def run(params: dict[str, t.Any]) -> Observation:
    """Look at one container engine. Raises Misuse for options that make no sense."""
    now = time.time()
    settings = _settings(params)
    wanted = _wanted(params, now)
    options = DockerOptions.from_params(params)
    _check_files(options)
    snapshot = collect(options, wanted, Deadline(params["deadline"]), now)
    findings = judge(snapshot, settings, params.get("history") or ())
    said = measured(snapshot, settings.window, wanted.full)
    if snapshot.reachable and options.uses_tls and not options.validate_certs:
        said.append("the engine's certificate was not verified (validate_certs: false)")
    return Observation(
        reachable=snapshot.reachable,
        findings=findings,
        snapshot=summary(snapshot, findings),
        thresholds={**settings.thresholds, "restart_window": settings.window},
        measured=said,
        samples=samples(snapshot),
        attachments=attachments(snapshot, findings),
    )


def _settings(params: t.Mapping[str, t.Any]) -> Settings:
    for name in ("services", "containers"):
        if params.get(name) is not None and not [item for item in params[name] if str(item).strip()]:
            raise Misuse(f"{name}: an empty list is not all; leave it out to look at all, or name some")
    seconds_above_0(params, "deadline", "timeout", "restart_window")
    return Settings(
        component=params["component"],
        project=params.get("project") or "",
        components={str(name): str(value) for name, value in (params.get("components") or {}).items()},
        services=_names(params, "services"),
        containers=_names(params, "containers"),
        expected=_expected(params.get("expected_replicas") or {}),
        ports=_ports(params.get("expected_ports") or {}),
        hashes={str(name): str(value) for name, value in (params.get("config_hashes") or {}).items()},
        thresholds=merged_thresholds(THRESHOLDS, params),
        window=params["restart_window"],
    )


def _names(params: t.Mapping[str, t.Any], name: str) -> tuple[str, ...] | None:
    return None if params.get(name) is None else tuple(dict.fromkeys(str(item) for item in params[name]))


def _expected(given: t.Mapping[str, t.Any]) -> dict[str, int]:
    expected = {}
    for service, number in given.items():
        try:
            expected[str(service)] = -1 if isinstance(number, bool) else int(str(number))
        except ValueError:
            expected[str(service)] = -1
        if expected[str(service)] < 0:
            raise Misuse(f"expected_replicas: {service} is a number from 0 up, not {number!r}")
    return expected


def _ports(given: t.Mapping[str, t.Any]) -> dict[str, tuple[Expected, ...]]:
    found = {}
    for service, ports in given.items():
        try:
            found[str(service)] = tuple(parse_port(port) for port in (ports if isinstance(ports, list) else [ports]))
        except ValueError as error:
            raise Misuse(f"expected_ports: {service}: {error}") from None
    return found


def _wanted(params: t.Mapping[str, t.Any], now: float) -> Wanted:
    lines = params["log_lines"]
    if not 0 <= lines <= MOST_LINES:
        raise Misuse(f"log_lines: {lines} is not between 0 (no logs) and {MOST_LINES}")
    return Wanted(
        project=params.get("project") or "",
        services=_names(params, "services"),
        containers=_names(params, "containers"),
        log_lines=lines,
        log_since=_since(params.get("log_since"), now),
        full=params["depth"] == "full",
        window=params["restart_window"],
        procfs=params["procfs"],
    )


_DURATION = re.compile(r"(?:(\d+)d)?(?:(\d+)h)?(?:(\d+)m)?(?:(\d+(?:\.\d+)?)s?)?")


def _since(text: str | None, now: float) -> float | None:
    """Epoch seconds of a time (RFC 3339, epoch seconds) or of a length of time before now (90, 5m, 1h30m)."""
    if not text:
        return None
    moment = parse_time(text)
    if moment is not None:
        return moment
    match = _DURATION.fullmatch(text.strip())
    if not match or not any(match.groups()):
        raise Misuse(
            f"log_since: {text!r} is neither a time (2026-01-31T12:00:00Z) nor a length of time (5m, 1h30m, 90s)"
        )
    days, hours, minutes, seconds = (float(part or 0) for part in match.groups())
    length = days * 86_400 + hours * 3600 + minutes * 60 + seconds
    return length if text.strip().isdigit() and length > 1e9 else now - length


def _check_files(options: DockerOptions) -> None:
    """Certificates that are not there are a wrong option, not a sick engine."""
    for name in ("ca_path", "client_cert", "client_key"):
        path = getattr(options, name)
        if not path:
            continue
        try:
            with open(path, "rb"):
                pass
        except OSError as error:
            raise Misuse(f"{name}: {path} can't be read: {error.strerror}") from None


CHECK = Check(name="docker_health_info", spec=SPEC, requirements=(("docker", "docker", "7.1.0"),), run=run)
