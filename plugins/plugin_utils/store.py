# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The store: incidents, their hash-chained timelines, leases, actions, samples and the state of health runs, in one
SQLite file on the controller.

Every write is one transaction that is on disk when it returns (synchronous=FULL), so that a killed run leaves a journal
that the next one can read. Times are epoch seconds, UTC.
"""

from __future__ import annotations

import contextlib
import dataclasses
import datetime
import hashlib
import json
import os
import pathlib
import secrets
import sqlite3
import typing as t

from ..module_utils.core.redact import clean
from .holder import Holder, is_dead

SCHEMA_VERSION = 2
SCHEMA = """
CREATE TABLE IF NOT EXISTS incidents (
  id TEXT PRIMARY KEY, target TEXT NOT NULL, scenario TEXT NOT NULL, state TEXT NOT NULL, opened REAL NOT NULL,
  closed REAL, outcome TEXT, severity TEXT, data TEXT NOT NULL DEFAULT '{}');
CREATE INDEX IF NOT EXISTS incidents_open ON incidents (target, scenario, state);
CREATE TABLE IF NOT EXISTS events (
  incident TEXT NOT NULL REFERENCES incidents (id) ON DELETE CASCADE, seq INTEGER NOT NULL, at REAL NOT NULL,
  kind TEXT NOT NULL, text TEXT NOT NULL, data TEXT NOT NULL, previous TEXT NOT NULL, hash TEXT NOT NULL,
  PRIMARY KEY (incident, seq));
CREATE TABLE IF NOT EXISTS leases (
  target TEXT PRIMARY KEY, incident TEXT NOT NULL, user TEXT NOT NULL, host TEXT NOT NULL, pid INTEGER NOT NULL,
  started INTEGER NOT NULL, taken REAL NOT NULL, expires REAL NOT NULL);
