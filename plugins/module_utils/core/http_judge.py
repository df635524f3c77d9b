# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The looks at HTTP endpoints and what was declared about them -> findings. Pure. One finding for each id and endpoint.

This file says in which order an endpoint is judged; the files beside it judge.
"""

from __future__ import annotations

import typing as t

from .findings import Finding
from .http_judge_health import judge_answers
from .http_judge_metrics import judge_metrics
from .http_judge_reach import judge_addresses
from .http_judge_tls import judge_certificate
from .http_settings import Settings
from .http_snapshot import Look

DEFAULTS = Settings()
History = t.Sequence[t.Mapping[str, t.Any]]


def judge(looks: t.Iterable[Look], settings: Settings = DEFAULTS, history: History = ()) -> list[Finding]:
    """All findings of one look at many endpoints. history: samples of earlier looks."""
    findings: list[Finding] = []
    for look in looks:
        findings += judge_answers(look, settings, history)
        findings += judge_addresses(look)
        findings += judge_certificate(look, settings)
        findings += judge_metrics(look, settings, history)
    return findings
