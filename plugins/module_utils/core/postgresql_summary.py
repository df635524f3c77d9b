# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""A PostgreSQL snapshot as plain JSON of bounded size, and the whole activity as text for the evidence. Pure."""

from __future__ import annotations

import collections
import dataclasses
import typing as t

from .postgresql_judge_rates import movements
from .postgresql_judge_sessions import clients
from .postgresql_snapshot import CLIENT, Counters, PostgresqlSnapshot, Session

MOST = 25
FILE = 48 * 1024


def summary(snapshot: PostgresqlSnapshot, history: t.Sequence[Counters]) -> dict[str, t.Any]:
    """Raw numbers; of long lists the part that matters most, with the total."""
    everyone = clients(snapshot)
    return {
        "address": snapshot.address,
        "answer": dataclasses.asdict(snapshot.answer),
        "login_ms": snapshot.login_ms,
        "as_superuser": snapshot.superuser,
        "reserve_used": snapshot.reserve_used,
        "version": snapshot.version,
        "now": snapshot.now,
        "started": snapshot.started,
        "in_recovery": snapshot.in_recovery,
        "read_only": snapshot.read_only,
        "connections": _connections(snapshot),
        "states": None if snapshot.sessions is None else _counts(everyone),
        "sessions_total": None if snapshot.sessions is None else len(snapshot.sessions),
        "sessions": [_session(session) for session in _notable(everyone)],
        "waiters_total": None if snapshot.waiters is None else len(snapshot.waiters),
        "waiters": [_plain(waiter) for waiter in (snapshot.waiters or ())[:MOST]],
        "limits": _list(snapshot.limits),
        "ages": _list(snapshot.ages),
        "prepared": _list(snapshot.prepared),
        "replication_slots": _list(snapshot.replication_slots),
        "replicas": _list(snapshot.replicas),
        "movements": [dataclasses.asdict(item) for item in movements(snapshot, history)],
        "space": None if snapshot.space is None else dataclasses.asdict(snapshot.space),
        "settings": snapshot.settings,
        "pooler": _pooler(snapshot),
    }


def _connections(snapshot: PostgresqlSnapshot) -> dict[str, t.Any] | None:
    slots = snapshot.slots
    if slots is None:
        return None
    return {
        **dataclasses.asdict(slots),
        "capacity": slots.capacity,
        "headroom": slots.headroom,
        "used_percent": round(slots.used_percent, 1),
    }


def _counts(sessions: t.Iterable[Session]) -> dict[str, int]:
    return dict(collections.Counter([session.state or "unknown" for session in sessions]))


def _notable(sessions: t.Sequence[Session]) -> list[Session]:
    """Who does something comes before who is idle, and the longest in its state first."""
    return sorted(sessions, key=lambda s: (s.idle, s.since or 0.0, s.pid))[:MOST]


def _session(session: Session) -> dict[str, t.Any]:
    data = session._asdict()
    data["identity"] = session.identity
    for name in ("started", "changed", "hidden", "kind"):
        del data[name]
    return data


def _plain(value: t.Any) -> dict[str, t.Any]:
    return {name: list(item) if isinstance(item, tuple) else item for name, item in dataclasses.asdict(value).items()}


def _list(values: t.Sequence[t.Any] | None) -> list[dict[str, t.Any]] | None:
    return None if values is None else [_plain(value) for value in values[:MOST]]


def _pooler(snapshot: PostgresqlSnapshot) -> dict[str, t.Any] | None:
    if snapshot.pooler is None:
        return None
    data = {**dataclasses.asdict(snapshot.pooler), "servers": len(snapshot.pooler.servers)}
    data["pools"] = data["pools"][:MOST]
    return {**data, "pools": list(data["pools"])}


def activity_files(snapshot: PostgresqlSnapshot) -> dict[str, str]:
    """Every session, and every statement once, as files that are each kept whole: a text beyond 64 KiB would be cut."""
    sessions, statements = activity(snapshot)
    return {**_files("activity", sessions), **_files("statements", statements)}


def _files(name: str, lines: t.Sequence[str]) -> dict[str, str]:
    """name-1.tsv and so on, each with the first line as its head; none where there is nothing below it."""
    head, *rows = lines or [""]
    files: dict[str, str] = {}
    current = head
    for row in rows:
        if len(current) + len(row) > FILE:
            files[f"{name}-{len(files) + 1}.tsv"] = current
            current = head
        current += row
    return {**files, f"{name}-{len(files) + 1}.tsv": current} if rows else {}


def activity(snapshot: PostgresqlSnapshot) -> tuple[list[str], list[str]]:
    """A line for each session, for the evidence: what is about to be ended has to be on record. And one for each
    statement that sessions name by its number: a thousand sessions of a pool have a few, and each is redacted once."""
    ordered = sorted(snapshot.sessions or (), key=lambda item: (item.kind != CLIENT, item.pid))
    texts = {query: " ".join(query.split()) for query in dict.fromkeys(s.query for s in ordered)}
    numbers = {text: number for number, text in enumerate(dict.fromkeys(filter(None, texts.values())), 1)}
    rows = ["pid\tuser\tdatabase\tapplication\tclient\tkind\tstate\tlogin\ttransaction\tsince\twait\tstatement\n"]
    for s in ordered:
        transaction = "" if s.transaction_at is None else s.transaction_at
        wait = f"{s.wait_type}:{s.wait}" if s.wait_type else ""
        rows.append(
            f"{s.pid}\t{s.user}\t{s.database}\t{s.application}\t{s.client}\t{s.kind}\t{s.state}\t{s.started}"
            f"\t{transaction}\t{s.changed}\t{wait}\t{numbers.get(texts[s.query], '')}\n"
        )
    statements = [f"{number}\t{text}\n" for text, number in numbers.items()]
    return rows, ["statement\ttext\n", *statements]
