# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Ports of containers: published or not, listened on or not, by whom they can be reached."""

from __future__ import annotations

import copy

import pytest
from ansible_collections.incident.response.plugins.module_utils.checks import docker_health
from ansible_collections.incident.response.plugins.module_utils.core import docker_parse as parse
from ansible_collections.incident.response.plugins.module_utils.core import docker_summary
from ansible_collections.incident.response.plugins.module_utils.core.docker_judge import judge
from ansible_collections.incident.response.plugins.module_utils.core.docker_ports import Expected, parse_port
from ansible_collections.incident.response.plugins.module_utils.core.docker_settings import Settings
from ansible_collections.incident.response.plugins.module_utils.core.docker_snapshot import Process
from ansible_collections.incident.response.plugins.module_utils.module.check import Misuse
from docker_made import RECORDED, container, ids, look, only, running

OPEN = [("0.0.0.0", 8080)]


def web(age=60.0, **changes):
    """A healthy container with port 8080 published on 80, so long after its start."""
    one = running(**{"declared": {"8080/tcp": ["80"]}, "published": {"8080/tcp": ["80"]}, "listeners": OPEN, **changes})
    return look(one, now=one.started + age)


PUBLISHED = [
    ("as it was declared", {}, True),
    ("not at all", {"published": {}}, False),
    ("on another port of the host", {"published": {"8080/tcp": ["81"]}}, False),
    ("another port of it", {"published": {"9090/tcp": ["80"]}, "listeners": [("::", 9090)]}, False),
    ("declared for any port of the host", {"declared": {"8080/tcp": [""]}, "published": {"8080/tcp": ["32768"]}}, True),
    ("declared as 0, which is any", {"declared": {"8080/tcp": ["0"]}, "published": {"8080/tcp": ["32768"]}}, True),
    ("declared as a range", {"declared": {"8080/tcp": ["80-90"]}, "published": {"8080/tcp": ["83"]}}, True),
    ("one of two", {"declared": {"8080/tcp": ["80", "81"]}}, False),
    ("by both addresses", {"declared": {"8080/tcp": ["80", "80"]}}, True),
    ("udp", {"declared": {"53/udp": ["53"]}, "published": {"53/udp": ["53"]}, "listeners": []}, True),
    ("udp, not", {"declared": {"53/udp": ["53"]}, "published": {}, "listeners": []}, False),
    ("in the host's network", {"published": {}, "network_mode": "host"}, True),
    ("in the network of another", {"published": {}, "network_mode": "container:c0ffee"}, True),
    ("without any network", {"published": {}, "network_mode": "none"}, False),
    ("nothing was declared", {"declared": {}, "published": {}, "listeners": []}, True),
]


@pytest.mark.parametrize(("changes", "well"), [row[1:] for row in PUBLISHED], ids=[row[0] for row in PUBLISHED])
def test_published(changes, well):
    findings = judge(web(**changes), Settings())
    assert ids(findings) == ([] if well else ["docker.port.not_published"])


def test_not_published_says_what_is_missing():
    finding = only(judge(web(published={}, ports=[], networks={}), Settings()))
    assert (finding.state, finding.severity) == ("critical", "P2")
    assert finding.details["missing_ports"] == ["8080/tcp (host port 80)"] and finding.details["declared"] is True
    assert "network disconnect" in finding.causes[0]
    assert "--force-recreate" in finding.remedies[-1].command


@pytest.mark.parametrize(
    ("expected", "found"),
    [
        ((Expected("8080/tcp", ""),), []),
        ((Expected("8080/tcp", "80"),), []),
        ((Expected("8080/tcp", "81"),), ["docker.port.not_published"]),
        ((Expected("9090/tcp", ""),), ["docker.port.not_published"]),
    ],
)
def test_expected_ports(expected, found):
    findings = judge(web(), Settings(ports={"healthy": expected, "other": (Expected("1/tcp", ""),)}))
    assert ids(findings) == found
    if found:
        assert "created without them" in findings[0].causes[0] and findings[0].details["declared"] is False


def test_expected_of_the_hosts_network_is_judged_by_who_listens():
    expected = Settings(ports={"healthy": (Expected("9090/tcp", ""),)})
    shared = {"declared": {}, "published": {}, "network_mode": "host"}
    assert judge(web(**shared, listeners=[("127.0.0.1", 9090)]), expected) == []
    assert ids(judge(web(**shared), expected)) == ["docker.port.not_listening"]


