"""Processes that hold a fault's connections and outlive the command that started them."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from pathlib import Path
from typing import Any

from lab.config import HOME
from lab.faults import acts
from lab.faults.model import Lab
from lab.waiting import wait_until


def start(lab: Lab, fault: str, module: str, wanted: dict[str, Any]) -> Any:
    """Run a module with what is wanted on its standard input; returns what it says once all connections are there."""
    end(lab, fault, module)
    ready, log = _said(lab, fault), lab.config.project_state / "log" / f"holder-{fault}.log"
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("w") as output:
        holder = subprocess.Popen(
            [sys.executable, "-m", module, str(ready)],
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=output,
            cwd=HOME.parent,
            start_new_session=True,
        )
    _pid(lab, fault).write_text(str(holder.pid))
    assert holder.stdin is not None
    holder.stdin.write(json.dumps(wanted).encode())
    holder.stdin.close()

    def reason() -> str | None:
        if holder.poll() is not None:
            return f"it ended: {log.read_text()[-300:]}"
        return None if ready.exists() else "connections are missing"

    wait_until("the fault's connections", reason, acts.SHOWS, hint=f"see {log}")
    return said(lab, fault)


def said(lab: Lab, fault: str) -> Any:
    """What the holder said when all was there. OSError where none holds this fault."""
    return json.loads(_said(lab, fault).read_text())


def end(lab: Lab, fault: str, module: str) -> None:
    """End the holder, and with it its connections. Another process that got its number is left alone."""
    file = _pid(lab, fault)
    with contextlib.suppress(OSError, ValueError):
        pid = int(file.read_text())
        if module.encode() in Path(f"/proc/{pid}/cmdline").read_bytes():
            os.kill(pid, signal.SIGKILL)
    for left in (file, _said(lab, fault)):
        left.unlink(missing_ok=True)


def _said(lab: Lab, fault: str) -> Path:
    return lab.config.project_state / f"holder-{fault}.json"


def _pid(lab: Lab, fault: str) -> Path:
    return lab.config.project_state / f"holder-{fault}.pid"
