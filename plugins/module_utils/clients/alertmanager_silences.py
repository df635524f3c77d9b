# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Set, end and read silences of an Alertmanager over its API v2. Raises CollectError."""

from __future__ import annotations

import datetime
import typing as t
import urllib.parse

from ..core import alertmanager_parse
from ..core.alert_match import Matcher
from ..core.alertmanager_snapshot import Alert, Silence
from .alertmanager import API, checked
from .errors import CollectError
from .http_call import Caller


class Silences:
    """Those of one server. url: without a slash at its end."""

    def __init__(self, caller: Caller, url: str) -> None:
        self.caller = caller
        self.url = url
        self.skew = 0.0
        """Seconds that its clock is ahead of ours, as its last list told; silences begin and end by that clock."""

    def all(self) -> list[Silence]:
        return t.cast("list[Silence]", self._read("/silences", alertmanager_parse.silences))

    def alerts(self) -> list[Alert]:
        return t.cast("list[Alert]", self._read("/alerts", alertmanager_parse.alerts))

    def one(self, identifier: str) -> Silence | None:
        """A silence by its id, None where the server knows none."""
        answer = self.caller.get(self._of(identifier))
        # 422: what is no UUID at all is refused before it is looked for.
        if answer.status in (404, 422):
            return None
        return alertmanager_parse.silence(_mapping(checked(answer).json()))

    def set(
        self,
        matchers: t.Sequence[Matcher],
        ends: float,
        starts: float,
        created_by: str,
        comment: str,
        identifier: str = "",
    ) -> str:
        """Make one, or change the one with this id; the id that it has then. ends, starts: epoch seconds."""
        data = {
            "matchers": [
                {"name": m.name, "value": m.value, "isRegex": m.is_regex, "isEqual": m.is_equal} for m in matchers
            ],
            "startsAt": stamp(starts),
            "endsAt": stamp(ends),
            "createdBy": created_by,
            "comment": comment,
            **({"id": identifier} if identifier else {}),
        }
        answer = self.caller.send("POST", f"{self.url}{API}/silences", data)
        if answer.status in (400, 404, 422):
            raise CollectError("failed", f"{self.url} refuses the silence: {answer.said() or answer.status}")
        found = _mapping(checked(answer).json()).get("silenceID")
        if not isinstance(found, str) or not found:
            raise CollectError("unexpected", f"{self.url} took the silence and names no id")
        return found

    def expire(self, identifier: str) -> None:
        """End one now. One that is gone by then is ended just as well."""
        answer = self.caller.send("DELETE", self._of(identifier))
        if answer.status != 404 and answer.status != 200:
            # It answers 500 where it has expired meanwhile; the caller reads it back.
            seen = self.one(identifier)
            if seen is None or seen.state == "expired":
                return
            raise CollectError("failed", f"{self.url} does not end it: {answer.said() or answer.status}")

    def _of(self, identifier: str) -> str:
        return f"{self.url}{API}/silence/{urllib.parse.quote(identifier, safe='')}"

    def _read(self, path: str, parse: t.Callable[[t.Any], t.Any]) -> t.Any:
        answer = checked(self.caller.get(self.url + API + path))
        self.skew = answer.skew or 0.0
        try:
            return parse(answer.json())
        except alertmanager_parse.Unexpected as error:
            raise CollectError("unexpected", f"{self.url}: what answers there is no Alertmanager: {error}") from None


def _mapping(data: t.Any) -> dict[str, t.Any]:
    if not isinstance(data, dict):
        raise CollectError("unexpected", "it answers with something that is no silence")
    return data


def stamp(at: float) -> str:
    """Epoch seconds as the API writes a time."""
    moment = datetime.datetime.fromtimestamp(at, datetime.timezone.utc)
    return moment.isoformat(timespec="milliseconds").replace("+00:00", "Z")
