"""The fault table, as text, JSON and Markdown."""

from __future__ import annotations

import json

from lab.faults import ALL
from lab.faults.model import Fault

FIELDS = ("id", "what", "findings", "possible", "scenario", "profile", "needs_history", "twin")


def rows() -> list[dict]:
    return [{name: getattr(fault, name) for name in FIELDS} for fault in ALL.values()]


def as_json() -> str:
    return json.dumps(rows(), indent=2)


def text() -> str:
    return "\n".join(
        f"{fault.id:20} {fault.what}{_note(fault)}\n{'':20}   {_findings(fault)}" for fault in ALL.values()
    )


def markdown() -> str:
    lines = ["| fault | what happens | to be found |", "|---|---|---|"]
    lines += [f"| `{fault.id}` | {fault.what}{_note(fault)} | {_findings(fault, '`')} |" for fault in ALL.values()]
    return "\n".join(lines)


def _findings(fault: Fault, quote: str = "") -> str:
    found = ", ".join(f"{quote}{name}{quote}" for name in fault.findings) or "nothing"
    perhaps = ", ".join(f"{quote}{name}{quote}" for name in fault.possible)
    return f"{found}; perhaps {perhaps}" if perhaps else found


def _note(fault: Fault) -> str:
    notes = [f"profile {fault.profile}"] if fault.profile else []
    notes += ["needs history"] if fault.needs_history else []
    notes += ["twin"] if fault.twin else []
    return f" ({', '.join(notes)})" if notes else ""


__all__ = ["as_json", "markdown", "rows", "text"]
