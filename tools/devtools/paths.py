"""Where things are in this checkout."""

from __future__ import annotations

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
BUILD = ROOT / ".build"
LOGS = BUILD / "logs"
VENV = BUILD / "venv"
"""The newest ansible-core, the lab's command and every tool."""
VENV_OLDEST = BUILD / "venv-oldest"
"""The oldest ansible-core that is supported, and what its tests need."""
COLLECTION_LINK = BUILD / "collections" / "ansible_collections" / "incident" / "response"
SANITY = BUILD / "sanity"


class Problem(Exception):
    """An error for people: what is wrong, and what to do about it. Shown without a traceback."""
