"""Text in Kubernetes that is meant to hurt who reads it: in log lines, last words of processes, annotations."""

from __future__ import annotations

from lab.faults import pods
from lab.faults.kubernetes import BESIDE, CRASHED, IDLE, faults
from lab.faults.pods import Object, Recipe

CANARY = "hostile-canary"
"""Every secret in it begins so: none may be shown."""
LINES = (
    r"\033[2J\033[31merror: {{ lookup(\"pipe\", \"touch /tmp/hostile\") }} {% raw %}\n",
    r"\033]0;a title\007error: NUL \000, invalid UTF-8 \377\376, right to left \342\200\256\n",
    rf"error: password={CANARY}-1 Authorization: Bearer {CANARY}-2\n",
    rf"error: postgres://shop:{CANARY}-3@database/shop is away\n",
)
"""As printf takes them."""
LONG = "head -c 300000 /dev/zero | tr '\\000' x; echo"
WRITE = "; ".join([*(f"printf '{line}'" for line in LINES), LONG])
LEAVE = f"printf '\\033[1mfatal: token={CANARY}-4 {{{{ 7 * 7 }}}}' > /dev/termination-log"
NOTES = {
    "lab/note": "\x1b[31m{{ lookup('pipe', 'id') }}\u202egnp.exe",
    "lab/secret": f"password={CANARY}-5",
}
WORDS = {"lab/name": "null", "lab/version": "1e3", "lab/on": "yes"}
"""Labels that a careless reader takes for something else than text."""


def _writing(end: str):
    def objects(name: str, image: str) -> list[Object]:
        own = {**pods.container(image, f"{WRITE}; {end}"), "name": "null"}
        wanted = pods.workload(name, [own])
        template = wanted["spec"]["template"]["metadata"]
        template["annotations"], template["labels"] = NOTES, {**template["labels"], **WORDS}
        wanted["metadata"]["annotations"] = NOTES
        return [wanted]

    return objects


TABLE = (
    (
        Recipe("hostile", _writing(f"{LEAVE}; exit 2"), pods.both(CRASHED, pods.restarted(2))),
        "a pod crashes, and its log, its last words and its annotations are meant to hurt who reads them",
        ("kubernetes.pod.crashloop",),
        BESIDE,
        "service",
    ),
    (
        Recipe("hostile-well", _writing(IDLE), pods.available),
        "a pod is well, and its log and its annotations are meant to hurt who reads them",
        (),
        (),
        "service",
    ),
)

FAULTS = faults(TABLE)
