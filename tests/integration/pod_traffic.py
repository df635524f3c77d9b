# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A client of a Service in the lab's Kubernetes: it reads the EndpointSlices and asks the pods that are ready.

It looks at them only now and then, so what it knows is a moment old, as what a proxy of a real cluster knows is.
Pods have addresses on their node only: the client is on its network.
"""

from __future__ import annotations

import concurrent.futures
import http.client
import itertools
import os
import threading
import time

from lab.kubernetes_api import Api

A_SECOND = 20
LOOKS = 0.3
"""Seconds between two looks at the EndpointSlices."""
PATIENCE = 10.0
AT_ONCE = 8


class Traffic:
    """answered: the pods that answered well, one after the other, by address. lost: what happened to the others."""

    def __init__(self, api: Api, namespace: str, service: str, path: str, pid: int) -> None:
        """pid: of a process on the node, in whose network the pods are."""
        self.api = api
        self.slices = f"/apis/discovery.k8s.io/v1/namespaces/{namespace}/endpointslices"
        self.service = service
        self.path = path
        self.network = f"/proc/{pid}/ns/net"
        self.answered: list[str] = []
        self.lost: list[str] = []
        self._pods: list[tuple[str, int]] = []
        self._over = threading.Event()
        self._threads = [threading.Thread(target=self._look), threading.Thread(target=self._send)]

    def __enter__(self) -> Traffic:
        self._pods = self._read()
        for thread in self._threads:
            thread.start()
        return self

    def __exit__(self, *_what: object) -> None:
        self._over.set()
        for thread in self._threads:
            thread.join()

    @property
    def ready(self) -> set[str]:
        return {address for address, _port in self._pods}

    def _read(self) -> list[tuple[str, int]]:
        found = self.api.list(self.slices, **{"kubernetes.io/service-name": self.service})
        return [
            (address, int(one["ports"][0]["port"]))
            for one in found
            for endpoint in one.get("endpoints") or ()
            if endpoint["conditions"].get("ready")
            for address in endpoint["addresses"]
        ]

    def _look(self) -> None:
        while not self._over.wait(LOOKS):
            self._pods = self._read()

    def _send(self) -> None:
        with concurrent.futures.ThreadPoolExecutor(AT_ONCE, initializer=self._move) as pool:
            begun = time.monotonic()
            for number in itertools.count():
                if self._over.wait(max(0.0, begun + number / A_SECOND - time.monotonic())):
                    return
                pool.submit(self._ask, number)

    def _move(self) -> None:
        """This thread alone."""
        with open(self.network, "rb") as network:
            os.setns(network.fileno(), os.CLONE_NEWNET)

    def _ask(self, number: int) -> None:
        ready = self._pods  # looked at anew meanwhile
        if not ready:
            self.lost.append("no pod is ready")
            return
        address, port = ready[number % len(ready)]
        link = http.client.HTTPConnection(address, port, timeout=PATIENCE)
        try:
            link.request("GET", self.path)
            answer = link.getresponse()
            answer.read()
        except (OSError, http.client.HTTPException) as error:
            self.lost.append(f"{address}: {type(error).__name__}: {error}")
        else:
            if answer.status < http.client.INTERNAL_SERVER_ERROR:
                self.answered.append(address)
            else:
                self.lost.append(f"{address}: it answered {answer.status}")
        finally:
            link.close()
