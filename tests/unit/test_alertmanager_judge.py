# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The judgement of an Alertmanager: each fault has its id, and its healthy twin has none."""

from __future__ import annotations

import json
import typing as t

import pytest
from alertmanager_made import (
    NOW,
    OTHER,
    URL,
    alert,
    counters,
    member,
    silence,
    snapshot,
    status,
)
from ansible_collections.incident.response.plugins.module_utils.core import alertmanager_config, alertmanager_metrics
from ansible_collections.incident.response.plugins.module_utils.core import alertmanager_parse as parse
from ansible_collections.incident.response.plugins.module_utils.core.alert_match import Matcher
from ansible_collections.incident.response.plugins.module_utils.core.alertmanager_judge import judge
from ansible_collections.incident.response.plugins.module_utils.core.alertmanager_judge_delivery import delivered
from ansible_collections.incident.response.plugins.module_utils.core.alertmanager_settings import Settings
from ansible_collections.incident.response.plugins.module_utils.core.alertmanager_snapshot import (
    Member,
    Problem,
    Sent,
    Snapshot,
)
from ansible_collections.incident.response.plugins.module_utils.core.alertmanager_summary import (
    measured,
    sample,
    summary,
)
from ansible_collections.incident.response.plugins.module_utils.core.findings import Finding

WATCH = {"service": "orders"}
DAY = 86400.0


def look(seen: Snapshot, history: t.Sequence[t.Mapping[str, t.Any]] = (), **changes: t.Any) -> list[Finding]:
    return judge(seen, Settings(**{"component": "am", **changes}), history)


def ids(seen: Snapshot, history: t.Sequence[t.Mapping[str, t.Any]] = (), **changes: t.Any) -> list[str]:
    return sorted(finding.id for finding in look(seen, history, **changes))


def only(seen: Snapshot, name: str, **changes: t.Any) -> Finding:
    found = look(seen, **changes)
    assert [finding.id for finding in found] == [name]
    return found[0]


def failed(kind: str, url: str = URL) -> Member:
    parts = ("status", "ready", "alerts", "silences", "metrics")
    return Member(url, problems={part: Problem(kind, "so it was") for part in parts})


# Members


def test_a_healthy_pair_has_nothing_even_with_alerts_that_fire_and_people_who_silence() -> None:
    fires = [alert(), alert("HighLag", labels={"severity": "warning"}), alert("Watchdog", labels={"severity": "none"})]
    hidden = alert("Noise", state="suppressed", silenced_by=("s1",), labels={"service": "auth"})
    stands = silence(matchers=(Matcher("service", "auth"),))
    pair = [member(url, alerts=[*fires, hidden], silences=[stands]) for url in (URL, OTHER)]
    assert ids(snapshot(*pair), watchdog="Watchdog", watch_labels=WATCH) == []


@pytest.mark.parametrize("kind", ["refused", "timeout", "silent", "reset", "dns", "tls_expired", "endless"])
def test_no_answer_of_all_is_another_thing_than_of_one(kind: str) -> None:
    assert only(snapshot(failed(kind)), "alertmanager.unreachable").severity == "P2"
    both = snapshot(failed(kind), member(OTHER))
    assert only(both, "alertmanager.peer.unreachable").severity == "P3"
    assert ids(snapshot(failed(kind), failed(kind, OTHER))) == ["alertmanager.unreachable"] * 2


def test_out_of_time_is_not_down() -> None:
    found = only(snapshot(failed("deadline")), "alertmanager.unmeasured")
    assert found.state == "unknown"


@pytest.mark.parametrize(
    ("kind", "name"),
    [
        ("gone", "alertmanager.api.unsupported"),
        ("unexpected", "alertmanager.response.unexpected"),
        ("redirect", "alertmanager.response.unexpected"),
        ("auth", "alertmanager.auth.rejected"),
    ],
)
def test_another_answer_than_that_of_the_api_is_unknown(kind: str, name: str) -> None:
    seen = failed(kind)
    seen.answered = True
    assert only(snapshot(seen), name).state == "unknown"


