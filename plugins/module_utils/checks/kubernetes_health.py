# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The check kubernetes_health_info: options -> one look at a cluster -> findings."""

from __future__ import annotations

import typing as t

from ..clients.deadline import Deadline
from ..clients.kubernetes import Look, Wanted
from ..clients.kubernetes_errors import ApiError
from ..clients.kubernetes_link import Link, connect
from ..clients.kubernetes_login import Unset
from ..clients.kubernetes_options import KubernetesOptions
from ..core.findings import capped
from ..core.kubernetes_judge import judge
from ..core.kubernetes_settings import Settings
from ..core.kubernetes_snapshot import Snapshot
from ..core.kubernetes_summary import attachments, measured, samples, summary
from ..module.argspec import COMMON_CHECK
from ..module.check import Check, Misuse, Observation
from ..module.kubernetes_check_options import KUBERNETES_CHECK, settings_of
from ..module.kubernetes_options import KUBERNETES_CONNECTION, REQUIREMENTS, check_connection

SPEC = COMMON_CHECK.merge(KUBERNETES_CONNECTION).merge(KUBERNETES_CHECK)
MOST_LINES = 10_000
MOST_REPLICAS = 1000
SEEN = ("auth", "permission")
"""Refusals that somebody has to be there for."""


def run(params: dict[str, t.Any]) -> Observation:
    """Look at one cluster. Raises Misuse for options that make no sense."""
    check_connection(params)
    settings, wanted = settings_of(params), _wanted(params)
    options = KubernetesOptions.from_params(params)
    deadline = Deadline(params["deadline"])
    snapshot, link = _look(options, settings, wanted, deadline)
    settings = settings_of(params, snapshot.address)
    findings, left_out = capped(judge(snapshot, settings, params.get("history") or ()), settings.max_rows)
    said = measured(snapshot, settings, left_out)
    if link and not link.login.verify:
        said.append("the certificate of the API was not verified")
    return Observation(
        reachable=snapshot.error is None or snapshot.error.kind in SEEN,
        findings=findings,
        snapshot=summary(snapshot, settings, findings, left_out),
        thresholds={name: dict(pair) for name, pair in settings.thresholds.items()},
        measured=said,
        samples=samples(snapshot),
        attachments=attachments(snapshot),
    ).hiding(link.login.secrets if link else ())


def _wanted(params: t.Mapping[str, t.Any]) -> Wanted:
    """What is read beside that. Raises Misuse."""
    lines = params["log_lines"]
    if not 0 <= lines <= MOST_LINES:
        raise Misuse(f"log_lines: {lines} is not between 0 (no logs) and {MOST_LINES}")
    selector = params.get("label_selector")
    if selector is not None and not selector.strip():
        raise Misuse("label_selector: it is empty, and an empty one is not all; leave it out to look at all")
    scale_to, well = params.get("scale_to"), bool(params.get("well_logs"))
    if scale_to is not None and not 1 <= scale_to <= MOST_REPLICAS:
        raise Misuse(f"scale_to: {scale_to} is not a number of replicas from 1 to {MOST_REPLICAS}")
    if (well or scale_to is not None) and params.get("names") is None:
        raise Misuse("well_logs and scale_to are a closer look at some workloads: names says at which")
    return Wanted(selector or "", lines, params["depth"] == "full", well, scale_to)


def _look(
    options: KubernetesOptions, settings: Settings, wanted: Wanted, deadline: Deadline
) -> tuple[Snapshot, Link | None]:
    """A login that fails says something about the cluster or who asks; one that names no cluster is a wrong option."""
    try:
        link = connect(options, deadline)
    except Unset as error:
        raise Misuse(error.message) from None
    except ApiError as error:
        return Look.refused(error, settings), None
    try:
        return Look(link, wanted, settings, deadline).run(), link
    finally:
        link.close()


CHECK = Check("kubernetes_health_info", SPEC, REQUIREMENTS, run)
