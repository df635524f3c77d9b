"""Closing ports of the lab on this machine, and opening them again."""

from __future__ import annotations

import shlex
import shutil
import subprocess
from collections.abc import Sequence

from lab.config import Config
from lab.errors import LabError

DROP = ("-j", "DROP")
REJECT = ("-j", "REJECT", "--reject-with", "tcp-reset")


def close(config: Config, ports: Sequence[int], how: tuple[str, ...]) -> None:
    """Nothing on this machine reaches the ports any more; others never did, they are on the loopback address."""
    open_all(config)
    for port in ports:
        rule = ["-i", "lo", "-p", "tcp", "--dport", str(port), "-m", "comment", "--comment", _name(config)]
        _iptables("-I", "INPUT", *rule, *how)


def open_all(config: Config) -> None:
    """Remove every rule of this project."""
    if shutil.which("iptables") is None:
        return
    for line in _iptables("-S", "INPUT").splitlines():
        rule = shlex.split(line)
        if _name(config) in rule:
            _iptables("-D", *rule[1:])


def _name(config: Config) -> str:
    return f"lab:{config.project}"


def _iptables(*arguments: str) -> str:
    try:
        done = subprocess.run(["iptables", "-w", "5", *arguments], capture_output=True, text=True, check=False)
    except OSError as error:
        raise LabError("a port can't be closed: there is no program iptables", "apt-get install iptables") from error
    if done.returncode != 0:
        raise LabError(f"iptables {' '.join(arguments)}: {done.stderr.strip()}", "run it as root")
    return done.stdout
