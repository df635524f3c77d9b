#!/usr/bin/python
# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# The code is in plugins/action: it decides on the controller.
from __future__ import annotations

DOCUMENTATION = r"""
module: incident_triage
short_description: Decide over the looks at all targets
version_added: 0.1.0
description:
  - Takes what M(incident.response.incident_survey) saw, and what M(incident.response.incident_look) registered at each
    host that was left, and names one root cause, that is a failing component none of whose dependencies fails. What
    only follows from it is suppressed, and named.
  - Findings of its own are C(triage.network.gone) (no service answers, and no packet of any comes back),
    C(triage.host.resources) (several that one host runs say at once that its disk is full, or were killed for its
    memory) and C(triage.not_measured) (a target that could not be looked at, which is never ok).
  - Where all services are down, C(rule.cause) is one of C(triage.all_down.docker), C(triage.all_down.network),
    C(triage.all_down.resources), C(triage.all_down.dependency) and C(triage.all_down.own_reasons).
  - It fails unless all is healthy, so that the run ends with a status other than 0. The variable
    C(incident_triage_exit) can be set to V(ignore:always_zero).
  - It runs on the controller, once, and is a step of the role P(incident.response.triage#role). Settings come from the
    variables C(incident_*), which the role P(incident.response.incident#role) documents.
extends_documentation_fragment:
  - incident.response.no_diff
author:
  - The incident.response authors (@incident-response)
attributes:
  check_mode:
    support: full
    description: The same decision is made; no file is written, and nobody is told.
options:
  survey:
    description: Name of the variable that M(incident.response.incident_survey) was registered in.
    type: str
    required: true
  look:
    description: Name of the variable that M(incident.response.incident_look) was registered in.
    type: str
    required: true
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

- name: Decide
  incident.response.incident_triage:
    survey: survey
    look: look
  run_once: true
"""

RETURN = r"""
verdict:
  description:
    - C(outcome) (C(healthy), C(found) or C(unknown)), C(status), C(severity), C(headline), C(root_cause), C(roots),
      C(suppressed), C(unknown), C(hygiene), C(rule), C(services), C(changes), C(logs), C(notes), C(not_looked_at),
      C(looked_at), C(respond_within), C(respond_by), C(contact) and C(call).
    - C(target), C(scenario), C(component) and C(command) say what treats the root cause; C(treatments) has the same for
      every fault that was found.
    - C(owners), C(shown_by) and C(levels) have, by component, its inventory host, the hosts whose looks say something
      about it, and the severity of each of its findings in this inventory.
    - The same without the lines of logs goes out as statistics (C(set_stats)) under C(incident_verdict).
  returned: always
  type: dict
  sample: {outcome: found, severity: P2, target: kafka-main, scenario: kafka, component: container:notification}
file:
  description: Where the verdict was written, empty in check mode. What was seen is beside it, as C(.looks.json.gz).
  returned: always
  type: str
  sample: /home/sre/.local/state/incident.response/triage/20261128T030000.000000Z-4242.json
told:
  description: How the notify hook went, empty where it was not used.
  returned: always
  type: str
  sample: ''
say:
  description: Lines for people, each with C(style) and C(text). The same text is in RV(msg).
  returned: always
  type: list
  elements: dict
  sample: [{style: good, text: "Healthy: nothing found on 9 targets"}]
msg:
  description: The lines of RV(say) as one text.
  returned: always
  type: str
  sample: "Healthy: nothing found on 9 targets"
"""
