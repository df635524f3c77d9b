# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Takes one action of a plan: written down before, carried out by the runtime's module, written down after."""

from __future__ import annotations

import time
import typing as t

from ..module_utils.core import runtimes
from ..module_utils.core.plan import Action
from ..module_utils.module.docker_options import DOCKER_CONNECTION
from ..module_utils.module.kubernetes_options import KUBERNETES_CONNECTION
from ..plugin_utils import say
from ..plugin_utils.check_runner import GROUPS, defaults_of, options_of
from ..plugin_utils.incident_action import IncidentAction

CONNECTION = {"docker": tuple(DOCKER_CONNECTION.options), "kubernetes": tuple(KUBERNETES_CONNECTION.options)}
"""Kind of runtime -> how its modules reach it: the same options in its check and in what acts on it."""


class ActionModule(IncidentAction):
    """In check mode the module runs in check mode too, and says what it would do; nothing is written then."""

    _requires_connection = True
    SPEC: t.ClassVar[dict[str, dict[str, t.Any]]] = {
        "incident": {"type": "str", "default": ""},
        "action": {"type": "dict", "required": True},
    }

    def act(self) -> dict[str, t.Any]:
        action = Action.from_dict(self.args["action"])
        call = runtimes.call_of(action)
        options = {**self._inherited(action, call.module), **call.options}
        number = self._begin(action)
        started = time.time()
        found = dict(self._execute_module(module_name=call.module, module_args=options, task_vars=self.vars))
        failed = bool(found.get("failed") or found.get("unreachable"))
        text = self._text(action, found, failed, time.time() - started)
        # What a program said of itself right before it was ended is nowhere else any more.
        self._end(number, text, failed, {"dumps": found["dumps"]} if found.get("dumps") else {})
        result = {
            "changed": bool(found.get("changed")),
            "diff": found.get("diff"),
            "module": call.module,
            "service": action.service,
            "verb": action.verb,
            "result": {name: value for name, value in found.items() if name not in ("diff", "invocation")},
            "ended_at": time.time(),
            "say": [say.line(f"    {text}", "bad" if failed else "good")],
        }
        if failed:
            result.update(failed=True, msg=text)
        return {name: value for name, value in result.items() if value is not None}

    def _inherited(self, action: Action, module: str) -> dict[str, t.Any]:
        """How the target, or what runs it, is reached, secrets among it: taken from the variables and module_defaults
        of the host that the change is made from, never from a plan."""
        if action.module:
            group, names = self.scenario.group, action.inherits
        elif action.runtime and action.runtime.kind in CONNECTION:
            group, names = GROUPS[runtimes.CHECKS[action.runtime.kind]], CONNECTION[action.runtime.kind]
        else:
            return {}
        check = next(name for name, known in GROUPS.items() if known == group)
        host = self.vars["hostvars"][action.runs_on]
        found = {**defaults_of(self, module, group), **options_of(check, host)}
        return {name: value for name, value in found.items() if name in names}

    def _text(self, action: Action, found: dict[str, t.Any], failed: bool, seconds: float) -> str:
        if failed:
            return f"FAILED: {action.title}: {found.get('msg') or 'no reason given'}"
        if self.check_mode:
            return f"would do: {action.title} ({action.dose})"
        if not found.get("changed"):
            return f"{action.title}: nothing to do ({found.get('msg') or 'it is so already'})"
        return f"done: {action.title} ({action.dose}), {seconds:.1f} s"

    def _begin(self, action: Action) -> int:
        if not self.args["incident"]:
            return 0
        with self.store() as store:
            self.keep_lease(store)
            now = time.time()
            store.add_event(
                self.args["incident"], now, "action", f"begin: {action.title}", {"action": action.to_dict()}
            )
            return store.begin_action(self.args["incident"], self.target, action.to_dict(), now)

    def _end(self, number: int, text: str, failed: bool, kept: dict[str, t.Any]) -> None:
        if not number:
            return
        now = time.time()
        with self.store() as store:
            store.end_action(number, text, now)
            store.add_event(self.args["incident"], now, "action", text, kept)
            if not failed:
                clocks = {**(self.incident(store).data.get("clocks") or {}), "fixed": now}
                store.update_incident(self.args["incident"], data={"clocks": clocks, "acted": now})
