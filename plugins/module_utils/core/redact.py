# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Placeholder: replaced below."""

from __future__ import annotations

import typing as t


def clean(value: t.Any) -> t.Any:
    return value
