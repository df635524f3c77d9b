#!/usr/bin/python
# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# The code is in plugins/action: it reads files of the controller.
from __future__ import annotations

DOCUMENTATION = r"""
module: incident_replay
short_description: Judge earlier triages by the rules of today
version_added: 0.1.0
description:
  - M(incident.response.incident_triage) saves what it saw beside its verdict. This decides over that again, and says
    what would be decided otherwise.
  - It fails where something differs, or a file can't be read or is not of a triage.
  - No target is contacted. It runs on the controller.
extends_documentation_fragment:
  - incident.response.no_diff
author:
  - The incident.response authors (@incident-response)
attributes:
  check_mode:
    support: full
    description: It only reads.
options:
  files:
    description:
      - Paths of C(*.looks.json.gz) files or of the verdicts beside them, directories, or globs.
      - Without any, all that the state directory has.
    type: list
    elements: str
    default: []
"""

EXAMPLES = r"""
- name: Judge last week again
  incident.response.incident_replay:
    files: [/var/lib/incident/triage]
  run_once: true
"""

RETURN = r"""
replayed:
  description: One entry for each file, those that differ first, with C(file), C(at), C(differences) (each with C(what),
    C(then) and C(now)), C(then) and C(now) (all facts that are compared) and C(error).
  returned: always
  type: list
  elements: dict
  sample: [{file: /var/lib/incident/triage/20261128T030000.000000Z-4242.looks.json.gz, differences: [], error: ''}]
say:
  description: Lines for people, each with C(style) and C(text). The same text is in RV(msg).
  returned: always
  type: list
  elements: dict
  sample: [{style: good, text: 3 of 3 verdicts would be the same today}]
msg:
  description: The lines of RV(say) as one text.
  returned: always
  type: str
  sample: 3 of 3 verdicts would be the same today
"""
