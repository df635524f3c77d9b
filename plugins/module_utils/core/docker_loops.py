# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Does a container crash and come back, again and again? A single look sees it running most of the time."""

from __future__ import annotations

import dataclasses
import typing as t

from .docker_deaths import Death, deaths
from .docker_snapshot import Container, DockerSnapshot

SETTLED = 60.0
"""Seconds that a container has to run before anybody believes it, and twice as long as it lived before."""


@dataclasses.dataclass(frozen=True)
class Loop:
    """restarts: how many within the window are proven, and by what. interval: seconds that a life lasted, if known."""

    restarts: int
    sources: tuple[str, ...]
    interval: float | None
    exit_codes: tuple[int, ...]


def find_loop(
    container: Container, snapshot: DockerSnapshot, history: t.Sequence[t.Mapping[str, t.Any]], window: float
) -> Loop | None:
    """The restarts of the window that nobody asked for; None where there are none, or it has settled since."""
    oldest = snapshot.now - window
    died = [death for death in deaths(snapshot.events, container.id) if death.at >= oldest]
    crashes = [death for death in died if not death.asked]
    proofs = {
        "restart count": _by_count(container, history, oldest),
        "events": _by_events(container, snapshot, crashes),
        "samples": _by_samples(container, history, oldest),
    }
    interval = _interval(container, [death.at for death in died])
    if interval is None and not container.restart_count:
        interval = _interval_before(container, history, oldest)
    restarting = container.status == "restarting"
    if not restarting and (not any(proofs.values()) or _settled(container, snapshot.now, interval, window)):
        return None
    codes = tuple(death.exit_code for death in crashes[-5:] if death.exit_code is not None)
    if not codes and restarting and container.exit_code is not None:
        codes = (container.exit_code,)
    most = max(proofs.values())
    sources = tuple(name for name, count in proofs.items() if count) + (("status restarting",) if restarting else ())
    return Loop(max(most, 1), sources, interval, codes)


SOON = 65.0
"""Seconds after a crash in which a restart policy brings a container back: its longest pause is 60."""
LOOPED = 3
"""Crashes, each with a restart soon after, that prove a loop though somebody has set RestartCount back since."""


def _by_events(container: Container, snapshot: DockerSnapshot, crashes: list[Death]) -> int:
    """Crashes of one that its policy has brought back. Where RestartCount is 0, somebody restarted it last: then the
    events alone have to show that the policy did so again and again before."""
    if container.status not in ("running", "restarting"):
        return 0
    if container.restart_count:
        return len(crashes)
    if container.restart_policy not in ("always", "unless-stopped", "on-failure"):
        return 0
    starts = [e.at for e in snapshot.events if e.container_id == container.id and e.action == "start"]
    back = [death for death in crashes if any(0 < at - death.at <= SOON for at in starts)]
    return len(back) if len(back) >= LOOPED else 0


def _by_count(container: Container, history: t.Sequence[t.Mapping[str, t.Any]], oldest: float) -> int:
    """Increases of RestartCount. It falls to 0 when somebody restarts the container: then the new value counts."""
    samples = sorted(
        (sample for sample in history if sample.get("container_id") == container.id), key=lambda sample: sample["at"]
    )
    before = [sample for sample in samples if sample["at"] < oldest]
    recent = [int(sample["restart_count"]) for sample in samples if sample["at"] >= oldest]
    counts = [*recent, container.restart_count]
    if before:
        counts.insert(0, int(before[-1]["restart_count"]))
    grown = _grown(counts)
    made_lately = container.created is not None and container.created >= oldest
    if made_lately and not container.restart_count:
        # Somebody restarted it last. What it had counted before is a loop only where it is many.
        since_made = _grown([0, *counts])
        return since_made if since_made >= LOOPED else grown
    if before or not container.restart_count:
        return grown
    if made_lately:
        return max(grown, container.restart_count)
    return max(grown, int(container.started is not None and container.started >= oldest))


def _grown(counts: list[int]) -> int:
    """The sum of all increases."""
    return sum(later - earlier if later >= earlier else later for earlier, later in zip(counts, counts[1:]))


def _by_samples(container: Container, history: t.Sequence[t.Mapping[str, t.Any]], oldest: float) -> int:
    """Restarts by policy between samples, even where the count was set back each time: lives that a policy began."""
    lives = {
        str(sample.get("started_at"))
        for sample in history
        if sample["at"] >= oldest and sample.get("container_id") == container.id and int(sample["restart_count"]) > 0
    }
    lives.discard(container.started_at)
    return len(lives)


def _interval(container: Container, died: t.Sequence[float]) -> float | None:
    """Seconds between two deaths; without events the average since the container was made, if that was just now."""
    gaps = [later - earlier for earlier, later in zip(died, died[1:])]
    if gaps:
        return max(gaps)
    # Between two lives the count has grown already, and the start is still that of the life before.
    last = container.finished if container.status == "restarting" else container.started
    if container.restart_count and container.created is not None and last is not None:
        return (last - container.created) / container.restart_count
    return None


def _interval_before(container: Container, history: t.Sequence[t.Mapping[str, t.Any]], oldest: float) -> float | None:
    """The average before somebody set the count back, of a container that was made within the window."""
    created = container.created
    if created is None or created < oldest:
        return None
    lives = [(int(sample["restart_count"]), float(sample["at"])) for sample in history if sample["at"] > created]
    count, at = max(lives, default=(0, 0.0))
    return (at - created) / count if count else None


def _settled(container: Container, now: float, interval: float | None, window: float) -> bool:
    if container.started is None:
        return False
    wait = window if interval is None else max(SETTLED, 2 * interval)
    return now - container.started >= min(wait, window)
