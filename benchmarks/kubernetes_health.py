#!/usr/bin/env python3
# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a look at a Kubernetes cluster costs: kubernetes_health_info in a play, beside kubectl and the plain library.

It looks at the cluster that KUBECONFIG names, and only reads. kubectl does what one would type: pods, deployments and
events of all namespaces, then one pod described and its log. Nobody has read them yet. It is left out where it is not
installed and --kubectl does not say how else to run it; for the lab's node, which has one inside:

    --kubectl "docker exec NODE kube kubectl --kubeconfig /var/lib/kubernetes/pki/admin.conf"
 The plain script lists the same kinds as the check with the library's own calls and models, eight at a time;
it judges nothing. Variants take turns; the figures are medians. Without KUBECONFIG there is a made API with 1,000 pods
of 4 KiB in another process; with --scale there are 10,000 in it.

Run it with the Python of .build/venv. Machines differ: compare the ratios.
"""

from __future__ import annotations

import argparse
import concurrent.futures
import contextlib
import os
import shlex
import shutil
import subprocess
import sys
import tempfile
import textwrap
import typing as t
from pathlib import Path

import _measuring as measuring
from _measuring import ROOT, run

sys.path.insert(0, str(ROOT / "tests" / "unit"))

AT_ONCE = 8
PODS = 1_000
LISTS = (
    ("CoreV1Api", "list_pod_for_all_namespaces"),
    ("AppsV1Api", "list_deployment_for_all_namespaces"),
    ("AppsV1Api", "list_stateful_set_for_all_namespaces"),
    ("AppsV1Api", "list_daemon_set_for_all_namespaces"),
    ("AppsV1Api", "list_replica_set_for_all_namespaces"),
    ("BatchV1Api", "list_job_for_all_namespaces"),
    ("BatchV1Api", "list_cron_job_for_all_namespaces"),
    ("CoreV1Api", "list_node"),
    ("AutoscalingV2Api", "list_horizontal_pod_autoscaler_for_all_namespaces"),
    ("PolicyV1Api", "list_pod_disruption_budget_for_all_namespaces"),
    ("CoreV1Api", "list_resource_quota_for_all_namespaces"),
    ("CoreV1Api", "list_persistent_volume_claim_for_all_namespaces"),
    ("DiscoveryV1Api", "list_endpoint_slice_for_all_namespaces"),
    ("CoreV1Api", "list_service_for_all_namespaces"),
    ("CoreV1Api", "list_event_for_all_namespaces"),
)


def client(host: str) -> t.Any:
    import kubernetes

    if not host:
        return kubernetes.config.new_client_from_config()
    configuration = kubernetes.client.Configuration()
    configuration.host = host
    return kubernetes.client.ApiClient(configuration)


def plain(host: str) -> int:
    """How many objects there are."""
    import kubernetes

    api = client(host)

    def listed(kind: str, call: str) -> int:
        bound = getattr(getattr(kubernetes.client, kind)(api), call)
        found, page = 0, bound(limit=500)
        found += len(page.items)
        while page.metadata._continue:
            page = bound(limit=500, _continue=page.metadata._continue)
            found += len(page.items)
        return found

    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        return sum(pool.map(lambda pair: listed(*pair), LISTS))


def kubectl(program: list[str]) -> None:
    """All namespaces, then one pod of one namespace."""
    table = run([*program, "get", "pods,deployments,events", "-A", "-o", "wide"])
    rows = (line.split() for line in table.splitlines())
    namespace, pod = next((row[0], row[1]) for row in rows if len(row) > 1 and row[1].startswith("pod/"))
    run([*program, "-n", namespace, "describe", pod])
    run([*program, "-n", namespace, "logs", pod, "--tail=100"])


def options(host: str) -> dict[str, t.Any]:
    where = {"host": host} if host else {"kubeconfig": os.environ["KUBECONFIG"]}
    return {**where, "max_rows": 20, "deadline": 120.0, "timeout": 60.0}


def check(host: str) -> dict[str, t.Any]:
    return measuring.check("kubernetes_health", options(host))


def serve(pods: int) -> None:
    """The made API, until its input ends."""
    import kubernetes_made

    with kubernetes_made.serving_api({}, kubernetes_made.pages_of(pods)) as api:
        print(api.url, flush=True)
        sys.stdin.read()


@contextlib.contextmanager
def made(pods: int) -> t.Iterator[str]:
    command = [sys.executable, __file__, "--serve", str(pods)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as server:
        try:
            yield t.cast("t.IO[str]", server.stdout).readline().strip()
        finally:
            t.cast("t.IO[str]", server.stdin).close()


def measure(host: str, where: Path, runs: int, program: list[str]) -> None:
    result = check(host)
    print(f"  the script sees {plain(host)} objects; the check {len(result['findings'])} findings")
    print("  " + "\n  ".join(result["measured"]))
    typed: dict[str, t.Callable[[], t.Any]] = {}
    if not host and shutil.which(program[0]):
        typed["kubectl, three commands"] = lambda: kubectl(program)
        typed["kubectl, three times its help"] = lambda: [run([*program, "options"]) for _ in range(3)]
    subject = measuring.Subject(
        benchmark="kubernetes_health",
        argument=repr(host),
        plain=lambda: plain(host),
        check=lambda: check(host),
        look={"incident.response.kubernetes_health_info": options(host)},
        typed=typed,
    )
    measuring.beside_a_script(subject, [sys.executable, __file__, "--plain", host], where, runs)


def main() -> None:
    parser = argparse.ArgumentParser(description=textwrap.dedent(__doc__ or ""))
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    parser.add_argument("--runs", type=int, default=5)
    parser.add_argument("--scale", action="store_true", help=f"a made API with {10 * PODS} pods")
    parser.add_argument("--quick", action="store_true", help="one run, as a smoke test")
    parser.add_argument("--kubectl", default="kubectl", help="how kubectl is run")
    parser.add_argument("--plain", help=argparse.SUPPRESS)
    parser.add_argument("--serve", type=int, help=argparse.SUPPRESS)
    given = parser.parse_args()
    if given.serve:
        serve(given.serve)
        return
    if given.plain is not None:
        plain(given.plain)
        return
    pods = 10 * PODS if given.scale else 0 if os.environ.get("KUBECONFIG") else PODS
    with tempfile.TemporaryDirectory() as scratch, made(pods) if pods else contextlib.nullcontext("") as host:
        print(f"a made API with {pods} pods:" if pods else f"the cluster of {os.environ['KUBECONFIG']}:")
        measure(host, Path(scratch), 1 if given.quick else given.runs, shlex.split(given.kubectl))


if __name__ == "__main__":
    main()
