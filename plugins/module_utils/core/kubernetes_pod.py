# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The one pod that state=deleted_pod is about: whether it is the one, and what makes a new one of it. Pure."""

from __future__ import annotations

import typing as t

from .kubernetes_plan import Change, Refused
from .kubernetes_target import Pod, Workload, part, rows

MIRROR = "kubernetes.io/config.mirror"
REPLACERS = ("ReplicaSet", "StatefulSet", "DaemonSet")


def check_pod(pod: Pod, identity: t.Mapping[str, t.Any] | None, namespace: str) -> None:
    """The same for the one pod of state=deleted_pod, whose identity is its uid."""
    meta, wanted = part(pod.raw, "metadata"), identity or {}
    pairs = (
        ("uid", str(wanted.get("uid") or ""), pod.uid),
        ("generation", wanted.get("generation"), meta.get("generation")),
        ("resource_version", str(wanted.get("resource_version") or ""), str(meta.get("resourceVersion") or "")),
    )
    wrong = [f"{name} was {seen}, is {now}" for name, seen, now in pairs if seen not in (None, "", now)]
    if not wrong:
        return
    what = "it was deleted and made anew" if wrong[0].startswith("uid") else "it or its status changed"
    raise Refused(
        f"pod {namespace}/{pod.name} is not the one that was seen: {'; '.join(wrong)} ({what}). Nothing was done; look"
        " again and plan anew"
    )


def delete_options(pod: Pod, dry_run: bool) -> dict[str, t.Any]:
    """Of this very pod, as it was looked at; any other is a conflict for the server."""
    version = str(part(pod.raw, "metadata").get("resourceVersion") or "")
    options = {
        "apiVersion": "v1",
        "kind": "DeleteOptions",
        "preconditions": {"uid": pod.uid, "resourceVersion": version},
    }
    return {**options, "dryRun": ["All"]} if dry_run else options


def delete(pod: Pod, workload: Workload) -> Change:
    return Change(
        f"delete pod {workload.namespace}/{pod.name}, which {workload.kind} {workload.name} replaces", pod=pod
    )


def owner_of(pod: Pod, namespace: str) -> tuple[str, str]:
    """Kind and name of what replaces a pod. Raises Refused where nothing does."""
    said = f"pod {namespace}/{pod.name}"
    if MIRROR in part(pod.raw, "metadata", "annotations"):
        raise Refused(f"{said} is a static pod: its kubelet makes it from a file of node {pod.node}. Restart it there")
    for row in rows(pod.raw, "metadata", "ownerReferences"):
        kind, name = str(row.get("kind") or ""), str(row.get("name") or "")
        if not row.get("controller"):
            continue
        if kind == "Job":
            raise Refused(f"{said} belongs to Job {name}, which counts a deleted pod as a failed try: delete the Job")
        if kind not in REPLACERS:
            raise Refused(f"{said} belongs to {kind} {name}, and whether that replaces it is not known here")
        return kind, name
    raise Refused(
        f"{said} belongs to nothing that would replace it: deleted, it is gone. Delete it by hand if that is"
        " what is wanted"
    )
