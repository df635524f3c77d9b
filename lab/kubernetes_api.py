"""The API of the lab's Kubernetes, asked as plain HTTPS: the lab needs few calls, and no client library for them."""

from __future__ import annotations

import http.client
import json
import ssl
from collections.abc import Mapping
from typing import Any

from lab.config import Config
from lab.errors import LabError

TIMEOUT = 10.0
MANAGER = "lab"
APPLY = "application/apply-patch+yaml"  # of which JSON is a part
MERGE = "application/merge-patch+json"
Object = dict[str, Any]


class Refused(LabError):
    """The API answered, and said no."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"Kubernetes answered {status}: {message}", "lab status")
        self.status = status


class Api:
    """Calls as the lab's own administrator."""

    def __init__(self, config: Config) -> None:
        self._port = config.ports["kubernetes"]
        self._authority = config.kubernetes_authority
        self._login = config.kubernetes_login

    def get(self, path: str) -> Object:
        return self._call("GET", path)

    def list(self, path: str, **labels: str) -> list[Object]:
        selector = ",".join(f"{name}%3D{value}" for name, value in labels.items())
        return self._call("GET", f"{path}?labelSelector={selector}")["items"]

    def find(self, path: str) -> Object | None:
        try:
            return self.get(path)
        except Refused as error:
            if error.status == http.client.NOT_FOUND:
                return None
            raise

    def create(self, wanted: Object) -> Object:
        return self._call("POST", collection(wanted), wanted)

    def apply(self, wanted: Object) -> Object:
        """Create the object, or change it to what is wanted; what only an earlier call wanted goes."""
        return self._call("PATCH", f"{path(wanted)}?fieldManager={MANAGER}&force=true", wanted, APPLY)

    def merge(self, path: str, change: Object) -> Object:
        return self._call("PATCH", path, change, MERGE)

    def remove(self, path: str, grace: int | None = None) -> None:
        """Remove the object and what it owns; that it is gone already is as good."""
        options: Object = {"propagationPolicy": "Background"}
        if grace is not None:
            options["gracePeriodSeconds"] = grace
        try:
            self._call("DELETE", path, options)
        except Refused as error:
            if error.status != http.client.NOT_FOUND:
                raise

    def post(self, path: str) -> str:
        """Have it handed on to a pod; what the pod answered."""
        return self._answer("POST", path, None, "").decode(errors="replace")

    def text(self, path: str) -> str:
        return self._answer("GET", path, None, "").decode(errors="replace")

    def _call(self, method: str, path: str, body: Mapping[str, Any] | None = None, kind: str = "") -> Object:
        return json.loads(self._answer(method, path, body, kind))

    def _answer(self, method: str, path: str, body: Mapping[str, Any] | None, kind: str) -> bytes:
        try:
            trust = ssl.create_default_context(cafile=str(self._authority))
            trust.load_cert_chain(self._login)
        except FileNotFoundError as error:
            raise LabError("the lab has no login to its Kubernetes", "lab up --profile kubernetes") from error
        link = http.client.HTTPSConnection("127.0.0.1", self._port, timeout=TIMEOUT, context=trust)
        try:
            text = None if body is None else json.dumps(body)
            link.request(method, path, text, {"Content-Type": kind or "application/json"})
            answer = link.getresponse()
            content = answer.read()
        finally:
            link.close()
        if answer.status >= http.client.BAD_REQUEST:
            raise Refused(answer.status, _message(content))
        return content


def collection(wanted: Object) -> str:
    """Where objects of its kind are, in its namespace."""
    version = wanted["apiVersion"]
    base = "/api/v1" if version == "v1" else f"/apis/{version}"
    namespace = wanted["metadata"].get("namespace")
    kind = wanted["kind"].lower()
    plural = f"{kind}es" if kind.endswith("s") else f"{kind}s"
    return f"{base}/namespaces/{namespace}/{plural}" if namespace else f"{base}/{plural}"


def path(wanted: Object) -> str:
    return f"{collection(wanted)}/{wanted['metadata']['name']}"


def _message(content: bytes) -> str:
    try:
        return json.loads(content)["message"]
    except (ValueError, LookupError, TypeError):
        return content[:200].decode(errors="replace")
