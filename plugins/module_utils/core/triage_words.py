# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Which failures mean what to the people who use a service, and which of them can be the reason of which. Pure."""

from __future__ import annotations

from .decide import stands_alone
from .findings import CRITICAL, WARNING, Finding

HOST_RESOURCES = "triage.host.resources"
NETWORK = "triage.network.gone"
DAEMON = "docker.daemon.unreachable"
DISK = "docker.disk.high"
MEMORY = "docker.host.memory"

OUT_OF_SERVICE = (
    "http.auth.rejected",
    "http.connect.",
    "http.health.failing",
    "http.health.unexpected",
    "http.name.",
    "http.redirect.",
    "http.response.",
    "http.tls.",
)
"""Findings about a health page that, where critical, mean that nobody is served."""
CONTAINER_DOWN = frozenset(
    {
        "docker.container.crash_loop",
        "docker.container.missing",
        "docker.container.not_running",
        "docker.container.paused",
        "docker.container.start_failed",
        "docker.memory.oom_killed",
        "docker.process.frozen",
        "kubernetes.command.bad",
        "kubernetes.config.missing",
        "kubernetes.image.pull",
        "kubernetes.init.failing",
        "kubernetes.liveness.killing",
        "kubernetes.memory.oom",
        "kubernetes.pod.crashloop",
        "kubernetes.replicas.short",
    }
)
NO_WAY = ("dns", "timeout", "unreachable")
"""Kinds of a look: no packet came back, or there was no address to send one to. Every check has them in its details."""
FULL_DISK = frozenset(
    {
        DISK,
        "kafka.disk.low",
        "kafka.logdir.failed",
        "postgresql.disk.space",
        "postgresql.server.storage",
        "redis.persistence.failing",
    }
)
SLOW = frozenset({"http.health.slow", "http.latency.high"})
ERRORS = frozenset({"http.errors.high", "http.health.shallow"})
RESOURCES = frozenset({"docker.cpu.throttled", "docker.memory.high", "docker.pids.high", "kubernetes.cpu.throttled"})
"""Findings about a container that explain why what runs in it is slow."""
HARMLESS = frozenset(
    {
        "docker.container.drifted",
        "docker.layer.large",
        "docker.log.large",
        "http.metrics.broken",
        "http.process.restarted",
        "http.tls.expiring",
        "kafka.topic.unreplicated",
        "kafka.traffic.none",
        "kubernetes.hpa.blind",
        "kubernetes.pdb.blocked",
        "kubernetes.quota.full",
        "postgresql.prepared.old",
        "postgresql.server.restarted",
        "postgresql.slot.inactive",
        "postgresql.tables.dead_rows",
        "redis.hits.low",
        "redis.keys.big",
        "redis.memory.fragmented",
        "redis.memory.unlimited",
    }
)
"""Warnings that hurt nobody yet: they are the reason of nothing else."""


def is_down(finding: Finding) -> bool:
    """Whether it means that a service or its container serves nobody."""
    if finding.state != CRITICAL:
        return False
    return finding.id in CONTAINER_DOWN or finding.id.startswith(OUT_OF_SERVICE)


def is_no_way(finding: Finding) -> bool:
    """Whether nothing was heard of it at all, as where the network is gone."""
    return finding.state == CRITICAL and finding.id != DAEMON and finding.details.get("kind") in NO_WAY


def lacking_on_host(finding: Finding) -> str:
    """disk or memory for a container that the kernel killed at no limit of its own, or that could not be started for
    want of it; empty for all else."""
    if finding.details.get("scope") != "host":
        return ""
    if finding.id == "docker.memory.oom_killed":
        return "memory"
    return str(finding.details.get("resource") or "") if finding.id == "docker.container.start_failed" else ""


def alone(finding: Finding) -> bool:
    """As decide.stands_alone, but a host that ran out of something explains what died of that."""
    return stands_alone(finding) and not lacking_on_host(finding)


def explains(cause: Finding, effect: Finding) -> bool:
    """Whether a failure below can be the reason of one above it.

    What hurts nobody yet is the reason of nothing. A disk that fills up, a warning, is not why something is down: that
    takes something critical. What died of the host's memory or disk did so for nothing else.
    """
    if cause.id in HARMLESS or (cause.state == WARNING and cause.id in {*FULL_DISK, MEMORY}):
        return False
    lacking = lacking_on_host(effect)
    if lacking:
        return cause.id in (HOST_RESOURCES, DAEMON, DISK if lacking == "disk" else MEMORY)
    if cause.state == WARNING and is_down(effect):
        return effect.id.startswith(("http.health.", "http.response."))
    return True