def test_a_part_that_was_not_read_is_unknown_and_the_rest_is_judged() -> None:
    seen = member(alerts=None, problems={"alerts": Problem("too_large", "it is larger than 24 MiB")})
    assert "24 MiB" in only(snapshot(seen), "alertmanager.unmeasured").evidence[0]
    seen.silences = [silence(matchers=(Matcher("alertname", ".+", True),))]
    assert ids(snapshot(seen)) == ["alertmanager.silence.matches_all", "alertmanager.unmeasured"]


def test_not_ready() -> None:
    seen = member(ready=False, problems={"ready": Problem("not_ready", "it answers 503")})
    assert "503" in only(snapshot(seen), "alertmanager.not_ready").summary


@pytest.mark.parametrize(
    ("word", "age", "expected"),
    [
        ("ready", DAY, []),
        ("disabled", DAY, []),
        ("settling", 30, []),  # it was just started
        ("settling", 301, ["alertmanager.cluster.unsettled"]),
        ("new-word", DAY, ["alertmanager.cluster.unsettled"]),
    ],
)
def test_a_cluster_settles_first(word: str, age: float, expected: list[str]) -> None:
    assert ids(snapshot(member(status=status(cluster=word, started=NOW - age)))) == expected


def test_members_have_to_see_each_other() -> None:
    blind = member(OTHER, status=status(OTHER, peers=(("B", "10.0.0.2:9094"),)))
    found = only(snapshot(member(), blind), "alertmanager.cluster.split")
    assert found.subject == OTHER and URL in found.summary
    alone = [member(url, status=status(url, name="", peers=(), cluster="disabled")) for url in (URL, OTHER)]
    assert ids(snapshot(*alone)) == ["alertmanager.cluster.split"] * 2
    assert ids(snapshot(alone[0])) == [], "one that was named alone may be alone"


def test_configurations_have_to_be_the_same() -> None:
    seen = snapshot(member(), member(OTHER, first=counters(NOW - 2, config_hash="18")))
    found = only(seen, "alertmanager.config.differs")
    assert found.observed == {"17": [URL], "18": [OTHER]}
    plain = snapshot(
        *(member(u, first=None, later=None, status=status(u, config=c)) for u, c in ((URL, "a"), (OTHER, "b")))
    )
    assert ids(plain) == ["alertmanager.config.differs"], "without metrics the text of the configuration tells"


def test_a_configuration_that_was_not_loaded() -> None:
    assert ids(snapshot(member(later=counters(reload_ok=False)))) == ["alertmanager.config.reload_failed"]
    assert ids(snapshot(member(later=counters(reload_ok=None)))) == []


# Delivery


@pytest.mark.parametrize(
    ("sent", "severity"),
    [
        (Sent(110, 0, 110, 0), None),
        (Sent(300, 1, 300, 0), None),  # half a percent
        (Sent(110, 1, 110, 0), "P3"),
        (Sent(101, 1, 101, 0), "P2"),
        (Sent(101, 0, 104, 4), "P2"),  # still being tried
        (Sent(100, 0, 100, 0), None),  # nothing was sent
    ],
)
def test_notifications_that_fail_while_it_is_looked_at(sent: Sent, severity: str | None) -> None:
    seen = snapshot(member(later=counters(sent={"webhook": sent})))
    found = look(seen)
    assert [finding.severity for finding in found] == ([severity] if severity else [])
    if severity:
        assert found[0].id == "alertmanager.notifications.failing"
        assert found[0].details == {"integration": "webhook", "receivers": ["team"]}


