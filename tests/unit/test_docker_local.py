# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Files of this machine: processes, both versions of cgroups, the kernel's log. From a tree that looks like /."""

from __future__ import annotations

import pytest
from ansible_collections.incident.response.plugins.module_utils.clients import docker_local
from ansible_collections.incident.response.plugins.module_utils.clients.docker_local import (
    kernel_ooms,
    local_facts,
    parse_kernel,
)
from ansible_collections.incident.response.plugins.module_utils.core.docker_snapshot import Pids

ID = "c0ffee" * 10 + "abcd"


def tree(root, files):
    for path, text in files.items():
        file = root / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_text(text)
    return f"{root}/"


PROCESSES = {
    "proc/7/stat": "7 (my (odd) app) T 3 7 7 0",
    "proc/8/stat": "8 (worker) S 7 7 7 0",
    "proc/7/net/tcp": "  sl\n   0: 0100007F:1F90 00000000:0000 0A 0\n   1: 0100007F:1F91 0100007F:1F90 01 0\n",
    "proc/7/net/tcp6": "  sl\n   0: 00000000000000000000000000000000:0050 0:0 0A 0\n",
}
V1 = {
    **PROCESSES,
    "proc/7/cgroup": f"3:memory:/docker/{ID}\n2:cpu,cpuacct:/docker/{ID}\n1:name=systemd:/docker/{ID}\n"
    f"4:pids:/docker/{ID}\n",
    f"sys/fs/cgroup/pids/docker/{ID}/pids.current": "9\n",
    f"sys/fs/cgroup/pids/docker/{ID}/pids.max": "max\n",
    f"sys/fs/cgroup/memory/docker/{ID}/cgroup.procs": "7\n8\n9\n",
    f"sys/fs/cgroup/memory/docker/{ID}/memory.usage_in_bytes": "1000\n",
    f"sys/fs/cgroup/memory/docker/{ID}/memory.limit_in_bytes": "5000\n",
    f"sys/fs/cgroup/memory/docker/{ID}/memory.max_usage_in_bytes": "4000\n",
    f"sys/fs/cgroup/memory/docker/{ID}/memory.stat": "inactive_file 1\ntotal_inactive_file 300\n",
    f"sys/fs/cgroup/memory/docker/{ID}/memory.oom_control": "oom_kill_disable 0\nunder_oom 0\noom_kill 2\n",
    f"sys/fs/cgroup/cpu/docker/{ID}/cpu.stat": "nr_periods 10\nnr_throttled 4\nthrottled_time 1\n",
}
V2_DIR = f"sys/fs/cgroup/system.slice/docker-{ID}.scope"
V2 = {
    **PROCESSES,
    "proc/7/cgroup": f"0::/system.slice/docker-{ID}.scope\n",
    f"{V2_DIR}/cgroup.procs": "7\n8\n",
    f"{V2_DIR}/memory.current": "1000\n",
    f"{V2_DIR}/memory.max": "max\n",
    f"{V2_DIR}/memory.peak": "4000\n",
    f"{V2_DIR}/memory.stat": "inactive_file 300\n",
    f"{V2_DIR}/memory.events": "low 0\noom 3\noom_kill 2\n",
    f"{V2_DIR}/pids.current": "9\n",
    f"{V2_DIR}/pids.max": "100\n",
    f"{V2_DIR}/cpu.stat": "usage_usec 5\nnr_periods 10\nnr_throttled 4\n",
}


@pytest.mark.parametrize(("files", "limit", "pids"), [(V1, 5000, None), (V2, None, 100)], ids=["v1", "v2"])
def test_both_versions(tmp_path, files, limit, pids):
    facts = local_facts(7, ID, tree(tmp_path, files))
    assert [(p.pid, p.parent, p.state, p.command) for p in facts.processes] == [
        (7, 3, "T", "my (odd) app"),
        (8, 7, "S", "worker"),
    ]
    memory = facts.memory
    assert (memory.usage, memory.working_set, memory.peak, memory.oom_kills) == (1000, 700, 4000, 2)
    assert memory.limit == limit
    assert facts.throttling == (10, 4)
    assert facts.pids == Pids(9, pids)
    assert facts.listeners == [("127.0.0.1", 8080), ("::", 80)]


def test_a_process_of_another_machine_or_container(tmp_path):
    root = tree(tmp_path, V1)
    assert local_facts(7, "f" * 64, root) is None, "the same pid here is not the container's"
    assert local_facts(99, ID, root) is None
    assert local_facts(7, "", root) is None


def test_half_of_the_files(tmp_path):
    facts = local_facts(7, ID, tree(tmp_path, {"proc/7/cgroup": V1["proc/7/cgroup"], **PROCESSES}))
    assert [process.pid for process in facts.processes] == [7]
    assert facts.memory is None and facts.throttling is None and facts.pids is None
    (tmp_path / "proc/7/net/tcp").unlink()
    assert local_facts(7, ID, f"{tmp_path}/").listeners == [("::", 80)]
    (tmp_path / "proc/7/net/tcp6").unlink()
    assert local_facts(7, ID, f"{tmp_path}/").listeners is None, "nobody could look, which is not: nothing listens"


def test_a_crowd_of_sockets(tmp_path, monkeypatch):
    """The table's beginning is read; where it ends among those that listen, nobody knows them all."""
    row = "   1: 0100007F:1F91 0100007F:1F90 01 0\n"
    files = {**V1, "proc/7/net/tcp": PROCESSES["proc/7/net/tcp"] + row * 1000}
    root = tree(tmp_path, files)
    monkeypatch.setattr(docker_local, "SOCKET_TABLE", 500)
    assert local_facts(7, ID, root).listeners == [("127.0.0.1", 8080), ("::", 80)]
    (tmp_path / "proc/7/net/tcp").write_text("   1: 0100007F:1F91 0100007F:1F90 0A 0\n" * 1000)
    assert local_facts(7, ID, root).listeners is None


def record(micros, text, number=1):
    return f"6,{number},{micros},-;{text}"


MEMCG = (
    "oom-kill:constraint=CONSTRAINT_MEMCG,nodemask=(null),cpuset={id},mems_allowed=0,oom_memcg=/docker/{id},"
    "task_memcg=/docker/{id},task=perl,pid=4711,uid=0"
)
HOST = (
    "oom-kill:constraint=CONSTRAINT_NONE,nodemask=(null),cpuset=/,mems_allowed=0,global_oom,"
    "task_memcg=/system.slice/docker-{id}.scope,task=java,pid=1,uid=0"
)


def test_kernel_log():
    """The limit of a cgroup above a container (a slice) is no more its own than that of the machine."""
    records = [
        record(1_000_000, "boot"),
        record(2_000_000, MEMCG.format(id=ID)),
        record(3_000_000, HOST.format(id=ID)),
        record(3_500_000, MEMCG.format(id=ID).replace(f"oom_memcg=/docker/{ID}", "oom_memcg=/docker")),
        record(4_000_000, "oom-kill:constraint=CONSTRAINT_MEMCG,task_memcg=/user.slice,task=x,pid=1,uid=0"),
        "nonsense",
        "",
    ]
    found, since = parse_kernel(records, 100.0)
    assert since == 101.0
    assert [(line.at, line.container_id, line.process, line.host) for line in found] == [
        (102.0, ID, "perl", False),
        (103.0, ID, "java", True),
        (103.5, ID, "perl", True),
    ]
    assert parse_kernel([], 0.0) is None


def test_no_kernel_log(tmp_path):
    assert kernel_ooms(str(tmp_path / "kmsg")) is None
