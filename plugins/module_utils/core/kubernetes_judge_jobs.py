# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings about Jobs that failed and CronJobs that did not run. Pure."""

from __future__ import annotations

import collections

from .kubernetes_cron import last_due
from .kubernetes_evidence import events
from .kubernetes_settings import look
from .kubernetes_snapshot import CronJob, Job, Key
from .kubernetes_world import Book, World
from .quantities import span


def judge_jobs(book: Book, world: World) -> None:
    """The newest Job of a CronJob counts: what came right after it has nothing to say any more."""
    by_owner: dict[Key, list[Job]] = collections.defaultdict(list)
    for job in world.snapshot.jobs.values():
        by_owner[job.owner or job.key].append(job)
    for owner in sorted(by_owner):
        if not world.settings.wants(owner):
            continue
        ended = [job for job in by_owner[owner] if job.done or job.failed.true]
        newest = max(ended, key=lambda job: job.created or 0, default=None)
        if newest is not None and newest.failed.true and not newest.suspended:
            _failed(book, owner, newest, world)
    for cronjob in world.snapshot.cronjobs:
        if world.settings.wants(cronjob.key) and not cronjob.suspended:
            _late(book, cronjob, world)


def _failed(book: Book, owner: Key, job: Job, world: World) -> None:
    age = world.ago(job.failed.since)
    if age is not None and age > world.settings.job_window:
        return
    pods = [pod for pod in world.pods.get(job.key, ()) if not pod.deleting]
    ends = [
        f"pod {pod.name}, container {container.name}: exit code {end.exit_code} ({end.reason}) {end.message[:200]}"
        for pod in pods[:5]
        for container in pod.containers
        if (end := container.latest_end) is not None and end.exit_code != 0
    ]
    late = job.failed.reason == "DeadlineExceeded"
    logs = [log for pod in pods for (_ns, name, _c), log in world.snapshot.logs.items() if name == pod.name]
    lines = [f"log: {entry['text'][:300]}" for log in logs[:1] for entry in log.entries[-5:]]
    finding = world.settings.finding(
        "kubernetes.job.failed",
        "critical",
        "P3",
        f"{job.key} failed" + (f" {span(age)} ago" if age is not None else "") + f": {job.failed.reason}",
        key=owner,
        subject=str(job.key),
        observed={"failed_pods": job.failures, "reason": job.failed.reason},
        evidence=(f"{job.failed.reason}: {job.failed.message}", *ends, *events(world.events(job.key), world), *lines),
        causes=(
            "it took longer than its activeDeadlineSeconds" if late else "its pods ended with an error: see their ends",
        ),
        remedies=(
            look("Read what the cluster says about it", "describe", job.key),
            look("Read the log of its pods", "logs", job.key, "--all-containers --tail=100"),
        ),
        since=job.failed.since,
        details={"job": job.key.path, "pods": [pod.name for pod in pods[:50]]},
    )
    book.add(finding, owner, job.key)


def _late(book: Book, cronjob: CronJob, world: World) -> None:
    """It was due, and no Job was made. What was due before it existed does not count."""
    due = last_due(cronjob.schedule, cronjob.zone, world.now)
    begun = cronjob.created or 0 if cronjob.last is None else cronjob.last
    if due is None or due <= begun + 60:
        return
    first = _missed_since(cronjob, due, begun)
    level = world.settings.level("late_seconds", world.now - first)
    if not level:
        return
    busy = cronjob.policy == "Forbid" and cronjob.active
    finding = world.settings.finding(
        "kubernetes.cronjob.late",
        level,
        "P3",
        f"{cronjob.key} was due {span(world.now - first)} ago and did not run",
        key=cronjob.key,
        observed={"due": first, "last": cronjob.last, "active": cronjob.active},
        threshold=world.settings.pair("late_seconds"),
        evidence=(
            f"schedule {cronjob.schedule} {cronjob.zone or 'UTC'}, {cronjob.active} active, policy {cronjob.policy}",
            *events(world.events(cronjob.key), world),
        ),
        causes=(
            "an earlier run still goes on, and its policy forbids a second one"
            if busy
            else "the controller manager does not make its Jobs: down, or the start was missed by too much",
        ),
        remedies=(look("Read what the cluster says about it", "describe", cronjob.key),),
        since=first,
    )
    book.add(finding, cronjob.key)


def _missed_since(cronjob: CronJob, due: float, begun: float) -> float:
    """The earliest of a few times at which it was due and did not run."""
    for _turn in range(200):
        before = last_due(cronjob.schedule, cronjob.zone, due - 1)
        if before is None or before <= begun + 60:
            break
        due = before
    return due