def test_old_failures_are_over_and_earlier_looks_count() -> None:
    broken = {"webhook": Sent(100, 50, 200, 150)}
    seen = snapshot(member(first=counters(NOW - 2, sent=broken), later=counters(sent=broken)))
    assert ids(seen) == []
    before = {"at": NOW - 600, "members": {URL: {"start": NOW - DAY, "sent": {"webhook": [90, 45, 190, 145]}}}}
    assert ids(seen, [before]) == ["alertmanager.notifications.failing"]
    assert ids(seen, [{**before, "at": NOW - 901}]) == [], "beyond lookback"
    restarted = {"at": NOW - 600, "members": {URL: {"start": NOW - DAY - 50, "sent": {"webhook": [0, 0, 0, 0]}}}}
    assert ids(seen, [restarted]) == [], "another process"
    assert ids(seen, [{"at": "x"}, {"at": NOW - 5, "members": []}, {"at": NOW - 5, "members": {URL: 3}}]) == []


def test_a_young_process_is_judged_by_all_that_it_sent() -> None:
    young = counters(start=NOW - 60, sent={"webhook": Sent(1, 0, 3, 3)})
    assert ids(snapshot(member(first=young, later=young))) == ["alertmanager.notifications.failing"]


def test_one_reading_alone_proves_nothing() -> None:
    seen = member(later=None)
    assert delivered(seen, Settings()) == ({}, None)
    assert any("not judged" in line for line in measured(snapshot(seen), Settings()))


def test_a_sample_is_what_the_next_look_is_judged_by() -> None:
    first = snapshot(member(first=None, later=counters(NOW - 300, sent={"webhook": Sent(90, 0, 90, 0)})))
    row = json.loads(json.dumps(sample(first)))
    seen = snapshot(member(later=None, first=counters(sent={"webhook": Sent(100, 5, 100, 5)})))
    found = look(seen, row)
    assert found[0].observed["failed_percent"] == 50.0
    assert found[0].observed["window_s"] == 300


# Alerts


def test_the_watchdog_is_looked_for_where_it_is_declared() -> None:
    assert ids(snapshot()) == []
    assert only(snapshot(), "alertmanager.watchdog.missing", watchdog="Watchdog").severity == "P2"
    dog = alert("Watchdog", labels={"severity": "none"})
    assert ids(snapshot(member(alerts=[dog])), watchdog="Watchdog") == []
    hidden = dog._replace(state="suppressed", silenced_by=("s1",))
    found = only(snapshot(member(alerts=[hidden])), "alertmanager.watchdog.missing", watchdog="Watchdog")
    assert found.evidence == ("suppressed by s1",)
    assert ids(snapshot(member(alerts=[hidden]), member(OTHER, alerts=[dog])), watchdog="Watchdog") == []


@pytest.mark.parametrize(
    ("changes", "severity"),
    [
        ({"receivers": ("null",)}, "P3"),
        ({"receivers": ("null",), "labels": {"severity": "warning"}}, "P4"),
        ({"receivers": ("null",), "labels": {"severity": "info"}}, None),
        ({"receivers": ("null",), "labels": {"severity": "none"}}, None),
        ({"receivers": ("null", "team")}, None),
        ({"receivers": ("not-in-the-config",)}, None),
        ({"receivers": ()}, None),
        ({"receivers": ("null",), "state": "suppressed"}, None),
    ],
)
def test_alerts_that_go_nowhere(changes: dict[str, t.Any], severity: str | None) -> None:
    found = look(snapshot(member(alerts=[alert(**changes)])))
    assert [(f.id, f.severity) for f in found] == ([("alertmanager.alert.unrouted", severity)] if severity else [])


def test_without_a_configuration_the_usual_names_tell_who_sends_nothing() -> None:
    seen = member(status=status(receivers=None), alerts=[alert(receivers=("blackhole",))])
    assert ids(snapshot(seen)) == ["alertmanager.alert.unrouted"]
    assert ids(snapshot(member(status=status(receivers=None), alerts=[alert()]))) == []


