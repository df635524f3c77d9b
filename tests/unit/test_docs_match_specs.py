"""The same truth is written in several places, as Ansible wants it. Here each pair is compared.

DOCUMENTATION comes from ansible-doc, fragments merged. An argument spec is what a module or an action plugin hands to
Ansible when it starts.
"""

from __future__ import annotations

import importlib
import json
import os
import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

pytest.importorskip("ansible", reason="the documentation is read by ansible-doc")

import yaml
from ansible.module_utils import basic
from ansible_collections.incident.response.plugins.plugin_utils import check_runner

ROOT = Path(__file__).resolve().parents[2]
OWN_SETTINGS = {
    "ANSIBLE_CONFIG": str(ROOT / "ansible.cfg"),
    "ANSIBLE_COLLECTIONS_PATH": str(ROOT / ".build/collections"),
}
NAME = "incident.response"
PLUGINS = f"ansible_collections.{NAME}.plugins"
MODULES = sorted(path.stem for path in (ROOT / "plugins" / "modules").glob("*.py"))
ROLES = sorted(path.name for path in (ROOT / "roles").iterdir() if path.is_dir())
SYSTEMS = "alertmanager|docker|go|http|kafka|kubernetes|postgresql|prometheus|redis"
FINDING_ID = re.compile(rf"({SYSTEMS})(\.[a-z][a-z0-9_]*)+")
COMPARED = ("type", "default", "required", "choices", "elements")
IMPLIED = {"type": "str", "required": False}
RUNTIME = yaml.safe_load((ROOT / "meta" / "runtime.yml").read_text())


@pytest.fixture(scope="session")
def documentation() -> dict[str, Any]:
    names = [f"{NAME}.{module}" for module in MODULES]
    command = [str(Path(sys.executable).with_name("ansible-doc")), "--type", "module", "--json", *names]
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env={**os.environ, **OWN_SETTINGS})
    assert not done.returncode, done.stderr
    return json.loads(done.stdout)


class Captured(BaseException):
    """Carries what a module hands to AnsibleModule. No Exception, so that no module catches it."""


def spec_of_module(name: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any] | None:
    """The argument spec of a module that runs, None where a module only documents an action plugin."""
    module = importlib.import_module(f"{PLUGINS}.modules.{name}")
    if not hasattr(module, "main"):
        return None

    def capture(_self: basic.AnsibleModule, argument_spec: dict[str, Any], **_others: Any) -> None:
        raise Captured(argument_spec)

    monkeypatch.setattr(basic.AnsibleModule, "__init__", capture)
    with pytest.raises(Captured) as caught:
        module.main()
    return caught.value.args[0]


def spec_of(name: str, monkeypatch: pytest.MonkeyPatch) -> dict[str, Any]:
    spec = spec_of_module(name, monkeypatch)
    if spec is None:
        spec = importlib.import_module(f"{PLUGINS}.action.{name}").ActionModule.SPEC
    return spec


def facts(option: dict[str, Any]) -> dict[str, Any]:
    """What can be compared of an option, in one form for both sides."""
    found = {key: option[key] for key in COMPARED if option.get(key) is not None}
    found = {key: value for key, value in found.items() if IMPLIED.get(key) != value}
    if "default" in found and option.get("type") == "float":
        found["default"] = float(found["default"])
    if "choices" in found:
        found["choices"] = list(found["choices"])
    inner = option.get("suboptions") or option.get("options")
    if inner:
        found["suboptions"] = {name: facts(value) for name, value in inner.items()}
    return found


@pytest.mark.parametrize("name", MODULES)
def test_options_are_documented_as_they_are(name: str, documentation: dict, monkeypatch: pytest.MonkeyPatch) -> None:
    documented = {option: facts(value) for option, value in documentation[f"{NAME}.{name}"]["doc"]["options"].items()}
    assert documented == {option: facts(value) for option, value in spec_of(name, monkeypatch).items()}


