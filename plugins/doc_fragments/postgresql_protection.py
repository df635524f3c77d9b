# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Whose sessions of PostgreSQL are never ended."""

from __future__ import annotations


class ModuleDocFragment:
    DOCUMENTATION = r"""
options:
  protected_users:
    description: Users whose sessions are never ended, as names or globs.
    type: list
    elements: str
    default: []
  protected_applications:
    description: Application names whose sessions are never ended, besides backups and the like, as names or globs.
    type: list
    elements: str
    default: []
  pooler_addresses:
    description:
      - Addresses of poolers. Their connections are never ended, since they would come back at once.
      - With O(pgbouncer_host) they are asked from its admin console.
    type: list
    elements: str
    default: []
"""