def test_alerts_are_findings_only_where_that_is_asked_for() -> None:
    fires = [
        alert(),
        alert(labels={"service": "auth"}),
        alert("HighLag", labels={"severity": "warning"}),
        alert("Odd", labels={"severity": ""}),
        alert("Watchdog", labels={"severity": "none"}),
        alert("Quiet", state="suppressed"),
    ]
    seen = snapshot(member(alerts=fires), member(OTHER, alerts=fires))
    assert ids(seen) == []
    found = look(seen, findings_for_alerts=True)
    assert {f.details["alertname"]: (f.severity, f.observed["alerts"]) for f in found} == {
        "ServiceDown": ("P2", 2),
        "HighLag": ("P3", 1),
        "Odd": ("P4", 1),
    }
    assert found[0].since == NOW - 300


def test_what_fires_in_prometheus_has_to_be_here() -> None:
    here = [alert(labels={"cluster": "eu"})]  # with an external label
    expected = [{"alertname": "ServiceDown", "severity": "critical", "service": "orders", "replica": "a"}]
    assert ids(snapshot(member(alerts=here), expected=expected)) == []
    absent = {"alertname": "ServiceDown", "severity": "critical", "service": "auth"}
    found = only(snapshot(member(alerts=here), expected=[*expected, absent]), "alertmanager.alert.missing")
    assert found.observed == {"firing": 2, "missing": 1} and "service=auth" in found.evidence[0]
    hidden = [alert(state="suppressed", silenced_by=("s1",))]
    assert ids(snapshot(member(alerts=hidden), expected=expected)) == [], "suppressed is not absent"
    assert ids(snapshot(member(alerts=[]), expected=[])) == []
    unread = Problem("refused", "connection refused")
    assert only(snapshot(expected_problem=unread), "alertmanager.unmeasured").state == "unknown"


# Silences


def test_what_hides_the_incident_is_named_with_who_until_when_and_why() -> None:
    hidden = alert(state="suppressed", silenced_by=("s1",))
    inhibitor = alert("NodeDown", "fp-node", labels={"service": "node"})
    others = [
        alert("B", state="suppressed", inhibited_by=("fp-node",)),
        alert("C", state="suppressed", muted_by=("weekends",)),
    ]
    seen = snapshot(member(alerts=[hidden, inhibitor, *others], silences=[silence()]))
    assert ids(seen) == [], "without the labels of an incident it is how people work"
    found = {finding.id: finding for finding in look(seen, watch_labels=WATCH)}
    assert sorted(found) == ["alertmanager.alert.suppressed", "alertmanager.silence.covers_incident"]
    one = found["alertmanager.alert.suppressed"]
    assert one.observed == {"alerts": 3, "silenced": 1, "inhibited": 1, "muted": 1}
    text = "\n".join(one.evidence)
    assert 'silence s1 of ann, for 60 min more: moving racks {service="orders"}' in text
    assert "NodeDown" in text and "weekends" in text
    assert one.details == {"silences": ["s1"]}
    assert ids(seen, watch_labels={"service": "auth"}) == []


def test_silences_of_our_own_are_no_finding() -> None:
    hidden = alert(state="suppressed", silenced_by=("s1",))
    mine = silence(created_by="incident.response", ends=NOW + 60, matchers=(Matcher("alertname", ".+", True),))
    assert ids(snapshot(member(alerts=[hidden], silences=[mine])), watch_labels=WATCH) == []
    also = hidden._replace(inhibited_by=("x",))
    assert ids(snapshot(member(alerts=[also], silences=[mine])), watch_labels=WATCH) == [
        "alertmanager.alert.suppressed"
    ]
    theirs = snapshot(member(alerts=[hidden], silences=[mine]))
    assert "alertmanager.alert.suppressed" in ids(theirs, watch_labels=WATCH, created_by="somebody else")


