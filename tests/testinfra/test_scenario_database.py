"""What the database scenario did to the lab, asked from Docker and psql."""

from __future__ import annotations

import sys
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))
from world import inside, reported, untouched

WAITERS = 10


def sql(statement: str) -> str:
    return inside("postgres", f'psql -X -U postgres -d app -Atc "{statement}"').strip()


def test_no_container_was_touched() -> None:
    untouched()


def test_the_session_that_blocked_the_others_is_gone() -> None:
    assert sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'lab-forgetful'") == "0"


def test_those_that_waited_are_all_there_and_wait_no_more() -> None:
    assert sql("SELECT count(*) FROM pg_stat_activity WHERE application_name = 'lab-waiter'") == str(WAITERS)
    assert sql("SELECT count(*) FROM pg_stat_activity WHERE wait_event_type = 'Lock'") == "0"


def test_the_report_tells_the_story() -> None:
    reported("postgresql.transaction.idle", "terminate the session of pid")