LISTENING = [
    ("by every address", [("0.0.0.0", 8080)], None),
    ("by every address of both kinds", [("::", 8080)], None),
    ("by its own address", [("172.17.0.2", 8080)], None),
    ("by loopback and its own address", [("127.0.0.1", 8080), ("172.17.0.2", 8080)], None),
    ("by loopback", [("127.0.0.1", 8080)], "docker.port.loopback_only"),
    ("by another loopback", [("127.0.0.11", 8080)], "docker.port.loopback_only"),
    ("by both loopbacks", [("127.0.0.1", 8080), ("::1", 8080)], "docker.port.loopback_only"),
    ("an address that is none", [("", 8080)], None),
    ("by another port", [("0.0.0.0", 80)], "docker.port.not_listening"),
    ("by nothing", [], "docker.port.not_listening"),
    ("nobody could look", None, None),
]


@pytest.mark.parametrize(("listeners", "found"), [row[1:] for row in LISTENING], ids=[row[0] for row in LISTENING])
def test_listening(listeners, found):
    findings = judge(web(listeners=listeners), Settings())
    assert ids(findings) == ([found] if found else [])
    for finding in findings:
        assert (finding.state, finding.severity) == ("critical", "P2")
        assert "8080" in finding.summary and finding.evidence and finding.causes and finding.remedies


def test_one_silent_port_of_several_is_a_warning():
    both = {"8080/tcp": ["80"], "9090/tcp": ["90"], "53/udp": ["53"]}
    finding = only(judge(web(declared=both, published=both), Settings()))
    assert (finding.id, finding.state, finding.severity) == ("docker.port.not_listening", "warning", "P3")
    assert finding.details["silent_ports"] == [9090] and "switched off" in finding.causes[1]
    none = only(judge(web(declared=both, published=both, listeners=[]), Settings()))
    assert (none.state, none.severity, none.details["silent_ports"]) == ("critical", "P2", [8080, 9090])


def test_what_is_not_published_may_listen_as_it_likes():
    assert judge(web(declared={}, published={}, listeners=[("127.0.0.1", 8080)]), Settings()) == []


@pytest.mark.parametrize("listeners", [[], [("127.0.0.1", 8080)]])
def test_a_fresh_start_is_given_time(listeners):
    assert judge(web(29, listeners=listeners), Settings()) == []
    assert len(judge(web(30, listeners=listeners), Settings())) == 1
    unchecked = web(119, listeners=listeners)
    unchecked.containers[0].health.status = "none"
    assert ids(judge(unchecked, Settings())) == ["docker.healthcheck.absent"]
    unchecked.now += 1
    assert len(judge(unchecked, Settings())) == 2
    for status in ("starting", "unknown"):
        starting = web(60, listeners=listeners)
        starting.containers[0].health.status, starting.containers[0].health.grace = status, 1000
        assert judge(starting, Settings()) == []


def test_of_an_unhealthy_one_it_is_the_reason():
    sick = web(listeners=[])
    sick.containers[0].health.status = "unhealthy"
    finding = only(judge(sick, Settings()))
    assert finding.id == "docker.container.unhealthy"
    assert finding.causes[0] == "nothing inside of it listens on port 8080, which is published"
    sick.containers[0].listeners = OPEN
    assert "listens" not in only(judge(sick, Settings())).causes[0]
    sick.containers[0].listeners = [("127.0.0.1", 8080)]
    assert ids(judge(sick, Settings())) == ["docker.container.unhealthy", "docker.port.loopback_only"]


@pytest.mark.parametrize("name", ["exit0", "paused", "restarting", "oom_main", "start_failed"])
def test_one_that_does_not_run_has_no_ports_to_judge(name):
    one = container(name, declared={"8080/tcp": ["80"]}, published={}, listeners=[])
    assert not [found for found in ids(judge(look(one), Settings())) if found.startswith("docker.port")]


def test_one_that_is_frozen_has_no_ports_to_judge():
    stopped = web(published={}, listeners=[], pid=7, processes=[Process(7, 1, "T", "app")])
    assert ids(judge(stopped, Settings())) == ["docker.process.frozen"]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        (8080, Expected("8080/tcp", "")),
        ("8080", Expected("8080/tcp", "")),
        ("8080/udp", Expected("8080/udp", "")),
        (" 80:8080 ", Expected("8080/tcp", "80")),
        ("80:53/udp", Expected("53/udp", "80")),
        ("080", Expected("80/tcp", "")),
    ],
)
def test_ports_as_options(text, expected):
    assert parse_port(text) == expected


