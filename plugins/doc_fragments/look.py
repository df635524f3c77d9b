# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the steps that run checks have in common."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
attributes:
  check_mode:
    support: full
    description: It only reads; samples are not kept.
"""

    TRIAGE = r"""
options:
  depth:
    description:
      - V(quick) takes one sample, and judges by earlier ones of the store. Where a check then says that it can't tell,
        it looks again in full.
      - V(full) takes the samples that the check is set to.
    type: str
    default: quick
    choices: [quick, full]
  log_lines:
    description: Last lines of the log of each container that are read.
    type: int
    default: 100
"""
