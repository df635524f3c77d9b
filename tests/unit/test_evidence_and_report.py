# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Evidence, reports, the guard around checks and the notify hook: what is kept, what is shown, what can't take a run
along."""

from __future__ import annotations

import base64
import hashlib
import http.server
import json
import os
import pathlib
import signal
import stat
import sys
import threading
import time
import xml.etree.ElementTree

import pytest
from ansible_collections.incident.response.plugins.plugin_utils import chart, evidence, guard, notify, report

CANARY = "hunter2canary"


def test_a_bundle_has_a_manifest_that_notices_every_change(tmp_path: pathlib.Path) -> None:
    looks = [{"name": "cluster a/b", "result": {"status": "ok", "attachments": {"../log.txt": "line"}}}]
    files = evidence.bundle(looks, {"decision": {"plan": 1}})
    assert sorted(files) == ["01-cluster_a_b-log.txt", "01-cluster_a_b.json", "decision.json"]
    manifest = evidence.write(tmp_path / "e", files, "2026-01-01")
    assert len(manifest["files"]) == 3
    assert evidence.verify(tmp_path / "e") == []
    (tmp_path / "e" / "decision.json").write_text("{}")
    (tmp_path / "e" / "01-cluster_a_b.json").unlink()
    assert evidence.verify(tmp_path / "e") == ["01-cluster_a_b.json is missing", "decision.json was changed"]


def test_evidence_is_redacted_and_private(tmp_path: pathlib.Path) -> None:
    looks = [{"name": "x", "result": {"env": {"DB_PASSWORD": CANARY}, "attachments": {"log": f"password={CANARY}"}}}]
    evidence.write(tmp_path / "e", evidence.bundle(looks, {"url": f"redis://:{CANARY}@cache:6379"}), "now")
    for path in (tmp_path / "e").iterdir():
        assert CANARY not in path.read_text()
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_evidence_that_cannot_be_written_is_an_error(tmp_path: pathlib.Path) -> None:
    (tmp_path / "e").write_text("in the way")
    with pytest.raises(evidence.EvidenceError):
        evidence.write(tmp_path / "e", {"a": "b"}, "now")


def test_a_file_that_is_too_large_is_cut_and_the_manifest_says_so(tmp_path: pathlib.Path) -> None:
    manifest = evidence.write(tmp_path, {"big.log": "line of a log\n" * 200_000}, "now")
    assert manifest["files"][0]["truncated"]
    assert (tmp_path / "big.log").stat().st_size == evidence.FILE_LIMIT


def binary(data: bytes, name: str = "heap.pb.gz") -> dict[str, str]:
    sha256 = hashlib.sha256(data).hexdigest()
    return {"name": name, "content_base64": base64.b64encode(data).decode(), "sha256": sha256}


def kept(directory: pathlib.Path, *entries: dict[str, str]) -> dict[str, dict[str, object]]:
    """The manifest's entries by name, of one look with these attachments; the bundle is whole."""
    files = evidence.bundle([{"name": "x", "result": {"status": "ok", "attachments": list(entries)}}], {})
    manifest = evidence.write(directory, files, "now")
    assert evidence.verify(directory) == []
    return {entry["name"]: entry for entry in manifest["files"]}


def test_a_binary_attachment_is_kept_as_it_is(tmp_path: pathlib.Path) -> None:
    data = bytes(range(256)) * 40 + b"\x1f\x8b password=" + CANARY.encode()
    entry = kept(tmp_path / "e", binary(data, "../heap.pb.gz"))["01-x-heap.pb.gz"]
    assert (tmp_path / "e" / "01-x-heap.pb.gz").read_bytes() == data
    assert entry == {
        "name": "01-x-heap.pb.gz", "bytes": len(data), "sha256": hashlib.sha256(data).hexdigest(), "truncated": False,
        "redactions": 0, "binary": True,
    }  # fmt: skip
    assert stat.S_IMODE((tmp_path / "e" / "01-x-heap.pb.gz").stat().st_mode) == 0o600
    assert "content_base64" not in (tmp_path / "e" / "01-x.json").read_text()
    (tmp_path / "e" / "01-x-heap.pb.gz").write_bytes(data[:-1])
    assert evidence.verify(tmp_path / "e") == ["01-x-heap.pb.gz was changed"]