@pytest.mark.parametrize(
    ("matchers", "expected"),
    [
        ((Matcher("alertname", ".*", True), Matcher("service", "", False, True)), ["matches_all"]),
        ((Matcher("alertname", "Watchdog", False, False),), ["matches_all"]),
        ((Matcher("service", "orders"),), []),
        ((Matcher("service", "(a+)+", True),), []),  # not judged
        ((Matcher("service", ".+", True),), []),
    ],
)
def test_a_silence_of_everything(matchers: tuple[Matcher, ...], expected: list[str]) -> None:
    seen = snapshot(member(silences=[silence(matchers=matchers)]))
    assert ids(seen) == [f"alertmanager.silence.{name}" for name in expected]
    for state in ("expired", "pending", "unknown"):
        assert ids(snapshot(member(silences=[silence(matchers=matchers, state=state)]))) == []


@pytest.mark.parametrize(
    ("matchers", "severity"),
    [
        ((Matcher("service", "orders"),), "P3"),
        ((Matcher("service", "orders"), Matcher("alertname", "HighLag")), "P4"),
        ((Matcher("service", "auth"),), None),
        ((Matcher("alertname", "HighLag"),), None),
    ],
)
def test_a_silence_that_covers_the_incident_before_anything_fires(
    matchers: tuple[Matcher, ...], severity: str | None
) -> None:
    found = look(snapshot(member(silences=[silence(matchers=matchers)])), watch_labels=WATCH)
    assert [finding.severity for finding in found] == ([severity] if severity else [])


@pytest.mark.parametrize(
    ("ends", "severity"), [(NOW + 29 * DAY, None), (NOW + 31 * DAY, "P4"), (NOW + 400 * DAY, "P3"), (None, "P3")]
)
def test_a_silence_that_goes_on(ends: float | None, severity: str | None) -> None:
    found = look(snapshot(member(silences=[silence(ends=ends)])))
    assert [finding.severity for finding in found] == ([severity] if severity else [])


def test_a_silence_that_ends_while_it_hides_something() -> None:
    ends = silence(ends=NOW + 300)
    hidden = alert(state="suppressed", silenced_by=("s1",))
    assert ids(snapshot(member(silences=[ends]))) == [], "it hides nothing"
    seen = snapshot(member(silences=[ends], alerts=[hidden]))
    assert ids(seen) == ["alertmanager.silence.ending"]
    assert ids(seen, expires_within=60) == []


# What is returned


def test_peers_tell_the_same_alert_once_and_the_one_that_notifies_counts() -> None:
    hidden = alert(state="suppressed", silenced_by=("s1",))
    seen = snapshot(member(alerts=[hidden]), member(OTHER, alerts=[hidden._replace(state="active", silenced_by=())]))
    found = summary(seen, Settings())["alerts"]
    assert (found["total"], found["states"]) == (1, {"active": 1})


def test_many_alerts_make_a_small_result() -> None:
    many = [alert(f"A{n % 300}", labels={"pod": f"p-{n}"}) for n in range(10_000)]
    seen = snapshot(member(alerts=many))
    data = summary(seen, Settings(watch_labels=WATCH))
    assert (data["alerts"]["total"], data["alerts"]["groups_total"]) == (10_000, 300)
    assert len(data["alerts"]["groups"]) == 50
    assert data["alerts"]["groups"][0]["labels"] == {"service": "orders", "severity": "critical"}
    assert len(json.dumps(data)) < 60_000
    assert len(look(seen, findings_for_alerts=True)) == 100


# Parsing


@pytest.mark.parametrize(
    "row",
    [
        {},
        {"labels": None, "status": None, "receivers": None},
        {"labels": {"a": 1, "b": "x"}, "status": {"state": "new", "silencedBy": None, "inhibitedBy": [1]}},
        {"labels": [], "status": [], "receivers": [1, {"name": None}], "startsAt": "0001-01-01T00:00:00.000Z"},
    ],
)
def test_odd_alerts_are_alerts(row: dict[str, t.Any]) -> None:
    found = parse.alerts([row, 3, None])
    assert len(found) == 1 and found[0].since is None and found[0].state == "unknown"
    assert parse.alerts(None) == []


