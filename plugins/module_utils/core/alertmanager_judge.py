# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The snapshot of an Alertmanager and what was declared about it -> findings. Pure.

This file judges whether its members answer, are ready and agree; the files beside it judge delivery, alerts and
silences.
"""

from __future__ import annotations

import typing as t

from .alertmanager_judge_alerts import judge_alerts
from .alertmanager_judge_delivery import judge_delivery
from .alertmanager_judge_silences import judge_silences
from .alertmanager_settings import Settings, finding
from .alertmanager_snapshot import PARTS, Member, Problem, Snapshot
from .findings import CRITICAL, UNKNOWN, WARNING, Finding, Remedy

DEFAULTS = Settings()
History = t.Sequence[t.Mapping[str, t.Any]]

DOWN = ("dns", "refused", "timeout", "unreachable", "silent", "reset", "broken", "endless")
"""Ways of not answering that are the server's or the network's, not the question's."""
TLS = "tls"
ODD = ("gone", "unexpected", "auth", "redirect", "not_http")
"""Ways of answering otherwise than the API v2 does."""
PARTS_NAMED = {
    "status": "its status",
    "ready": "whether it is ready",
    "alerts": "its alerts",
    "silences": "its silences",
    "metrics": "its metrics",
}


def judge(snapshot: Snapshot, settings: Settings = DEFAULTS, history: History = ()) -> list[Finding]:
    """All findings of one look at the members of one Alertmanager. history: samples of earlier looks."""
    findings: list[Finding] = []
    for member in snapshot.members:
        findings += _member(member, snapshot, settings)
    findings += _cluster(snapshot, settings)
    findings += judge_delivery(snapshot, settings, history)
    findings += judge_alerts(snapshot, settings)
    findings += judge_silences(snapshot, settings)
    return findings


def _member(member: Member, snapshot: Snapshot, settings: Settings) -> t.Iterator[Finding]:
    whole = next((member.problems[part] for part in ("status", "ready") if part in member.problems), None)
    if not member.answered and whole is not None:
        yield _no_answer(member, whole, snapshot, settings)
        return
    api = next((member.problems[p] for p in ("status", "alerts", "silences") if p in member.problems), None)
    if api is not None and api.kind in ODD:
        yield _wrong_api(member, api, settings)
    else:
        missed = [part for part in PARTS if part in member.problems and member.problems[part].kind != "not_ready"]
        if missed:
            yield _unmeasured(member, missed, settings)
    if member.ready is False:
        yield finding(
            settings,
            "alertmanager.not_ready",
            member.url,
            CRITICAL,
            "P3",
            f"is not ready: {member.problems['ready'].message}" if "ready" in member.problems else "is not ready",
            causes=("it has just been started and reads its state", "it is being stopped"),
            remedies=(Remedy("Wait half a minute and look again; its log says what it waits for"),),
        )


def _no_answer(member: Member, problem: Problem, snapshot: Snapshot, settings: Settings) -> Finding:
    alone = not any(other.answered for other in snapshot.members)
    if problem.kind not in DOWN and not problem.kind.startswith(TLS):
        return _unmeasured(member, ["status"], settings)
    others = "no member answers, so no alert reaches anybody" if alone else "other members of it answer"
    return finding(
        settings,
        "alertmanager.unreachable" if alone else "alertmanager.peer.unreachable",
        member.url,
        CRITICAL if alone else WARNING,
        "P2" if alone else "P3",
        f"does not answer: {problem.message}",
        observed={"kind": problem.kind},
        evidence=(problem.message, others),
        causes=("it is down", "the address is not the one that it listens on", "the network between"),
        remedies=(
            Remedy("Look at its log and at what runs it"),
            Remedy("Start it; what fires is sent to it again by Prometheus within a minute", "low"),
        ),
        details={"kind": problem.kind},
    )


def _wrong_api(member: Member, problem: Problem, settings: Settings) -> Finding:
    """It answers, and not as the API v2 does: nothing is known, and the reason is exact."""
    names = {
        "gone": "alertmanager.api.unsupported",
        "unexpected": "alertmanager.response.unexpected",
        "redirect": "alertmanager.response.unexpected",
        "not_http": "alertmanager.response.unexpected",
        "auth": "alertmanager.auth.rejected",
    }
    causes = {
        "gone": ("it is older than 0.16", "its API is below another path (--web.route-prefix)"),
        "unexpected": ("another program answers there", "a proxy answers in its place, such as a login page"),
        "redirect": ("another program answers there", "a proxy wants a login"),
        "not_http": ("another program answers there", "it wants https, or none"),
        "auth": ("the login is wrong or missing", "the account may not read it"),
    }
    return finding(
        settings,
        names[problem.kind],
        member.url,
        UNKNOWN,
        "P3",
        f"could not be looked at: {problem.message}",
        observed={"kind": problem.kind, "status": problem.status},
        evidence=(problem.message,),
        causes=causes[problem.kind],
        remedies=(Remedy("Check url, with its prefix, and the login"),),
    )


