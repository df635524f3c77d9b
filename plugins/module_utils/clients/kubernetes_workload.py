# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Changes one workload of a Kubernetes cluster, sees what comes of it, and takes it back where that is worse."""

from __future__ import annotations

import datetime
import time
import typing as t

from ..core import kubernetes_plan as plan
from ..core import kubernetes_rollout as rollout
from ..core.kubernetes_diff import differing, wish_of
from ..core.kubernetes_drain import losses
from ..core.kubernetes_gates import Verdict, judge, said
from ..core.kubernetes_gates_owner import deployers
from ..core.kubernetes_pod import check_pod, delete, owner_of
from ..core.kubernetes_revisions import roll_back
from ..core.kubernetes_scene import Case, Scene, Wish
from ..core.kubernetes_target import Pod, Workload, facts
from ..core.redact import clean
from .deadline import Deadline
from .errors import CollectError, Failed
from .kubernetes_apps import Apps
from .kubernetes_errors import Conflict, NotFound, ServerError, Silent, Unreachable
from .kubernetes_link import Link, connect
from .kubernetes_options import KubernetesOptions

_POLL = 0.5
_ATTEMPTS = 4
"""A status that is written between look and patch is a conflict: then all is looked at anew."""
_PLANNING = 60.0

Join = t.Callable[[KubernetesOptions, Deadline], Link]


def apply(params: t.Mapping[str, t.Any], check_mode: bool, join: Join = connect) -> dict[str, t.Any]:
    """Bring the workload into the state. Returns what a module returns; raises Failed where that is a failure."""
    action = _Action(params, check_mode)
    try:
        plan.check_options(params)
        # To plan, to wait, and to wait once more for what is taken back.
        seconds = _PLANNING + 2 * float(params["wait_timeout"])
        action.apps = Apps(join(KubernetesOptions.from_params(params), Deadline(seconds)), params["namespace"])
        action.change_it()
        if action.acted and params["wait"]:
            action.wait()
    except (CollectError, plan.Refused) as error:
        raise Failed(action.result(str(error))) from error
    return action.result(action.said())


