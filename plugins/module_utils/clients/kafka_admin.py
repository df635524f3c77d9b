# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""kafka-python's admin client under one deadline, with its traps taken out.

- a call returns within its time or fails with a kind; the library's own threads can't hold up the check
- the library raises on the first bad group or partition of a batch: bisect finds the bad ones, the others are answered
- what passes by itself (coordinator loading or moving, connection not ready) is asked again for a moment
"""

from __future__ import annotations

import contextlib
import functools
import logging
import threading
import time
import typing as t

from .deadline import Deadline
from .errors import CollectError
from .kafka_options import KafkaOptions

STEP_SECONDS = 10.0
BOOTSTRAP_SECONDS = 5.0
RETRIES = (0.1, 0.2, 0.4)
COORDINATOR_SECONDS = 3.0
MOST_SPLITS = 200
CONNECTION_KINDS = ("timeout", "deadline", "reset")

KINDS = {
    "KafkaTimeoutError": "timeout",
    "RequestTimedOutError": "timeout",
    "NodeNotReadyError": "reset",
    "KafkaConnectionError": "reset",
    "BrokerNotAvailableError": "reset",
    "Cancelled": "reset",
    "UnknownBrokerIdError": "gone",
    "UnknownTopicOrPartitionError": "gone",
    "GroupIdNotFoundError": "gone",
    "UnsupportedVersionError": "unsupported",
    "IncompatibleBrokerVersion": "unsupported",
    "SaslAuthenticationFailedError": "auth",
}
COORDINATOR_ERRORS = ("CoordinatorNotAvailableError", "NotCoordinatorError", "CoordinatorLoadInProgressError")

Item = t.TypeVar("Item")
Value = t.TypeVar("Value")


class AskError(CollectError):
    """One question got no answer. name: the library's name for the error."""

    def __init__(self, kind: str, message: str, name: str = "") -> None:
        super().__init__(kind, message)
        self.name = name


def quiet() -> None:
    """Without a handler the library's warnings would be printed into the task's output."""
    logger = logging.getLogger("kafka")
    if not any(isinstance(handler, logging.NullHandler) for handler in logger.handlers):
        logger.addHandler(logging.NullHandler())


def bounded(call: t.Callable[[], Value], seconds: float, what: str) -> Value:
    """The call's value, or its exception, or AskError(timeout) when it takes longer; then its thread is left behind."""
    box: dict[str, t.Any] = {}

    def work() -> None:
        try:
            box["value"] = call()
        except BaseException as error:  # the library raises what it likes; the waiting side sorts it
            box["error"] = error

    thread = threading.Thread(target=work, daemon=True)
    thread.start()
    thread.join(seconds)
    if thread.is_alive():
        raise AskError("timeout", f"no answer within {seconds:.1f} s to: {what}")
    if "error" in box:
        raise box["error"]
    return box["value"]


def classify(error: BaseException, what: str) -> AskError:
    """Any exception of the library as one kind."""
    if isinstance(error, AskError):
        return error
    names = [cls.__name__ for cls in type(error).__mro__]
    name = names[0]
    kind = next((KINDS[known] for known in names if known in KINDS), "failed")
    if "AuthorizationError" in names:
        kind = "permission"
    text = " ".join(str(error).split())[:200]
    return AskError(kind, f"{what}: {name}{': ' + text if text and name not in text else ''}", name)


