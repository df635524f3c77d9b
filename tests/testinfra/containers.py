"""Write down when each container of a lab was started: containers.py FILE PROJECT"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path


def started(project: str) -> dict[str, str]:
    """Service -> container id and time of its last start, as Docker itself says it."""
    ids = docker("ps", "--all", "--quiet", "--filter", f"label=com.docker.compose.project={project}").split()
    found = json.loads(docker("inspect", *ids)) if ids else []
    return {
        item["Config"]["Labels"]["com.docker.compose.service"]: f"{item['Id'][:12]} {item['State']['StartedAt']}"
        for item in found
    }


def docker(*arguments: str) -> str:
    return subprocess.run(["docker", *arguments], capture_output=True, text=True, check=True).stdout


if __name__ == "__main__":
    Path(sys.argv[1]).write_text(json.dumps(started(sys.argv[2]), indent=2))
