# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private Prometheus servers for tests: each on a free port, in a directory of its own, gone with the test."""

from __future__ import annotations

import contextlib
import functools
import http.server
import json
import os
import shutil
import signal
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ansible_collections.incident.response.plugins.module_utils.checks.prometheus_health import CHECK
from ansible_collections.incident.response.plugins.module_utils.module.check import perform
from servers import Process, free_port, until

from lab import config, proc
from lab.errors import LabError

QUICK = {
    "window": "6s",
    "lookback": "20s",
    "compare_offset": "20s",
    "burn_windows": [],
    "settle": "6s",
    "deadline": 15.0,
}
"""A look at servers that are seconds old; what a test wants otherwise it says."""
STARTED = time.time() - 3600


@functools.cache
def program(name: str) -> str:
    """prometheus or promtool. Debian's package is unpacked and not installed: installed, it starts a server."""
    found = os.environ.get(name.upper()) or shutil.which(name)
    if found:
        return found
    home = config.load().state / "prometheus"
    if not (home / "usr" / "bin" / name).is_file():
        home.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=home.parent) as scratch:
            _unpack(Path(scratch))
            # Whole or not at all: another run may be at the same.
            with contextlib.suppress(OSError):
                (Path(scratch) / "unpacked").rename(home)
    return str(home / "usr" / "bin" / name)


def _unpack(where: Path) -> None:
    log = where / "log"
    download = ["apt-get", "-q", "download", "prometheus"]
    try:
        proc.run(download, log, "apt-get download", cwd=where)
    except LabError:
        # Its lists of packages are missing or too old.
        proc.run(["apt-get", "-q", "update"], log, "apt-get update")
        proc.run(download, log, "apt-get download", cwd=where)
    package = next(where.glob("prometheus_*.deb"))
    proc.run(["dpkg", "-x", str(package), str(where / "unpacked")], log, "unpacking Prometheus")


class Web:
    """A small HTTP server. pages: path -> text, or a function that makes it."""

    def __init__(self, pages: dict[str, str | Callable[[], str]], port: int = 0) -> None:
        self.pages = pages
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                length = int(self.headers.get("Content-Length") or 0)
                if length:
                    self.rfile.read(length)
                page = outer.pages.get(self.path.partition("?")[0])
                body = (page() if callable(page) else page or "not here").encode()
                self.send_response(404 if page is None else 200)
                self.send_header("Content-Type", "text/plain; version=0.0.4")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            do_POST = do_GET

            def log_message(self, *_args: object) -> None:
                """Quiet."""

        self._server = http.server.ThreadingHTTPServer(("127.0.0.1", port), Handler)
        self.port = int(self._server.server_address[1])
        self.address = f"127.0.0.1:{self.port}"
        self._thread = threading.Thread(target=self._server.serve_forever, args=(0.05,), daemon=True)
        self._thread.start()

    def close(self) -> None:
        self._server.shutdown()
        self._server.server_close()
        self._thread.join(10)

    def __enter__(self) -> Web:
        return self

    def __exit__(self, *_error: object) -> None:
        self.close()


class Service(Web):
    """A service with metrics. per_second: answers by status; slow: its requests take between 2.5 and 5 seconds.

    Counters follow the clock, so that nothing has to run in between; a change counts from then on. extra: more lines.
    """

    def __init__(self, per_second: dict[str, float] | None = None, slow: bool = False, extra: str = "") -> None:
        self._lock = threading.Lock()
        self._counted: dict[str, float] = {}
        self._observed = {"0.1": 0.0, "2.5": 0.0, "5": 0.0, "+Inf": 0.0}
        self._at = time.monotonic()
        self.per_second = {"200": 50.0} if per_second is None else per_second
        self.slow = slow
        self.extra = extra
        super().__init__({"/metrics": self.metrics})

    def change(self, per_second: dict[str, float] | None = None, slow: bool | None = None) -> None:
        with self._lock:
            self._advance()
            self.per_second = self.per_second if per_second is None else per_second
            self.slow = self.slow if slow is None else slow

    def _advance(self) -> None:
        now = time.monotonic()
        passed, self._at = now - self._at, now
        for status, rate in self.per_second.items():
            self._counted[status] = self._counted.get(status, 0.0) + rate * passed
            for bound in ("5", "+Inf") if self.slow else tuple(self._observed):
                self._observed[bound] += rate * passed

    def metrics(self) -> str:
        with self._lock:
            self._advance()
            lines = [f'http_requests_total{{code="{code}"}} {int(n)}' for code, n in self._counted.items()]
            name = "http_request_duration_seconds"
            lines += [f'{name}_bucket{{le="{bound}"}} {int(n)}' for bound, n in self._observed.items()]
            lines += [f"{name}_count {int(self._observed['+Inf'])}", f"process_start_time_seconds {STARTED}"]
        return "\n".join([*lines, self.extra]) + "\n"


