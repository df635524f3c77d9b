#!/usr/bin/python
# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# The code is in plugins/action: an incident is kept on the controller.
from __future__ import annotations

DOCUMENTATION = r"""
module: incident_evidence
short_description: Write the evidence bundle before anything is changed
version_added: 0.1.0
description:
  - Every look, its attachments and the decision, as files with a sha256 manifest, redacted. No manifest, no mutation.
extends_documentation_fragment:
  - incident.response.lifecycle
  - incident.response.lifecycle.incident
  - incident.response.lifecycle.observed
  - incident.response.no_diff
author:
  - The incident.response authors (@incident-response)
attributes:
  check_mode:
    support: full
    description: It is not run in check mode by the role.
options:
  incident:
    required: true
  observed:
    required: true
  decision:
    description: The result of M(incident.response.incident_decide).
    type: dict
    required: true
"""

EXAMPLES = r"""
- name: Write the evidence
  incident.response.incident_evidence:
    incident: "{{ opened.incident }}"
    observed: "{{ looks.results }}"
    decision: "{{ decision }}"
"""

RETURN = r"""
directory:
  description: Where the bundle is.
  returned: success
  type: str
  sample: /home/me/.local/state/incident.response/incidents/INC-20260301-025800-1f3a/evidence-1772334000
count:
  description: How many files it has, the manifest not counted.
  returned: success
  type: int
  sample: 3
say:
  description: Lines for people, each with C(style) and C(text). The same text is in RV(msg).
  returned: when there is something to say
  type: list
  elements: dict
  sample: [{style: good, text: "kafka-main  Healthy: nothing found"}]
msg:
  description: The lines of RV(say) as one text.
  returned: when there is something to say
  type: str
  sample: "Healthy: nothing found"
"""
