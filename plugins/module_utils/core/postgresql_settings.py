# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a PostgreSQL snapshot is judged by: thresholds, and what the caller declared. Pure."""

from __future__ import annotations

import dataclasses

from .postgresql_protect import Protection
from .thresholds import HasThresholds, Pairs

THRESHOLDS: dict[str, dict[str, float]] = {
    "used_percent": {"warn": 80, "crit": 90},
    "idle_share_percent": {"warn": 50, "crit": 75},
    "transaction_blocking_seconds": {"warn": 15, "crit": 60},
    "transaction_idle_seconds": {"warn": 1800, "crit": 3600},
    "lock_wait_seconds": {"warn": 60, "crit": 120},
    "lock_waiters": {"warn": 6, "crit": 6},
    "query_seconds": {"warn": 60, "crit": 120},
    "storm_percent": {"warn": 20, "crit": 50},
    "logins_per_second": {"warn": 10, "crit": 50},
    "limit_percent": {"warn": 80, "crit": 100},
    "transaction_age": {"warn": 1.3e9, "crit": 1.4e9},
    "prepared_seconds": {"warn": 300, "crit": 3600},
    "slot_retained_gib": {"warn": 10, "crit": 50},
    "replication_lag_seconds": {"warn": 5, "crit": 3600},
    "deadlocks_per_minute": {"warn": 5, "crit": 50},
    "rollback_percent": {"warn": 2, "crit": 10},
    "disk_used_percent": {"warn": 90, "crit": 95},
    "wal_factor": {"warn": 3, "crit": 10},
    "pooler_wait_seconds": {"warn": 1, "crit": 10},
    "pooler_clients_percent": {"warn": 80, "crit": 95},
    "lock_table_percent": {"warn": 20, "crit": 80},
    "dead_rows_percent": {"warn": 10, "crit": 50},
}
"""Pairs of warn and crit; higher is worse in all of them."""


@dataclasses.dataclass(frozen=True)
class Settings(HasThresholds):
    """What the caller declared about the server.

    idle_age: seconds after which an idle session counts as idle. young: seconds during which a session, or a server,
    counts
    as new. least_headroom: free slots at which it is critical. expected_role: primary, standby or any.
    """

    component: str = "postgresql"
    thresholds: Pairs = dataclasses.field(default_factory=lambda: THRESHOLDS)
    idle_age: float = 300.0
    young: float = 60.0
    restarted: float = 60.0
    least_headroom: int = 3
    expected_role: str = "any"
    protection: Protection = Protection()

    @property
    def pooler(self) -> str:
        """The component that findings about the pooler belong to: a sick server explains them, they never explain
        it."""
        return f"pooler:{self.component}"