def test_text_that_comes_as_a_binary_attachment_is_redacted_all_the_same(tmp_path: pathlib.Path) -> None:
    kept(tmp_path / "e", binary(f"password={CANARY}".encode(), "a.txt"))
    assert CANARY not in (tmp_path / "e" / "01-x-a.txt").read_text()


@pytest.mark.parametrize(
    "damage",
    [
        {"sha256": "0" * 64},
        {"content_base64": "****"},
        {"content_base64": base64.b64encode(b"\xff other").decode()},
        {"content_base64": ""},
    ],
)
def test_a_binary_attachment_that_did_not_arrive_whole_is_said(damage: dict[str, str], tmp_path: pathlib.Path) -> None:
    found = kept(tmp_path / "e", {**binary(b"\xff data"), **damage})
    assert "01-x-heap.pb.gz.damaged.txt" in found
    assert "did not arrive whole" in (tmp_path / "e" / "01-x-heap.pb.gz.damaged.txt").read_text()


def test_a_binary_attachment_is_never_cut(tmp_path: pathlib.Path) -> None:
    entry = kept(tmp_path / "e", binary(b"\xff" * (evidence.FILE_LIMIT + 1)))["01-x-heap.pb.gz"]
    assert "can't be cut" in str(entry["left_out"])
    assert not (tmp_path / "e" / "01-x-heap.pb.gz").exists()


def record(**changes):
    base = {
        "id": "INC-1", "target": "kafka-main", "scenario": "kafka", "opened": 1_772_334_000.0, "closed": None,
        "outcome": "fixed", "severity": "P2", "meaning": "Major degradation", "respond_within": 900,
        "headline": "container mailer is not running", "suppressed": [], "unknown": [], "proposals": [], "notes": [],
        "roots": [{"id": "docker.container.not_running", "severity": "P2", "subject": "mailer", "summary": "it is down",
                   "evidence": ["exit code 143"], "causes": ["somebody stopped it"]}],
        "clocks": {"alerted": 1_772_334_000.0, "cause_found": 1_772_334_004.0, "fixed": 1_772_334_010.0,
                   "restored": 1_772_334_100.0},
        "acknowledged_by": "", "impact": {}, "actions": [], "refused": [], "evidence": None,
        "samples": [{"at": 2.0, "good": False, "note": "lag 80", "metric": 80.0},
                    {"at": 12.0, "good": True, "note": "lag 0", "metric": 0.0}],
        "contact": "Platform Lead", "contacts": {"Platform Lead": {"contact": "p@example.com"}},
        "metric": "lag (records)", "metric_before": 120.0, "events": [], "broken_at": None,
    }  # fmt: skip
    return {**base, **changes}


def test_the_report_has_every_part_of_the_runbooks_template() -> None:
    text = report.markdown(record())
    parts = ["## Incident Report - 2026-03-01", "### Summary", "### Timeline", "### Root Cause", "### Impact"]
    parts += ["### Resolution", "### Action Items", "### Lessons Learned"]
    assert [text.index(part) for part in parts] == sorted(text.index(part) for part in parts)
    assert "1. [ ] Permanent fix for root cause: somebody stopped it" in text
    assert "root cause identified after 4 s, fix deployed after 10 s, service restored after 1 min 40 s" in text
    assert "- Duration: 1 min 40 s" in text


def test_what_nobody_recorded_is_said_and_never_invented() -> None:
    text = report.markdown(record())
    assert "- not recorded - On-call acknowledged" in text
    assert "- Users affected: not recorded" in text
    assert "- Revenue impact: not recorded" in text
    assert "- To call: Platform Lead, p@example.com" in text
    assert "- To call: not recorded" in report.markdown(record(contact="", contacts={}))
    known = report.markdown(record(impact={"users": 40, "revenue": "0 EUR"}))
    assert "- Users affected: 40" in known


