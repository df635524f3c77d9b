# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a check is, apart from Ansible, and the one place where a check module exits."""

from __future__ import annotations

import dataclasses
import datetime
import importlib
import importlib.metadata
import json
import time
import typing as t

from ..core import redact
from ..core.findings import Finding, sort_findings, worst_status
from .argspec import ArgumentSpec

RESULT_LIMIT = 1024 * 1024
"""Bytes of JSON that a check returns at most; more would be carried through every later task of the play."""


class Misuse(Exception):
    """The options contradict each other or make no sense. The text says which, and what to write instead."""


@dataclasses.dataclass
class Observation:
    """What one look at one target gave.

    reachable: whether the system itself answered. snapshot: raw numbers as plain JSON, no judgement.
    measured: what was looked at, for people: a healthy verdict lists it, so silence is never taken for health.
    samples: what a later run may judge the past by (kept in the store, handed back as the option history).
    attachments: file name -> text, kept with the evidence. A check whose files are binary has a list of name,
    content_base64 and sha256 instead, and has taken out of them itself what may be secret: nobody can redact them.
    """

    reachable: bool
    findings: list[Finding]
    snapshot: dict[str, t.Any]
    thresholds: dict[str, t.Any] = dataclasses.field(default_factory=dict)
    measured: list[str] = dataclasses.field(default_factory=list)
    samples: list[dict[str, t.Any]] = dataclasses.field(default_factory=list)
    attachments: dict[str, str] | list[dict[str, str]] = dataclasses.field(default_factory=dict)

    def hiding(self, secrets: t.Iterable[str]) -> Observation:
        """The same without these values in any of their forms: perform() only masks what looks like a secret."""
        known = [secret for secret in secrets if secret]
        if not known:
            return self
        hide = redact.Redactor(known).clean
        return dataclasses.replace(
            self,
            findings=[Finding.from_dict(hide(finding.to_dict())) for finding in self.findings],
            snapshot=hide(self.snapshot),
            measured=hide(self.measured),
            attachments=self.attachments if isinstance(self.attachments, list) else hide(self.attachments),
        )


@dataclasses.dataclass(frozen=True)
class Check:
    """A check module: its options, the libraries it needs (import name, pip name, lowest version) and its function.

    run takes validated options and returns an Observation; it raises Misuse for options that contradict each other.
    A sick target is an Observation with findings, never an exception.
    """

    name: str
    spec: ArgumentSpec
    requirements: tuple[tuple[str, str, str], ...]
    run: t.Callable[[dict[str, t.Any]], Observation]


def version_tuple(text: str) -> tuple[int, ...]:
    parts = []
    for part in str(text).split(".")[:3]:
        digits = "".join(char for char in part if char.isdigit())
        parts.append(int(digits or 0))
    return tuple(parts)


def missing_library(requirements: t.Iterable[tuple[str, str, str]]) -> str | None:
    """The error for people where a library is missing or too old, else None."""
    import sys

    for module_name, pip_name, lowest in requirements:
        wanted = f"{pip_name}>={lowest}"
        how = f"Install it for the Python that runs this module: {sys.executable} -m pip install '{wanted}'"
        try:
            library = importlib.import_module(module_name)
        except ImportError:
            return f"The Python library {pip_name} is missing. {how}"
        found = str(getattr(library, "__version__", "")) or _installed(pip_name)
        if version_tuple(found) < version_tuple(lowest):
            return f"The Python library {pip_name} is too old: {found} at {library.__file__}, needed is {lowest}. {how}"
    return None


def _installed(pip_name: str) -> str:
    """The version that pip knows, for libraries that don't say theirs; "0" where pip does not know them either."""
    try:
        return importlib.metadata.version(pip_name)
    except importlib.metadata.PackageNotFoundError:
        return "0"


def perform(check: Check, params: dict[str, t.Any]) -> dict[str, t.Any]:
    """Run a check and return its result as plain, redacted JSON. Raises Misuse."""
    collected_at = datetime.datetime.now(datetime.timezone.utc).isoformat(timespec="milliseconds")
    started = time.monotonic()
    observation = check.run(params)
    findings = sort_findings(observation.findings)
    result = {
        "changed": False,
        "reachable": observation.reachable,
        "status": worst_status(findings),
        "findings": [finding.to_dict() for finding in findings],
        "snapshot": observation.snapshot,
        "thresholds": observation.thresholds,
        "measured": observation.measured,
        "samples": observation.samples,
        "attachments": {},
        "collected_at": collected_at,
        "duration_ms": round((time.monotonic() - started) * 1000),
        "truncated": False,
    }
    cleaned = redact.clean(result)
    files = observation.attachments
    cleaned["attachments"] = files if isinstance(files, list) else redact.clean(files)
    return cap_result(cleaned)


def cap_result(result: dict[str, t.Any]) -> dict[str, t.Any]:
    """Keep a result below RESULT_LIMIT: attachments go first (of binary ones the largest first), then the snapshot,
    then samples; findings always stay."""
    files = result["attachments"]
    while isinstance(files, list) and files and len(json.dumps(result, default=str)) > RESULT_LIMIT:
        files.remove(max(files, key=lambda file: len(file.get("content_base64", ""))))
        result["truncated"] = True
    for name in ("attachments", "snapshot", "samples"):
        if len(json.dumps(result, default=str)) <= RESULT_LIMIT:
            return result
        result["truncated"] = True
        result[name] = type(result[name])()
    return result


def run_module(check: Check) -> t.NoReturn:
    """main() of every check module: read options, run, exit. The only exit there is."""
    from ansible.module_utils.basic import AnsibleModule

    module = AnsibleModule(supports_check_mode=True, **check.spec.module_kwargs())
    problem = missing_library(check.requirements)
    if problem:
        module.fail_json(msg=problem)
    try:
        result = perform(check, module.params)
    except Misuse as error:
        module.fail_json(msg=str(error))
    module.exit_json(**result)
    raise AssertionError("exit_json returns never")
