# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Redaction over plain JSON: what is masked because of where it stands. What text looks like is in redact_patterns."""

from __future__ import annotations

import re
import typing as t

from .redact_names import MASKED, NO, STRONG, is_secret, mask, name_ends_strong, name_kind

DEPTH = 64
"""Nesting that is kept; deeper values are named, not carried."""

Text = t.Callable[[str], str]
_ENV = re.compile(r"([A-Za-z_][A-Za-z0-9_.]{0,127})=(.*)", re.S)
_FLAG = re.compile(r"--?([A-Za-z][A-Za-z0-9_.-]{0,63})|(requirepass|masterauth|AUTH|auth-pass)")
_NAME_KEYS = ("name", "key", "Name", "Key")
_VALUE_KEYS = ("value", "Value")


class Tree:
    """Walks a value; text is what happens to every string that its place alone does not condemn."""

    def __init__(self, text: Text) -> None:
        self._text = text

    def clean(self, value: t.Any, name: str = "", depth: int = 0) -> t.Any:
        if isinstance(value, (str, bytes, bytearray)):
            return self._string(value, name)
        if value is None or isinstance(value, bool):
            return value
        if isinstance(value, (int, float)):
            return self._number(value, name)
        if depth >= DEPTH:
            return f"[cut: nested deeper than {DEPTH}]"
        if isinstance(value, dict):
            return self._dict(value, name, depth)
        if isinstance(value, (list, tuple, set, frozenset)):
            items = value if isinstance(value, (list, tuple)) else sorted(value, key=repr)
            return self._list(list(items), name, depth)
        return self._string(_to_text(value), name)

    def _string(self, value: str | bytes | bytearray, name: str) -> str:
        text = value.decode("utf-8", "replace") if isinstance(value, (bytes, bytearray)) else str(value)
        return mask(text) if name and is_secret(name, text) else self._text(text)

    def _number(self, value: float, name: str) -> t.Any:
        if name and name_kind(name) == STRONG:
            return mask(_to_text(value))
        if isinstance(value, float):
            return value if value - value == 0 else {"inf": "+Inf", "-inf": "-Inf"}.get(str(value), "NaN")
        return value if value.bit_length() <= 4096 else f"[cut: a number of {value.bit_length()} bits]"

    def _dict(self, value: dict[t.Any, t.Any], name: str, depth: int) -> dict[str, t.Any]:
        pair = self._pair(value)
        kubernetes = value.get("kind") == "Secret"
        whole = name_ends_strong(name)
        result: dict[str, t.Any] = {}
        for key, item in value.items():
            label = self._key(key, result)
            if kubernetes and key in ("data", "stringData") and isinstance(item, dict):
                result[label] = {self._key(k, {}): mask(_to_text(v)) if v else v for k, v in item.items()}
            elif pair and key == pair[0]:
                result[label] = self.clean(item, pair[1], depth + 1)
            elif whole and isinstance(item, str) and name_kind("secret_" + str(key)) != NO:
                result[label] = item if not item or MASKED.fullmatch(item) else mask(item)
            else:
                result[label] = self.clean(item, key if isinstance(key, str) else "", depth + 1)
        return result

    def _key(self, key: t.Any, taken: dict[str, t.Any]) -> str:
        label = self._text(key if isinstance(key, str) else _to_text(key))
        if label not in taken:
            return label
        number = 2
        unique = label
        while unique in taken:
            unique = f"{label} ({number})"
            number += 1
        return unique

    @staticmethod
    def _pair(value: dict[t.Any, t.Any]) -> tuple[str, str] | None:
        """{name: DB_PASSWORD, value: x}, as Kubernetes and others write environments: (key of the value, the name)."""
        keys = [key for key in _VALUE_KEYS if key in value]
        if not keys:
            return None
        names = [value[key] for key in _NAME_KEYS if isinstance(value.get(key), str)]
        return (keys[0], names[0]) if names else None

    def _list(self, items: list[t.Any], name: str, depth: int) -> list[t.Any]:
        result: list[t.Any] = []
        flag = ""
        for item in items:
            if not isinstance(item, str):
                result.append(self.clean(item, "", depth + 1))
                flag = ""
                continue
            result.append(self._item(item, flag or (name if name_kind(name) == STRONG else "")))
            match = _FLAG.fullmatch(item)
            flag = (match.group(1) or "password") if match else ""
        return result

    def _item(self, item: str, name: str) -> str:
        """A string in a list: an environment entry (NAME=value), what follows a flag, or text."""
        if name and not item.startswith("-") and is_secret(name, item):
            return mask(item)
        match = _ENV.fullmatch(item) if "=" in item[:129] else None
        if match and is_secret(match.group(1), match.group(2)):
            return match.group(1) + "=" + mask(match.group(2))
        return self._text(item)


def _to_text(value: t.Any) -> str:
    try:
        return str(value)
    except Exception:  # whatever an odd object does in __str__, a result has to come out
        return f"[a value that can't be printed: {type(value).__name__}]"
