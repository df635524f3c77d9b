# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What redis_wait does, apart from Ansible: ask until the server has loaded its data."""

from __future__ import annotations

import typing as t

from ..clients.deadline import Deadline
from ..clients.redis import Wanted, collect
from ..clients.redis_options import RedisOptions
from ..core.redis_judge import judge
from ..core.redis_settings import Settings
from ..core.redis_snapshot import RedisSnapshot
from ..module.argspec import ArgumentSpec
from ..module.option_values import seconds_from_0
from ..module.redis_options import REDIS_CONNECTION, validate_connection

LOADING = "redis.server.loading"
LOOK = Wanted(window=0.0, scan_seconds=0.0, scan_keys=0)
ONE_LOOK = 10.0
POLL = 0.5

SPEC = REDIS_CONNECTION.merge(ArgumentSpec(options={"wait": {"type": "float", "default": 60.0}}))


def perform(params: dict[str, t.Any], check_mode: bool) -> dict[str, t.Any]:
    """The result for Ansible; its key problem says what is wrong. Raises Misuse."""
    validate_connection(params)
    seconds_from_0(params, "wait")
    options = RedisOptions.from_params(params)
    deadline = Deadline(params["wait"])
    settings = Settings(address=options.address)
    while True:
        snapshot = collect(options, LOOK, Deadline(ONE_LOOK))
        found = [finding.id for finding in judge(snapshot, settings)]
        loading = LOADING in found
        if not loading or check_mode or not deadline.wait(POLL):
            break
    return _result(snapshot, found, loading, params["wait"] - deadline.left())


def _result(snapshot: RedisSnapshot, found: t.Sequence[str], loading: bool, seconds: float) -> dict[str, t.Any]:
    stuck = [name for name in found if name.startswith("redis.server.") and name != LOADING]
    result: dict[str, t.Any] = {
        "changed": False,
        "ready": not loading and not stuck,
        "seconds": round(seconds),
        "percent": snapshot.number("loading_loaded_perc"),
        "eta_seconds": snapshot.number("loading_eta_seconds"),
    }
    if stuck:
        result["problem"] = f"Redis at {snapshot.address} does not load any more: {', '.join(stuck)}"
        result["msg"] = result["problem"]
    else:
        result["msg"] = "it still loads" if loading else "it has loaded its data"
    return result
