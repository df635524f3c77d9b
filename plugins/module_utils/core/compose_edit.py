# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A memory limit in the text of a Compose file: the smallest edit that changes it, or why there is none. Pure.

No YAML is loaded and written again: comments, quotes, order and line ends stay as they are. What a line by line edit
can't be sure of (aliases, merge keys, flow style, variables) is refused. Whether the edit means what it should is for
Compose to say.
"""

from __future__ import annotations

import dataclasses
import re
import typing as t

from .docker_memory import parse_size
from .docker_plan import Refused

_KEY = re.compile(r"( *)([\"']?)([A-Za-z0-9._<-]+)\2[ ]*:(?=[ \t\r]|$)(.*)", re.DOTALL)
_VALUE = re.compile(r"([ ]*)(\"[^\"]*\"|'[^']*'|(?:(?!\s#).)*?)(\s*(?:(?<=\s)#.*)?)", re.DOTALL)
_OPAQUE = {
    "&": "has an anchor ({value}), so that other places may use it too",
    "*": "is the alias {value}: what it stands for is used in other places too",
    "{": "is written in flow style ({{...}})",
    "[": "is a list",
    "|": "is a text block",
    ">": "is a text block",
    "!": "has a tag ({value})",
}
_UNITS = (("g", 2**30), ("m", 2**20), ("k", 2**10))


@dataclasses.dataclass(frozen=True)
class Edit:
    """The new text, and each line that is another one now, as 'line 7: mem_limit: 64m -> mem_limit: 96m'."""

    text: str
    lines: tuple[str, ...]


@dataclasses.dataclass(frozen=True)
class _Child:
    """One key of a mapping: the line it stands on, and the lines below that belong to it."""

    key: str
    line: int
    end: int
    indent: int
    value: str


def set_memory(text: str, service: str, memory: int, swap: int) -> Edit:
    """The file with another limit for one service. swap: memory and swap together, below 0 where it has no limit.
    Raises Refused."""
    lines = text.split("\n")
    _check(lines)
    top = _child(lines, 0, len(lines), "services", "the file")
    if top is None:
        raise Refused("the file has no services of its own (are they included from another file?)")
    _open(top, "services")
    found = _child(lines, top.line + 1, top.end, service, "services")
    if found is None:
        raise Refused(f"the file does not define service {service} in a form that can be edited (is it included?)")
    _open(found, f"service {service}")
    keys = _children(lines, found.line + 1, found.end)
    _unique(keys, f"service {service}")
    places = _places(lines, service, {child.key: child for child in keys})
    if not places:
        return _insert(lines, found, keys, memory)
    swaps = [child for child in keys if child.key == "memswap_limit"]
    return _replace(lines, places, swaps if swap > 0 else [], memory, swap)


def defines(text: str, service: str) -> bool:
    """Whether a file says anything about a service; yes where that can't be told."""
    lines = text.split("\n")
    try:
        _check(lines)
        top = _child(lines, 0, len(lines), "services", "the file")
        if top is None:
            return False
        _open(top, "services")
        return _child(lines, top.line + 1, top.end, service, "services") is not None
    except Refused:
        return True


def _check(lines: t.Sequence[str]) -> None:
    begun = False
    for number, line in enumerate(lines, 1):
        if "\t" in line[: len(line) - len(line.lstrip())] and line.strip():
            raise Refused(f"line {number} is indented with a tab")
        if begun and re.match(r"(---|\.\.\.)(\s|$)", line):
            raise Refused(f"the file has a second document (line {number})")
        begun = begun or (_says(line) and not line.startswith(("---", "%")))


def _says(line: str) -> bool:
    """Whether a line is more than space and a comment."""
    word = line.strip().lstrip("\ufeff")
    return bool(word) and not word.startswith("#")


def _indent(line: str) -> int:
    return len(line) - len(line.lstrip(" "))


def _children(lines: t.Sequence[str], start: int, end: int) -> list[_Child]:
    """The keys of the mapping in these lines: what stands at the indent of its first line."""
    found: list[_Child] = []
    saying = [index for index in range(start, end) if _says(lines[index]) and not lines[index].startswith(("---", "%"))]
    if not saying:
        return []
    indent = _indent(lines[saying[0]])
    for place, index in enumerate(saying):
        match = _KEY.fullmatch(lines[index].lstrip("\ufeff"))
        if not match or _indent(lines[index]) != indent:
            continue
        after = (later for later in saying[place + 1 :] if _indent(lines[later]) <= indent)
        found.append(_Child(match.group(3), index, next(after, end), indent, _split(match.group(4))[1]))
    return found


