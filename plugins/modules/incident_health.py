#!/usr/bin/python
# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# The code is in plugins/action: it keeps its state on the controller.
from __future__ import annotations

DOCUMENTATION = r"""
module: incident_health
short_description: Tell what changed since the last scheduled triage
version_added: 0.1.0
description:
  - It is run before a triage (O(step=begin)) and after it (O(step=end)), once each, by C(playbooks/health.yml).
  - At the beginning it sleeps for a random time where C(incident_health_jitter) says so, and takes a lease. Where
    another run looks at the same hosts, RV(stands_down) is true.
  - At the end it compares the verdict with what the store knows, and hands only changes to C(incident_notify_command)
    and C(incident_notify_url). What a hook did not take is told at the next run.
  - A problem is one finding id at one component. It is V(ignore:new) after C(incident_health_confirm) looks in a row
    (P1 at once), V(ignore:worse) where its severity rose, V(ignore:solved) after C(incident_health_clear) looks without
    it, V(ignore:flapping) where it changes more than C(incident_health_flaps) times in C(incident_health_flap_window)
    seconds, and V(ignore:open) each C(incident_health_remind) seconds.
  - What could not be measured, or is no target of this run, stays what it was.
  - With C(incident_health_every) a run that comes too late reports C(health.run.missed).
  - It fails at the end unless all is healthy; with C(incident_health_exit) set to V(ignore:changes) only where
    something is new, worse or begins to flap.
  - It runs on the controller. Settings come from the variables C(incident_*), which the role
    P(incident.response.incident#role) documents.
extends_documentation_fragment:
  - incident.response.no_diff
author:
  - The incident.response authors (@incident-response)
attributes:
  check_mode:
    support: full
    description: It says what would be told; no state is kept, no file is written, and nobody is told.
options:
  step:
    description: Whether the triage is still to come.
    type: str
    required: true
    choices: [begin, end]
  started:
    description: RV(started) of the first step, in seconds since the epoch.
    type: float
    default: 0.0
  verdict:
    description: The verdict that M(incident.response.incident_triage) returned. Needed at O(step=end).
    type: dict
    default: {}
"""

EXAMPLES = r"""
- name: Begin
  incident.response.incident_health:
    step: begin
  run_once: true
  register: begun

- name: End
  incident.response.incident_health:
    step: end
    started: "{{ begun.started }}"
    verdict: "{{ triage.verdict }}"
  run_once: true
  when: not begun.stands_down
"""

RETURN = r"""
stands_down:
  description: Whether another run looks at the same hosts, so that this one does nothing.
  returned: always
  type: bool
  sample: false
started:
  description: When the run began, in seconds since the epoch.
  returned: at O(step=begin)
  type: float
  sample: 1800000000.0
changes:
  description: What is worth telling, each with C(kind), C(severity), C(before), C(target), C(component), C(id),
    C(summary), C(at) and C(since).
  returned: at O(step=end)
  type: list
  elements: dict
  sample: [{kind: new, severity: P2, component: cache, id: redis.connect.refused}]
open:
  description: The problems that were announced and are not solved.
  returned: at O(step=end)
  type: list
  elements: dict
  sample: []
say:
  description: Lines for people, each with C(style) and C(text). The same text is in RV(msg).
  returned: always
  type: list
  elements: dict
  sample: []
msg:
  description: The lines of RV(say) as one text.
  returned: at O(step=end)
  type: str
  sample: nothing changed
"""
