#!/usr/bin/python
# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# The code is in plugins/action: it runs in the Ansible process where it can.
from __future__ import annotations

DOCUMENTATION = r"""
module: incident_survey
short_description: Ask all targets of a play by all of their checks
version_added: 0.1.0
description:
  - Runs, for each host of the play, the checks that M(incident.response.incident_look) would run there, each in a
    process of its own, as many at a time as Ansible has forks. Ten targets, one of them dead, take as long as one.
  - Only hosts that Ansible reaches without leaving the controller (connection C(local), no C(become), the controller's
    own Python, C(module_defaults) without templates) can be asked so. The others are handed back in RV(left), for
    M(incident.response.incident_look).
  - It never fails for a sick target, nor for one that could not be looked at. Both are results.
  - It is a step of the role P(incident.response.triage#role), and runs once. Options of the checks are host variables
    with the prefix of their system.
extends_documentation_fragment:
  - incident.response.look
  - incident.response.look.triage
  - incident.response.no_diff
author:
  - The incident.response authors (@incident-response)
"""

EXAMPLES = r"""
- name: Look
  incident.response.incident_survey:
  run_once: true
  register: survey

- name: Look from other machines
  incident.response.incident_look:
  when: inventory_hostname in survey.left
  register: look
"""

RETURN = r"""
hosts:
  description: Host -> what M(incident.response.incident_look) returns there, that is C(production) and C(looks).
  returned: always
  type: dict
  sample: {kafka-main: {production: true, looks: []}}
left:
  description: Hosts that have to be asked from another machine, or by their own task.
  returned: always
  type: list
  elements: str
  sample: []
"""
