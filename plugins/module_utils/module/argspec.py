# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Argument specs as values: made of parts, merged, and checked the same way in a module and in an action plugin."""

from __future__ import annotations

import dataclasses
import typing as t


@dataclasses.dataclass(frozen=True)
class ArgumentSpec:
    """What AnsibleModule takes, as one value that can be merged."""

    options: dict[str, dict[str, t.Any]]
    required_if: tuple[tuple[t.Any, ...], ...] = ()
    required_together: tuple[tuple[str, ...], ...] = ()
    required_one_of: tuple[tuple[str, ...], ...] = ()
    mutually_exclusive: tuple[tuple[str, ...], ...] = ()

    def merge(self, other: ArgumentSpec) -> ArgumentSpec:
        both = set(self.options) & set(other.options)
        if both:
            raise ValueError(f"both parts define {', '.join(sorted(both))}")
        return ArgumentSpec(
            options={**self.options, **other.options},
            required_if=self.required_if + other.required_if,
            required_together=self.required_together + other.required_together,
            required_one_of=self.required_one_of + other.required_one_of,
            mutually_exclusive=self.mutually_exclusive + other.mutually_exclusive,
        )

    def module_kwargs(self) -> dict[str, t.Any]:
        """Keyword arguments of AnsibleModule and of ArgumentSpecValidator (there argument_spec goes first)."""
        return {
            "argument_spec": self.options,
            "required_if": [list(rule) for rule in self.required_if],
            "required_together": [list(rule) for rule in self.required_together],
            "required_one_of": [list(rule) for rule in self.required_one_of],
            "mutually_exclusive": [list(rule) for rule in self.mutually_exclusive],
        }


COMMON_CHECK = ArgumentSpec(
    options={
        "deadline": {"type": "float", "default": 30.0},
        "history": {"type": "list", "elements": "dict", "default": []},
    }
)
"""Options of every check: a total deadline in seconds, and earlier samples (filled from the store where there is
one)."""