CREATE TABLE IF NOT EXISTS actions (
  id INTEGER PRIMARY KEY, incident TEXT NOT NULL, target TEXT NOT NULL, service TEXT NOT NULL, verb TEXT NOT NULL,
  key TEXT NOT NULL, started REAL NOT NULL, finished REAL, result TEXT, data TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS actions_recent ON actions (started);
CREATE TABLE IF NOT EXISTS samples (target TEXT NOT NULL, module TEXT NOT NULL, at REAL NOT NULL, data TEXT NOT NULL);
CREATE INDEX IF NOT EXISTS samples_recent ON samples (target, module, at);
CREATE TABLE IF NOT EXISTS health (
  kind TEXT NOT NULL, name TEXT NOT NULL, data TEXT NOT NULL, PRIMARY KEY (kind, name));
"""
"""Version 2 added health. Every statement can be run again, so one script makes a store and brings an old one up."""
SAMPLE_SETS = 20
"""How many looks of one check at one target are kept: more would not change a verdict."""
HISTORY_LIMIT = 20000
"""Samples handed to one check at most, the newest looks first: a cluster of 10,000 partitions has that many in two
looks."""


Kept = dict[str, dict[str, dict[str, t.Any]]]
"""kind -> name -> data of the table health."""


class StoreError(Exception):
    """The store can't be used. The text says where it is, what is wrong and what to do."""


@dataclasses.dataclass(frozen=True)
class Event:
    """One line of a timeline. hash covers everything of it and the hash before it."""

    seq: int
    at: float
    kind: str
    text: str
    data: dict[str, t.Any]
    previous: str
    hash: str


@dataclasses.dataclass(frozen=True)
class Incident:
    """An incident as it stands. data: clocks, mode and whatever else the lifecycle keeps about it."""

    id: str
    target: str
    scenario: str
    state: str
    opened: float
    closed: float | None
    outcome: str | None
    severity: str | None
    data: dict[str, t.Any]


@dataclasses.dataclass(frozen=True)
class Lease:
    """Who may act on a target, until when."""

    target: str
    incident: str
    holder: Holder
    taken: float
    expires: float


def default_state_dir(environ: t.Mapping[str, str]) -> pathlib.Path:
    """$XDG_STATE_HOME/incident.response, or ~/.local/state/incident.response."""
    base = environ.get("XDG_STATE_HOME") or os.path.join(
        environ.get("HOME") or os.path.expanduser("~"), ".local", "state"
    )
    return pathlib.Path(base) / "incident.response"


def event_hash(previous: str, seq: int, at: float, kind: str, text: str, data: str) -> str:
    return hashlib.sha256("\x1f".join((previous, str(seq), repr(at), kind, text, data)).encode()).hexdigest()


class Store:
    """One open store. Use as a context manager; nothing is shared between processes but the file."""

    def __init__(self, directory: pathlib.Path) -> None:
        self.directory = directory
        try:
            directory.mkdir(mode=0o700, parents=True, exist_ok=True)
            os.close(os.open(directory / "store.sqlite", os.O_CREAT | os.O_RDWR, 0o600))
            self._db = sqlite3.connect(directory / "store.sqlite", timeout=10.0, isolation_level=None)
            self._db.executescript("PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON;")
            self._migrate()
        except (OSError, sqlite3.Error) as error:
            raise StoreError(
                f"The store at {directory} can't be used: {error}."
                " Set incident_state_dir to a directory that you may write"
            ) from error

    def _migrate(self) -> None:
        found = int(self._db.execute("PRAGMA user_version").fetchone()[0])
        if found > SCHEMA_VERSION:
            raise StoreError(
                f"The store at {self.directory} was written by a newer release (schema {found}, this one knows"
                f" {SCHEMA_VERSION}). Use that release, or set incident_state_dir to another directory"
            )
        if found < SCHEMA_VERSION:
            self._db.executescript(f"BEGIN IMMEDIATE; {SCHEMA} PRAGMA user_version={SCHEMA_VERSION}; COMMIT;")

    def __enter__(self) -> Store:
        return self

    def __exit__(self, *_unused: object) -> None:
        self._db.close()

    @contextlib.contextmanager
    def _write(self) -> t.Iterator[sqlite3.Connection]:
        try:
            self._db.execute("BEGIN IMMEDIATE")
            yield self._db
            self._db.execute("COMMIT")
        except sqlite3.Error as error:
            with contextlib.suppress(sqlite3.Error):
                self._db.execute("ROLLBACK")
            raise StoreError(f"The store at {self.directory} could not be written: {error}") from error
        except BaseException:
            self._db.execute("ROLLBACK")
            raise

    # Incidents

    def open_incident(self, target: str, scenario: str, now: float, data: dict[str, t.Any]) -> Incident:
        stamp = datetime.datetime.fromtimestamp(now, datetime.UTC).strftime("%Y%m%d-%H%M%S")
        name = f"INC-{stamp}-{secrets.token_hex(2)}"
        with self._write() as db:
            db.execute(
                "INSERT INTO incidents (id, target, scenario, state, opened, data) VALUES (?, ?, ?, 'open', ?, ?)",
                (name, target, scenario, now, _dump(data)),
            )
        return self.incident(name)

    def incident(self, name: str) -> Incident:
        row = self._db.execute(
            "SELECT id, target, scenario, state, opened, closed, outcome, severity, data FROM incidents WHERE id = ?",
            (name,),
        ).fetchone()
        if row is None:
            raise StoreError(f"The store at {self.directory} has no incident {name}")
        (number, target, scenario, state, opened, closed, outcome, severity, data) = row
        return Incident(number, target, scenario, state, opened, closed, outcome, severity, json.loads(data))

    def open_incidents(self, target: str, scenario: str) -> list[Incident]:
        rows = self._db.execute(
            "SELECT id FROM incidents WHERE target = ? AND scenario = ? AND state = 'open' ORDER BY opened",
            (target, scenario),
        ).fetchall()
        return [self.incident(row[0]) for row in rows]

    def update_incident(self, name: str, **changes: t.Any) -> None:
        """Set state, closed, outcome, severity; data is merged into what is there."""
        with self._write() as db:
            data = changes.pop("data", None)
            if data:
                merged = {
                    **json.loads(db.execute("SELECT data FROM incidents WHERE id=?", (name,)).fetchone()[0]),
                    **data,
                }
                changes["data"] = _dump(merged)
            columns = ", ".join(f"{column} = ?" for column in changes)
            if columns:
                db.execute(f"UPDATE incidents SET {columns} WHERE id = ?", (*changes.values(), name))

    def forget(self, name: str) -> None:
        """Drop an incident that was none: everything was healthy and nothing was done."""
        with self._write() as db:
            db.execute("DELETE FROM incidents WHERE id = ?", (name,))

    # Timeline

    def add_event(self, incident: str, at: float, kind: str, text: str, data: t.Any = None) -> Event:
        """Append one line, redacted, to an incident's timeline."""
        safe_text, safe_data = str(clean(text)), clean(data or {})
        with self._write() as db:
            last = db.execute(
                "SELECT seq, hash FROM events WHERE incident = ? ORDER BY seq DESC LIMIT 1", (incident,)
            ).fetchone() or (0, "")
            seq, previous = last[0] + 1, last[1]
            dumped = _dump(safe_data)
            digest = event_hash(previous, seq, at, kind, safe_text, dumped)
            db.execute(
                "INSERT INTO events VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (incident, seq, at, kind, safe_text, dumped, previous, digest),
            )
        return Event(seq, at, kind, safe_text, safe_data, previous, digest)

    def events(self, incident: str) -> list[Event]:
        rows = self._db.execute(
            "SELECT seq, at, kind, text, data, previous, hash FROM events WHERE incident = ? ORDER BY seq", (incident,)
        ).fetchall()
        return [
            Event(seq, at, kind, text, json.loads(data), previous, digest)
            for seq, at, kind, text, data, previous, digest in rows
        ]

    def broken_at(self, incident: str) -> int | None:
        """The first line of a timeline whose hash does not fit, or None where the chain is whole."""
        previous = ""
        for event in self.events(incident):
            expected = event_hash(previous, event.seq, event.at, event.kind, event.text, _dump(event.data))
            if event.previous != previous or event.hash != expected:
                return event.seq
            previous = event.hash
        return None

    # Leases

    def take_lease(self, target: str, incident: str, holder: Holder, now: float, ttl: float) -> Lease | None:
        """Take a target, or return the lease that stands in the way. A dead or expired holder's lease is taken over."""
        with self._write() as db:
            other = self.taken_by_another(target, holder, now)
            if other:
                return other
            db.execute(
                "INSERT OR REPLACE INTO leases VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
                (target, incident, *dataclasses.astuple(holder), now, now + ttl),
            )
        return None

    def _lease(self, target: str) -> Lease | None:
        row = self._db.execute(
            "SELECT target, incident, user, host, pid, started, taken, expires FROM leases WHERE target = ?", (target,)
        ).fetchone()
        return Lease(row[0], row[1], Holder(*row[2:6]), row[6], row[7]) if row else None

    def taken_by_another(self, target: str, holder: Holder, now: float) -> Lease | None:
        """The lease of somebody else who is at work on the target: not expired, and not of a process that is gone."""
        other = self._lease(target)
        if other and other.holder != holder and other.expires > now and not is_dead(other.holder):
            return other
        return None

    def lease(self, target: str) -> Lease | None:
        return self._lease(target)

    def renew_lease(self, target: str, holder: Holder, now: float, ttl: float) -> bool:
        """Extend a lease that is still ours. False where it is not: whoever has it now must not be disturbed."""
        with self._write() as db:
            lease = self._lease(target)
            if lease is None or lease.holder != holder:
                return False
            db.execute("UPDATE leases SET expires = ? WHERE target = ?", (now + ttl, target))
        return True

    def release_lease(self, target: str, holder: Holder) -> bool:
        """Give a target back. False where somebody else holds it by now: theirs is left alone."""
        with self._write() as db:
            lease = self._lease(target)
            if lease is None or lease.holder != holder:
                return False
            db.execute("DELETE FROM leases WHERE target = ?", (target,))
        return True

    # Actions: the journal of what was done, and the budget

    def begin_action(self, incident: str, target: str, action: t.Mapping[str, t.Any], now: float) -> int:
        """Write down what is about to happen, before it does. Returns the number for end_action."""
        with self._write() as db:
            cursor = db.execute(
                "INSERT INTO actions (incident, target, service, verb, key, started, data)"
                " VALUES (?, ?, ?, ?, ?, ?, ?)",
                (
                    incident,
                    target,
                    action["service"],
                    action["verb"],
                    action.get("key", ""),
                    now,
                    _dump(clean(dict(action))),
                ),
            )
        return int(cursor.lastrowid or 0)

    def end_action(self, number: int, result: str, now: float) -> None:
        with self._write() as db:
            db.execute("UPDATE actions SET finished = ?, result = ? WHERE id = ?", (now, result, number))

    def actions(self, since: float) -> list[dict[str, t.Any]]:
        """Actions on any service since a time, oldest first. result None: nobody wrote down how it ended.

        Not by target: two scenarios with different targets may act on one service, and share its budget.
        """
        rows = self._db.execute(
            "SELECT incident, service, verb, key, started, finished, result FROM actions"
            " WHERE started >= ? ORDER BY started",
            (since,),
        ).fetchall()
        names = ("incident", "service", "verb", "key", "started", "finished", "result")
        return [dict(zip(names, row, strict=True)) for row in rows]

    # Samples: what checks judge the past by

    def keep_samples(self, target: str, module: str, at: float, samples: list[dict[str, t.Any]]) -> None:
        with self._write() as db:
            db.execute("INSERT INTO samples VALUES (?, ?, ?, ?)", (target, module, at, _dump(samples)))
            db.execute(
                "DELETE FROM samples WHERE target = ? AND module = ? AND at NOT IN"
                " (SELECT at FROM samples WHERE target = ? AND module = ? ORDER BY at DESC LIMIT ?)",
                (target, module, target, module, SAMPLE_SETS),
            )

    def history(self, target: str, module: str, since: float) -> list[dict[str, t.Any]]:
        """Earlier samples, oldest look first, HISTORY_LIMIT at most (older looks are left out whole)."""
        rows = self._db.execute(
            "SELECT data FROM samples WHERE target = ? AND module = ? AND at >= ? ORDER BY at DESC",
            (target, module, since),
        )
        looks: list[list[dict[str, t.Any]]] = []
        total = 0
        for (data,) in rows:
            look = json.loads(data)
            total += len(look)
            if total > HISTORY_LIMIT:
                break
            looks.append(look)
        return [sample for look in reversed(looks) for sample in look]

    # Health: what scheduled runs know of each problem, and what waits to be told

    def health(self) -> Kept:
        """Everything that is kept, by kind and name."""
        found: Kept = {}
        for kind, name, data in self._db.execute("SELECT kind, name, data FROM health"):
            found.setdefault(kind, {})[name] = json.loads(data)
        return found

    def change_health(self, change: t.Callable[[Kept], Kept]) -> None:
        """Replace everything by what change makes of it, in one transaction: two runs never undo each other's work."""
        with self._write() as db:
            before = self.health()
            old = {(kind, name): data for kind, rows in before.items() for name, data in rows.items()}
            after = change(before)
            new = {(kind, name): clean(data) for kind, rows in after.items() for name, data in rows.items()}
            db.executemany("DELETE FROM health WHERE kind = ? AND name = ?", [key for key in old if key not in new])
            changed = [(*key, _dump(data)) for key, data in new.items() if old.get(key) != data]
            db.executemany("INSERT OR REPLACE INTO health VALUES (?, ?, ?)", changed)


def _dump(value: t.Any) -> str:
    return json.dumps(value, sort_keys=True, default=str, separators=(",", ":"))
