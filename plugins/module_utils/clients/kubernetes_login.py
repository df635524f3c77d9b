# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Where a cluster is and as whom it is asked: from options, a kubeconfig, or the pod that this runs in.

The library reads kubeconfigs with all their ways to log in. What it reads goes into a plain namespace: its own
Configuration takes proxies from the environment, which this collection nowhere does.
"""

from __future__ import annotations

import datetime
import os
import re
import ssl
import tempfile
import types

from .errors import CollectError
from .kubernetes_errors import ApiError, TlsError, Unauthorized
from .kubernetes_options import KubernetesOptions

DEFAULT_CONFIG = "~/.kube/config"
POD_TOKEN = "/var/run/secrets/kubernetes.io/serviceaccount/token"
NO_CLUSTER = (
    "no cluster is named: there is neither host nor kubeconfig, KUBECONFIG is not set, ~/.kube/config does not exist, "
    "and this does not run in a pod of a cluster. Set kubeconfig, or host with api_key."
)
VALIDITY = re.compile(
    rb"\x30[\x1e\x20\x22](?:\x17\x0d(\d{12})Z|\x18\x0f(\d{14})Z)(?:\x17\x0d(\d{12})Z|\x18\x0f(\d{14})Z)"
)


class Unset(CollectError):
    """No cluster is named, or what names it can't be read: the options are wrong, no cluster is sick."""

    def __init__(self, message: str) -> None:
        super().__init__("unsupported", message)


class Login:
    """Everything that a request needs. Made once; ask for headers before each call, as tokens are renewed."""

    def __init__(self, options: KubernetesOptions) -> None:
        self.options = options
        with tempfile.TemporaryDirectory(prefix="incident-") as kept:
            self._loaded = _load(options, kept)
            self.host = str(self._loaded.host).rstrip("/")
            self.verify = _verify(options, self._loaded)
            self.client_expired = _expired(self._path("client_cert", "cert_file"))
            self.has_client_cert = bool(self._path("client_cert", "cert_file"))
            self.context = self._context() if self.host.startswith("https:") else None
        self.proxy = str(options.proxy or getattr(self._loaded, "proxy", None) or "")
        self.server_name = options.tls_server_name or getattr(self._loaded, "tls_server_name", None) or ""

    def _path(self, own: str, loaded: str) -> str:
        return str(getattr(self.options, own) or getattr(self._loaded, loaded, None) or "")

    def _context(self) -> ssl.SSLContext:
        """Read now, so that keys out of a kubeconfig are in no file for longer than it takes to read them."""
        try:
            context = ssl.create_default_context(cafile=self._path("ca_cert", "ssl_ca_cert") or None)
            if not self.verify:
                context.check_hostname = False
                context.verify_mode = ssl.CERT_NONE
            if self.has_client_cert:
                context.load_cert_chain(self._path("client_cert", "cert_file"), self._path("client_key", "key_file"))
        except (OSError, ValueError) as error:
            raise TlsError("tls", f"a certificate or key file can't be used: {error}", self.host) from error
        context.set_alpn_protocols(["http/1.1"])
        # urllib3 says so again for each connection, while OpenSSL reads it for those of other threads: now and then
        # what is sent is garbage, and the API answers with the alert decode_error.
        setattr(context, "set_alpn_protocols", lambda _protocols: None)  # noqa: B010
        return context

    def headers(self) -> dict[str, str]:
        """Who asks. Raises Unauthorized where a token is none."""
        token = self.token()
        if any(ord(char) < 32 or ord(char) > 126 for char in token):
            raise Unauthorized("auth", "the token has characters that no header may have", self.host)
        found = {"Authorization": token} if token else {}
        if self.options.impersonate_user:
            found["Impersonate-User"] = self.options.impersonate_user
        return found

    def groups(self) -> list[tuple[str, str]]:
        return [("Impersonate-Group", group) for group in self.options.impersonate_groups]

    def token(self) -> str:
        """With its scheme before it. Files are read anew: a cluster renews the token of a pod in place."""
        own = self.options.api_key or _read(self.options.api_key_file, self.host)
        if own:
            return f"Bearer {own.strip()}"
        hook = getattr(self._loaded, "refresh_api_key_hook", None)
        if hook:
            hook(self._loaded)
        keys = self._loaded.api_key
        return str(keys.get("BearerToken") or keys.get("authorization") or "").strip()

    @property
    def secrets(self) -> list[str]:
        """What no output may hold."""
        try:
            return [text for text in (self.options.api_key, self.token().partition(" ")[2]) if text]
        except ApiError:
            return [text for text in (self.options.api_key,) if text]


def _load(options: KubernetesOptions, kept: str) -> types.SimpleNamespace:
    """What the library reads. kept: a directory for keys that a kubeconfig holds in itself."""
    found = types.SimpleNamespace(host="", api_key={}, refresh_api_key_hook=None)
    default = os.path.expanduser(DEFAULT_CONFIG)
    config = options.kubeconfig or os.environ.get("KUBECONFIG") or ""
    if options.host and not options.kubeconfig:
        found.host = options.host
        return found
    try:
        if config or os.path.exists(default):
            _from_config(found, config or default, options.context, kept)
        elif os.environ.get("KUBERNETES_SERVICE_HOST") and os.path.exists(POD_TOKEN):
            _from_pod(found)
        else:
            raise Unset(NO_CLUSTER)
    except CollectError:
        raise
    except Exception as error:
        text = str(error).strip() or type(error).__name__
        raise Unset(f"the kubeconfig {config or default} names no cluster to ask: {text}") from error
    if options.host:
        found.host = options.host
    return found


def _from_config(found: types.SimpleNamespace, path: str, context: str, kept: str) -> None:
    from kubernetes.config.kube_config import load_kube_config

    load_kube_config(path, context or None, client_configuration=found, persist_config=False, temp_file_path=kept)


def _from_pod(found: types.SimpleNamespace) -> None:
    from kubernetes.config.incluster_config import load_incluster_config

    load_incluster_config(client_configuration=found)


def _verify(options: KubernetesOptions, loaded: types.SimpleNamespace) -> bool:
    if options.validate_certs is not None:
        return options.validate_certs
    return bool(getattr(loaded, "verify_ssl", True))


def _read(path: str, host: str) -> str:
    if not path:
        return ""
    try:
        with open(path, encoding="ascii") as file:
            return file.read().strip()
    except (OSError, ValueError) as error:
        raise Unauthorized("auth", f"the token file {path} can't be read: {error}", host) from error


def _expired(path: str) -> str:
    """When a client certificate ended, as text; empty where it is valid or can't be read.

    A Kubernetes API takes an expired one and then says only that it does not know who asks.
    """
    try:
        with open(path, encoding="ascii", errors="replace") as file:
            der = ssl.PEM_cert_to_DER_cert(_first(file.read()))
    except (OSError, ValueError):
        return ""
    match = VALIDITY.search(der)
    if not match:
        return ""
    short, long = match.group(3), match.group(4)
    text = long.decode() if long else ("20" if int(short[:2]) < 50 else "19") + short.decode()
    end = datetime.datetime.strptime(text, "%Y%m%d%H%M%S").replace(tzinfo=datetime.timezone.utc)
    return end.isoformat() if end < datetime.datetime.now(datetime.timezone.utc) else ""


def _first(pem: str) -> str:
    """The first certificate of a file: the client's own, before those of its authorities."""
    begin, end = pem.find(ssl.PEM_HEADER), pem.find(ssl.PEM_FOOTER)
    return pem[begin : end + len(ssl.PEM_FOOTER)] if begin >= 0 else ""
