# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""prometheus_health_info against real servers with real faults, each with the twin that stays silent."""

from __future__ import annotations

import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import prometheus_past
import pytest
from prometheus_servers import (
    Server,
    Service,
    Web,
    alertmanager,
    finding,
    free_port,
    ids,
    jobs,
    look,
    program,
    running,
    until,
)

ALWAYS = {"alert": "Watchdog", "expr": "vector(1)", "labels": {"severity": "none"}}
ERRORS = {"alert": "TooManyErrors", "expr": 'rate(http_requests_total{code="500"}[5s]) > 1', "for": "1h"}
JOINED = {"record": "shop:share", "expr": "shop_stock * on (shelf) shop_shelf"}
STOCK = 'shop_stock{shelf="a"} 5\nshop_shelf{shelf="a"} 1\n'
DOUBLED = 'shop_shelf{shelf="a",copy="1"} 1\nshop_stock{shelf="a",copy="1"} 1\n'
RULES = {"name": "shop", "rules": [ALWAYS, ERRORS, JOINED]}


@pytest.fixture
def shop() -> Iterator[Service]:
    with Service(extra=STOCK) as service:
        yield service


@pytest.fixture
def manager() -> Iterator[Web]:
    with alertmanager() as web:
        yield web


@pytest.fixture
def server(tmp_path: Path, shop: Service, manager: Web) -> Iterator[Server]:
    """A healthy stack: it scrapes itself, a service with traffic and one that is quiet, and has rules."""
    with Service({"200": 0.0}) as quiet:
        one = Server(tmp_path / "server", "--rules.alert.resend-delay=1s")
        one.scrapes = {"shop": shop.address, "quiet": quiet.address, "prometheus": f"127.0.0.1:{one.port}"}
        one.configure(jobs(**one.scrapes), manager.address, RULES)
        with running(one):
            one.settled()
            until("traffic", lambda: has_traffic(one))
            yield one


def has_traffic(server: Server) -> bool:
    """Whether the look has enough to judge the shop by, and has settled."""
    result = server.look()
    rows = {row["job"]: row for row in result["snapshot"]["services"]}
    settled = not any("just now" in text for text in result["measured"])
    return settled and "quiet" in rows and isinstance(rows["shop"]["errors_per_100"]["6s"], float)


def test_a_healthy_stack_is_silent_and_says_what_was_measured(server: Server) -> None:
    result = server.look()
    assert ids(result) == []
    assert result["status"] == "ok"
    snapshot = result["snapshot"]
    assert snapshot["server"]["ready"]
    assert snapshot["server"]["reload_successful"] is True
    assert (snapshot["targets"]["active"], snapshot["rules"]["rules"]) == (3, 3)
    assert snapshot["cardinality"]["series"] > 100
    assert [(row["name"], row["state"]) for row in snapshot["alerts"]["listed"]] == [("Watchdog", "firing")]
    rows = {row["job"]: row for row in snapshot["services"]}
    assert rows["shop"]["errors_per_100"] == {"6s": 0.0}
    assert rows["quiet"]["errors_per_100"] == {"6s": "insufficient_data"}
    assert rows["quiet"]["p99_ms"] == "insufficient_data"
    assert "3 targets scraped every 1 s" in result["measured"]


def test_errors_and_latency_are_of_the_job_that_has_them(server: Server, shop: Service) -> None:
    shop.change({"200": 45.0, "500": 5.0})
    until("errors", lambda: server.look()["status"] == "critical")
    result = server.look(components={"shop": "shop-host"})
    assert ids(result) == ["prometheus.errors.ratio"]
    found = finding(result, "prometheus.errors.ratio")
    assert (found["component"], found["details"]["service"]) == ("shop-host", "shop")
    assert (found["state"], found["severity"]) == ("critical", "P2")
    until("a pending alert", lambda: server.look()["snapshot"]["alerts"]["pending"])

    shop.change({"200": 50.0}, slow=True)
    until("slow answers alone", lambda: ids(server.look()) == ["prometheus.latency.p99"])
    slow = finding(server.look(), "prometheus.latency.p99")
    assert 2500 <= slow["observed"]["p99_ms"] <= 5000
    assert slow["state"] == "critical"

    shop.change(slow=False)
    until("all to be well again", lambda: ids(server.look()) == [])


def test_a_burn_needs_both_windows_and_data_in_them(server: Server, shop: Service) -> None:
    shop.change({"200": 45.0, "500": 5.0})
    pair = [{"long": "10s", "short": "5s", "factor": 14.4, "severity": "P1"}]
    far = [{"long": "1h", "short": "5s", "factor": 14.4, "severity": "P1"}]
    until("a burn", lambda: "prometheus.errors.burn" in ids(server.look(burn_windows=pair)))
    burn = finding(server.look(burn_windows=pair), "prometheus.errors.burn")
    assert burn["severity"] == "P1"
    assert burn["observed"]["short"] > 14.4

    young = server.look(burn_windows=far)
    assert "prometheus.errors.burn" not in ids(young)
    row = next(row for row in young["snapshot"]["services"] if row["job"] == "shop")
    assert row["errors_per_100"]["3600s"] == "insufficient_data"
    assert row["insufficient"]["burn 3600s"] == "no data yet at the beginning of the window"

    shop.change({"200": 50.0})
    until("the short window to forget", lambda: "prometheus.errors.burn" not in ids(server.look(burn_windows=pair)))


