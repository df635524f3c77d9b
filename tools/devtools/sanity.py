"""ansible-test sanity on what an installation would get: python3 -m devtools.sanity VENV

ansible-test makes an environment for each of its tests under HOME; here HOME is a directory of the build, where a
stand-in for get-pip.py waits, so that only the package index is asked. No test is skipped.
"""

from __future__ import annotations

import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

from .paths import ROOT, SANITY

HOME = SANITY / "home"
PIP_CONFIGURATIONS = (".config/pip/pip.conf", ".pip/pip.conf")


def installed_copy(venv: Path) -> Path:
    """Install the checkout into a directory of its own: the files that build_ignore leaves, and no others."""
    collections = SANITY / venv.name
    shutil.rmtree(collections, ignore_errors=True)
    subprocess.run(
        [str(venv / "bin" / "ansible-galaxy"), "collection", "install", "--force", ".", "-p", str(collections)],
        cwd=ROOT,
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(collections)},
        check=True,
    )
    copy = collections / "ansible_collections" / "incident" / "response"
    # ansible-test leaves out what git ignores, and the checkout ignores .build: the copy is a repository of its own.
    subprocess.run(["git", "init", "--quiet", str(copy)], check=True)
    return copy


def offer_get_pip(venv: Path) -> None:
    """Put the stand-in where this ansible-test looks for the get-pip.py of the version that it wants."""
    source = next(venv.glob("lib/python3*/site-packages/ansible_test/_internal/python_requirements.py"))
    cache = HOME / ".ansible" / "test" / "cache"
    cache.mkdir(parents=True, exist_ok=True)
    for version in re.findall(r"pip='([0-9.]+)'", source.read_text()):
        shutil.copyfile(Path(__file__).with_name("get_pip.py"), cache / f"get_pip_{version.replace('.', '_')}.py")


def environment(venv: Path) -> dict[str, str]:
    mine = {**os.environ, "HOME": str(HOME), "PATH": f"{venv / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"}
    for name in PIP_CONFIGURATIONS:
        # Another HOME must not hide the package index that the user set.
        if (Path.home() / name).is_file():
            mine.setdefault("PIP_CONFIG_FILE", str(Path.home() / name))
    return mine


def python_version(venv: Path) -> str:
    return next(venv.glob("lib/python3*")).name[len("python") :]


def main() -> int:
    venv = Path(sys.argv[1]).resolve()
    copy = installed_copy(venv)
    offer_get_pip(venv)
    command = [str(venv / "bin" / "ansible-test"), "sanity", "--color", "no", "--python", python_version(venv)]
    return subprocess.run(command, cwd=copy, env=environment(venv), check=False).returncode


if __name__ == "__main__":
    sys.exit(main())
