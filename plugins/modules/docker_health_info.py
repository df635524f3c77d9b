#!/usr/bin/python
# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
module: docker_health_info
short_description: Find out what is wrong with the containers of a Docker engine
version_added: 0.1.0
description:
  - Looks at state, health, restarts, memory, processes, events and logs of containers, with one list call and then
    all of them at once within one deadline, and returns what is wrong as findings with remedies, safest first.
  - It only reads. What makes an event in the engine (C(top)) is used only where the machine's own files can't be
    read, because the engine remembers 256 events and health checks fill them.
  - Each container has at most one fault, the one that explains the rest. A container that is down is not called
    unhealthy as well.
  - That a container was killed for want of memory is judged by State.OOMKilled (which every start resets), oom events,
    the cgroup's counter, the kernel's log and the exit code together. The finding names the sources that spoke.
  - A crash loop is seen while the container happens to run, by its restart count, its events and O(history).
extends_documentation_fragment:
  - incident.response.check
  - incident.response.docker
author:
  - The incident.response authors (@incident-response)
options:
  component:
    description: Name of the engine in findings about the engine itself.
    type: str
    default: docker
  project:
    description: Compose project to look at. Without it, and without O(containers), all containers are looked at.
    type: str
  services:
    description:
      - Compose services that have to exist, and the only ones to look at.
      - Without it whatever exists is looked at, and a service without any container is not missed. An empty list is
        an error.
    type: list
    elements: str
  containers:
    description: Containers that have to exist, by name or id, in place of O(project) and O(services).
    type: list
    elements: str
  components:
    description: Component of findings by service (or container). Without an entry it is C(container:SERVICE).
    type: dict
    default: {}
  expected_replicas:
    description:
      - Number of containers by service. Fewer are a finding. Where so many are well, one more that is down is none.
      - V(0) is for a job that runs and ends.
    type: dict
    default: {}
  expected_ports:
    description:
      - Ports by service that have to be published, one or a list, as V(8080), V(8080/udp), or V(80:8080) with the
        host's port first. What a container was created with has to be published without being named here.
    type: dict
    default: {}
  config_hashes:
    description:
      - Hash of the configuration by service, as C(docker compose config --hash '*') prints it for the Compose file as
        it is now. Without it containers of one service are compared with the one that was made last.
    type: dict
    default: {}
  log_lines:
    description:
      - Lines of each log to read, at most 10000 and 256 KiB. V(0) reads none.
      - Of more than 50 containers only the logs of those that look unwell are read.
    type: int
    default: 100
  log_since:
    description: Read only lines since then, as a time V(2026-01-31T12:00:00Z) or a length of time V(5m), V(1h30m).
    type: str
  depth:
    description:
      - V(full) takes two samples 2 s apart for CPU throttling, and reads memory through the engine where it is not on
        this machine. It has the engine add up what containers wrote into their layers. V(quick) does none of it.
    type: str
    default: quick
    choices: [quick, full]
  restart_window:
    description: Seconds back in which a crash or an OOM kill of a container that runs again still counts.
    type: float
    default: 900.0
  procfs:
    description:
      - Where C(meminfo) and C(pressure/memory) of the engine's machine are. Another directory than V(/proc) is for a
        check that runs in a container, or where C(/proc/meminfo) tells what a container may have.
      - Processes and sockets are always read in V(/proc).
    type: path
    default: /proc
  thresholds:
    description:
      - Pairs of C(warn) and C(crit) that replace the defaults, by name. Higher is worse in all of them.
      - C(memory_percent) is the working set of the limit (80, 92), C(cpu_throttled_percent) the part of periods that
        were throttled (25, 50), C(restarts) those that nobody asked for within O(restart_window) (1, 3).
      - C(pids_percent) is processes and threads of their limit (80, 95), C(disk_percent) space or inodes in use of each
        file system where the engine keeps its data or containers write to (90, 95), C(host_memory_percent) memory of
        the machine without what it can give back at once (90, 95), C(host_pressure_percent) the part of the last minute
        in which all processes waited for memory (10, 40), C(log_mib) the log files of a container (1024, 10240) and
        C(layer_mib) what it wrote outside of volumes (1024, 10240).
    type: dict
    default: {}
