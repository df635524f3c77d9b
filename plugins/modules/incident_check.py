#!/usr/bin/python
# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
# The code is in plugins/action: an incident is kept on the controller.
from __future__ import annotations

DOCUMENTATION = r"""
module: incident_check
short_description: Run a check of this collection by name
version_added: 0.1.0
description:
  - Runs any check module. Where the target is local it does so in the Ansible process, else as a module. Results are
    the same.
  - Fills the check's option O(ignore:history) from the store, and keeps its samples there.
  - Tasks that name a check module itself are routed here too.
extends_documentation_fragment:
  - incident.response.lifecycle
  - incident.response.look
  - incident.response.no_diff
author:
  - The incident.response authors (@incident-response)
options:
  module:
    description: Name of the check module.
    type: str
    required: true
  options:
    description:
      - Its options. Variables of the host that is looked at are merged under them, with the prefix of the system, so
        that
        C(kafka_bootstrap_servers) sets O(ignore:bootstrap_servers); and C(module_defaults) of the module and its
        group under those.
    type: dict
    default: {}
  name:
    description: What people call this look.
    type: str
    required: true
  quiet:
    description: Whether to say nothing about it. A watch says what it makes of its looks.
    type: bool
    default: false
"""

EXAMPLES = r"""
- name: Look at Kafka
  incident.response.incident_check:
    module: incident.response.kafka_health_info
    name: cluster kafka-main
    options:
      bootstrap_servers: ["127.0.0.1:9092"]
  register: look
"""

RETURN = r"""
status:
  description: C(ok), C(warning), C(critical) or C(unknown); everything else that the check returns comes with it.
  returned: success
  type: str
  sample: ok
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
