# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Sentinels, cluster nodes, TLS, Unix sockets, RESP3, and five thousand clients."""

from __future__ import annotations

import contextlib
import resource
import shutil
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from redis_servers import BINARY, Server, finding, free_port, ids, look, running, until


@contextlib.contextmanager
def sentinel(directory: Path, primary: int, quorum: int) -> Iterator[int]:
    port = free_port()
    config = directory / "sentinel.conf"
    directory.mkdir(exist_ok=True)
    config.write_text(
        f"port {port}\ndir {directory}\nbind 127.0.0.1\nsentinel monitor main 127.0.0.1 {primary} {quorum}\n"
        "sentinel down-after-milliseconds main 500\n"
    )
    with (directory / "log").open("wb") as log:
        process = subprocess.Popen([BINARY, str(config), "--sentinel"], stdout=log, stderr=log)
    try:
        until("the Sentinel to answer", lambda: socket.create_connection(("127.0.0.1", port)).close() is None)
        yield port
    finally:
        process.kill()
        process.wait(20)


def test_a_sentinel_vouches_for_its_primary(tmp_path: Path) -> None:
    with running(tmp_path / "redis") as server, sentinel(tmp_path / "sentinel", server.port, 1) as port:
        until("it to be content", lambda: ids(look(port=port)) == [])
        result = look(port=port)
        assert result["snapshot"]["masters"] == [{"name": "main", "flags": "master"}]
        server.stop()
        until("it to notice", lambda: ids(look(port=port)) == ["redis.sentinel.failing"])


def test_a_sentinel_without_its_quorum(tmp_path: Path) -> None:
    with running(tmp_path / "redis") as server, sentinel(tmp_path / "sentinel", server.port, 2) as port:
        until("it to answer", lambda: look(port=port)["snapshot"].get("masters"))
        result = look(port=port)
    assert ids(result) == ["redis.sentinel.failing"]
    assert "NOQUORUM" in str(finding(result, "redis.sentinel.failing")["evidence"])


def test_a_cluster_node(tmp_path: Path) -> None:
    options = ("--cluster-enabled", "yes", "--cluster-config-file", "nodes.conf")
    with running(tmp_path / "redis", *options, port=free_port(below=50000)) as server:
        assert ids(server.look()) == ["redis.cluster.down"], "no slot is assigned"
        server.client().execute_command("CLUSTER", "ADDSLOTSRANGE" if not server.old else "ADDSLOTS", *slots(server))
        until("the cluster to be complete", lambda: ids(server.look()) == [])
        assert server.look()["snapshot"]["cluster"]["cluster_slots_assigned"] == 16384


def slots(server: Server) -> list[int]:
    return list(range(16384)) if server.old else [0, 16383]


def certificates(directory: Path) -> dict[str, str]:
    program = shutil.which("openssl")
    assert program, "openssl makes the certificates of this test: apt-get install openssl"
    key, cert = directory / "key.pem", directory / "cert.pem"
    subprocess.run(
        [program, "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost",
         "-addext", "subjectAltName=DNS:localhost", "-keyout", str(key), "-out", str(cert)],
        check=True, capture_output=True,
    )  # fmt: skip
    return {"key": str(key), "cert": str(cert)}


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({"tls": True, "ca_file": "cert"}, []),
        ({"tls": True, "validate_certs": False}, []),
        ({"tls": True}, ["redis.server.tls"]),
        ({"tls": True, "ca_file": "cert", "host": "127.0.0.1"}, ["redis.server.tls"]),
        ({"tls": False}, None),
    ],
)
def test_tls(tmp_path: Path, options: dict[str, Any], expected: list[str] | None) -> None:
    files = certificates(tmp_path)
    port = free_port()
    tls = ("--tls-port", str(port), "--tls-cert-file", files["cert"], "--tls-key-file", files["key"])
    options = {"host": "localhost", **options}
    if options.get("ca_file"):
        options["ca_file"] = files["cert"]
    with running(tmp_path / "redis", *tls, "--tls-ca-cert-file", files["cert"], "--tls-auth-clients", "no"):
        found = ids(look(port=port, **options))
    assert found == expected if expected is not None else found in (["redis.server.reset"], ["redis.server.tls"])


def test_tls_asked_of_a_plain_server(tmp_path: Path) -> None:
    with running(tmp_path / "redis") as server:
        assert ids(server.look(tls=True)) in (["redis.server.tls"], ["redis.server.silent"])


@pytest.mark.parametrize("options", [{"protocol": 3}, {"unix_socket": True}, {"protocol": 3, "unix_socket": True}])
def test_other_ways_in(tmp_path: Path, options: dict[str, Any]) -> None:
    path = tmp_path / "s"
    if options.get("unix_socket"):
        options = {**options, "unix_socket": str(path)}
    with running(tmp_path / "redis", "--unixsocket", str(path)) as server:
        server.client().set("a", "1")
        result = server.look(**options)
    assert ids(result) == []
    assert result["snapshot"]["biggest_keys"]["scanned"] == 1
    assert result["snapshot"]["clients"]["listed"] == 0


@pytest.mark.parametrize("name", ["ipv6", "socket"])
def test_nobody_there(tmp_path: Path, name: str) -> None:
    options = {"host": "::1", "port": free_port()} if name == "ipv6" else {"unix_socket": str(tmp_path / "none")}
    assert ids(look(**options)) == ["redis.server.refused"]


def test_five_thousand_clients(tmp_path: Path) -> None:
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    assert hard >= 12000, f"only {hard} files may be open here, 12000 are needed: ulimit -Hn"
    resource.setrlimit(resource.RLIMIT_NOFILE, (max(soft, 12000), hard))
    links: list[socket.socket] = []
    try:
        with running(tmp_path / "redis", "--maxclients", "10000") as server:
            links = [server.connect() for _n in range(5000)]
            until("all to be there", lambda: int(server.client().info("clients")["connected_clients"]) >= 5000)
            until("buffers to shrink", lambda: int(server.client().info("memory")["mem_clients_normal"]) < 20_000_000)
            result = server.look(window=2.0)
    finally:
        for link in links:
            link.close()
    assert ids(result) == []
    assert result["snapshot"]["clients"]["listed"] == 5000
    assert result["truncated"] is False
    assert len(str(result)) < 200_000
