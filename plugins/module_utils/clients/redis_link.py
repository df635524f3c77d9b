# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""One connection to Redis through redis-py, without its retries: questions, answers, and errors as values.

redis-py asks again by default, so that a timeout of 1 s takes 15; and it hides the kind of many errors in their text.
"""

from __future__ import annotations

import contextlib
import threading
import typing as t

from ..core.redis_parse import error_word, text
from .deadline import Deadline
from .errors import CollectError
from .redis_options import RedisOptions

BATCH = 500
"""Commands sent at once: more would only fill buffers on both sides."""


class ReplyError(Exception):
    """Redis answered with an error. word: LOADING, BUSY, NOPERM, OOM, UNKNOWN ..., ERR where it has none."""

    def __init__(self, said: str) -> None:
        super().__init__(said)
        self.word = error_word(said)
        self.text = said if said.startswith((self.word, "ERR")) else f"{self.word} {said}"


class Link:
    """Opened once, used by one caller, closed at the deadline at the latest: a slow sender can't stretch it."""

    def __init__(self, options: RedisOptions, deadline: Deadline) -> None:
        self.options = options
        self.deadline = deadline
        self.sent = 0
        self._late = False
        self._connection: t.Any = None
        self._watchdog: threading.Timer | None = None

    def __enter__(self) -> Link:
        return self

    def __exit__(self, *_exc: t.Any) -> None:
        self.close()

    def open(self) -> None:
        """Connect and log in. Raises ReplyError where the server refuses the login, CollectError otherwise."""
        from redis import exceptions

        self.deadline.check("connecting to Redis")
        self._connection = _connection(self.options, self.deadline)
        try:
            _speak_plainly(self._connection)
            self._connection.connect()
            _speak_plainly(self._connection)
        except exceptions.RedisError as error:
            self.close()
            raise self._translate(error) from None
        except (OSError, ValueError) as error:
            self.close()
            raise CollectError("failed", self.options.hide(f"{type(error).__name__}: {error}")) from None
        self._watchdog = threading.Timer(max(0.05, self.deadline.left()), self._expire)
        self._watchdog.daemon = True
        self._watchdog.start()

    def close(self) -> None:
        if self._watchdog:
            self._watchdog.cancel()
        if self._connection is not None:
            with contextlib.suppress(Exception):
                self._connection.disconnect()
            self._connection = None

    def ask(self, *words: str | bytes | int) -> t.Any:
        """One command. Raises ReplyError for an error reply, CollectError where there is none."""
        answer = self.ask_all([words])[0]
        if isinstance(answer, ReplyError):
            raise answer
        return answer

    def must(self, *words: str | bytes | int) -> t.Any:
        """One command that has to be answered. Raises CollectError, with the right that is missing where that is it."""
        try:
            return self.ask(*words)
        except ReplyError as error:
            name = " ".join(word for word in words[:2] if isinstance(word, str) and word.isupper())
            kind = "permission" if error.word == "NOPERM" else "failed"
            raise CollectError(kind, f"{name} is refused: {error.text}") from None

    def ask_all(self, commands: t.Sequence[t.Sequence[str | bytes | int]]) -> list[t.Any]:
        """Many commands in few packets; an error reply is a ReplyError in its place. Raises CollectError."""
        answers: list[t.Any] = []
        for start in range(0, len(commands), BATCH):
            part = commands[start : start + BATCH]
            self._send(part)
            answers += [self._receive() for _command in part]
        return answers

    def _send(self, commands: t.Sequence[t.Sequence[str | bytes | int]]) -> None:
        from redis import exceptions

        if self._connection is None:
            raise CollectError("reset", "the connection is closed")
        self.deadline.check("talking to Redis")
        self.sent += len(commands)
        try:
            self._connection.send_packed_command(self._connection.pack_commands(commands), check_health=False)
        except (exceptions.RedisError, OSError) as error:
            raise self._broken(error) from None

    def _receive(self) -> t.Any:
        from redis import exceptions

        try:
            answer = self._connection.read_response(disable_decoding=True, disconnect_on_error=False)
        except exceptions.ResponseError as error:
            return ReplyError(self._said(error))
        except (exceptions.RedisError, OSError, ValueError, AttributeError) as error:
            raise self._broken(error) from None
        return ReplyError(self._said(answer)) if isinstance(answer, Exception) else answer

    def _said(self, error: Exception) -> str:
        return self.options.hide(text(error))

    def _translate(self, error: Exception) -> Exception:
        """An exception of redis-py while it connects, as ours."""
        from redis import exceptions

        said = self._said(error)
        if isinstance(error, (exceptions.ResponseError, exceptions.AuthenticationError)):
            return ReplyError(said)
        if isinstance(error, exceptions.TimeoutError) or "timed out" in said.lower():
            return CollectError("timeout", "the login has no answer in time")
        return CollectError("reset", said)

    def _broken(self, error: Exception) -> CollectError:
        self.close()
        if self._late or self.deadline.expired():
            return CollectError("deadline", f"no time left after {self.deadline.seconds:g} s, while talking to Redis")
        kind = "timeout" if "imeout" in type(error).__name__ else "reset"
        return CollectError(kind, self.options.hide(f"the connection broke: {error}"))

    def _expire(self) -> None:
        """Called by the watchdog, in its thread: end whatever read is under way."""
        self._late = True
        sock = getattr(self._connection, "_sock", None)
        if sock is not None:
            with contextlib.suppress(OSError):
                sock.shutdown(2)


def _speak_plainly(connection: t.Any) -> None:
    """Error replies as the server wrote them: redis-py cuts their kind off, and reads some of them again for ever."""
    from redis import exceptions

    connection._parser.parse_error = exceptions.ResponseError


def _connection(options: RedisOptions, deadline: Deadline) -> t.Any:
    from redis.backoff import NoBackoff
    from redis.retry import Retry

    common: dict[str, t.Any] = {
        "db": options.db,
        "username": options.username,
        "password": options.password,
        "socket_timeout": max(0.05, deadline.cap(options.timeout + options.patience)),
        "retry": Retry(NoBackoff(), 0),
        "retry_on_error": [],
        "protocol": options.protocol,
        "health_check_interval": 0,
    }
    # No CLIENT SETINFO after the login: old servers refuse it, and a least-privileged user may not.
    for silent in ({"driver_info": None}, {"lib_name": None, "lib_version": None}):
        with contextlib.suppress(TypeError):
            return _of_kind(options, deadline, {**common, **silent})
    return _of_kind(options, deadline, common)


def _of_kind(options: RedisOptions, deadline: Deadline, common: dict[str, t.Any]) -> t.Any:
    """Raises TypeError where this redis-py does not know an option."""
    import redis

    kind: t.Any = redis.UnixDomainSocketConnection
    if options.unix_socket:
        return kind(path=options.unix_socket, **common)
    more: dict[str, t.Any] = {"host": options.host, "port": options.port}
    more["socket_connect_timeout"] = max(0.05, deadline.cap(options.timeout))
    if not options.tls:
        return redis.Connection(**more, **common)
    return redis.SSLConnection(
        ssl_cert_reqs="required" if options.validate_certs else "none",
        ssl_check_hostname=options.validate_certs,
        ssl_ca_certs=options.ca_file,
        ssl_certfile=options.cert_file,
        ssl_keyfile=options.key_file,
        **more,
        **common,
    )