def _split(rest: str) -> tuple[str, str, str]:
    """What follows a colon: space, value, and the end of the line with its comment."""
    match = _VALUE.fullmatch(rest)
    return (match.group(1), match.group(2), match.group(3)) if match else ("", rest, "")


def _unique(children: t.Sequence[_Child], where: str) -> None:
    names = [child.key for child in children]
    twice = sorted({name for name in names if names.count(name) > 1 and name != "<<"})
    if twice:
        raise Refused(f"{where} has {twice[0]} twice")


def _child(lines: t.Sequence[str], start: int, end: int, key: str, where: str) -> _Child | None:
    found = [child for child in _children(lines, start, end) if child.key == key]
    _unique(found, where)
    return found[0] if found else None


def _open(child: _Child, what: str) -> None:
    """Refuse where the keys below can't be seen line by line."""
    if child.value:
        reason = _OPAQUE.get(child.value[0], "is no mapping").format(value=child.value.split()[0])
        raise Refused(f"{what} {reason} (line {child.line + 1})")


def _places(lines: t.Sequence[str], service: str, keys: t.Mapping[str, _Child]) -> list[_Child]:
    """The lines that hold the limit: mem_limit, deploy.resources.limits.memory, or both."""
    found = [keys["mem_limit"]] if "mem_limit" in keys else []
    child: _Child | None = keys.get("deploy")
    path = "deploy"
    for name in ("resources", "limits", "memory"):
        if child is None:
            break
        if child.value and found:
            return found
        _open(child, f"{path} of service {service}")
        path += f".{name}"
        child = _child(lines, child.line + 1, child.end, name, path)
    return [*found, child] if child else found


def _insert(lines: list[str], service: _Child, keys: t.Sequence[_Child], memory: int) -> Edit:
    """Nothing here says a limit: a line of its own, unless it comes from somewhere that others use."""
    for name, words in (("<<", "a merge key (<<)"), ("extends", "what it extends")):
        if any(child.key == name for child in keys):
            raise Refused(f"service {service.key} has no limit of its own; it may get one from {words}, as others do")
    if not keys:
        raise Refused(f"service {service.key} is empty in the file")
    end = "\r" if lines[service.line].endswith("\r") else ""
    new = f"{' ' * keys[0].indent}mem_limit: {_size('m', memory)}"
    changed = [*lines[: service.line + 1], new + end, *lines[service.line + 1 :]]
    return Edit("\n".join(changed), (f"line {service.line + 2}: {new.strip()} (new)",))


def _replace(lines: list[str], limits: t.Sequence[_Child], swaps: t.Sequence[_Child], memory: int, swap: int) -> Edit:
    changed, said = list(lines), []
    for child, size in [(child, memory) for child in limits] + [(child, swap) for child in swaps]:
        if child.key == "memswap_limit" and child.value.strip("\"'") in ("-1", "0"):
            continue
        old = lines[child.line]
        match = _KEY.match(old)
        start = match.start(4) if match else 0
        space, value, tail = _split(old[start:])
        changed[child.line] = old[:start] + space + _new_value(child, value, size) + tail
        if changed[child.line] != old:
            said.append(f"line {child.line + 1}: {_shown(old)} -> {_shown(changed[child.line])}")
    return Edit("\n".join(changed), tuple(said))


def _shown(line: str) -> str:
    return re.sub(r"\s#.*", "", line.strip()).strip()


def _new_value(child: _Child, value: str, size: int) -> str:
    where = f"{child.key} (line {child.line + 1})"
    if "$" in value:
        raise Refused(f"{where} is {value}: its value comes from the environment, set it there")
    if value[:1] in _OPAQUE:
        raise Refused(f"{where} " + _OPAQUE[value[0]].format(value=value.split()[0]))
    quote = value[0] if value[:1] in ("'", '"') else ""
    bare = value.strip("\"'") if quote else value
    try:
        parse_size(bare)
    except Refused as error:
        raise Refused(f"{where}: {error}") from error
    letter = bare.strip().lstrip("0123456789. ")[:1]
    return quote + (_size(letter, size) if letter else str(size)) + quote


def _size(letter: str, size: int) -> str:
    """A size in the largest unit that it is whole in, in capitals where the file has capitals."""
    for unit, factor in _UNITS:
        if size % factor == 0:
            return f"{size // factor}{unit.upper() if letter.isupper() else unit}"
    return f"{size}{'B' if letter.isupper() else 'b'}"