def alertmanager() -> Web:
    """Takes every notification."""
    return Web({"/api/v2/alerts": "{}"})


def jobs(**addresses: list[str] | str) -> str:
    """Scrape configurations: name of a job -> addresses of its targets."""
    found = {name: [one] if isinstance(one, str) else one for name, one in addresses.items()}
    return json.dumps([{"job_name": name, "static_configs": [{"targets": each}]} for name, each in found.items()])


class Server(Process):
    """One prometheus process."""

    def __init__(self, directory: Path, *options: str, prefix: str = "") -> None:
        self.directory = directory
        directory.mkdir(parents=True, exist_ok=True)
        self.port = free_port()
        self.url = f"http://127.0.0.1:{self.port}{prefix}"
        self.options = [*options, *([f"--web.route-prefix={prefix}"] if prefix else [])]
        self.headers: dict[str, str] = {}
        self.scrapes: dict[str, str] = {}

    def configure(self, scrapes: str = "[]", manager: str = "", rules: dict[str, Any] | None = None) -> None:
        """rules: one group, as a rule file has it."""
        data: dict[str, Any] = {"global": {"scrape_interval": "1s", "evaluation_interval": "1s"}}
        data["scrape_configs"] = json.loads(scrapes)
        if manager:
            data["alerting"] = {"alertmanagers": [{"static_configs": [{"targets": [manager]}]}]}
        if rules:
            (self.directory / "rules.yml").write_text(json.dumps({"groups": [rules]}))
            data["rule_files"] = ["rules.yml"]
        self.write(json.dumps(data))

    def write(self, text: str) -> None:
        (self.directory / "prometheus.yml").write_text(text)

    def start(self, ready: bool = True) -> Server:
        words = [program("prometheus"), f"--config.file={self.directory / 'prometheus.yml'}"]
        words += [f"--storage.tsdb.path={self.directory / 'data'}", f"--web.listen-address=127.0.0.1:{self.port}"]
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen([*words, *self.options], stdout=log, stderr=log)
        if ready:
            until("the server to be ready", lambda: self.get("/-/ready", plain=True))
        return self

    def get(self, path: str, plain: bool = False) -> Any:
        with urllib.request.urlopen(urllib.request.Request(self.url + path, headers=self.headers), timeout=5) as answer:
            body = answer.read().decode()
        return body if plain else json.loads(body)["data"]

    def reload(self) -> None:
        self.signal(signal.SIGHUP)

    def targets(self) -> dict[str, str]:
        return {item["scrapeUrl"]: item["health"] for item in self.get("/api/v1/targets")["activeTargets"]}

    def settled(self) -> None:
        """Every target was scraped, and every rule evaluated."""
        until("targets to be scraped", lambda: "unknown" not in self.targets().values())
        groups = lambda: self.get("/api/v1/rules")["groups"]  # noqa: E731
        until("rules to run", lambda: all(rule["health"] != "unknown" for g in groups() for rule in g["rules"]))

    def look(self, **options: Any) -> dict[str, Any]:
        return look(self.url, **options)


def look(url: str, **options: Any) -> dict[str, Any]:
    """One run of the check with its defaults, as a module would run it."""
    params = {name: option.get("default") for name, option in CHECK.spec.options.items()}
    return perform(CHECK, {**params, **QUICK, "url": url, **options})


def ids(result: dict[str, Any]) -> list[str]:
    return sorted(finding["id"] for finding in result["findings"])


def finding(result: dict[str, Any], name: str) -> dict[str, Any]:
    return next(found for found in result["findings"] if found["id"] == name)


@contextlib.contextmanager
def running(server: Server) -> Iterator[Server]:
    try:
        yield server.start()
    finally:
        server.stop()