class _Action:
    """One change of one workload. before, now: the workload when it was planned, and as it was seen last."""

    apps: Apps
    before: Workload
    case: Case
    base: rollout.Baseline

    def __init__(self, params: t.Mapping[str, t.Any], check_mode: bool) -> None:
        self.params = params
        self.check_mode = check_mode
        self.now: Workload | None = None
        self.verdict = Verdict((), ())
        self.change: plan.Change | None = None
        self.notes: list[str] = []
        self.acted = self.undone = self.gone = False
        self.last = ""

    def change_it(self) -> None:
        """Plan, and send it for the very version that was planned for. Raises Refused."""
        first: dict[str, t.Any] = {}
        for attempt in range(_ATTEMPTS):
            self._plan(first)
            if self.change is None or not self.change.needed:
                return
            try:
                self._send(self.change)
                return
            except Conflict as error:
                strict = bool((self.params.get("identity") or {}).get("resource_version"))
                if strict or attempt == _ATTEMPTS - 1:
                    raise plan.Refused(
                        f"{self.before.said} changed between look and change, nothing was done: {error.message}"
                    ) from error
                # What somebody wrote into its status is fine; another wish or another object is not.
                first = {"uid": self.before.uid, "generation": self.before.generation}

    def _plan(self, first: t.Mapping[str, t.Any]) -> None:
        pod = self._find()
        plan.check_identity(self.before, first)
        self.now = self.before
        change = self._change(pod)
        scene = self.apps.scene(self.before, self.params["state"], change) if change.needed else Scene()
        wish = Wish(*(self.params.get(name) for name in ("postgresql_headroom", "pool_size", "partitions")))
        self.case = Case(self.params["state"], self.before, change, scene, wish)
        self.change = change
        self.base = rollout.Baseline.of(self.before, scene.pods)
        self.verdict = judge(self.case, self.params["override"])
        self.notes = [*change.notes, *deployers(self.case), *losses(self.case)]
        self.notes += [f"Not looked at, as it may not be read: {why}" for why in scene.unread.values()]
        self.notes += [f"override={refusal.reason}: {refusal.why}" for refusal in self.verdict.overridden]
        if self.verdict.refused:
            raise plan.Refused(said(self.verdict))

    def _find(self) -> Pod | None:
        """What it is about. Raises Refused where it is not what was seen."""
        identity, kind, name = self.params.get("identity"), self.params["kind"], self.params.get("name")
        pod = None
        if self.params["state"] == plan.DELETED_POD:
            pod = self.apps.pod(self.params["pod"])
            check_pod(pod, identity, self.apps.namespace)
            kind, name = self.apps.replaces(*owner_of(pod, self.apps.namespace), pod.name)
        self.before = self.apps.workload(kind, str(name))
        if pod is None:
            plan.check_identity(self.before, identity)
        return pod

    def _change(self, pod: Pod | None) -> plan.Change:
        params, state, workload = self.params, self.params["state"], self.before
        if pod is not None:
            return delete(pod, workload)
        if state == plan.SCALED:
            return plan.scale(workload, params["replicas"])
        if state == plan.ROLLED_BACK:
            return roll_back(workload, self.apps.revisions(workload), params.get("revision"))
        if state == plan.MEMORY_LIMIT:
            return plan.memory_limit(workload, params.get("container"), params["memory"], params.get("memory_request"))
        at = datetime.datetime.now(datetime.timezone.utc).strftime("%Y-%m-%dT%H:%M:%SZ")
        return plan.restart(workload, at)

    def _send(self, change: plan.Change) -> None:
        try:
            if change.pod is not None:
                self.apps.delete(change.pod, self.check_mode)
            else:
                self.now = self.apps.patch(self.before, change, self.check_mode)
        except (Silent, Unreachable, ServerError) as error:
            if not self.check_mode:
                self._lost(change, error)
            raise
        self.acted = not self.check_mode

    def _lost(self, change: plan.Change, error: CollectError) -> t.NoReturn:
        """An order without an answer may have been carried out: what is so now is looked at, and said."""
        text = f"{change.text} was sent, and no good answer came ({error.message})"
        try:
            self.now = self.apps.workload(self.before.kind, self.before.name)
            if change.pod is not None:
                pods = [pod for pod in self.apps.pods(self.now) if pod.uid == change.pod.uid]
                self.gone = not pods or pods[0].terminating
        except CollectError as now:
            raise plan.Refused(f"{text}. Whether it was done is not known: {now.message}") from error
        done = self.gone if change.pod is not None else self.now.generation != self.before.generation
        said = "it was done all the same, and not waited for" if done else "it was not done so far"
        raise plan.Refused(f"{text}. As it seems {said}: look again before anything else") from error

    def wait(self) -> None:
        """Until it is done and stays so for a moment. Raises Refused where it fails or time is over."""
        change, sent = t.cast(plan.Change, self.change), t.cast(Workload, self.now)
        found = self._settled(sent, self.base, change.pod)
        if found is None or not found.done:
            self._failed(change, found)

    def _settled(self, sent: Workload, base: rollout.Baseline, pod: Pod | None = None) -> rollout.Progress | None:
        """The last that was seen: done, failed for good, or where the time ran out. None: it could not be seen."""
        deadline, since, found = Deadline(float(self.params["wait_timeout"])), None, None
        while True:
            try:
                now, pods = self._look(sent)
            except CollectError as error:
                # An API that is away for a moment is no verdict on the workload.
                self.last, since, found = error.message, None, None
            else:
                found = rollout.progress(base, now, pods)
                self.last = found.text
                self.gone = pod is not None and all(one.uid != pod.uid for one in pods)
                if found.failed:
                    return found
                if not found.done or (pod is not None and not rollout.replaced(pod.uid, now, pods)):
                    since = None
                else:
                    since = time.monotonic() if since is None else since
                    if time.monotonic() - since >= rollout.STEADY:
                        return found
            # Done in time may be believed a moment later.
            if not deadline.wait(_POLL) and since is None:
                return None if found is None else found.unfinished()

    def _look(self, sent: Workload) -> tuple[Workload, list[Pod]]:
        try:
            now = self.apps.workload(sent.kind, sent.name)
        except NotFound as error:
            raise plan.Refused(f"{sent.said} was deleted meanwhile: {error.message}") from error
        if (now.uid, now.generation) != (sent.uid, sent.generation):
            raise plan.Refused(
                f"somebody else changed {now.said} meanwhile (generation {sent.generation}, then {now.generation}):"
                f" {self.last or 'its rollout was not seen'}. It was not waited for any longer, and nothing was undone"
            )
        self.now = now
        return now, self.apps.pods(now)

    def _failed(self, change: plan.Change, found: rollout.Progress | None) -> t.NoReturn:
        """Say what is wrong, and take it back where that is wanted and possible."""
        text = f"{change.text} was done, but"
        if found is None:
            raise plan.Refused(f"{text} what came of it could not be seen: {self.last}. Nothing was undone")
        if found.failed:
            why = f"it fails: {found.reasons}"
        else:
            why = f"it is not well after {float(self.params['wait_timeout']):g} s"
            why += f": {found.reasons}" if found.troubles else ""
        text = f"{text} {why}. {found.text}"
        wanted = {"worse": found.worse, "failed": True, "never": False}[self.params["undo"]]
        if change.pod is not None:
            raise plan.Refused(f"{text}. A deleted pod can't be put back")
        if not wanted:
            raise plan.Refused(f"{text}. It was not undone. By hand: {plan.undo_by_hand(self.before, change)}")
        raise plan.Refused(f"{text}. {self._undo(change)}")

    def _undo(self, change: plan.Change) -> str:
        """Put back what was, unless somebody else has changed it since. What is so in the end is said."""
        wish = t.cast(Workload, self.now).generation
        by_hand = plan.undo_by_hand(self.before, change)
        for _attempt in range(_ATTEMPTS):
            try:
                now = self.apps.workload(self.before.kind, self.before.name)
                if (now.uid, now.generation) != (self.before.uid, wish):
                    return "It was not undone, as somebody else changed it meanwhile"
                self.now = self.apps.patch(now, plan.undo(self.before, now, change), False)
                self.undone = True
                break
            except Conflict:
                continue
            except CollectError as error:
                return f"It could not be undone: {error.message}. By hand: {by_hand}"
        if not self.undone:
            return f"It could not be undone, as its status changes all the time. By hand: {by_hand}"
        return self._after_undo()

    def _after_undo(self) -> str:
        what = f"{plan.undo(self.before, self.before, t.cast(plan.Change, self.change)).text}"
        try:
            found = self._settled(t.cast(Workload, self.now), self.base)
        except plan.Refused as error:
            return f"It was undone ({what}), but {error}"
        state = found.text if found else self.last
        return (
            f"It was undone ({what}), {'and is as before' if found and found.done else 'and is not well yet'}: {state}"
        )

    def said(self) -> str:
        change = t.cast(plan.Change, self.change)
        if not change.needed:
            return change.text
        if self.check_mode:
            return f"would {change.text}"
        return f"did {change.text}" + (f": {self.last}" if self.last else "")

    def result(self, message: str) -> dict[str, t.Any]:
        found: dict[str, t.Any] = {
            "changed": False,
            "refused": [refusal.to_dict() for refusal in self.verdict.refused],
            "overridden": [refusal.to_dict() for refusal in self.verdict.overridden],
            "notes": self.notes,
            "undone": self.undone,
            "by_hand": plan.by_hand(self.params),
            "diff": {"before": {}, "after": {}},
            "msg": message,
        }
        if self.now is not None:
            found.update(self._seen(self.now))
        return t.cast("dict[str, t.Any]", clean(found))

    def _seen(self, now: Workload) -> dict[str, t.Any]:
        before, change = self.before, self.change
        pod = change.pod if change else None
        left, right = differing(wish_of(before), wish_of(now))
        if pod is not None:
            gone = self.gone or (self.check_mode and not self.verdict.refused)
            left, right = {"pod": pod.name}, {} if gone else {"pod": pod.name}
        changed = self.gone if pod is not None else now.generation != before.generation
        if self.check_mode:
            changed = bool(change and change.needed and not self.verdict.refused and left != right)
        return {
            "changed": changed,
            "workload": plan.named(now),
            "before": facts(before),
            "after": facts(now),
            "diff": {"before": left, "after": right},
        }
