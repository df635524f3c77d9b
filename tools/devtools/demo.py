"""`make demo`: one incident from fault to report, on this machine."""

from __future__ import annotations

import os
import subprocess
import sys
import time
from collections.abc import Sequence

from .environments import set_up
from .paths import ROOT, VENV, Problem

FAULT = "consumer_stopped"
PLAY = ("-i", "inventory/lab", "playbooks/scenario_kafka.yml", "-e", "incident_mode=auto")


def run(command: Sequence[str], seconds: int) -> int:
    """Show a command as one would type it, and run it with the environment's programs first on the PATH."""
    print(f"\n$ {' '.join(command)}", flush=True)
    path = f"{VENV / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
    program = (str(VENV / "bin" / command[0]), *command[1:])
    try:
        return subprocess.run(program, cwd=ROOT, env={**os.environ, "PATH": path}, timeout=seconds).returncode
    except subprocess.TimeoutExpired:
        print(f"demo: not done after {seconds} s", file=sys.stderr)
        return 124


def need(command: Sequence[str], seconds: int, hint: str) -> None:
    if run(command, seconds):
        raise Problem(f"`{' '.join(command)}` failed. {hint}")


def demo() -> int:
    set_up()
    # Up mends whatever an earlier demo left broken, so that a second one starts from the same place.
    need(("lab", "up"), 1500, "Its last lines above say what to do; `lab status` shows what runs.")
    need(("lab", "inject", FAULT), 120, "`lab up` puts everything back; then try again.")
    started = time.monotonic()
    status = run(("ansible-playbook", *PLAY), 400)
    took = time.monotonic() - started
    if status:
        print(
            f"\ndemo: the play ended with status {status} after {took:.0f} s. The lines above say what refused or what"
            "\n      did not get well. `lab status` shows the stack, `lab up` mends it; then run `make demo` again.",
            file=sys.stderr,
        )
        return status
    print(
        f"\ndemo: from the first look to the report in {took:.0f} s. Look at it with: lab status; end it with: lab down"
    )
    return 0


def main() -> int:
    try:
        return demo()
    except Problem as problem:
        print(f"demo: {problem}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("demo: interrupted; `lab up` mends the lab, `lab down` removes it", file=sys.stderr)
        return 130


if __name__ == "__main__":
    sys.exit(main())
