#!/usr/bin/python
# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: redis_wait
short_description: Wait while a Redis server loads its data
version_added: 0.1.0
description:
  - Asks the server until it has loaded its data. It changes nothing. A restart would begin the loading anew.
  - It fails where the server is in a state that does not pass by itself, such as down or hung.
extends_documentation_fragment:
  - incident.response.redis
author:
  - The incident.response authors (@incident-response)
options:
  wait:
    description: Seconds to wait. Not to be ready by then is no failure; the result says so. With V(0) it asks once.
    type: float
    default: 60.0
attributes:
  check_mode:
    support: full
    description: It asks once.
  diff_mode:
    support: none
    description: It changes nothing.
"""

EXAMPLES = r"""
- name: Wait for the end of the loading
  incident.response.redis_wait:
    host: redis.example.com
    wait: 600
"""

RETURN = r"""
ready:
  description: Whether the server has loaded its data.
  returned: success
  type: bool
  sample: true
seconds:
  description: How long was waited.
  returned: success
  type: int
  sample: 12
percent:
  description: How much is loaded, where it still loads.
  returned: success
  type: float
  sample: 61.2
eta_seconds:
  description: What Redis expects to need further, where it still loads.
  returned: success
  type: float
  sample: 8
"""

from ansible_collections.incident.response.plugins.module_utils.checks.redis_wait import SPEC, perform
from ansible_collections.incident.response.plugins.module_utils.clients.errors import CollectError
from ansible_collections.incident.response.plugins.module_utils.module.change import run_change
from ansible_collections.incident.response.plugins.module_utils.module.redis_options import REQUIREMENTS


def main() -> None:
    run_change(SPEC, REQUIREMENTS, perform, CollectError)


if __name__ == "__main__":
    main()
