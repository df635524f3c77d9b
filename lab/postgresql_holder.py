"""A process that holds PostgreSQL sessions for a fault until it is killed: `python -m lab.postgresql_holder READY`.

What is wanted comes as JSON on its standard input. It writes the backends' pids to READY once all of them do that.
"""

from __future__ import annotations

import json
import sys
import threading
import time
from pathlib import Path
from typing import Any

import psycopg2
import psycopg2.extras

PAUSE = 0.3
Group = dict[str, Any]


def connect(base: Group, group: Group, name: str) -> Any:
    arguments = {**base, **group.get("login", {}), "application_name": name, "connect_timeout": 10}
    if group["kind"] == "walsender":
        arguments["connection_factory"] = psycopg2.extras.PhysicalReplicationConnection
    return psycopg2.connect(**arguments)


def run(link: Any, statements: list[str]) -> None:
    with link.cursor() as cursor:
        for statement in statements:
            cursor.execute(statement)


def idle(base: Group, group: Group, name: str) -> Any:
    """Runs its statements, then does nothing; inside a transaction where that is wanted."""
    link = connect(base, group, name)
    link.autocommit = not group.get("transaction")
    run(link, group.get("statements") or ["SELECT 1"])
    return link


def walsender(base: Group, group: Group, name: str) -> Any:
    link = connect(base, group, name)
    run(link, ["IDENTIFY_SYSTEM"])
    return link


def running(base: Group, group: Group, name: str) -> Any:
    """Runs its first statements, and then hangs in the last one; what follows it is a commit."""
    link = connect(base, group, name)
    link.autocommit = not group.get("transaction")
    *first, last = group["statements"]
    run(link, first)

    def work() -> None:
        run(link, [last])
        link.commit()

    _background(work)
    return link


def busy(base: Group, group: Group, name: str) -> Any:
    """An old session that did something a moment ago, always."""
    link = connect(base, group, name)
    link.autocommit = True

    def work() -> None:
        while True:
            run(link, group.get("statements") or ["SELECT 1"])
            time.sleep(group.get("pause", PAUSE))

    _background(work)
    return link


def storm(base: Group, group: Group, name: str) -> None:
    def work() -> None:
        while True:
            connect(base, group, name).close()
            time.sleep(1.0 / group["rate"])

    _background(work)


def fill(base: Group, group: Group, name: str) -> list[Any]:
    """Idle sessions until the server has no slot for one more."""
    links = []
    try:
        while True:
            links.append(idle(base, group, name))
    except psycopg2.OperationalError:
        return links


def _background(work: Any) -> None:
    def quietly() -> None:
        try:
            work()
        except psycopg2.Error as error:
            print(f"a session ended: {error}", file=sys.stderr)

    threading.Thread(target=quietly, daemon=True).start()


KINDS = {"idle": idle, "walsender": walsender, "running": running, "busy": busy, "storm": storm, "fill": fill}


def main() -> None:
    ready, wanted = Path(sys.argv[1]), json.load(sys.stdin)
    held: dict[str, list[Any]] = {}
    for group in wanted["groups"]:
        for _number in range(group.get("count", 1)):
            found = KINDS[group["kind"]](wanted["base"], group, group["name"])
            held.setdefault(group["name"], []).extend(found if isinstance(found, list) else [found] if found else [])
            time.sleep(group.get("after", 0))
    pids = {name: [link.info.backend_pid for link in links] for name, links in held.items()}
    new = ready.with_suffix(".new")
    new.write_text(json.dumps(pids))
    new.replace(ready)
    threading.Event().wait()


if __name__ == "__main__":
    main()
