"""What is shipped to a target has to run on the target's Python, which is older than the controller's."""

from __future__ import annotations

import ast
import contextlib
from pathlib import Path

import pytest

PLUGINS = Path(__file__).resolve().parents[2] / "plugins"
FLOOR = (3, 9)
SHIPPED = sorted([*(PLUGINS / "module_utils").rglob("*.py"), *(PLUGINS / "modules").glob("*.py")])
# In the standard library, but newer than the floor. Names of dataclass() are looked for in calls.
NEWER_MODULES = {"tomllib"}
NEWER_NAMES = {"enum": {"StrEnum"}, "datetime": {"UTC"}, "typing": {"Self", "assert_never", "TypeAlias", "ParamSpec"}}
NEWER_DATACLASS_OPTIONS = {"slots", "kw_only"}


def newer(tree: ast.AST) -> list[str]:
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and not node.level:
            found += [alias.name for alias in node.names if alias.name in NEWER_NAMES.get(node.module or "", ())]
        elif isinstance(node, ast.Import):
            found += [alias.name for alias in node.names if alias.name in NEWER_MODULES]
        elif isinstance(node, ast.Attribute) and isinstance(node.value, ast.Name):
            module = "typing" if node.value.id == "t" else node.value.id
            found += [node.attr] if node.attr in NEWER_NAMES.get(module, ()) else []
        elif isinstance(node, ast.Call) and getattr(node.func, "attr", getattr(node.func, "id", "")) == "dataclass":
            found += [keyword.arg for keyword in node.keywords if keyword.arg in NEWER_DATACLASS_OPTIONS]
        elif isinstance(node, ast.Call) and getattr(node.func, "id", "") == "zip":
            found += ["zip(strict=)" for keyword in node.keywords if keyword.arg == "strict"]
    return found


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_runs_on_the_floor(path: Path) -> None:
    tree = ast.parse(path.read_text(), feature_version=FLOOR)
    assert not newer(tree), f"not in Python {FLOOR[0]}.{FLOOR[1]}"


@pytest.mark.parametrize("path", SHIPPED, ids=lambda path: path.name)
def test_annotations_are_not_evaluated(path: Path) -> None:
    """X | None in an annotation is an error below 3.10 where it is evaluated."""
    tree = ast.parse(path.read_text())
    annotated = [node for node in ast.walk(tree) if isinstance(node, (ast.FunctionDef, ast.AnnAssign))]
    future = [node for node in ast.walk(tree) if isinstance(node, ast.ImportFrom) and node.module == "__future__"]
    assert future or not annotated


@pytest.mark.parametrize("code", ["match x:\n    case 1: pass", "import datetime\ndatetime.UTC"])
def test_would_notice(code: str) -> None:
    with contextlib.suppress(SyntaxError):
        assert newer(ast.parse(code, feature_version=FLOOR))
