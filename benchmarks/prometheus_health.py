#!/usr/bin/env python3
# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a look at a Prometheus costs: prometheus_health_info in a play, beside curl as the runbook types it.

A real Prometheus on this machine holds four days of a shop with one fault in each job. curl asks for the rate of 5xx,
the alerts, the targets, the rules and the readiness, one command after the other: five raw answers, which nobody has
read yet. The plain script asks everything that the check asks of a moment that is past (the same facts: errors over
seven windows and whether there were data, traffic an hour ago, latency, restarts, targets, alerts), six at a time,
with urllib; it judges nothing. Variants take turns; the figures are medians. It needs no lab. With --scale the shop
has 100 jobs more.

Run it with the Python of .build/venv. Machines differ: compare the ratios.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import contextlib
import json
import subprocess
import sys
import tempfile
import textwrap
import typing as t
import urllib.parse
import urllib.request
from pathlib import Path

import _measuring as measuring
from _measuring import ROOT, run

sys.path.insert(0, str(ROOT / "tests" / "integration"))

import prometheus_past
from prometheus_servers import Server, program, running

AT_ONCE = 6
JOBS = 100
WINDOWS = (300, 1800, 3600, 7200, 21600, 86400, 259200)
RATE = 'rate(http_requests_total{status=~"5.."}[5m])'
QUERIES = (
    *(f'sum by (job) (increase(http_requests_total{{status=~"5.."}}[{window}s]))' for window in WINDOWS),
    *(f"sum by (job) (increase(http_requests_total[{window}s]))" for window in WINDOWS),
    *(f"count by (job) (http_requests_total offset {window}s)" for window in WINDOWS),
    "sum by (job) (increase(http_requests_total[300s] offset 1h))",
    "histogram_quantile(0.99, sum by (job, le) (rate(http_request_duration_seconds_bucket[5m])))",
    "sum by (job) (increase(http_request_duration_seconds_count[5m]))",
    "changes(process_start_time_seconds[15m]) > 1",
    "count by (job) (up)",
    "up == 0",
    "count by (alertname, alertstate, severity) (ALERTS)",
    "sum(increase(prometheus_notifications_dropped_total[10m]))",
    "abs(node_timex_offset_seconds) > 0.05",
    "time()",
)
PAGES = ("/-/ready", "/metrics", "/api/v1/status/buildinfo", "/api/v1/labels?match[]=http_requests_total")


def more(count: int) -> t.Iterator[str]:
    """Jobs that are well, half a day long."""
    for number in range(count):
        labels = f'job="more-{number}",instance="more-{number}:80"'
        for status, rate in (("200", 60.0), ("503", 0.01)):
            begin = prometheus_past.END - 43200
            yield from prometheus_past.counted(
                f'{labels},status="{status}"', prometheus_past.steady(rate), begin, prometheus_past.END
            )


@contextlib.contextmanager
def served(where: Path, jobs: int) -> t.Iterator[str]:
    server = Server(where / "prometheus", "--storage.tsdb.retention.time=10y")
    server.configure()
    text = server.directory / "past.txt"
    lines = prometheus_past.exposition().split("\n")
    text.write_text("\n".join([lines[0], *more(jobs), *lines[1:]]))
    words = [
        program("promtool"),
        "tsdb",
        "create-blocks-from",
        "openmetrics",
        str(text),
        str(server.directory / "data"),
    ]
    subprocess.run(words, check=True, capture_output=True)
    text.unlink()
    with running(server):
        yield server.url


def moment() -> str:
    return str(prometheus_past.END)


def curl(url: str) -> None:
    query = f"{url}/api/v1/query?" + urllib.parse.urlencode({"query": RATE, "time": moment()})
    for page in (query, f"{url}/api/v1/alerts", f"{url}/api/v1/targets", f"{url}/api/v1/rules", f"{url}/-/ready"):
        run(["curl", "-s", page])


def fetch(url: str) -> t.Any:
    with urllib.request.urlopen(url, timeout=30) as answer:
        body = answer.read()
    return json.loads(body) if body[:1] == b"{" else body


def plain(url: str) -> int:
    """How many jobs have requests."""
    paths = [f"{url}/api/v1/query?" + urllib.parse.urlencode({"query": q, "time": moment()}) for q in QUERIES]
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        found = list(pool.map(fetch, [*paths, *(url + page for page in PAGES)]))
    return len(found[len(WINDOWS)]["data"]["result"])


def options(url: str) -> dict[str, t.Any]:
    return {"url": url, "at": moment(), "max_rows": 20, "deadline": 60.0}


def check(url: str) -> dict[str, t.Any]:
    return measuring.check("prometheus_health", options(url))


def measure(url: str, where: Path, runs: int) -> None:
    result = check(url)
    print(
        f"  the script sees {plain(url)} jobs; the check {len(result['findings'])} findings: {result['measured'][-2:]}"
    )
    subject = measuring.Subject(
        benchmark="prometheus_health",
        argument=repr(url),
        plain=lambda: plain(url),
        check=lambda: check(url),
        look={"incident.response.prometheus_health_info": options(url)},
        typed={"curl, five commands": lambda: curl(url)},
    )
    measuring.beside_a_script(subject, [sys.executable, __file__, "--plain", url], where, runs)


def main() -> None:
    parser = argparse.ArgumentParser(description=textwrap.dedent(__doc__ or ""))
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--scale", action="store_true", help=f"with {JOBS} more jobs")
    parser.add_argument("--quick", action="store_true", help="one run, as a smoke test")
    parser.add_argument("--plain", help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.plain:
        plain(given.plain)
        return
    jobs = JOBS if given.scale else 0
    with tempfile.TemporaryDirectory() as scratch, served(Path(scratch), jobs) as url:
        print(f"a Prometheus with four days of {len(prometheus_past.JOBS) + 1 + jobs} jobs:")
        measure(url, Path(scratch), 1 if given.quick else given.runs)


if __name__ == "__main__":
    main()
