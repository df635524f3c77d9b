# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Is a container still what its image's name and its Compose file say? Pure; the engine alone can't read the file."""

from __future__ import annotations

import typing as t

from .docker_settings import Case
from .docker_snapshot import Container
from .findings import WARNING, Finding, Remedy


def _bare(identifier: str) -> str:
    return identifier.rpartition(":")[2].lower()


def _image_drift(container: Container) -> str:
    """Why its image is another one than it should be, or nothing. A name that is gone says nothing by itself."""
    own = _bare(container.image_id)
    if not own:
        return ""
    if container.tag_image:
        now = _bare(container.tag_image)
        return "" if now == own else f"{container.image} is image {now[:12]} by now, and it runs {own[:12]}"
    made_from = _bare(container.compose_image)
    if made_from and made_from != own:
        return f"Compose made it from image {made_from[:12]}, and it runs {own[:12]}"
    return ""


def newest_of(group: t.Iterable[Container]) -> Container | None:
    """The container of a service that was made last: the others should be like it. One-off ones are like none."""
    return max((one for one in group if not one.oneoff), key=lambda one: one.created or 0.0, default=None)


def _config_drift(case: Case) -> str:
    container = case.container
    expected = case.settings.hashes.get(case.service, "")
    if expected:
        if container.config_hash == expected:
            return ""
        has = container.config_hash[:12] or "no"
        return f"the Compose file's hash is {expected[:12]}, and it was made with {has}"
    if not container.service or not container.config_hash:
        return ""
    newest = case.newest
    if newest is None or container.oneoff or newest.config_hash in ("", container.config_hash):
        return ""
    return f"{newest.name}, made later, has the hash {newest.config_hash[:12]}, and it has {container.config_hash[:12]}"


def drifted(case: Case) -> Finding | None:
    container = case.container
    image, config = _image_drift(container), _config_drift(case)
    if not image and not config:
        return None
    what = " and ".join(word for word, why in (("image", image), ("configuration", config)) if why)
    causes = []
    if image:
        causes.append("its image was built or pulled anew, and the container was not made anew")
    if config:
        causes.append("the Compose file was changed, and the container was not made anew")
    return case.finding(
        "docker.container.drifted",
        WARNING,
        "P4",
        f"Container {container.name} runs with another {what} than it would be made with today",
        observed={"image_id": container.image_id, "config_hash": container.config_hash},
        threshold={
            "image_id": container.tag_image or container.compose_image or None,
            "config_hash": case.settings.hashes.get(case.service) or (case.newest.config_hash if case.newest else None),
        },
        evidence=tuple(why for why in (image, config) if why),
        causes=tuple(causes),
        remedies=(
            Remedy("See what Compose would change", "none", case.compose("up -d --dry-run")),
            Remedy("Make it anew; a restart alone changes nothing", "disruptive", case.compose("up -d")),
        ),
        details={"drift": [word for word, why in (("image", image), ("config", config)) if why]},
    )
