"""Arrows point one way, and nothing grows beyond what one reads at a glance.

modules -> checks, module -> clients -> core; action, callback, filter -> plugin_utils -> core.
"""

from __future__ import annotations

import ast
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
PLUGINS = ROOT / "plugins"
OWN_NAME = "ansible_collections.incident.response.plugins."

# Layer -> the layers of this collection that it may import, itself included.
CORE = "module_utils/core"
CLIENTS = "module_utils/clients"
MODULE = "module_utils/module"
CHECKS = "module_utils/checks"
ARROWS = {
    CORE: {CORE},
    CLIENTS: {CORE, CLIENTS},
    MODULE: {CORE, MODULE},
    CHECKS: {CORE, CLIENTS, MODULE, CHECKS},
    "modules": {CORE, CLIENTS, MODULE, CHECKS},
    "plugin_utils": {CORE, MODULE, CHECKS, "plugin_utils"},
    "action": {CORE, MODULE, "plugin_utils"},
    "callback": {CORE, "plugin_utils"},
    "filter": {CORE, "plugin_utils"},
    "test": {CORE, "plugin_utils"},
    "doc_fragments": set(),
}
MAY_IMPORT_ANSIBLE = {MODULE, "modules", "plugin_utils", "action", "callback", "filter", "test"}
"""Clients and checks take values and raise their own errors; only the glue knows Ansible."""

WORLD = (
    "http.",
    "os.",
    "pathlib.",
    "random.",
    "shutil.",
    "socket.",
    "subprocess.",
    "tempfile.",
    "time.",
    "urllib.request.",
)
"""Parts of the standard library that reach out."""

LONGEST_FUNCTION = 60
LONGEST_FILE = 400

FILES = sorted(PLUGINS.rglob("*.py"))
SIZED = [*FILES, *sorted((ROOT / "lab").rglob("*.py")), *sorted((ROOT / "tools").rglob("*.py"))]


def name(path: Path) -> str:
    return str(path.relative_to(ROOT))


def layer(path: Path) -> str:
    parts = path.relative_to(PLUGINS).parts
    return "/".join(parts[:2]) if parts[0] == "module_utils" else parts[0]


def imported(path: Path) -> Iterator[str]:
    """Absolute dotted names of what a file imports, wherever in the file."""
    package = OWN_NAME + ".".join(path.relative_to(PLUGINS).parent.parts)
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            yield from (alias.name for alias in node.names)
        elif isinstance(node, ast.ImportFrom):
            base = ".".join(package.split(".")[: len(package.split(".")) - node.level + 1]) if node.level else ""
            stem = ".".join(part for part in (base, node.module) if part)
            # `from ..core import gate` names a module only with what follows.
            yield from (f"{stem}.{alias.name}" for alias in node.names)


def layer_of_import(dotted: str) -> str:
    parts = dotted[len(OWN_NAME) :].split(".")
    return "/".join(parts[:2]) if parts[0] == "module_utils" else parts[0]


@pytest.mark.parametrize("path", FILES, ids=name)
def test_arrows_point_one_way(path: Path) -> None:
    allowed = ARROWS[layer(path)]
    own = {dotted for dotted in imported(path) if dotted.startswith(OWN_NAME)}
    wrong = sorted(dotted for dotted in own if layer_of_import(dotted) not in allowed)
    assert not wrong, f"{layer(path)} may import only {', '.join(sorted(allowed))}"


@pytest.mark.parametrize("path", [path for path in FILES if layer(path) == CORE], ids=name)
def test_core_is_pure(path: Path) -> None:
    foreign = {dotted for dotted in imported(path) if not dotted.startswith(OWN_NAME)}
    unknown = {dotted.split(".")[0] for dotted in foreign} - set(sys.stdlib_module_names)
    assert not unknown, "core imports the standard library and core, nothing else"
    world = sorted(dotted for dotted in foreign if f"{dotted}.".startswith(WORLD))
    assert not world, "core has no I/O, no clock and no environment: values come in as arguments"


@pytest.mark.parametrize("path", FILES, ids=name)
def test_only_glue_knows_ansible(path: Path) -> None:
    if layer(path) not in MAY_IMPORT_ANSIBLE:
        assert "ansible" not in {dotted.split(".")[0] for dotted in imported(path)}


def test_every_layer_has_files() -> None:
    """The tests above would pass on an empty list."""
    assert {CORE, CLIENTS, MODULE, CHECKS, "modules", "action", "plugin_utils"} <= {layer(path) for path in FILES}


@pytest.mark.parametrize("path", SIZED, ids=name)
def test_functions_are_short(path: Path) -> None:
    long = {
        node.name: length
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef))
        and (length := (node.end_lineno or 0) - node.lineno + 1) > LONGEST_FUNCTION
    }
    assert not long, f"a function has {LONGEST_FUNCTION} lines at most"


@pytest.mark.parametrize("path", [path for path in FILES if layer(path).startswith("module_utils/")], ids=name)
def test_files_are_short(path: Path) -> None:
    assert len(path.read_text().splitlines()) <= LONGEST_FILE