@pytest.mark.parametrize(
    "text", ["", "http", "0", "65536", "8080/icmp", "-1", "1:2:3", None, True, 80.5, "80-90", "0:80"]
)
def test_what_is_no_port(text):
    with pytest.raises(ValueError, match="not a port"):
        parse_port(text)


def test_ports_as_options_of_the_check():
    assert docker_health._ports({"a": 80, "b": ["1:2", "3/udp"], "c": []}) == {
        "a": (Expected("80/tcp", ""),),
        "b": (Expected("2/tcp", "1"), Expected("3/udp", "")),
        "c": (),
    }
    with pytest.raises(Misuse, match="expected_ports: a: 'x' is not a port"):
        docker_health._ports({"a": "x"})


def test_bindings_as_docker_writes_them():
    data = copy.deepcopy(RECORDED["healthy"])
    data["HostConfig"]["NetworkMode"] = "shop_default"
    data["HostConfig"]["PortBindings"] = {"8080/tcp": [{"HostIp": "127.0.0.1", "HostPort": "80"}], "1/tcp": None}
    data["NetworkSettings"]["Ports"] = {
        "8080/tcp": [{"HostIp": "0.0.0.0", "HostPort": "80"}, {"HostIp": "::", "HostPort": "80"}],
        "9090/tcp": None,
    }
    one = parse.container_from_inspect(data)
    assert one.declared == one.published == {"8080/tcp": ["80"]}
    assert one.network_mode == "shop_default"
    for odd in (None, [], "x", {"8080/tcp": "x"}, {"8080/tcp": [None]}):
        data["HostConfig"]["PortBindings"] = data["NetworkSettings"]["Ports"] = odd
        judge(look(parse.container_from_inspect(data)), Settings())


TCP = """  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode
   0: 0100007F:1F90 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0
   1: 00000000:0050 00000000:0000 0A 00000000:00000000 00:00000000 00000000     0        0 1 1 0
   2: 020011AC:0050 030011AC:C350 01 00000000:00000000 00:00000000 00000000     0        0 1 1 0
"""
TCP6 = """  sl  local_address                         remote_address                        st
   0: 00000000000000000000000000000000:1F91 00000000000000000000000000000000:0000 0A 0
   1: 00000000000000000000000001000000:1F92 00000000000000000000000000000000:0000 0A 0
   2: 0000000000000000FFFF00000100007F:1F93 00000000000000000000000000000000:0000 0A 0
"""


def test_sockets_as_the_kernel_writes_them(monkeypatch):
    monkeypatch.setattr(parse.sys, "byteorder", "little")
    assert parse.listeners_from_table(TCP) == [("127.0.0.1", 8080), ("0.0.0.0", 80)]
    assert parse.listeners_from_table(TCP6) == [("::", 8081), ("::1", 8082), ("127.0.0.1", 8083)]
    monkeypatch.setattr(parse.sys, "byteorder", "big")
    assert parse.listeners_from_table("0: 7F000001:1F90 0:0 0A") == [("127.0.0.1", 8080)]


@pytest.mark.parametrize("text", ["", "\n", "0: x:y z 0A", "0: 0100:1F90 0:0 0A", "0: 0100007F 0:0 0A", "a b c"])
def test_odd_tables_of_sockets(text):
    assert parse.listeners_from_table(text) == []


def test_a_table_that_was_cut_is_whole_where_it_ends_among_connections():
    """Else a port that listens could be missing, and would be called silent."""
    listening = "".join(f"{n}: 00000000:{n + 1:04X} 00000000:0000 0A\n" for n in range(100))
    connected = "0: 020011AC:0050 030011AC:C350 01\n" * 100
    assert len(parse.listeners_from_table(listening, cut=False)) == 100
    assert len(parse.listeners_from_table(listening + connected, cut=True)) == 100
    assert parse.listeners_from_table(listening + connected[:10], cut=True) is None
    assert parse.listeners_from_table("", cut=True) is None


def test_only_some_listeners_are_shown():
    one = running(listeners=[("::", port) for port in range(1, 500)])
    assert len(docker_summary.container_dict(one)["listening"]) == 50
