# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""All scenarios by name. A new one is one more line."""

from __future__ import annotations

from .base import Scenario
from .kafka import SCENARIO as KAFKA
from .memory import SCENARIO as MEMORY
from .postgresql import SCENARIO as DATABASE
from .redis import SCENARIO as REDIS
from .service import SCENARIO as SERVICE

SCENARIOS: dict[str, Scenario] = {scenario.name: scenario for scenario in (SERVICE, DATABASE, MEMORY, REDIS, KAFKA)}
