# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Compiled files of the shared code are kept and used, also where Ansible's own loader imports the collection."""

from __future__ import annotations

import json
import os
import pathlib
import subprocess
import sys

import pytest
from ansible_collections.incident.response.plugins.plugin_utils import bytecode

ROOT = pathlib.Path(__file__).resolve().parents[2]
BY_ANSIBLE = """
import json, os, sys
from ansible.plugins.loader import action_loader, init_plugin_loader
init_plugin_loader([sys.argv[1]])
if action_loader.get("incident.response.incident_look", class_only=True) is None:
    sys.exit("the action plugin was not found")
ours = "ansible_collections.incident.response.plugins."
found = {n.removeprefix(ours): m.__spec__ for n, m in sys.modules.items() if n.startswith(ours)}
print(json.dumps({n: [type(spec.loader).__name__, spec.cached] for n, spec in found.items()}))
"""


@pytest.fixture(scope="module")
def imported() -> dict[str, list[str]]:
    """Shared module -> its loader and its compiled file, after Ansible's loader imported one of the action plugins."""
    environment = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
    done = subprocess.run(
        [sys.executable, "-c", BY_ANSIBLE, str(ROOT / ".build/collections")],
        env=environment, cwd=ROOT, capture_output=True, text=True, check=False, timeout=60,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    found = json.loads(done.stdout)
    return {name: found[name] for name in found if "utils." in name and not _is_package(name)}


def test_every_shared_file_that_is_imported_is_kept_compiled(imported: dict[str, list[str]]) -> None:
    assert len(imported) > 30
    kept = {name: cached for name, (loader, cached) in imported.items() if loader == "SourceFileLoader"}
    # The finder itself is imported before there is one.
    assert imported.keys() - kept.keys() == {"plugin_utils.bytecode"}
    assert all(pathlib.Path(cached).is_file() for cached in kept.values())


def _is_package(name: str) -> bool:
    return ROOT.joinpath("plugins", *name.split(".")).is_dir()


def test_it_finds_nothing_but_our_shared_files() -> None:
    finder = bytecode.Finder("ansible_collections.incident.response.plugins")
    for name in (
        "ansible_collections.incident.response.plugins.modules.docker_service",
        "ansible_collections.incident.response.plugins.module_utils.core",
        "ansible_collections.incident.response.plugins.module_utils.core.absent",
        "ansible_collections.incident.other.plugins.module_utils.core.plan",
        "json",
    ):
        assert finder.find_spec(name) is None, name
    spec = finder.find_spec("ansible_collections.incident.response.plugins.module_utils.core.plan")
    assert spec and spec.origin == str(ROOT / "plugins/module_utils/core/plan.py")
