"""The content hash: it changes with what goes into an image, and with nothing else."""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import pytest

from lab import config, images


@pytest.fixture
def context(tmp_path: Path) -> Path:
    (tmp_path / "context" / "bin").mkdir(parents=True)
    (tmp_path / "context" / "Dockerfile").write_text("ARG BASE\n")
    (tmp_path / "context" / "bin" / "start").write_text("#!/bin/bash\n")
    return tmp_path / "context"


def test_the_same_content_has_the_same_hash(context: Path, tmp_path: Path) -> None:
    before = images.content_hash([context], "base")
    os.utime(context / "Dockerfile", (1, 1))
    moved = context.rename(tmp_path / "elsewhere")
    assert images.content_hash([moved], "base") == before


def _rename(context: Path) -> None:
    (context / "bin" / "start").rename(context / "bin" / "begin")


CHANGES: dict[str, Callable[[Path], object]] = {
    "content": lambda context: (context / "Dockerfile").write_text("ARG BASE\nFROM $BASE\n"),
    "name": _rename,
    "mode": lambda context: (context / "bin" / "start").chmod(0o755),
    "new file": lambda context: (context / "new").write_text(""),
    "gone": lambda context: (context / "Dockerfile").unlink(),
}


@pytest.mark.parametrize("change", CHANGES.values(), ids=CHANGES)
def test_a_change_changes_the_hash(context: Path, change: Callable[[Path], object]) -> None:
    before = images.content_hash([context], "base")
    change(context)
    assert images.content_hash([context], "base") != before


def test_the_base_is_part_of_every_tag(tmp_path: Path) -> None:
    env = {"LAB_STATE_DIR": str(tmp_path), "LAB_CACHE_DIR": str(tmp_path)}
    own = images.tags(config.load(env))
    pulled = images.tags(config.load({**env, "LAB_BASE_IMAGE": "debian:bookworm-slim"}))
    assert set(own) == {"services", "kafka", "postgres", "monitoring", "redis"}
    assert not set(own.values()) & set(pulled.values())


def test_kubernetes_is_built_only_where_it_is_wanted(tmp_path: Path) -> None:
    env = {"LAB_STATE_DIR": str(tmp_path), "LAB_CACHE_DIR": str(tmp_path)}
    plain, wanted = images.tags(config.load(env)), images.tags(config.load(env, profiles=("kubernetes",)))
    assert {name: tag for name, tag in wanted.items() if name != "kubernetes"} == plain
    assert wanted["kubernetes"].startswith("incident-lab/kubernetes:")
