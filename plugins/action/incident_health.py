# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The frame around a triage that a scheduler runs: one at a time before it, what changed and who is told after it."""

from __future__ import annotations

import hashlib
import json
import pathlib
import random
import time
import typing as t

from ansible.errors import AnsibleActionFail

from ..plugin_utils import ahead

ahead.prepare(__name__)

from ..module_utils.core import health, health_outbox, health_seen
from ..plugin_utils import health_settings, notify, say, whole_file
from ..plugin_utils.incident_action import IncidentAction
from ..plugin_utils.report import utc
from ..plugin_utils.settings import SettingError
from ..plugin_utils.store import Kept, Lease

STYLES = {health.SOLVED: "good", health.NEW: "bad", health.WORSE: "bad"}
LEASE = "health run"


class ActionModule(IncidentAction):
    """Runs twice, once each for all hosts: to begin, and to end."""

    SPEC: t.ClassVar[dict[str, dict[str, t.Any]]] = {
        "step": {"type": "str", "required": True, "choices": ["begin", "end"]},
        "started": {"type": "float", "default": 0.0},
        "verdict": {"type": "dict", "default": {}},
    }

    def act(self) -> dict[str, t.Any]:
        try:
            self.own = health_settings.read(self.variable)
        except ValueError as error:
            raise SettingError(str(error)) from None
        return self._begin() if self.args["step"] == "begin" else self._end()

    @property
    def name(self) -> str:
        """One schedule: the hosts of this run. Slices of one job have others, and do not wait for each other."""
        hosts = "\n".join(sorted(str(host) for host in self.vars["ansible_play_hosts_all"]))
        return f"health:{hashlib.sha256(hosts.encode()).hexdigest()[:16]}"

    def _begin(self) -> dict[str, t.Any]:
        result: dict[str, t.Any] = {"stands_down": False, "started": time.time()}
        if self.check_mode:
            return result
        if self.own.jitter:
            time.sleep(random.uniform(0.0, self.own.jitter))
        with self.store() as store:
            other = store.take_lease(self.name, LEASE, self.holder(), time.time(), self.settings.lease_ttl)
        return self._stand_down(other) if other else {**result, "started": time.time()}

    def _stand_down(self, other: Lease | None) -> dict[str, t.Any]:
        whom = f"{other.holder} is at it since {utc(other.taken)}" if other else "its lease was lost"
        text = f"Another health run looks at the same hosts ({whom}): this one stands down and keeps nothing"
        return {"stands_down": True, "started": 0.0, "say": [say.line(text, "warn")]}

    # After the triage

    def _end(self) -> dict[str, t.Any]:
        verdict = self.args["verdict"]
        if "looked_at" not in verdict:
            raise AnsibleActionFail("verdict is that of incident_triage; at step end it is needed")
        now = time.time()
        self.events: list[health.Event] = []
        self.problems: list[health.Problem] = []
        said: list[str] = []
        if self.check_mode:
            self._change(self._peek(), verdict, now)
        else:
            with self.store() as store:
                if not store.renew_lease(self.name, self.holder(), now, self.settings.lease_ttl):
                    return self._stand_down(store.lease(self.name))
                store.change_health(lambda kept: self._change(kept, verdict, now))
                said = self._tell(store, verdict)
                store.release_lease(self.name, self.holder())
            said += self._export(verdict, now)
        return self._result(verdict, said)

    def _peek(self) -> Kept:
        """What is kept, without making a store where there is none."""
        if not (self.settings.state_dir / "store.sqlite").exists():
            return {}
        with self.store() as store:
            return store.health()

    def _result(self, verdict: dict[str, t.Any], said: list[str]) -> dict[str, t.Any]:
        result: dict[str, t.Any] = {
            "stands_down": False,
            "changes": [event.to_dict() for event in self.events],
            "open": health_outbox.opened(self.problems),
            "say": [*(_line(event) for event in self.events), *(say.line(f"    {text}", "dim") for text in said)],
        }
        result["msg"] = say.joined(result["say"]) or "nothing changed"
        bad = verdict["outcome"] != "healthy" if self.own.exit == "by_verdict" else health_outbox.is_bad(self.events)
        return {**result, "failed": bad}

    def _change(self, kept: Kept, verdict: dict[str, t.Any], now: float) -> Kept:
        """What is kept after this run. Also sets events and problems of this run."""
        known = [health.Problem.from_dict(data) for data in kept.get("problem", {}).values()]
        problems, self.events = health.advance(
            {problem.key: problem for problem in known},
            health_seen.seen_of(verdict),
            health_seen.look_of(verdict, now),
            self.own.rules,
        )
        runs = dict(kept.get("run", {}))
        late = health.missed(runs.get(self.name, {}).get("at"), now, self.own.rules)
        self.events += [late] if late else []
        self.problems = list(problems.values())
        runs[self.name] = {"at": now}
        waiting = kept.get("outbox", {})
        outbox = {
            hook: _packed(health_outbox.queue(_unpacked(waiting.get(hook)), self.events))
            for hook in notify.hooks(self.settings.notify_command, self.settings.notify_url)
        }
        runs = {name: row for name, row in runs.items() if now - row["at"] <= health.FORGET}
        return {"problem": {key: item.to_dict() for key, item in problems.items()}, "run": runs, "outbox": outbox}

    def _tell(self, store: t.Any, verdict: dict[str, t.Any]) -> list[str]:
        """What waits is told, each hook by itself; what a hook did not take is still there at the next run."""
        said = []
        for hook, row in store.health().get("outbox", {}).items():
            events = _unpacked(row)
            if not events:
                continue
            message = health_outbox.message(events, self.problems, verdict)
            told = notify.tell(hook, message, self.settings.notify_command, self.settings.notify_url)
            if told.ok:
                store.change_health(_without(hook, events))
            said.append(f"told     {told.text}" if told.ok else f"untold   {told.text}; it is tried again")
        return said

    def _export(self, verdict: dict[str, t.Any], now: float) -> list[str]:
        """Files for machines. One that can't be written must not hide what was found: its age tells."""
        said = []
        if self.own.textfile:
            text = health_seen.metrics(verdict, now, now - (self.args["started"] or now))
            said += _written(self.own.textfile, text.encode(), 0o644)
        if self.own.json:
            data = health_outbox.message(self.events, self.problems, verdict)
            said += _written(self.own.json, json.dumps(data, indent=2, default=str).encode(), 0o600)
        return said


def _written(file: pathlib.Path, data: bytes, mode: int) -> list[str]:
    try:
        whole_file.replace(file, data, mode)
    except OSError as error:
        return [f"note     {file} could not be written: {error}"]
    return []


def _line(event: health.Event) -> say.Line:
    where = f"{event.component}  " if event.component else ""
    before = f" (was {event.before})" if event.kind == health.WORSE else ""
    text = f"    {health_outbox.WORDS[event.kind]:<8} {event.severity}{before} {where}{event.id}: {event.summary}"
    return say.line(text, STYLES.get(event.kind, "warn"))


def _packed(events: list[health.Event]) -> dict[str, t.Any]:
    return {"events": [event.to_dict() for event in events]}


def _unpacked(row: t.Mapping[str, t.Any] | None) -> list[health.Event]:
    return [health.Event.from_dict(data) for data in (row or {}).get("events", ())]


def _without(hook: str, sent: list[health.Event]) -> t.Callable[[Kept], Kept]:
    def change(kept: Kept) -> Kept:
        left = health_outbox.rest(_unpacked(kept.get("outbox", {}).get(hook)), sent)
        return {**kept, "outbox": {**kept.get("outbox", {}), hook: _packed(left)}}

    return change