class Admin:
    """One admin client. Raises CollectError where it can't be made; only one attempt: a failed one leaks a thread."""

    def __init__(self, bootstrap: t.Sequence[str], options: KafkaOptions, deadline: Deadline) -> None:
        from kafka import KafkaAdminClient

        quiet()
        self.deadline = deadline
        self.bootstrap = list(bootstrap)
        self.options = options
        seconds = deadline.cap(BOOTSTRAP_SECONDS)
        timeout = round(1000 * max(1.0, min(STEP_SECONDS, deadline.left() / 2)))

        def make() -> t.Any:
            return KafkaAdminClient(
                bootstrap_servers=self.bootstrap,
                bootstrap_timeout_ms=round(1000 * seconds),
                request_timeout_ms=timeout,
                **options.client_config(),
            )

        try:
            self.client = bounded(make, seconds + 1, "connect")
        except Exception as error:
            raise classify(error, "kafka-python can't connect, although the address answers") from error
        self.unreachable: set[int] = set()
        self._coordinator_time = COORDINATOR_SECONDS

    def close(self) -> None:
        with contextlib.suppress(Exception):
            bounded(self.client.close, 1.0, "close")

    def known_brokers(self) -> list[tuple[int, str, int]]:
        """(id, host, port) as the bootstrap broker advertised them; no request is needed for it."""
        return [(broker.node_id, broker.host, broker.port) for broker in self.client._manager.cluster.brokers()]

    def avoid(self, node_id: int) -> None:
        """Don't let the library choose a broker that is known to be out of reach: it would wait for it each time."""
        self.unreachable.add(node_id)
        backoff = getattr(self.client._manager, "_backoff", None)
        if isinstance(backoff, dict):
            backoff[node_id] = (1, time.monotonic() + 3600.0, 1000.0)

    def ask(self, what: str, call: t.Callable[[], Value], seconds: float = STEP_SECONDS) -> Value:
        """The answer, or AskError. Tries again for a moment where only the connection was not ready."""
        for pause in (*RETRIES, None):
            self.deadline.check(what)
            try:
                return bounded(call, self.deadline.cap(seconds), what)
            except Exception as error:
                failure = classify(error, what)
                if pause is None or failure.kind != "reset" or not self.deadline.wait(pause):
                    raise failure from error
        raise AskError("deadline", f"no time left: {what}")

    def bisect(
        self, what: str, items: t.Sequence[Item], call: t.Callable[[list[Item]], t.Mapping[Item, Value]], batch: int
    ) -> tuple[dict[Item, Value], dict[Item, AskError]]:
        """(answers, failures): one bad item fails alone, not with its whole batch."""
        answers: dict[Item, Value] = {}
        failures: dict[Item, AskError] = {}
        self._bisect(what, list(items), call, batch, answers, failures)
        while self._coordinator_time > 0:
            again = [item for item, error in failures.items() if error.name in COORDINATOR_ERRORS]
            if not again or not self._pause_for_coordinator():
                break
            for item in again:
                del failures[item]
            self._bisect(what, again, call, batch, answers, failures)
        return answers, failures

    def _pause_for_coordinator(self) -> bool:
        self._coordinator_time -= 0.3
        coordinators = getattr(self.client._manager.cluster, "_coordinators", None)
        if isinstance(coordinators, dict):
            coordinators.clear()
        return self.deadline.left() > 1.0 and self.deadline.wait(0.3)

    def _bisect(
        self,
        what: str,
        items: list[Item],
        call: t.Callable[[list[Item]], t.Mapping[Item, Value]],
        batch: int,
        answers: dict[Item, Value],
        failures: dict[Item, AskError],
    ) -> None:
        work = [items[start : start + batch] for start in range(0, len(items), batch)]
        splits = 0
        lost: AskError | None = None
        while work:
            part = work.pop(0)
            if lost is not None:
                failures.update(dict.fromkeys(part, lost))
                continue
            try:
                answers.update(self.ask(what, functools.partial(call, part)))
            except CollectError as error:
                failure = error if isinstance(error, AskError) else AskError(error.kind, error.message)
                if failure.kind in CONNECTION_KINDS:
                    lost = failure
                if lost is not None or len(part) == 1 or splits >= MOST_SPLITS:
                    failures.update(dict.fromkeys(part, failure))
                    continue
                splits += 1
                half = len(part) // 2
                work[:0] = [part[:half], part[half:]]
