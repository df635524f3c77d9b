# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Containers and snapshots for tests of the judge: recorded inspect JSON, changed as a test needs it."""

from __future__ import annotations

import copy
import json
from pathlib import Path

from ansible_collections.incident.response.plugins.module_utils.core import docker_parse as parse
from ansible_collections.incident.response.plugins.module_utils.core.docker_snapshot import DockerSnapshot

FIXTURES = Path(__file__).parent / "fixtures" / "docker"
RECORDED = {
    path.stem: json.loads(path.read_text()) for path in sorted(FIXTURES.glob("*.json")) if path.stem != "events"
}


def container(name="healthy", **changes):
    made = parse.container_from_inspect(copy.deepcopy(RECORDED[name]))
    for field, value in changes.items():
        setattr(made, field, value)
    return made


def look(*containers, **fields):
    """A snapshot taken 5 s after the last thing that the containers' own times say."""
    times = [moment for one in containers for moment in (one.started, one.finished, one.created) if moment]
    now = fields.pop("now", max(times, default=1_000_000.0) + 5)
    return DockerSnapshot(now=now, reachable=True, containers=list(containers), **{"events_since": now - 900, **fields})


def ids(findings):
    return [finding.id for finding in findings]


def only(findings):
    assert len(findings) == 1, ids(findings)
    return findings[0]


def running(**changes):
    return container("healthy", **changes)
