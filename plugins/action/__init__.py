# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs before the first action plugin of the collection is imported."""

from __future__ import annotations

from ..plugin_utils import bytecode

bytecode.keep()
