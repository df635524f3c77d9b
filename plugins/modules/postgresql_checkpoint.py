#!/usr/bin/python
# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: postgresql_checkpoint
short_description: Make a checkpoint, so that a restart of PostgreSQL is short
version_added: 0.1.0
description:
  - Runs C(CHECKPOINT) as O(user), or as O(reserve_user) where that one may not. It needs a superuser, or from
    PostgreSQL 15
    on a member of C(pg_checkpoint).
extends_documentation_fragment:
  - incident.response.postgresql
author:
  - The incident.response authors (@incident-response)
options:
  deadline:
    description: Seconds that it may take.
    type: float
    default: 120.0
attributes:
  check_mode:
    support: full
    description: It connects to nothing and says what it would do.
  diff_mode:
    support: none
    description: A checkpoint has no before and after that could be shown.
"""

EXAMPLES = r"""
- name: Make a checkpoint before a restart
  incident.response.postgresql_checkpoint:
    host: db1.example.com
    user: operator
    password: "{{ vault_operator_password }}"
"""

RETURN = r"""
msg:
  description: Who made it.
  returned: success
  type: str
  sample: a checkpoint was made as operator
"""

from ansible_collections.incident.response.plugins.module_utils.checks.postgresql_care import (
    CHECKPOINT_SPEC,
    checkpoint,
)
from ansible_collections.incident.response.plugins.module_utils.checks.postgresql_health import CHECK
from ansible_collections.incident.response.plugins.module_utils.clients.errors import CollectError
from ansible_collections.incident.response.plugins.module_utils.module.change import run_change


def main() -> None:
    run_change(CHECKPOINT_SPEC, CHECK.requirements, checkpoint, CollectError)


if __name__ == "__main__":
    main()