@pytest.mark.parametrize("data", [{}, 3, "x", {"status": "success", "data": []}])
def test_what_is_no_list_is_no_alerts(data: t.Any) -> None:
    with pytest.raises(parse.Unexpected):
        parse.alerts(data)
    with pytest.raises(parse.Unexpected):
        parse.status(data)


def test_matchers_before_there_were_negative_ones() -> None:
    row = {"id": "1", "status": {"state": "active"}, "matchers": [{"name": "a", "value": "b", "isRegex": True}]}
    assert parse.silence(row).matchers == (Matcher("a", "b", True, True),)
    assert parse.silence({}).state == "unknown"


def test_prometheus_tells_what_fires_and_what_only_may() -> None:
    rows = [{"labels": {"alertname": "A"}, "state": "firing"}, {"labels": {"alertname": "B"}, "state": "pending"}]
    assert parse.prometheus_alerts({"status": "success", "data": {"alerts": rows}}) == [{"alertname": "A"}]
    with pytest.raises(parse.Unexpected):
        parse.prometheus_alerts({"status": "error"})


METRICS = """# HELP alertmanager_notifications_total x
alertmanager_notifications_total{integration="webhook"} 7
alertmanager_notifications_total{integration="slack",receiver_name="a b"} 2
alertmanager_notifications_failed_total{integration="webhook",reason="clientError"} 1
alertmanager_notifications_failed_total{integration="webhook",reason="other"} 2
alertmanager_notification_latency_seconds_bucket{integration="webhook",le="1"} 7
alertmanager_config_hash 1.95781388961075e+14
alertmanager_config_last_reload_successful 0
process_start_time_seconds 1.7958974e+09
alertmanager_silences{state="active"} NaN
garbage {
"""


def test_metrics_of_old_and_new_servers() -> None:
    found = alertmanager_metrics.read(METRICS, NOW)
    assert found.sent == {"webhook": Sent(7, 3), "slack of a b": Sent(2)}
    assert found.reasons == {"webhook": {"clientError": 1, "other": 2}}
    assert (found.config_hash, found.reload_ok, found.start) == ("195781388961075", False, 1795897400)
    for text in ("", "<html>", "go_goroutines 3\n", "process_start_time_seconds 1\n"):
        with pytest.raises(alertmanager_metrics.NoMetrics):
            alertmanager_metrics.read(text, NOW)


CONFIG = """global:
  resolve_timeout: 5m
  smtp_auth_password: <secret>
  slack_api_url: https://hooks.example/CANARY1
route:
  receiver: team
receivers:
- name: team
  webhook_configs:
  - send_resolved: true
    http_config:
      authorization:
        type: Bearer
        credentials: CANARY2
      follow_redirects: true
    url: http://user:CANARY3@h/x?token=CANARY4
    max_alerts: 0
  email_configs:
  - to: CANARY5@example.com
    headers:
      X-Key: CANARY6
    html: |-
      text CANARY7
      key: CANARY8
- name: "null"
- name: it's 5
templates:
- /etc/CANARY9.tmpl
"""


def test_the_configuration_tells_receivers_and_keeps_its_secrets() -> None:
    assert alertmanager_config.receivers(CONFIG) == {"team": ("webhook", "email"), "null": (), "it's 5": ()}
    assert alertmanager_config.receivers("") is None
    assert alertmanager_config.receivers("<redacted>") is None
    text = alertmanager_config.redacted(CONFIG)
    assert "CANARY" not in text
    for kept in ("resolve_timeout: 5m", "receiver: team", "- name: team", "send_resolved: true", "max_alerts: 0"):
        assert kept in text
