# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Starts, restarts, unpauses or continues the containers of one service, and sees with its own eyes what came of it."""

from __future__ import annotations

import dataclasses
import time
import typing as t

from ..core import docker_parse as parse
from ..core import docker_plan as plan
from ..core.docker_snapshot import Container, Process
from ..core.docker_state_findings import stopped_processes
from ..core.log_lines import group
from ..core.redact import clean
from . import docker_local as local
from .deadline import Deadline
from .docker_engine import DockerOptions, Engine, connect
from .errors import CollectError

LAST_LINES = 10
_POLL = 0.25
_LIST_DEADLINE = 30.0


class Failed(Exception):
    """It was not done, or not done to the end. result is what a module returns, msg included."""

    def __init__(self, result: dict[str, t.Any]) -> None:
        super().__init__(result["msg"])
        self.result = result


@dataclasses.dataclass
class Turn:
    """One container: what is to be done, and what it was before and after."""

    container: Container
    step: plan.Step
    before: dict[str, t.Any]
    after: dict[str, t.Any]
    acted: bool = False

    def to_dict(self) -> dict[str, t.Any]:
        return {"name": self.container.name, "id": self.container.id, "before": self.before, "after": self.after}


Join = t.Callable[[DockerOptions, Deadline], Engine]


def apply(params: t.Mapping[str, t.Any], check_mode: bool, join: Join = connect) -> dict[str, t.Any]:
    """Bring the service into the state. Returns what a module returns; raises Failed where that is a failure."""
    service = _Service(params)
    try:
        service.engine = join(DockerOptions.from_params(params), Deadline(_LIST_DEADLINE))
        service.plan()
        if not check_mode:
            service.act()
    except (CollectError, plan.Refused) as error:
        raise Failed(service.result(str(error))) from error
    return service.result(service.said(check_mode), check_mode)


