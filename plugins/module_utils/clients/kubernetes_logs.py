# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The end of a container's log, as the API has it."""

from __future__ import annotations

from ..core.hostile import inert
from ..core.log_lines import Line, split_stamp
from .kubernetes_link import Link, quoted

LOG_BYTES = 256 * 1024
MOST_OF_LINE = 4096


def end_of_log(link: Link, namespace: str, pod: str, container: str, lines: int, previous: bool = False) -> list[Line]:
    """previous: of the life before this one. Raises ApiError."""
    path = f"/api/v1/namespaces/{quoted(namespace)}/pods/{quoted(pod)}/log"
    query = {
        "container": container,
        "previous": previous,
        "tailLines": lines,
        "limitBytes": LOG_BYTES,
        "timestamps": True,
    }
    told = link.text(path, query, LOG_BYTES)
    return [Line(*split_stamp(inert(line)[:MOST_OF_LINE])) for line in told.text.split("\n") if line.strip()]
