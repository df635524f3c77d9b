"""A process that holds connections to Redis for a fault until it is killed: `python -m lab.redis_holder READY`.

What is wanted comes as JSON on its standard input: address (host and port) and groups, each with a name, a count and a
command that stays unanswered or is answered once. READY is written when all of them are there, or where `until_refused`
is set, when the server turns one away.
"""

from __future__ import annotations

import json
import signal
import socket
import sys
from pathlib import Path
from typing import Any

Group = dict[str, Any]


def encode(words: list[str]) -> bytes:
    return f"*{len(words)}\r\n".encode() + b"".join(f"${len(w)}\r\n{w}\r\n".encode() for w in words)


def connect(address: tuple[str, int], group: Group, number: int) -> socket.socket | None:
    """None where the server turns it away."""
    link = socket.create_connection(address, timeout=10)
    try:
        link.sendall(encode(["CLIENT", "SETNAME", f"{group['name']}-{number}"]))
        if not link.recv(64).startswith(b"+OK"):
            return None
        if group.get("command"):
            link.sendall(encode(group["command"]))
    except ConnectionError:
        return None
    return link


def hold(address: tuple[str, int], group: Group) -> list[socket.socket]:
    links: list[socket.socket] = []
    for number in range(group.get("count", 1)):
        link = connect(address, group, number)
        if link is None:
            if group.get("until_refused"):
                break
            raise SystemExit(f"{group['name']}: turned away at number {number}")
        links.append(link)
    return links


def main() -> None:
    wanted = json.load(sys.stdin)
    address = (wanted["address"][0], int(wanted["address"][1]))
    links = [link for group in wanted["groups"] for link in hold(address, group)]
    ready = Path(sys.argv[1])
    new = ready.with_suffix(".new")
    new.write_text(json.dumps(len(links)))
    new.replace(ready)
    signal.pause()


if __name__ == "__main__":
    main()