def test_one_target_of_two_and_the_whole_job(server: Server, shop: Service, manager: Web) -> None:
    other = Service()
    server.configure(jobs(**{**server.scrapes, "shop": [shop.address, other.address]}), manager.address, RULES)
    server.reload()
    until("both targets", lambda: list(server.targets().values()).count("up") == 4)
    assert ids(server.look()) == []

    other.close()
    until("one to be down", lambda: "down" in server.targets().values())
    down = finding(server.look(components={"shop": "shop-host"}), "prometheus.target.down")
    assert (down["state"], down["severity"], down["component"]) == ("warning", "P3", "shop-host")
    assert down["details"]["targets"] == [other.address]
    assert down["causes"][0].startswith("nothing listens there")
    assert ids(server.look()) == ["prometheus.target.down"]
    assert ids(server.look(expected_down=[f"shop/{other.address}"])) == []
    assert ids(server.look(exclude_jobs=["shop"])) == []

    shop.close()
    until("both to be down", lambda: list(server.targets().values()).count("down") == 2)
    result = server.look()
    assert ids(result) == ["prometheus.job.down"], "and no traffic cliff: nobody measures it any more"
    assert finding(result, "prometheus.job.down")["severity"] == "P2"
    assert ids(server.look(jobs=["qui*"])) == []
    assert "prometheus.job.missing" in ids(server.look(jobs=["quiet", "shpo"]))


def test_a_rule_that_breaks_at_run_time(server: Server, shop: Service) -> None:
    shop.extra = STOCK + DOUBLED
    until("the rule to fail", lambda: ids(server.look()) == ["prometheus.rule.failing"])
    failing = finding(server.look(), "prometheus.rule.failing")
    assert failing["details"]["rules"] == ["shop:share"]
    assert "two series share the labels" in failing["causes"][0]
    assert failing["state"] == "warning", "a recording rule; nobody is blind"
    shop.extra = STOCK
    until("the rule to work", lambda: ids(server.look()) == [])


def test_a_broken_configuration_and_its_repair(server: Server) -> None:
    good = (server.directory / "prometheus.yml").read_text()
    server.write("scrape_configs: [{job_name: }")
    server.reload()
    until("the reload to fail", lambda: ids(server.look()) == ["prometheus.config.reload_failed"])
    server.write(good)
    server.reload()
    until("the reload to work", lambda: ids(server.look()) == [])


def test_nobody_to_tell(server: Server, manager: Web) -> None:
    server.configure(jobs(**server.scrapes), "", RULES)
    server.reload()
    until("no Alertmanager to be known", lambda: ids(server.look()) == ["prometheus.alertmanager.none"])
    server.configure(jobs(**server.scrapes))
    server.reload()
    until("no rules, so nobody is needed", lambda: ids(server.look()) == [])

    server.configure(jobs(**server.scrapes), f"127.0.0.1:{free_port()}", RULES)
    server.reload()
    until("notifications to be lost", lambda: ids(server.look()) == ["prometheus.notifications.dropped"])


def test_a_watchdog_that_went_silent(server: Server, manager: Web) -> None:
    silent = {"name": "shop", "rules": [{**ALWAYS, "expr": "vector(1) > 2"}]}
    server.configure(jobs(**server.scrapes), manager.address, silent)
    server.reload()
    until("the watchdog to be silent", lambda: ids(server.look()) == ["prometheus.watchdog.silent"])


def test_alerts_are_findings_where_that_is_asked_for(server: Server, manager: Web) -> None:
    rule = {"alert": "Full", "expr": "shop_stock > 1", "labels": {"severity": "critical"}}
    server.configure(jobs(**server.scrapes), manager.address, {"name": "shop", "rules": [ALWAYS, rule]})
    server.reload()
    until("it to fire", lambda: ids(server.look(report_alerts=True)) == ["prometheus.alert.firing"])
    found = finding(server.look(report_alerts=True, components={"shop": "shop-host"}), "prometheus.alert.firing")
    assert (found["severity"], found["component"], found["details"]["alertname"]) == ("P2", "shop-host", "Full")
    assert ids(server.look()) == []


def test_ingestion_that_stands_still(server: Server) -> None:
    patience = {"ingestion_seconds": {"warn": 5, "crit": 6}}
    assert ids(server.look(thresholds=patience)) == []
    server.configure()
    server.reload()
    until("samples to be old", lambda: ids(server.look(thresholds=patience)) == ["prometheus.ingestion.stopped"])
    found = finding(server.look(thresholds=patience), "prometheus.ingestion.stopped")
    assert found["causes"][0].startswith("it has no targets")


def test_a_window_that_is_too_short(server: Server) -> None:
    assert "prometheus.window.short" in ids(server.look(window="3s"))