@pytest.mark.parametrize("name", MODULES)
def test_examples_are_tasks_with_documented_options(name: str, documentation: dict) -> None:
    entry = documentation[f"{NAME}.{name}"]
    tasks = yaml.safe_load(entry["examples"])
    assert tasks, "at least one example"
    options = entry["doc"]["options"]
    used = [task[f"{NAME}.{name}"] or {} for task in flat(tasks) if f"{NAME}.{name}" in task]
    assert used, "an example uses the module itself, by its whole name"
    for arguments in used:
        assert not set(arguments) - set(options), "options that do not exist"


def flat(tasks: list[dict[str, Any]]) -> list[dict[str, Any]]:
    """Tasks, and the tasks of plays and blocks among them."""
    found = []
    for task in tasks:
        found.append(task)
        for inner in ("tasks", "pre_tasks", "block", "rescue", "always"):
            found += flat(task.get(inner) or [])
    return found


@pytest.mark.parametrize("name", MODULES)
def test_every_result_says_when_it_is_returned(name: str, documentation: dict) -> None:
    returned = documentation[f"{NAME}.{name}"]["return"]
    assert returned
    assert not [key for key, value in returned.items() if not value.get("returned") or not value.get("type")]


def finding_ids(system: str) -> set[str]:
    """Ids of findings of one system that stand as literals in the code that is pure."""
    import ast

    found = set()
    for path in (ROOT / "plugins" / "module_utils" / "core").rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text())):
            if isinstance(node, ast.Constant) and isinstance(node.value, str) and FINDING_ID.fullmatch(node.value):
                found.add(node.value)
    return {identifier for identifier in found if identifier.startswith(f"{system}.")}


@pytest.mark.parametrize("name", [name for name in MODULES if name.endswith("_health_info")])
def test_every_finding_is_documented(name: str, documentation: dict) -> None:
    text = json.dumps(documentation[f"{NAME}.{name}"])
    missing = sorted(
        identifier for identifier in finding_ids(name.removesuffix("_health_info")) if identifier not in text
    )
    assert not missing, "findings that the documentation of the module does not name"


def test_action_groups_are_complete() -> None:
    """Each module that connects to a system is in the group of that system, so that module_defaults reach it."""
    systems = {name.removesuffix("_health_info") for name in MODULES if name.endswith("_health_info")}
    expected = {system: [name for name in MODULES if name.split("_")[0] == system] for system in sorted(systems)}
    assert {group: sorted(names) for group, names in RUNTIME["action_groups"].items()} == expected


def test_every_check_has_an_action_that_runs_it_in_process_too() -> None:
    checks = [name for name in MODULES if name.endswith("_health_info")]
    assert checks == sorted(check_runner.CHECKS) == sorted(check_runner.GROUPS)
    for name in checks:
        action = importlib.import_module(f"ansible_collections.incident.response.plugins.action.{name}").ActionModule
        assert issubclass(action, check_runner.CheckAction)
        assert name == action.NAME


def role_file(role: str, name: str) -> dict[str, Any]:
    path = ROOT / "roles" / role / name
    return yaml.safe_load(path.read_text()) or {} if path.is_file() else {}


@pytest.mark.parametrize("role", ROLES)
def test_role_defaults_are_in_its_argument_specs(role: str) -> None:
    defaults = role_file(role, "defaults/main.yml")
    options = role_file(role, "meta/argument_specs.yml")["argument_specs"]["main"]["options"]
    assert not sorted(set(defaults) - set(options)), "defaults without an entry in meta/argument_specs.yml"
    assert {name: value["default"] for name, value in options.items() if "default" in value} == defaults
    assert not [name for name, value in options.items() if "type" not in value], "without a type it would be str"


@pytest.mark.parametrize("role", ROLES)
def test_role_has_the_prefix_of_its_name(role: str) -> None:
    wrong = [name for name in role_file(role, "defaults/main.yml") if not name.startswith(role)]
    assert not wrong