notes:
  - Findings, with the rows of the checks catalogue that they implement.
  - "CTR-01: C(docker.container.missing). CTR-02: C(docker.container.not_running), with causes by exit code;
    C(docker.container.paused)."
  - "CTR-03: C(docker.container.unhealthy), also for one that starts for too long. CTR-04: C(docker.healthcheck.absent).
    CTR-05: C(docker.container.crash_loop)."
  - "CTR-06: C(docker.memory.oom_killed). Its details say C(confidence), C(sources), C(main_process) (or a child of it),
    C(host_pressure) (the machine was short, not the limit), C(scope) (V(container) or V(host)) and
    C(suggested_limit)."
  - "CTR-07: C(docker.memory.high). CTR-08: C(docker.memory.unlimited). CTR-09: C(docker.cpu.throttled).
    CTR-12: C(docker.container.start_failed)."
  - "CTR-10: C(docker.pids.high). C(docker.disk.high) and C(docker.log.large) need an engine on this machine, the latter
    also the right to look at its files. C(docker.disk.high) is about the file system of the engine's data, and about
    each other one that a container may write to: its details then name those containers as C(serves). What is
    mounted read-only is left out. C(docker.layer.large) is judged in the depth V(full)."
  - "No row: C(docker.host.memory), the machine itself is short of memory, for an engine on this machine. A container
    that the kernel kills then was at no limit of its own."
  - "CTR-11: C(docker.port.not_published), against what the container was created with and O(expected_ports).
    C(docker.port.not_listening), nothing listens on a published TCP port, and C(docker.port.loopback_only), only
    loopback does. Both are about engines on this machine and containers that are healthy for 30 s, or run for 120 s
    without a health check; of an unhealthy one, a port that nothing listens on is named among its causes."
  - "CTR-13: C(docker.container.drifted), its image's name stands for another image by now, or its configuration is not
    that of O(config_hashes) or of the newest container of its service. A limit that C(docker update) has changed is not
    seen."
  - "No row: C(docker.process.frozen), the main process is stopped by a signal while its container counts as running;
    C(docker.daemon.unreachable), C(docker.daemon.forbidden); C(docker.logs.unreadable)."
  - C(docker.unmeasured) has the state C(unknown) and says what could not be read and why. It is never the same as
    healthy.
  - The details of a finding about a container have C(container_id), C(container_name), C(service), C(project),
    C(status), C(started_at), C(finished_at), C(exit_code), C(restart_count) and C(image).
  - An OOM kill of a child that only the cgroup's counter knows has no time. It counts until O(history) shows that it is
    older than O(restart_window), or the container is started anew.
"""

EXAMPLES = r"""
- name: Look at the services of a Compose project
  incident.response.docker_health_info:
    project: shop
    services: [orders, payment]
  register: containers

- name: One container, with its throttling, on another machine
  incident.response.docker_health_info:
    docker_host: tcp://engine.example.com:2376
    tls: true
    ca_path: /etc/docker/ca.pem
    client_cert: /etc/docker/cert.pem
    client_key: /etc/docker/key.pem
    containers: [orders-1]
    depth: full

- name: A job that may be done, and a service of three
  incident.response.docker_health_info:
    project: shop
    expected_replicas:
      migrate: 0
      orders: 3
"""

RETURN = r"""
reachable:
  description: Whether the engine answered.
  returned: success
  type: bool
  sample: true
status:
  description: V(ok), V(warning), V(critical) or V(unknown), the worst of all findings.
  returned: success
  type: str
  sample: critical
findings:
  description: What is wrong, worst first.
  returned: success
  type: list
  elements: dict
  sample:
    - id: docker.container.not_running
      component: "container:orders"
      subject: container shop-orders-1
      state: critical
      severity: P1
      summary: "Container shop-orders-1 is exited: it ended with 137 31 s ago; somebody killed it through Docker"
      observed: {status: exited, exit_code: 137}
      threshold: {status: running}
      evidence: ["status exited, exit code 137: it was killed (SIGKILL)"]
      causes: ["somebody killed it through Docker (docker kill)"]
      remedies:
        - {text: Start it, risk: low, command: docker compose -p shop start orders}
      since: 1795871260.13
      details: {container_id: 59ae4dbad7df, container_name: shop-orders-1, service: orders, exit_code: 137}
snapshot:
  description:
    - The raw facts. C(services) has an entry for each service (or container without one) with the facts of its worst
      container, and all of them in C(containers).
    - Of each container there are C(listening) (addresses and TCP ports inside), C(pids), C(log_bytes), C(layer_bytes)
      and C(config_hash), V(null) where nobody could look. C(disk) is the file system of the engine's data,
      C(disks) has the others that containers write to, C(machine) the memory of the engine's machine, C(pressure) how
      much is waited for it (V(some), V(full), percent of the last minute).
    - Of each container there are C(logs) with C(at) and C(text), a stack trace as one entry, and C(traces) with
      C(kind), C(text) and C(count).
  returned: success
  type: dict
  sample:
    engine: {version: 20.10.24, api_version: "1.41"}
    services:
      orders: {status: running, health: healthy, restart_count: 0, containers: []}
    containers_total: 1
thresholds:
  description: What was judged by.
  returned: success
  type: dict
  sample: {memory_percent: {warn: 80, crit: 92}, restart_window: 900.0}
measured:
  description: What was looked at and what was left out, for people.
  returned: success
  type: list
  elements: str
  sample: ["12 containers by their state, health, limits and restarts", "processes of 12 of 12 running containers"]
samples:
  description: Restarts and OOM kills of each container, for the option O(history) of a later run.
  returned: success
  type: list
  elements: dict
  sample:
    - at: 1795871260.13
      service: orders
      container_id: 59ae4dbad7df
      started_at: "2026-11-28T13:03:15.455705582Z"
      restart_count: 0
      oom_kills: 0
attachments:
  description: Log and events of each container that something was found about, for the evidence files.
  returned: success
  type: dict
  sample: {}
collected_at:
  description: When the look began, in UTC.
  returned: success
  type: str
  sample: "2026-11-28T12:43:05.120+00:00"
duration_ms:
  description: How long it took.
  returned: success
  type: int
  sample: 84
truncated:
  description: Whether parts were left out because the result would have been too large.
  returned: success
  type: bool
  sample: false
"""

from ansible_collections.incident.response.plugins.module_utils.checks.docker_health import CHECK
from ansible_collections.incident.response.plugins.module_utils.module.check import run_module


def main() -> None:
    run_module(CHECK)


if __name__ == "__main__":
    main()
