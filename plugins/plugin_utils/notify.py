# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The notify hook: tells a person, by a command or a webhook. It never fails a run; how it went is returned and
recorded."""

from __future__ import annotations

import dataclasses
import json
import subprocess
import typing as t
import urllib.error
import urllib.parse

TIMEOUT = 15.0
HOOKS = ("command", "url")


@dataclasses.dataclass(frozen=True)
class Told:
    """How one hook went: whether it took the message, and what to say about it."""

    ok: bool
    text: str


def send(message: t.Mapping[str, t.Any], command: t.Sequence[str], url: str) -> str:
    """Hand the message as JSON to the command (on its standard input) and to the webhook. Returns what happened, for
    people."""
    said = [tell(hook, message, command, url).text for hook in hooks(command, url)]
    return "; ".join(said) or "nobody was told: incident_notify_command and incident_notify_url are not set"


def hooks(command: t.Sequence[str], url: str) -> list[str]:
    """Those of HOOKS that are set."""
    return [name for name, value in zip(HOOKS, (command, url), strict=True) if value]


def tell(hook: str, message: t.Mapping[str, t.Any], command: t.Sequence[str], url: str) -> Told:
    """Hand the message to one of HOOKS."""
    body = json.dumps(message, default=str).encode()
    return _run(command, body) if hook == "command" else _post(url, body)


def _run(command: t.Sequence[str], body: bytes) -> Told:
    name = command[0]
    try:
        done = subprocess.run(list(command), input=body, capture_output=True, timeout=TIMEOUT, check=False)
    except (OSError, subprocess.TimeoutExpired) as error:
        return Told(False, f"{name} could not be run: {error}")
    if done.returncode:
        reason = done.stderr.decode(errors="replace").strip()[:300]
        return Told(False, f"{name} failed with exit status {done.returncode}: {reason}")
    return Told(True, f"told through {name}")


def _post(url: str, body: bytes) -> Told:
    parts = urllib.parse.urlsplit(url)
    if parts.scheme not in ("http", "https"):
        return Told(False, f"incident_notify_url is no http(s) URL: {parts.scheme}://...")
    where = f"{parts.scheme}://{parts.hostname}"
    # Imported only here: it costs more than everything else that a run without a webhook imports.
    from ansible.module_utils.urls import open_url

    try:
        answer = open_url(url, data=body, method="POST", headers={"Content-Type": "application/json"}, timeout=TIMEOUT)
        return Told(True, f"told {where} (status {answer.getcode()})")
    except (OSError, ValueError, urllib.error.URLError) as error:
        reason = getattr(error, "reason", error)
        return Told(False, f"{where} could not be told: {reason}")
