# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A misspelt variable is told; a variable of somebody else is not."""

from __future__ import annotations

import pytest
from ansible_collections.incident.response.plugins.module_utils.core.scenarios.registry import SCENARIOS
from ansible_collections.incident.response.plugins.plugin_utils import check_runner


def told(check: str, *names: str) -> dict[str, str]:
    return check_runner.misspelt_of(check, names)


@pytest.mark.parametrize(
    ("check", "name", "meant"),
    [
        ("kafka_health_info", "kafka_bootstrap_server", "kafka_bootstrap_servers"),
        ("kafka_health_info", "kafka_threshold", "kafka_thresholds"),
        ("redis_health_info", "redis_pasword", "redis_password"),
        ("http_health_info", "http_heath_url", "http_health_url"),
        ("postgresql_health_info", "postgresql_data_base", "postgresql_database"),
        ("kubernetes_health_info", "kubernetes_kube_config", "kubernetes_kubeconfig"),
    ],
)
def test_what_was_meant_is_named(check: str, name: str, meant: str) -> None:
    assert told(check, name) == {name: meant}


@pytest.mark.parametrize("check", sorted(check_runner.GROUPS))
def test_options_and_what_scenarios_read_are_not_accused(check: str) -> None:
    options = [f"{check_runner.GROUPS[check]}_{option}" for option in check_runner.load(check).spec.options]
    assert told(check, *options, *(name for scenario in SCENARIOS.values() for name in scenario.target_vars)) == {}


def test_variables_of_other_roles_are_not_accused() -> None:
    assert (
        told("redis_health_info", "redis_version", "redis_packages", "redis_conf_path", "http_port", "password") == {}
    )
    assert told("postgresql_health_info", "postgresql_version", "postgresql_databases_to_back_up") == {}
