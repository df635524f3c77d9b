# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Acts on the containers of one service, and sees with its own eyes what came of it."""

from __future__ import annotations

import time
import typing as t

from ..core import docker_memory as memory
from ..core import docker_parse as parse
from ..core import docker_plan as plan
from ..core.docker_plan import Step
from ..core.docker_snapshot import Container, Process
from ..core.docker_state_findings import stopped_processes
from ..core.log_lines import group
from ..core.redact import clean
from . import docker_local as local
from .compose import Run
from .compose_service import Extra, MemoryRaise, Scaling, Turn
from .deadline import Deadline
from .docker import NO_LONGER
from .docker_dump import take_dump
from .docker_engine import DockerOptions, Engine, connect
from .errors import CollectError, Failed

LAST_LINES = 10
_POLL = 0.25
_LIST_DEADLINE = 30.0


Join = t.Callable[[DockerOptions, Deadline], Engine]


def apply(params: t.Mapping[str, t.Any], check_mode: bool, run: Run, join: Join = connect) -> dict[str, t.Any]:
    """Bring the service into the state. run: for Compose. Returns what a module returns; raises Failed where that is a
    failure."""
    service = _Service(params, run)
    try:
        service.options = DockerOptions.from_params(params)
        service.engine = join(service.options, Deadline(_LIST_DEADLINE))
        service.plan()
        if not check_mode:
            service.act()
    except (CollectError, plan.Refused) as error:
        raise Failed(service.result(str(error))) from error
    return service.result(service.said(check_mode), check_mode)


