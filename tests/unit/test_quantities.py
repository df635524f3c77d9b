# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Times, sizes and numbers as people read them."""

from __future__ import annotations

import pytest
from ansible_collections.incident.response.plugins.module_utils.core.quantities import count, size, span


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (-3, "0 s"),
        (0.0004, "0.4 ms"),
        (0.25, "250 ms"),
        (3.44, "3.4 s"),
        (5, "5 s"),
        (9.97, "10 s"),
        (90, "90 s"),
        (119.8, "120 s"),
        (150, "2.5 min"),
        (300, "5 min"),
        (3600, "60 min"),
        (7200, "2 h"),
        (129_600, "36 h"),
        (216_000, "2.5 days"),
        (400 * 86_400, "400 days"),
        (20_000 * 86_400, "20000 days"),
    ],
)
def test_a_length_of_time(seconds: float, text: str) -> None:
    assert span(seconds) == text


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (0, "0 B"),
        (1023, "1023 B"),
        (2048, "2 KiB"),
        (64 * 2**20, "64 MiB"),
        (1.234 * 2**30, "1.234 GiB"),
        (1023.9 * 2**20, "1024 MiB"),
        (15_000.4 * 2**30, "15000 GiB"),
        (-5 * 2**20, "-5 MiB"),
    ],
)
def test_a_size(number: float, text: str) -> None:
    assert size(number) == text


def test_a_number_of_things() -> None:
    assert [count(number, "topic") for number in (0, 1, 2, 1.0)] == ["0 topics", "1 topic", "2 topics", "1 topic"]
