#!/usr/bin/python
# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: postgresql_wait
short_description: Wait while a PostgreSQL server starts or recovers
version_added: 0.1.0
description:
  - Asks the server until it takes sessions. It changes nothing and needs no login that succeeds, since a refused one
    is an
    answer of a server that runs.
  - It fails where the server is in a state that does not pass by itself, such as down, hung or shutting down.
extends_documentation_fragment:
  - incident.response.postgresql
author:
  - The incident.response authors (@incident-response)
options:
  timeout:
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
- name: Wait for the end of the recovery
  incident.response.postgresql_wait:
    host: db1.example.com
    user: monitor
    timeout: 300
"""

RETURN = r"""
ready:
  description: Whether the server takes sessions.
  returned: success
  type: bool
  sample: true
answer:
  description: What it said last.
  returned: success
  type: str
  sample: the database system is starting up
seconds:
  description: How long was waited.
  returned: success
  type: int
  sample: 12
"""

from ansible_collections.incident.response.plugins.module_utils.checks.postgresql_care import WAIT_SPEC, wait
from ansible_collections.incident.response.plugins.module_utils.checks.postgresql_health import CHECK
from ansible_collections.incident.response.plugins.module_utils.clients.errors import CollectError
from ansible_collections.incident.response.plugins.module_utils.module.change import run_change


def main() -> None:
    run_change(WAIT_SPEC, CHECK.requirements, wait, CollectError)


if __name__ == "__main__":
    main()
