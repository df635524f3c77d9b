# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What every check module has in common."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  deadline:
    description:
      - Seconds that the whole check may take. What was not read by then is reported as unknown, what was read stays.
    type: float
    default: 30.0
  history:
    description:
      - Samples that earlier runs of this check returned as RV(ignore:samples). What the check judges by the past
        is judged by them.
      - In a play it is filled from the store; leave it out there.
    type: list
    elements: dict
    default: []
attributes:
  check_mode:
    support: full
    description: It only reads, so it does the same in check mode.
  diff_mode:
    support: none
    description: It changes nothing.
notes:
  - A sick target is a finding, not a failed task. The task fails only for options that contradict each other or a
    library that is missing.
  - An entry of RV(ignore:findings) has the keys C(id), C(component), C(subject), C(state), C(severity), C(summary),
    C(observed), C(threshold), C(evidence), C(causes), C(remedies), C(since) and C(details).
"""
