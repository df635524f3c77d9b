#!/usr/bin/python
# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: alertmanager_silence
short_description: Silence what an action is expected to trip, narrowly and for a short time, and end that again
version_added: 0.1.0
description:
  - Sets a silence with exact matchers, for two hours at most, that says who made it and for which incident; or ends it.
  - It refuses what would hide more than is meant. That is no matcher at all, one that fits every alert there can be, a
    regular expression or a negation without O(allow_regex), more than O(max_alerts) alerts that are active now, and
    each one of the active alerts where there are five or more.
  - The same matchers by the same author are silenced once. With O(extend) the silence is made to last O(duration) from
    now, if it would end before that.
  - It ends only silences of its own author. It has changed something only where it read that back from the server.
extends_documentation_fragment:
  - incident.response.http_endpoint
author:
  - The incident.response authors (@incident-response)
options:
  url:
    description:
      - Address of one member of the Alertmanager, above C(/api), such as V(http://127.0.0.1:9093). Its peers hear of
        the silence from it.
    type: str
    required: true
  state:
    description:
      - V(present) silences.
      - V(expired) ends the silence O(id), or all of O(created_by) for O(incident), where O(comment) is set only those
        with it.
    type: str
    choices: [present, expired]
    default: present
  id:
    description: The silence to end.
    type: str
  matchers:
    description: Which alerts are meant. All have to fit. Required where O(state=present).
    type: list
    elements: dict
    suboptions:
      name:
        description: Name of the label.
        type: str
        required: true
      value:
        description: Its value; an empty one fits alerts without the label.
        type: str
        required: true
      is_regex:
        description: Whether O(matchers[].value) is a regular expression for the whole value. Needs O(allow_regex).
        type: bool
        default: false
      is_equal:
        description: Whether it has to fit; with V(false) it must not. That needs O(allow_regex) too.
        type: bool
        default: true
  allow_regex:
    description: Whether matchers may be regular expressions or negations.
    type: bool
    default: false
  duration:
    description: Seconds from now on that it lasts, 7200 at most.
    type: float
    default: 900.0
  extend:
    description: Whether a silence that stands is made longer, where it would end before O(duration).
    type: bool
    default: false
  max_alerts:
    description: So many alerts that are active now may be hidden, no more.
    type: int
    default: 20
  created_by:
    description: Its author. Only silences of this author are ended.
    type: str
    default: incident.response
  incident:
    description:
      - Id of the incident that it belongs to. It stands at the end of the comment. Required where O(state=present).
    type: str
  comment:
    description: Why, for people. Required where O(state=present).
    type: str
  deadline:
    description: Seconds that everything may take.
    type: float
    default: 30.0
attributes:
  check_mode:
    support: full
    description: Refuses what it would refuse, and lists the alerts that would be hidden.
  diff_mode:
    support: full
    description: The silences before and after.
"""

EXAMPLES = r"""
- name: Silence what the restart will trip
  incident.response.alertmanager_silence:
    url: http://alertmanager.example.com:9093
    matchers:
      - {name: alertname, value: ServiceDown}
      - {name: service, value: orders}
    duration: 600
    incident: INC-42
    comment: orders is restarted
  register: quiet

- name: Show what that hides
  ansible.builtin.debug:
    msg: "{{ quiet.alerts | map(attribute='labels') | list }}"

- name: Let them be heard again
  incident.response.alertmanager_silence:
    url: http://alertmanager.example.com:9093
    state: expired
    incident: INC-42
"""

RETURN = r"""
silence:
  description:
    - The silence as the server has it; in check mode as it would be, with an empty C(id). Times are epoch seconds.
  returned: where O(state=present), when there is one
  type: dict
  sample:
    id: 6e419f77-9817-4945-91ea-48735776dee1
    state: active
    matchers: '{alertname="ServiceDown", service="orders"}'
    created_by: incident.response
    comment: "orders is restarted [incident INC-42]"
    starts: 1795897479.4
    ends: 1795898079.4
silences:
  description: Those that were meant, as they are now.
  returned: where O(state=expired)
  type: list
  elements: dict
  sample: [{id: 6e419f77-9817-4945-91ea-48735776dee1, state: expired}]
alerts:
  description: Alerts that it hides (or hid), the active ones first, 100 at most.
  returned: when there was a silence to set or to end
  type: list
  elements: dict
  sample: [{labels: {alertname: ServiceDown, service: orders}, state: active}]
alerts_total:
  description: How many there are.
  returned: when there was a silence to set or to end
  type: int
  sample: 1
"""

from ansible_collections.incident.response.plugins.module_utils.checks.alertmanager_silence import SPEC, perform
from ansible_collections.incident.response.plugins.module_utils.clients.errors import CollectError
from ansible_collections.incident.response.plugins.module_utils.module.alertmanager_options import REQUIREMENTS
from ansible_collections.incident.response.plugins.module_utils.module.change import run_change


def main() -> None:
    run_change(SPEC, REQUIREMENTS, perform, CollectError)


if __name__ == "__main__":
    main()