def test_frozen_and_gone(server: Server) -> None:
    server.signal(signal.SIGSTOP)
    frozen = server.look(timeout=0.5, read_timeout=1.0)
    server.signal(signal.SIGCONT)
    assert ids(frozen) == ["prometheus.server.unreachable"]
    assert finding(frozen, "prometheus.server.unreachable")["details"]["kind"] == "silent"
    server.stop()
    gone = server.look()
    assert finding(gone, "prometheus.server.unreachable")["details"]["kind"] == "refused"
    assert (gone["reachable"], gone["status"]) == (False, "critical")


def test_a_route_prefix_is_part_of_the_url(tmp_path: Path) -> None:
    one = Server(tmp_path / "server", prefix="/mon")
    one.configure(
        jobs(prometheus=f"127.0.0.1:{one.port}").replace(
            '"static_configs"', '"metrics_path": "/mon/metrics", "static_configs"'
        )
    )
    with running(one):
        one.settled()
        assert ids(one.look()) == []
        wrong = look(f"http://127.0.0.1:{one.port}")
    assert ids(wrong) == ["prometheus.server.unexpected"]
    assert finding(wrong, "prometheus.server.unexpected")["details"]["kind"] == "path"


def test_a_login_is_needed_and_given(tmp_path: Path) -> None:
    # "canary-Pw7x" with bcrypt, cost 4: a test does not wait.
    coded = "$2b$04$jT3ox10c0l4D4aDK3LreEOUP9ZJc5MI0tQ90Je2V811XBmgEGTJOy"
    one = Server(tmp_path / "server", f"--web.config.file={tmp_path / 'web.yml'}")
    (tmp_path / "web.yml").write_text(f'basic_auth_users: {{probe: "{coded}"}}')
    one.configure()
    one.headers = {"Authorization": "Basic cHJvYmU6Y2FuYXJ5LVB3N3g="}
    with running(one):
        assert ids(one.look()) == ["prometheus.auth.rejected"]
        assert ids(one.look(username="probe", password="wrong")) == ["prometheus.auth.rejected"]
        good = one.look(username="probe", password="canary-Pw7x")
    assert ids(good) == []
    assert "canary-Pw7x" not in str(good)


@pytest.fixture(scope="module")
def past(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Server]:
    """Four days of a shop, made in advance."""
    one = Server(tmp_path_factory.mktemp("past"), "--storage.tsdb.retention.time=10y")
    one.configure()
    text = one.directory / "past.txt"
    text.write_text(prometheus_past.exposition())
    words = [program("promtool"), "tsdb", "create-blocks-from", "openmetrics", str(text), str(one.directory / "data")]
    subprocess.run(words, check=True, capture_output=True)
    with running(one):
        yield one


def judged(past: Server, hours_ago: float = 0.0) -> set[tuple[str, str, str]]:
    """Findings at the end of those days, or before, with the windows that are the defaults."""
    at = str(prometheus_past.END - 3600 * hours_ago)
    result = past.look(window="5m", compare_offset="1h", lookback="15m", burn_windows=None, at=at)
    return {
        (found["id"].removeprefix("prometheus."), found["details"]["job"], found["severity"])
        for found in result["findings"]
    }


def test_days_of_data_are_judged_by_the_windows_they_are_long_enough_for(past: Server) -> None:
    assert judged(past) == {
        ("errors.burn", "burning", "P1"),
        ("errors.ratio", "burning", "P3"),
        ("errors.burn", "leaking", "P4"),
        ("errors.ratio", "fresh", "P2"),
        ("traffic.cliff", "cliff", "P2"),
        ("traffic.cliff", "gone", "P2"),
        ("job.down", "dead", "P2"),
        ("latency.p99", "slow", "P2"),
        ("process.restarts", "restarting", "P2"),
    }


def test_the_day_before_was_calm(past: Server) -> None:
    assert judged(past, hours_ago=20) == {("errors.burn", "leaking", "P4"), ("latency.p99", "slow", "P2")}


def test_windows_without_data_are_insufficient_and_never_zero(past: Server) -> None:
    at = str(prometheus_past.END)
    result = past.look(window="5m", burn_windows=None, at=at)
    rows = {row["job"]: row for row in result["snapshot"]["services"]}
    assert rows["fresh"]["errors_per_100"]["3600s"] == "insufficient_data"
    assert rows["lazy"]["errors_per_100"]["259200s"] == 0.0, "no series of errors, and requests that are known"
    assert rows["unmarked"]["errors_per_100"]["300s"] == "insufficient_data"
    assert rows["unmarked"]["insufficient"]["errors"] == "no label of its requests holds a status"
    assert rows["few"]["errors_per_100"]["300s"] == "insufficient_data"


def test_before_there_were_any_data_nothing_is_healthy(past: Server) -> None:
    result = past.look(at=str(prometheus_past.BEGIN - 86400), jobs=["steady"], requests_metric="http_requests_total")
    assert ids(result) == ["prometheus.job.missing", "prometheus.unmeasured"]
