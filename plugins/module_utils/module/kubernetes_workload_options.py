# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of kubernetes_workload."""

from __future__ import annotations

from ..core.kubernetes_plan import MEMORY_LIMIT, OVERRIDES, SCALED, STATES, UNDO
from .argspec import ArgumentSpec
from .kubernetes_options import KUBERNETES_CONNECTION

SPEC = KUBERNETES_CONNECTION.merge(
    ArgumentSpec(
        options={
            "namespace": {"type": "str", "required": True},
            "kind": {"type": "str", "default": "Deployment"},
            "name": {"type": "str"},
            "pod": {"type": "str"},
            "state": {"type": "str", "required": True, "choices": list(STATES)},
            "replicas": {"type": "int"},
            "revision": {"type": "int"},
            "container": {"type": "str"},
            "memory": {"type": "str"},
            "memory_request": {"type": "str"},
            "identity": {
                "type": "dict",
                "options": {
                    "uid": {"type": "str"},
                    "resource_version": {"type": "str"},
                    "generation": {"type": "int"},
                },
            },
            "postgresql_headroom": {"type": "int"},
            "pool_size": {"type": "int"},
            "partitions": {"type": "int"},
            "override": {"type": "list", "elements": "str", "choices": list(OVERRIDES), "default": []},
            "undo": {"type": "str", "choices": list(UNDO), "default": UNDO[0]},
            "wait": {"type": "bool", "default": True},
            "wait_timeout": {"type": "float", "default": 300.0},
        },
        required_if=(("state", MEMORY_LIMIT, ("memory",)), ("state", SCALED, ("replicas",))),
        required_one_of=(("name", "pod"),),
        required_together=(("postgresql_headroom", "pool_size"),),
        mutually_exclusive=(("name", "pod"),),
    )
)