def test_a_tampered_timeline_is_reported() -> None:
    assert "hash chain is whole" in report.markdown(record())
    assert "BROKEN at line 3" in report.markdown(record(broken_at=3))


def test_names_from_outside_stay_text_in_markdown_and_html() -> None:
    hostile = "# x <script>alert(1)</script> [a](b) | `c`"
    text = report.markdown(record(headline=hostile))
    assert "\n# x" not in text
    page = report.page(record(headline=hostile))
    assert "<script>" not in page
    assert "&lt;script&gt;" in page


def test_the_chart_is_well_formed_and_has_every_sample() -> None:
    picture = report.watch_chart(record())
    tree = xml.etree.ElementTree.fromstring(picture)
    circles = [node for node in tree.iter() if node.tag.endswith("circle")]
    assert len(circles) == 3, "before the action, and two looks after it"
    assert report.watch_chart(record(samples=[])) == ""


@pytest.mark.parametrize("highest", [0, 0.3, 1, 7, 120, 99_999, 1e9])
def test_the_scale_reaches_the_highest_value(highest: float) -> None:
    levels = chart.ticks(highest)
    assert levels[0] == 0
    assert levels[-1] >= highest
    assert len(levels) <= 8


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0 s"), (59.6, "1 min"), (60, "1 min"), (200, "3 min 20 s"), (7500, "2 h 5 min"), (None, "not recorded")],
)
def test_durations_are_for_people(seconds: float | None, text: str) -> None:
    assert report.span(seconds) == text


def test_a_check_in_process_returns_what_it_found() -> None:
    assert guard.call(lambda: {"answer": 42}, 30) == {"answer": 42}


def test_a_check_that_crashes_hangs_or_raises_does_not_take_the_run_along() -> None:
    with pytest.raises(guard.GuardError, match="SIGKILL"):
        guard.call(lambda: os.kill(os.getpid(), signal.SIGKILL), 30)  # type: ignore[func-returns-value, arg-type, return-value]
    with pytest.raises(guard.GuardError, match="did not end within"):
        guard.call(lambda: time.sleep(600), 0.3)  # type: ignore[func-returns-value, arg-type, return-value]
    with pytest.raises(guard.GuardError, match="ValueError: wrong"):
        guard.call(_wrong, 30)


def _wrong() -> dict[str, object]:
    raise ValueError("wrong")


def test_the_command_gets_the_message_and_its_failure_is_only_reported(tmp_path: pathlib.Path) -> None:
    script = f"import sys; open({str(tmp_path / 'got')!r}, 'w').write(sys.stdin.read())"
    assert "told through" in notify.send({"outcome": "worse"}, [sys.executable, "-c", script], "")
    assert json.loads((tmp_path / "got").read_text()) == {"outcome": "worse"}
    assert "exit status 3" in notify.send({}, [sys.executable, "-c", "raise SystemExit(3)"], "")
    assert "could not be run" in notify.send({}, ["/no/such/pager"], "")
    assert "nobody was told" in notify.send({}, [], "")


class _Hook(http.server.BaseHTTPRequestHandler):
    got: list[bytes] = []

    def do_POST(self) -> None:
        self.got.append(self.rfile.read(int(self.headers["Content-Length"])))
        self.send_response(202)
        self.end_headers()

    def log_message(self, *_args: object) -> None:
        pass


def test_the_webhook_gets_the_message_and_its_url_is_not_shown() -> None:
    server = http.server.HTTPServer(("127.0.0.1", 0), _Hook)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    said = notify.send({"outcome": "fixed"}, [], f"http://127.0.0.1:{server.server_port}/hook/{CANARY}")
    server.shutdown()
    server.server_close()
    assert json.loads(_Hook.got[-1]) == {"outcome": "fixed"}
    assert "status 202" in said
    assert CANARY not in said
    assert "could not be told" in notify.send({}, [], f"http://127.0.0.1:{server.server_port}/hook")
    assert "no http(s) URL" in notify.send({}, [], "file:///etc/passwd")
