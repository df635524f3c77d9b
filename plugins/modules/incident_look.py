#!/usr/bin/python
# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# The code is in plugins/action: it runs in the Ansible process where it can.
from __future__ import annotations

DOCUMENTATION = r"""
module: incident_look
short_description: Ask one target by all of its checks
version_added: 0.1.0
description:
  - Runs the check of each inventory group that the host is in. A host of C(docker_hosts) is asked once for each
    project, about the containers of all services that the inventory declares on it. A service with C(go_metrics_url) or
    C(go_pprof_url) is asked about its program too.
  - It never fails for a sick target, nor for one that could not be looked at. Both are results.
  - A host or an engine that is away costs its timeout once.
  - It is a step of the role P(incident.response.triage#role). Options of the checks are host variables with the prefix
    of their system.
extends_documentation_fragment:
  - incident.response.look
  - incident.response.look.triage
  - incident.response.no_diff
author:
  - The incident.response authors (@incident-response)
"""

EXAMPLES = r"""
- name: Look
  incident.response.incident_look:
  register: look
"""

RETURN = r"""
production:
  description: Whether the host's C(incident_environment) is V(ignore:production).
  returned: always
  type: bool
  sample: true
looks:
  description: One entry for each check, with C(name), C(module), C(host), C(problem) (why there is no result),
    C(status), C(findings), C(measured), C(starts) and C(containers).
  returned: always
  type: list
  elements: dict
  sample: [{name: kafka kafka-main, module: kafka_health_info, host: kafka-main, problem: '', status: ok}]
"""
