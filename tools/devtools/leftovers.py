"""Say what `lab down` left behind, and fail where that is anything: python3 -m devtools.leftovers PROJECT..."""

from __future__ import annotations

import subprocess
import sys

KINDS = {
    "container": ["docker", "ps", "--all", "--format", "{{.Names}}"],
    "network": ["docker", "network", "ls", "--format", "{{.Name}}"],
    "volume": ["docker", "volume", "ls", "--format", "{{.Name}}"],
}


def left(project: str) -> list[str]:
    found = []
    for kind, command in KINDS.items():
        label = f"label=com.docker.compose.project={project}"
        done = subprocess.run([*command, "--filter", label], capture_output=True, text=True)
        if "Cannot connect to the Docker daemon" in done.stderr:
            # The lab stops an engine that it started itself: then nothing of it runs.
            return []
        if done.returncode:
            return [f"could not list: {done.stderr.strip()}"]
        found += [f"{kind} {name}" for name in done.stdout.split()]
    return found


def main() -> int:
    found = [thing for project in sys.argv[1:] for thing in left(project)]
    print("\n".join(found) or "nothing is left")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
