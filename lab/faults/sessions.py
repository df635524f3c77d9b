"""Sessions of PostgreSQL that a fault holds, in a process of their own that outlives the command."""

from __future__ import annotations

from typing import Any

from lab import stack
from lab.errors import LabError
from lab.faults import acts, holders
from lab.faults.model import Lab
from lab.waiting import wait_until

SERVICE = "postgres"
HOLDER = "lab.postgresql_holder"
PREFIX = "lab-"
"""Application names of everything that is held begin so."""


def sql(lab: Lab, statement: str, database: str = "app") -> str:
    """As superuser, inside the container: it needs no password, and may use a reserved slot."""
    command = ["psql", "-X", "-U", "postgres", "-d", database, "-v", "ON_ERROR_STOP=1", "-Atqc", statement]
    status, output = lab.container(SERVICE).exec_run(command)
    text = output.decode(errors="replace").strip()
    if status != 0:
        raise LabError(f"PostgreSQL refuses a statement of the lab: {text}", "lab logs postgres")
    return text


def base(lab: Lab, service: str = SERVICE) -> dict[str, Any]:
    password = lab.config.names["LAB_APP_PASSWORD"]
    port = lab.config.ports[service]
    return {"host": "127.0.0.1", "port": port, "dbname": "app", "user": "app", "password": password}


def superuser(lab: Lab) -> dict[str, Any]:
    return {"user": "postgres", "password": lab.config.names["LAB_POSTGRES_PASSWORD"]}


def through_pgbouncer(lab: Lab, database: str = "app") -> dict[str, Any]:
    return {"port": lab.config.ports["pgbouncer"], "dbname": database}


def hold(lab: Lab, fault: str, groups: list[dict[str, Any]]) -> dict[str, list[int]]:
    """Start the holder; returns the backends' pids by name once all are there."""
    found: dict[str, list[int]] = holders.start(lab, fault, HOLDER, {"base": base(lab), "groups": groups})
    return found


def pids(lab: Lab, fault: str) -> dict[str, list[int]]:
    found: dict[str, list[int]] = holders.said(lab, fault)
    return found


def release(lab: Lab, fault: str) -> None:
    holders.end(lab, fault, HOLDER)


def await_gone(lab: Lab) -> None:
    """Until the server has noticed that the sessions are gone. One that waits for a lock notices late: it is ended."""

    def reason() -> str | None:
        sql(lab, f"SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE application_name LIKE '{PREFIX}%'")
        left = sql(lab, f"SELECT count(*) FROM pg_stat_activity WHERE application_name LIKE '{PREFIX}%'")
        return None if left == "0" else f"{left} are left"

    wait_until("the fault's sessions to be gone", reason, acts.CLEARS)


def await_idle(lab: Lab, seconds: float, least: int) -> None:
    """Until so many sessions have been idle for so long: what counts as idle is a matter of time."""

    def reason() -> str | None:
        found = sql(
            lab,
            "SELECT count(*) FROM pg_stat_activity WHERE state = 'idle' AND application_name LIKE"
            f" '{PREFIX}pile%' AND state_change < now() - interval '{seconds} s'",
        )
        return None if int(found) >= least else f"{found} are idle for long enough"

    wait_until(f"{least} idle sessions", reason, acts.SHOWS, every=0.5)


def await_condition(lab: Lab, what: str, query: str) -> None:
    """Until a query says t."""
    wait_until(what, lambda: None if sql(lab, query) == "t" else "not yet", acts.SHOWS)


def running(lab: Lab) -> bool:
    return stack.container(lab.client, lab.config, SERVICE).status == "running"
