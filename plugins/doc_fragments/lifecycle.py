# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What the steps of the role incident have in common."""

from __future__ import annotations


class ModuleDocFragment:
    # Ansible takes no fragment that has neither options nor attributes.
    DOCUMENTATION = r"""
options: {}
notes:
  - It runs on the controller, and is a step of the role P(incident.response.incident#role), which passes its options.
  - Settings come from the variables C(incident_*), which that role documents.
"""

    INCIDENT = r"""
options:
  incident:
    description: Id of the incident. Empty in check mode, where nothing is written.
    type: str
"""

    OBSERVED = r"""
options:
  observed:
    description:
      - The results of M(incident.response.incident_observe), and of M(incident.response.incident_check) for the rest.
    type: list
    elements: dict
"""