class _Service:
    """The containers of one service on one engine."""

    engine: Engine
    options: DockerOptions

    def __init__(self, params: t.Mapping[str, t.Any], run: Run) -> None:
        self.params = params
        self.run = run
        self.turns: list[Turn] = []
        self.raw: dict[str, dict[str, t.Any]] = {}
        self.dumps: list[dict[str, t.Any]] = []
        self.extra: Extra | None = {"memory_raised": MemoryRaise, "scaled": Scaling}.get(params["state"], _none)(self)

    def plan(self) -> None:
        """What would be done, for all containers, before anything is done to the first."""
        identity = self.params.get("identity")
        plan.check_options(self.params)
        if self.extra:
            self.extra.check_options()
        listed = self.listed()
        if not listed:
            project, service, name = (self.params.get(option) or "" for option in ("project", "service", "container"))
            raise plan.Refused(plan.missing_text(project, service, name))
        wanted = str((identity or {}).get("id") or "")
        chosen = [identifier for identifier in listed if wanted and identifier.startswith(wanted)]
        for identifier in chosen or listed:
            container, stopped = self.look(identifier)
            before = plan.facts(container, stopped)
            turn = Turn(container, Step((), ""), before, dict(before))
            self.turns.append(turn)
            plan.check_identity(container, identity)
            turn.step = self._decide(container, stopped)
        for turn in self.turns:
            turn.after = plan.predicted(turn.step, turn.before)
        if self.extra:
            self.extra.plan()

    def _decide(self, container: Container, stopped: t.Sequence[Process]) -> Step:
        state = self.params["state"]
        if state == "memory_raised":
            return memory.decide(container, memory.wanted_size(self.params["memory"]))
        if state == "scaled":
            return Step((), f"{container.name} is {container.status}")
        step = plan.decide(container, stopped, state, bool(self.params.get("force")))
        if self.params.get("dump") and step.verbs[-1:] == ("restart",) and container.status in ("running", "paused"):
            step = Step(step.verbs, f"dump the stacks of {container.name} (SIGQUIT) and {step.text}")
        return step

    def listed(self) -> list[str]:
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

    def look(self, identifier: str) -> tuple[Container, list[Process]]:
        raw = self.engine.inspect(identifier)
        container = parse.container_from_inspect(raw)
        self.raw[container.id] = raw
        return container, stopped_processes(self._processes(container), container.pid)

    def _processes(self, container: Container) -> list[Process]:
        if container.status != "running" or not container.pid:
            return []
        facts = local.local_facts(container.pid, container.id)
        if facts is not None:
            return facts.processes
        try:
            rows = self.engine.top(container.id)
        except CollectError as error:
            if any(words in error.message for words in NO_LONGER):
                return []
            raise
        return [row for row in map(parse.process_from_row, rows) if row is not None]

    def act(self) -> None:
        """One container after the other; the next one only when the one before is well."""
        for turn in self.turns:
            turn.after = dict(turn.before)
        for turn in self.turns:
            if turn.step.verbs:
                self._act_on(turn)
        if self.extra:
            self.extra.act()

    def _act_on(self, turn: Turn) -> None:
        container, stopped = self.look(turn.container.id)
        # Right before acting: still the same, and still what the step was made for.
        plan.check_identity(container, {"id": turn.container.id, "started_at": turn.container.started_at})
        turn.step = self._decide(container, stopped)
        if not turn.step.verbs:
            turn.after = plan.facts(container, stopped)
            return
        turn.acted = True
        try:
            for verb in turn.step.verbs:
                self._call(verb, container, turn.step)
            self.wait(turn, container)
        except CollectError as error:
            raise plan.Refused(self._state_of(turn, f"{turn.step.text}: {error.message}")) from error

    def _call(self, verb: str, container: Container, step: Step) -> None:
        identifier = container.id
        if verb == "start":
            self.engine.start(identifier)
        elif verb == "restart":
            given = self.params.get("stop_timeout")
            if self.params.get("dump") and container.status in ("running", "paused"):
                self.dumps.append(take_dump(self.engine, container, float(self.params["dump_timeout"])))
            self.engine.restart(identifier, int(container.stop_timeout if given is None else given))
        elif verb == "unpause":
            self.engine.unpause(identifier)
        elif verb == "update":
            self.engine.update(identifier, *step.memory)
        else:
            self._continue(identifier)

    def _continue(self, identifier: str) -> None:
        """The signal reaches the first process only; what an init has started gets it from inside."""
        self.engine.signal(identifier, "SIGCONT")
        if self.look(identifier)[1]:
            self.engine.run_inside(identifier, ["sh", "-c", "kill -CONT -1"])

    def wait(self, turn: Turn, before: Container) -> None:
        """Until it is well, or can't be any more; at once where nobody wants to wait."""
        deadline = Deadline(float(self.params["wait_timeout"]))
        verb, since, began = turn.step.verbs[-1], time.monotonic(), ""
        while True:
            container, stopped = self.look(turn.container.id)
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
            container, stopped = self.look(turn.container.id)
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
        acted += self.extra.texts if self.extra else []
        if not acted:
            said = "; ".join(turn.step.text for turn in self.turns)
        else:
            said = ("would " if check_mode else "did ") + "; ".join(acted)
        return ". ".join([said, *(self.extra.notes if self.extra else [])])

    def result(self, message: str, check_mode: bool = False) -> dict[str, t.Any]:
        if check_mode:
            changed = any(turn.step.verbs for turn in self.turns) or bool(self.extra and self.extra.texts)
        else:
            changed = any(turn.acted and plan.was_changed(turn.step, turn.before, turn.after) for turn in self.turns)
            changed = changed or bool(self.extra and self.extra.changed)
        found: dict[str, t.Any] = {
            "changed": changed,
            "containers": [turn.to_dict() for turn in self.turns],
            "diff": {
                "before": {turn.container.name: turn.before for turn in self.turns},
                "after": {turn.container.name: turn.after for turn in self.turns},
            },
            "msg": message,
        }
        if self.dumps:
            found["dumps"] = self.dumps
        if self.extra and self.extra.facts:
            found["compose"] = self.extra.facts
        return t.cast("dict[str, t.Any]", clean(found))


def _none(_service: t.Any) -> None:
    return None


def _oneoff(entry: t.Mapping[str, t.Any]) -> bool:
    return str((entry.get("Labels") or {}).get(parse.COMPOSE + "oneoff", "")).lower() == "true"
