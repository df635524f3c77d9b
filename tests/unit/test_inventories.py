# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The inventories of this checkout: what people copy says only what something reads."""

from __future__ import annotations

import typing as t
from pathlib import Path

import pytest
import yaml
from ansible.inventory.manager import InventoryManager
from ansible.parsing.dataloader import DataLoader
from ansible.vars.manager import VariableManager
from ansible_collections.incident.response.plugins.module_utils.core.scenarios.registry import SCENARIOS
from ansible_collections.incident.response.plugins.module_utils.core.scope import Runtime
from ansible_collections.incident.response.plugins.plugin_utils import check_runner

ROOT = Path(__file__).resolve().parents[2]
BESIDE = {"lab_kubernetes": ["lab"]}
"""Inventories that are given after others, whose hosts they name."""
PREFIXES = tuple(f"{group}_" for group in check_runner.GROUPS.values())


Inventory = dict[str, dict[str, t.Any]]
"""Host -> its variables, not templated."""


@pytest.fixture(params=sorted(path.name for path in (ROOT / "inventory").iterdir()))
def inventory(request: pytest.FixtureRequest) -> Inventory:
    names = [*BESIDE.get(request.param, []), request.param]
    loader = DataLoader()
    manager = InventoryManager(loader, sources=[str(ROOT / "inventory" / name) for name in names])
    variables = VariableManager(loader, manager)
    return {host.name: variables.get_vars(host=host, include_hostvars=False) for host in manager.get_hosts()}


def read_by_something() -> set[str]:
    options = {
        f"{group}_{option}"
        for check, group in check_runner.GROUPS.items()
        for option in check_runner.load(check).spec.options
    }
    scenarios = {name for scenario in SCENARIOS.values() for name in scenario.target_vars}
    specs = [yaml.safe_load(path.read_text()) for path in ROOT.glob("roles/*/meta/argument_specs.yml")]
    roles = {name for spec in specs for entry in spec["argument_specs"].values() for name in entry.get("options", {})}
    return options | scenarios | roles


def test_a_variable_with_the_prefix_of_a_check_is_one_that_something_reads(inventory: Inventory) -> None:
    """What is misspelt here would be copied, and have no effect."""
    known = read_by_something()
    given = {(host, name) for host, found in inventory.items() for name in found if name.startswith(PREFIXES)}
    assert given
    assert sorted((host, name) for host, name in given if name not in known) == []


def test_what_a_target_names_is_in_the_inventory(inventory: Inventory) -> None:
    for host, found in inventory.items():
        assert set(found.get("depends_on", ())) <= set(inventory), host
        if "runtime" in found:
            assert Runtime.from_vars(host, found["runtime"]).host in inventory, host
        consumers = found.get("kafka_consumers", {})
        if isinstance(consumers, dict):
            assert set(consumers.values()) <= set(inventory), host