def _unmeasured(member: Member, parts: t.Sequence[str], settings: Settings) -> Finding:
    what = ", ".join(PARTS_NAMED[part] for part in parts)
    return finding(
        settings,
        "alertmanager.unmeasured",
        member.url,
        UNKNOWN,
        "P3",
        f"could not be asked for {what}",
        observed={part: member.problems[part].kind for part in parts if part in member.problems},
        evidence=[f"{PARTS_NAMED[part]}: {member.problems[part].message}" for part in parts if part in member.problems],
        remedies=(Remedy("Raise deadline or read_timeout, or ask from nearer by"),),
    )


def _cluster(snapshot: Snapshot, settings: Settings) -> t.Iterator[Finding]:
    known = [member for member in snapshot.members if member.status is not None]
    for member in known:
        yield from _settling(member, snapshot.now, settings)
    if len(known) > 1:
        yield from _split(known, settings)
        yield from _differs(known, settings)


def _settling(member: Member, now: float, settings: Settings) -> t.Iterator[Finding]:
    status = member.status
    if status is None or status.cluster in ("ready", "disabled"):
        return
    age = now - status.started if status.started is not None else None
    if age is not None and age < settings.settle:
        return
    yield finding(
        settings,
        "alertmanager.cluster.unsettled",
        member.url,
        WARNING,
        "P4",
        f"says {status.cluster} of its cluster, where ready is expected",
        observed={"status": status.cluster, "seconds": age},
        threshold={"seconds": settings.settle},
        causes=("its peers do not answer over the cluster's port (9094, TCP and UDP)",),
        remedies=(Remedy("Check --cluster.peer and that the cluster's port is open both ways"),),
    )


def _split(known: t.Sequence[Member], settings: Settings) -> t.Iterator[Finding]:
    """Each member that was named has to see all others that answered."""
    names = {member.status.name: member.url for member in known if member.status and member.status.name}
    for member in known:
        if member.status is None:
            continue
        seen = {name for name, _address in member.status.peers} | {member.status.name}
        missing = sorted(url for name, url in names.items() if name not in seen)
        if not missing and member.status.name:
            continue
        what = f"does not see {', '.join(missing)}" if missing else "takes part in no cluster"
        yield finding(
            settings,
            "alertmanager.cluster.split",
            member.url,
            WARNING,
            "P3",
            f"{what}: notifications are sent twice, silences are not shared",
            observed={"peers": len(member.status.peers), "missing": missing},
            threshold={"peers": len(known)},
            evidence=[f"it sees {address}" for _name, address in member.status.peers] or ["it sees nobody"],
            causes=(
                "the cluster's port (9094, TCP and UDP) is closed between them",
                "--cluster.peer does not name the other one",
                "--cluster.advertise-address is one that the other can't reach",
            ),
            remedies=(
                Remedy("Open the cluster's port both ways, and check --cluster.peer of each"),
                Remedy("Restart the member that sees nobody: a peer that was lost for long is forgotten", "low"),
            ),
        )


def _differs(known: t.Sequence[Member], settings: Settings) -> t.Iterator[Finding]:
    by_hash: dict[str, list[str]] = {}
    for member in known:
        digest = config_of(member)
        if digest:
            by_hash.setdefault(digest, []).append(member.url)
    if len(by_hash) < 2:
        return
    yield finding(
        settings,
        "alertmanager.config.differs",
        settings.component,
        WARNING,
        "P3",
        "has members with different configurations",
        observed=by_hash,
        evidence=[f"{digest}: {', '.join(urls)}" for digest, urls in sorted(by_hash.items())],
        causes=("a rollout reached only some of them", "one of them refused to load the new one"),
        remedies=(Remedy("Bring the same file to all, check it with amtool check-config, and reload each", "low"),),
    )


def config_of(member: Member) -> str:
    """A digest of its configuration that can be compared among members of one version."""
    if member.first is not None and member.first.config_hash:
        return member.first.config_hash
    return member.status.config if member.status else ""
