# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A memory limit that is raised while a container runs: which numbers, and whether the machine can hold them. Pure."""

from __future__ import annotations

import re
import typing as t

from .docker_plan import Refused, Step
from .docker_snapshot import Container
from .quantities import size

_MIB = 2**20
LEAST = 6 * _MIB
"""Less than this the engine takes for a mistake."""
RESERVE = 64 * _MIB
"""Of the machine's available memory so much is left alone."""
_SIZE = re.compile(r"(\d+(?:\.\d+)?)\s*([kmgt]?)(?:i?b)?", re.IGNORECASE)
_POWER = {"": 0, "k": 1, "m": 2, "g": 3, "t": 4}


def parse_size(text: t.Any) -> int:
    """Bytes of 67108864, 64m, 64MiB, 1.5g. Units are powers of 1024, as for Docker. Raises Refused."""
    match = _SIZE.fullmatch(str(text).strip()) if not isinstance(text, bool) else None
    if not match:
        raise Refused(f"{text!r} is no size of memory: write for example 96m, 1.5g, or bytes")
    return int(float(match.group(1)) * 1024 ** _POWER[match.group(2).lower()])


def wanted_size(text: t.Any) -> int:
    """The size of an option. Raises Refused for one that the engine would not take."""
    wanted = parse_size(text)
    if wanted < LEAST:
        raise Refused(
            f"memory={text} is {wanted} bytes, and {size(LEAST)} is the least that Docker takes: was {text}m meant?"
        )
    return wanted


def new_swap(limit: int, swap: int, memory: int) -> int:
    """Memory and swap together after the raise. The engine's own rule (twice the limit), no limit and no swap at all
    stay what they are; any other container keeps the swap that it has."""
    if swap < 0:
        return -1
    if swap in (0, 2 * limit):
        return 2 * memory
    return memory + max(0, swap - limit)


def decide(container: Container, memory: int) -> Step:
    """Raise the limit of a container, up or down. Raises Refused."""
    name, limit = container.name, container.memory_limit
    if container.status in ("removing", "dead", "unknown"):
        raise Refused(f"{name} is {container.status}: its limit can't be raised")
    if limit == 0:
        raise Refused(f"{name} has no memory limit: {size(memory)} would be less than now, not more. Nothing was done")
    if memory < limit:
        raise Refused(
            f"{name} has {size(limit)}, which is more than {size(memory)}: a limit is only raised here, for a lower"
            " one can kill what runs. Change the Compose file and redeploy instead"
        )
    swap = new_swap(limit, container.memory_swap, memory)
    if memory == limit:
        return Step((), f"{name} has a limit of {size(limit)} already")
    text = f"raise the memory limit of {name} from {size(limit)} to {size(memory)}"
    return Step(("update",), text, (memory, swap))


def check_room(growth: int, available: int, total: int) -> None:
    """Refuse where the machine could not give what the containers may take then. growth: how much that is."""
    if growth <= available - RESERVE:
        return
    raise Refused(
        f"the machine can't hold it: {size(growth)} more could be taken, {size(available)} of its {size(total)} are"
        f" available, and {size(RESERVE)} are left alone. Then the kernel kills somebody else. Nothing was done; free"
        " memory on the machine, ask for less, or move the service"
    )


def drift(name: str, live: int, written: int | None) -> str:
    """The sentence where a container and its Compose file differ, '' where they don't."""
    if written == live:
        return ""
    said = f"{size(written)}" if written else "no limit"
    return f"{name} has {size(live)}, its Compose file says {said}: the next docker compose up takes the file's"
