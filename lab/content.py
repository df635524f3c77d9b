"""What names a thing by its content: what did not change is not made again."""

from __future__ import annotations

import hashlib
import os
from collections.abc import Iterable
from pathlib import Path


def content_hash(roots: Iterable[Path], *salt: str) -> str:
    """Twelve digits that change with any file's name, mode or content under `roots`, and with `salt`."""
    digest = hashlib.sha256()
    for text in salt:
        digest.update(f"{text}\0".encode())
    for root in roots:
        for path in sorted(path for path in root.rglob("*") if path.is_file()):
            mode = "x" if os.access(path, os.X_OK) else "-"
            digest.update(f"{path.relative_to(root).as_posix()}\0{mode}\0".encode())
            digest.update(hashlib.sha256(path.read_bytes()).digest())
    return digest.hexdigest()[:12]
