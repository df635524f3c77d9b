"""Every command of the incident runbook, typed as it stands there, against the running lab.

The list is this file's own: it is not read from the collection, so that a command that the collection forgot still has
to work. Placeholders (<service>, <container_id>) are filled in; what never ends is bounded.
"""

from __future__ import annotations

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from lab import config, http
from lab.waiting import wait_until

pytestmark = pytest.mark.lab

LAB = Path(sys.executable).parent / "lab"
LIMIT = 120


@dataclass(frozen=True)
class Command:
    typed: str
    shows: str  # a pattern in its output

    def __str__(self) -> str:
        return " ".join(self.typed.split())[:70]


OBSERVE = (
    *(
        Command(f"curl http://localhost:{port}/health", rf'"status":"ok".*"service":"{name}"')
        for port, name in ((8080, "gateway"), (8081, "auth"), (8082, "orders"), (8083, "notification"))
    ),
    Command("docker-compose ps", r"kafka.*healthy"),
    Command("docker-compose logs --tail=100 --timestamps", r"\d{4}-\d\d-\d\dT\d\d:\d\d"),
)
ORIENT = (
    Command(
        'curl http://localhost:8080/metrics | grep -E "http_requests_total|http_request_duration"',
        r'http_requests_total\{.*status="201"\} \d',
    ),
    # The runbook's line has no quotes, and no shell takes its parentheses; see test_the_query_needs_quotes.
    Command(
        """curl -sg 'http://localhost:9090/api/v1/query?query=rate(http_requests_total{status=~"5.."}[5m])'""",
        r'"status":"success".*"resultType":"vector"',
    ),
    Command("curl http://localhost:9093/api/v1/alerts", r'"status":"success".*Watchdog'),
)
NOT_RESPONDING = (
    Command("docker-compose ps gateway", r"gateway.*healthy"),
    Command("docker-compose logs --tail=50 gateway", r"gateway-1\s+\| level="),
    Command("docker stats --no-stream", r"kafka.*MiB"),
    Command("timeout 5 docker stats || test $? = 124", r"kafka.*MiB"),
    Command("timeout 5 docker-compose logs -f gateway || test $? = 124", r"gateway-1\s+\| level="),
    Command("docker inspect $(docker-compose ps -q gateway) | grep OOMKilled", r'"OOMKilled": false'),
)
DATABASE = (
    Command(
        'docker-compose exec postgres psql -U postgres -c "SELECT count(*) FROM pg_stat_activity;"', r"count[\s\S]*\d"
    ),
    Command('docker-compose exec postgres psql -U postgres -c "SHOW max_connections;"', r"max_connections[\s\S]*100"),
    Command(
        """docker-compose exec postgres psql -U postgres -c "
  SELECT pg_terminate_backend(pid) 
  FROM pg_stat_activity 
  WHERE state = 'idle' 
  AND query_start < NOW() - INTERVAL '5 minutes';
\"""",
        r"pg_terminate_backend[\s\S]*rows?\)",
    ),
)
MEMORY = (Command("curl http://localhost:8080/debug/pprof/heap?debug=1", r"heap profile: [\s\S]*HeapAlloc"),)
REDIS = (
    Command("docker-compose exec redis redis-cli ping", r"PONG"),
    Command("docker-compose exec redis redis-cli info", r"redis_version:7"),
    Command("docker-compose exec redis redis-cli client list", r"name=auth"),
    Command("docker-compose exec redis redis-cli FLUSHDB", r"OK"),
)
KAFKA = (
    Command(
        "docker-compose exec kafka kafka-broker-api-versions --bootstrap-server localhost:9092",
        r"\(id: 1 .*[\s\S]*Fetch\(1\)",
    ),
    Command(
        "docker-compose exec kafka kafka-consumer-groups --bootstrap-server localhost:9092 --describe --all-groups",
        r"notification\s+notifications\s+\d\s+\d+\s+\d+\s+\d+",
    ),
)
READING = (*OBSERVE, *ORIENT, *NOT_RESPONDING, *DATABASE, *MEMORY, *REDIS, *KAFKA)

RESTARTS = tuple(
    Command(f"docker-compose restart {name}", "Started") for name in ("gateway", "notification", "redis", "postgres")
)

TOPIC = "docker-compose exec kafka kafka-topics --bootstrap-server localhost:9092"
RECREATE = f"{TOPIC} --delete --topic notifications"
CREATE = f"{TOPIC} --create --topic notifications --partitions 3 --replication-factor 1"


def type_in(command: str) -> subprocess.CompletedProcess[str]:
    """In a shell as a person has it after `eval "$(lab env)"`, standing in lab/."""
    return subprocess.run(
        ["bash", "-c", f'eval "$({LAB} env)"\n{command}'],
        cwd=config.HOME,
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
        timeout=LIMIT,
        check=False,
    )


def works(command: Command) -> None:
    done = type_in(command.typed)
    assert done.returncode == 0, done.stdout
    assert re.search(command.shows, done.stdout), f"{command.shows!r} is not in:\n{done.stdout[-3000:]}"


@pytest.fixture(scope="module", autouse=True)
def lab_as_in_the_runbook() -> Iterator[None]:
    """The runbook names ports and a topic: a lab that was moved can't be meant by it."""
    settings = config.load()
    if settings.ports != config.PORTS or settings.topic != "notifications":
        pytest.skip("this lab has other ports or another topic than the runbook")
    lab_up()
    # A stack that started a moment ago has sent no alert yet.
    alerts = settings.url("alertmanager", "/api/v2/alerts")
    wait_until("the first alert", lambda: None if "Watchdog" in http.text(alerts) else "there is none", 60)
    yield
    lab_up()


def lab_up() -> None:
    done = subprocess.run([str(LAB), "up"], capture_output=True, text=True, timeout=600, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("command", READING, ids=str)
def test_looking(command: Command) -> None:
    works(command)


def test_the_query_needs_quotes() -> None:
    """The one line of the runbook that no shell takes as it stands: pinned, so that nobody takes it for tested."""
    done = type_in('curl -s http://localhost:9090/api/v1/query?query=rate(http_requests_total{status=~"5.."}[5m])')
    assert done.returncode != 0
    assert "syntax error" in done.stdout


@pytest.mark.parametrize("command", RESTARTS, ids=str)
def test_restarting(command: Command) -> None:
    works(command)
    lab_up()


def test_recreating_the_topic() -> None:
    works(Command(RECREATE, ""))
    works(Command(CREATE, "Created topic notifications"))
    works(Command(f"{TOPIC} --describe --topic notifications", r"PartitionCount: 3\s+ReplicationFactor: 1"))
    lab_up()
