# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Private Alertmanagers for tests: each on free ports of this machine, and a receiver of webhooks that can fail."""

from __future__ import annotations

import contextlib
import http.server
import json
import os
import shutil
import subprocess
import threading
import urllib.error
import urllib.request
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ansible_collections.incident.response.plugins.module_utils.checks import alertmanager_silence
from ansible_collections.incident.response.plugins.module_utils.checks.alertmanager_health import CHECK
from ansible_collections.incident.response.plugins.module_utils.module.check import perform
from servers import free_port, until

from lab import config

PACKAGE = "prometheus-alertmanager"
TEMPLATES = Path("/usr/share/prometheus/alertmanager")
"""Where Debian's program looks for its templates, without asking."""


def _program() -> str:
    """The server. Debian's package is unpacked and not installed, since that would start one on the usual port."""
    found = os.environ.get("ALERTMANAGER") or shutil.which(PACKAGE) or shutil.which("alertmanager")
    if found:
        return found
    where = config.load().state / PACKAGE
    program = where / "root/usr/bin" / PACKAGE
    if not program.exists():
        where.mkdir(parents=True, exist_ok=True)
        run = {"cwd": where, "check": True, "capture_output": True}
        subprocess.run(["apt-get", "-q", "download", PACKAGE], **run)
        for package in where.glob("*.deb"):
            subprocess.run(["dpkg", "-x", str(package), str(where / "root")], **run)
    if not (TEMPLATES / "default.tmpl").exists():
        TEMPLATES.mkdir(parents=True, exist_ok=True)
        for template in (where / "root" / TEMPLATES.relative_to("/")).glob("*.tmpl"):
            shutil.copy(template, TEMPLATES)
    return str(program)


BINARY = _program()
QUICK = {"window": 0.5, "connect_timeout": 1.0, "timeout": 2.0, "read_timeout": 3.0, "deadline": 15.0}
CONFIG: dict[str, Any] = {
    "route": {
        "receiver": "team",
        "group_by": ["alertname", "service"],
        "group_wait": "100ms",
        "group_interval": "500ms",
        "repeat_interval": "1h",
        "routes": [{"receiver": "null", "matchers": ['team="nobody"']}],
    },
    "receivers": [{"name": "team"}, {"name": "null"}],
    "inhibit_rules": [
        {"source_matchers": ['alertname="NodeDown"'], "target_matchers": ['alertname="HighLag"'], "equal": ["node"]}
    ],
}


class Hook:
    """Receives notifications. status: what it answers; got: names of alerts that came."""

    def __init__(self) -> None:
        self.status = 200
        self.got: list[str] = []
        hook = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
                hook.got += [alert["labels"]["alertname"] for alert in body["alerts"]]
                self.send_response(hook.status)
                self.end_headers()

            def log_message(self, *_words: Any) -> None:
                """Tests say what they saw."""

        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}/hook?token=CANARY-in-a-webhook"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def close(self) -> None:
        self.server.shutdown()
        self.server.server_close()


class Server:
    """One Alertmanager process."""

    def __init__(self, directory: Path, hook: Hook | None = None, *options: str) -> None:
        self.directory = directory
        self.port, self.cluster_port = free_port(), free_port()
        self.options = options
        self.url = f"http://127.0.0.1:{self.port}"
        self.process: subprocess.Popen[bytes] | None = None
        directory.mkdir(parents=True, exist_ok=True)
        receivers = [{**row} for row in CONFIG["receivers"]]
        if hook:
            receivers[0]["webhook_configs"] = [{"url": hook.url}]
        self.configure({**CONFIG, "receivers": receivers})

    def configure(self, data: Any) -> None:
        """JSON is YAML."""
        (self.directory / "config.yml").write_text(data if isinstance(data, str) else json.dumps(data))

    def start(self, *peers: Server) -> Server:
        own = f"127.0.0.1:{self.cluster_port}"
        words = [
            BINARY,
            f"--config.file={self.directory / 'config.yml'}",
            f"--storage.path={self.directory / 'data'}",
            f"--web.listen-address=127.0.0.1:{self.port}",
            f"--cluster.listen-address={own}",
            f"--cluster.advertise-address={own}",
            "--cluster.gossip-interval=50ms",
            "--cluster.pushpull-interval=1s",
            *(f"--cluster.peer=127.0.0.1:{peer.cluster_port}" for peer in peers),
            *self.options,
        ]
        with (self.directory / "log").open("ab") as log:
            self.process = subprocess.Popen(words, stdout=log, stderr=log)
        return self

    def ready(self) -> Server:
        until("it to be ready", lambda: self.ask("/-/ready") or True)
        return self

    def ask(self, path: str, data: Any = None, method: str = "GET") -> Any:
        body = None if data is None else json.dumps(data).encode()
        headers = {"Content-Type": "application/json"}
        request = urllib.request.Request(self.url + path, body, headers, method=method)
        with urllib.request.urlopen(request, timeout=10) as answer:
            text = answer.read()
        return json.loads(text) if text[:1] in (b"{", b"[") else text

    def fire(self, name: str, **labels: str) -> None:
        self.ask("/api/v2/alerts", [{"labels": {"alertname": name, "severity": "critical", **labels}}], "POST")

    def states(self) -> dict[str, str]:
        return {alert["labels"]["alertname"]: alert["status"]["state"] for alert in self.ask("/api/v2/alerts")}

    def stop(self) -> None:
        if self.process is not None and self.process.poll() is None:
            self.process.kill()
            self.process.wait(20)


@contextlib.contextmanager
def running(directory: Path, hook: Hook | None = None, *options: str) -> Iterator[Server]:
    server = Server(directory, hook, *options)
    try:
        yield server.start().ready()
    finally:
        server.stop()


@contextlib.contextmanager
def pair(directory: Path, hook: Hook | None = None) -> Iterator[tuple[Server, Server]]:
    """Two that see each other."""
    one, other = Server(directory / "1", hook), Server(directory / "2", hook)
    try:
        one.start(other).ready()
        other.start(one).ready()
        until("them to meet", lambda: all(len(s.ask("/api/v2/status")["cluster"]["peers"]) == 2 for s in (one, other)))
        yield one, other
    finally:
        one.stop()
        other.stop()


def look(server: Server, *peers: Server, **options: Any) -> dict[str, Any]:
    """One run of the check with its defaults, as a module would run it."""
    params = {name: option.get("default") for name, option in CHECK.spec.options.items()}
    return perform(CHECK, {**params, **QUICK, "url": server.url, "peers": [peer.url for peer in peers], **options})


def silence(server: Server, check_mode: bool = False, **options: Any) -> dict[str, Any]:
    """One run of the acting module."""
    params = {name: option.get("default") for name, option in alertmanager_silence.SPEC.options.items()}
    return alertmanager_silence.perform({**params, "url": server.url, **options}, check_mode)


def ids(result: dict[str, Any]) -> list[str]:
    return sorted(finding["id"] for finding in result["findings"])
