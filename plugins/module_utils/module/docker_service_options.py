# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The options of docker_service."""

from __future__ import annotations

from ..core.docker_plan import STATES
from .argspec import ArgumentSpec
from .docker_options import DOCKER_CONNECTION

SPEC = DOCKER_CONNECTION.merge(
    ArgumentSpec(
        options={
            "project": {"type": "str"},
            "service": {"type": "str"},
            "container": {"type": "str"},
            "state": {"type": "str", "required": True, "choices": list(STATES)},
            "identity": {"type": "dict", "options": {"id": {"type": "str"}, "started_at": {"type": "str"}}},
            "force": {"type": "bool", "default": False},
            "stop_timeout": {"type": "int"},
            "wait": {"type": "bool", "default": True},
            "wait_timeout": {"type": "float", "default": 60.0},
            "memory": {"type": "str"},
            "persist": {"type": "bool", "default": False},
            "replicas": {"type": "int"},
            "allow_fewer": {"type": "bool", "default": False},
            "compose_command": {"type": "list", "elements": "str"},
            "dump": {"type": "str", "choices": ["quit"]},
            "dump_timeout": {"type": "float", "default": 10.0},
        },
        required_if=(("state", "memory_raised", ("memory",)), ("state", "scaled", ("replicas",))),
        required_one_of=(("service", "container"),),
        mutually_exclusive=(("service", "container"), ("project", "container")),
    )
)
