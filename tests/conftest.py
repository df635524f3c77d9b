"""Makes the collection importable under its own name, with or without Ansible, in any pytest of this checkout."""

from __future__ import annotations

import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
COLLECTIONS = ROOT / ".build" / "collections"


def _link_collection() -> None:
    """What tools/setup does too; here so that a bare `pytest tests/unit` needs no set-up."""
    link = COLLECTIONS / "ansible_collections" / "incident" / "response"
    if not link.exists():
        link.parent.mkdir(parents=True, exist_ok=True)
        link.symlink_to("../../../..", target_is_directory=True)


_link_collection()
for path in (COLLECTIONS, ROOT, ROOT / "tools"):
    # The checkout's own lab/ and tools, and the collection as ansible_collections.incident.response.
    if str(path) not in sys.path:
        sys.path.insert(0, str(path))
