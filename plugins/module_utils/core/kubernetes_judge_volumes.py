# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Findings about volumes that are asked for and not there. Pure."""

from __future__ import annotations

import re

from .kubernetes_evidence import events
from .kubernetes_settings import look
from .kubernetes_snapshot import Claim, Key, Pod
from .kubernetes_world import Book, World

CAUSES = (
    (r"storageclass.*not found", "its storage class does not exist"),
    (r"no persistent volumes available", "no volume fits it, and it names no storage class that makes one"),
    (r"waiting for a volume to be created", "the provisioner of its storage class does not answer"),
    (r"exceeded quota|no space|insufficient", "the storage has nothing left"),
)


def judge_volumes(book: Book, world: World) -> None:
    """A claim that nobody waits for is not judged: some classes make a volume only for its first pod."""
    waiting: dict[Key, list[Pod]] = {}
    for pods in world.pods.values():
        for pod in pods:
            for name in pod.claims if pod.phase == "Pending" and not pod.deleting else ():
                waiting.setdefault(Key("PersistentVolumeClaim", pod.namespace, name), []).append(pod)
    for key in sorted(world.snapshot.claims):
        claim = world.snapshot.claims[key]
        failed = any(event.reason == "ProvisioningFailed" for event in world.recent(key))
        wanted = key in waiting or (failed and world.settings.names is None)
        if claim.phase in ("Pending", "Lost") and wanted:
            _judge(book, claim, waiting.get(key, []), world)


def _judge(book: Book, claim: Claim, pods: list[Pod], world: World) -> None:
    key = claim.key
    age = world.ago(claim.created)
    lost = claim.phase == "Lost"
    level = "critical" if lost else world.settings.level("volume_seconds", age if age is not None else 1e9)
    if not level:
        return
    said = " ".join(event.message for event in world.recent(key))
    users = sorted({world.key_of(pod) for pod in pods})
    down = any(not world.ready(user) for user in users)
    subject = users[0] if users else key
    finding = world.settings.finding(
        "kubernetes.volume.pending",
        level,
        "P1" if down and level == "critical" else "P2",
        f"Volume claim {key.path} is {claim.phase.lower()}"
        + (f": {', '.join(map(str, users[:3]))} can't start without it" if users else ""),
        key=subject,
        subject=str(key),
        observed={"phase": claim.phase, "storage_class": claim.storage_class},
        threshold=world.settings.pair("volume_seconds"),
        evidence=(
            f"phase {claim.phase}, storage class {claim.storage_class or 'the default'}",
            *events(world.events(key), world),
        ),
        causes=(
            *(text for pattern, text in CAUSES if re.search(pattern, said, re.I)),
            "no volume is bound to it: its events say why",
        ),
        remedies=(look("Read what the cluster says about it", "describe", key),),
        since=claim.created,
        details={"claim": key.path, "pods": [pod.name for pod in pods[:50]]},
    )
    book.add(finding, key, *users)