class _Service:
    """The containers of one service on one engine."""

    engine: Engine

    def __init__(self, params: t.Mapping[str, t.Any]) -> None:
        self.params = params
        self.turns: list[Turn] = []

    def plan(self) -> None:
        """What would be done, for all containers, before anything is done to the first."""
        identity = self.params.get("identity")
        listed = self._listed()
        if not listed:
            project, service, name = (self.params.get(option) or "" for option in ("project", "service", "container"))
            raise plan.Refused(plan.missing_text(project, service, name))
        wanted = str((identity or {}).get("id") or "")
        chosen = [identifier for identifier in listed if wanted and identifier.startswith(wanted)]
        for identifier in chosen or listed:
            container, stopped = self._look(identifier)
            before = plan.facts(container, stopped)
            turn = Turn(container, plan.Step((), ""), before, dict(before))
            self.turns.append(turn)
            plan.check_identity(container, identity)
            turn.step = plan.decide(container, stopped, self.params["state"], bool(self.params.get("force")))
        for turn in self.turns:
            turn.after = plan.predicted(turn.step, turn.before)

    def _listed(self) -> list[str]:
        if self.params.get("container"):
            return self._found_by_name(self.params["container"])
        labels = [f"{parse.COMPOSE}service={self.params['service']}"]
        if self.params.get("project"):
            labels.append(f"{parse.COMPOSE}project={self.params['project']}")
        entries = self.engine.containers(labels, ())
        projects = {str((entry.get("Labels") or {}).get(parse.COMPOSE + "project")) for entry in entries}
        if len(projects) > 1:
            names = ", ".join(sorted(projects))
            raise plan.Refused(f"Service {self.params['service']} is in several projects ({names}): name one of them")
        kept = [entry for entry in entries if not _oneoff(entry)]
        return [str(entry["Id"]) for entry in sorted(kept, key=lambda entry: str(entry.get("Names")))]

    def _found_by_name(self, name: str) -> list[str]:
        try:
            return [str(self.engine.inspect(name)["Id"])]
        except CollectError as error:
            if error.kind == "gone":
                return []
            raise

    def _look(self, identifier: str) -> tuple[Container, list[Process]]:
        container = parse.container_from_inspect(self.engine.inspect(identifier))
        return container, stopped_processes(self._processes(container), container.pid)

    def _processes(self, container: Container) -> list[Process]:
        if container.status != "running" or not container.pid:
            return []
        facts = local.local_facts(container.pid, container.id)
        if facts is not None:
            return facts.processes
        return [row for row in map(parse.process_from_row, self.engine.top(container.id)) if row is not None]

    def act(self) -> None:
        """One container after the other; the next one only when the one before is well."""
        for turn in self.turns:
            turn.after = dict(turn.before)
        for turn in self.turns:
            if turn.step.verbs:
                self._act_on(turn)

    def _act_on(self, turn: Turn) -> None:
        container, stopped = self._look(turn.container.id)
        # Right before acting: still the same, and still what the step was made for.
        plan.check_identity(container, {"id": turn.container.id, "started_at": turn.container.started_at})
        turn.step = plan.decide(container, stopped, self.params["state"], bool(self.params.get("force")))
        if not turn.step.verbs:
            turn.after = plan.facts(container, stopped)
            return
        turn.acted = True
        try:
            for verb in turn.step.verbs:
                self._call(verb, container)
            self._wait(turn, container)
        except CollectError as error:
            raise plan.Refused(self._state_of(turn, f"{turn.step.text}: {error.message}")) from error

    def _call(self, verb: str, container: Container) -> None:
        identifier = container.id
        if verb == "start":
            self.engine.start(identifier)
        elif verb == "restart":
            given = self.params.get("stop_timeout")
            self.engine.restart(identifier, int(container.stop_timeout if given is None else given))
        elif verb == "unpause":
            self.engine.unpause(identifier)
        else:
            self._continue(identifier)

    def _continue(self, identifier: str) -> None:
        """The signal reaches the first process only; what an init has started gets it from inside."""
        self.engine.signal(identifier, "SIGCONT")
        if self._look(identifier)[1]:
            self.engine.run_inside(identifier, ["sh", "-c", "kill -CONT -1"])

    def _wait(self, turn: Turn, before: Container) -> None:
        """Until it is well, or can't be any more; at once where nobody wants to wait."""
        deadline = Deadline(float(self.params["wait_timeout"]))
        verb, since, began = turn.step.verbs[-1], time.monotonic(), ""
        while True:
            container, stopped = self._look(turn.container.id)
            turn.after = plan.facts(container, stopped)
            if container.status != "running" or container.started_at != began:
                since, began = time.monotonic(), container.started_at
            changed = plan.was_changed(turn.step, turn.before, turn.after)
            verdict = plan.progress(before, plan.Moment(container, len(stopped), time.monotonic() - since), verb)
            if changed and (verdict == "ready" or not self.params["wait"]):
                return
            if verdict not in ("", "ready"):
                raise plan.Refused(self._state_of(turn, f"{turn.step.text} was done, but {verdict}"))
            if not deadline.wait(_POLL):
                late = f"it is not well after {deadline.seconds:g} s" if changed else "no change can be seen"
                raise plan.Refused(self._state_of(turn, f"{turn.step.text} was done, but {late}"))

    def _state_of(self, turn: Turn, text: str) -> str:
        """A failure after acting: the exact state that things are left in, and the end of the log."""
        lines = []
        try:
            container, stopped = self._look(turn.container.id)
            turn.after = plan.facts(container, stopped)
            tail = self.engine.tail(container.id, container.tty, LAST_LINES, None, Deadline(5))
            lines = [f"  {entry['text']}" for entry in group(tail.lines)[0]]
            state = ", ".join(f"{name} {value}" for name, value in turn.after.items() if value not in ("", None))
            state += f", exit code {container.exit_code}" + (f", error {container.error}" if container.error else "")
        except CollectError as error:
            state = f"unknown ({error.message})"
        left = [other.container.name for other in self.turns if other.step.verbs and not other.acted]
        untouched = f" Not touched: {', '.join(left)}." if left else ""
        log = "\n".join(["", "The end of its log:", *lines]) if lines else ""
        return f"{text}. {turn.container.name} is now: {state}.{untouched}{log}"

    def said(self, check_mode: bool) -> str:
        """One sentence a container."""
        acted = [turn.step.text for turn in self.turns if turn.step.verbs]
        if not acted:
            return "; ".join(turn.step.text for turn in self.turns)
        return ("would " if check_mode else "did ") + "; ".join(acted)

    def result(self, message: str, check_mode: bool = False) -> dict[str, t.Any]:
        if check_mode:
            changed = any(turn.step.verbs for turn in self.turns)
        else:
            changed = any(turn.acted and plan.was_changed(turn.step, turn.before, turn.after) for turn in self.turns)
        found = {
            "changed": changed,
            "containers": [turn.to_dict() for turn in self.turns],
            "diff": {
                "before": {turn.container.name: turn.before for turn in self.turns},
                "after": {turn.container.name: turn.after for turn in self.turns},
            },
            "msg": message,
        }
        return t.cast("dict[str, t.Any]", clean(found))


def _oneoff(entry: t.Mapping[str, t.Any]) -> bool:
    return str((entry.get("Labels") or {}).get(parse.COMPOSE + "oneoff", "")).lower() == "true"
