# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How long a certificate is still valid. One that is refused is judged where the probe fails. Pure."""

from __future__ import annotations

import typing as t

from .findings import CRITICAL, WARNING, Finding
from .http_judge_reach import MEND_TLS, RENEW
from .http_settings import Settings, finding
from .http_snapshot import Look
from .quantities import DAY, span


def judge_certificate(look: Look, settings: Settings) -> t.Iterator[Finding]:
    found = next((probe.certificate for probe in reversed(look.probes) if probe.certificate), None)
    if found is None or found.not_after is None:
        return
    left = found.not_after - look.now
    if left <= 0 and not settings.validate_certs:
        state, severity, name, does = CRITICAL, "P1", "http.tls.expired", "has a certificate that expired"
        does = f"{does} {span(-left)} ago"
    elif left < settings.certificate_warn * DAY:
        soon = left < settings.certificate_crit * DAY
        state, severity, name = (CRITICAL, "P1", "http.tls.expiring") if soon else (WARNING, "P3", "http.tls.expiring")
        does = f"has a certificate that expires in {span(left)}"
    else:
        return
    yield finding(
        look.endpoint,
        name,
        state,
        severity,
        does,
        observed={"days_left": round(left / DAY, 1), "not_after": found.not_after},
        threshold={"warn_days": settings.certificate_warn, "crit_days": settings.certificate_crit},
        causes=("its renewal does not run, or runs and the server was not reloaded",),
        remedies=(RENEW, MEND_TLS) if left <= 0 else (RENEW,),
    )
