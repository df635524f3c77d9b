# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""How a check runs: in process where that is the same and faster, as a module otherwise, with history from the store.

In process: the connection is local, nothing is changed about it (become, async, environment), and the interpreter is
the controller's own. The variable incident_in_process=false switches it off; results are the same on both paths.
"""

from __future__ import annotations

import contextlib
import dataclasses
import importlib
import json
import sys
import time
import typing as t

from ansible.errors import AnsibleActionFail
from ansible.module_utils.common.arg_spec import ArgumentSpecValidator
from ansible.module_utils.common.parameters import remove_values
from ansible.plugins.action import ActionBase

from ..module_utils.core.redact import clean
from ..module_utils.core.spelling import misspelt
from ..module_utils.module.check import Check, Misuse, missing_library, perform
from . import ahead, guard, say
from .store import Store, StoreError
from .variables import state_dir, truth

PREFIX = "incident.response."
SYSTEMS = ("alertmanager", "docker", "go", "http", "kafka", "kubernetes", "postgresql", "prometheus", "redis")
CHECKS = {f"{system}_health_info": f"{system}_health" for system in SYSTEMS}
"""Check module -> its file in module_utils/checks."""
GROUPS = {f"{system}_health_info": system for system in SYSTEMS}
"""Check module -> its action group, and the prefix of the variables that set its options."""
HISTORY_WINDOW = 3600.0
GRACE = 10.0
"""Seconds beyond a check's own deadline before it is stopped from outside."""


def preload(*modules: str) -> None:
    """Import what these checks need before Ansible forks: paid once, not in every task. What is missing is reported
    by the check."""
    for module in modules:
        missing_library(load(module).requirements)


def load(module: str) -> Check:
    """The Check behind a module's name, with or without the collection's name before it."""
    name = module.removeprefix(PREFIX)
    if name not in CHECKS:
        raise AnsibleActionFail(f"{module} is no check of this collection; known are {', '.join(sorted(CHECKS))}")
    file = f"module_utils.checks.{CHECKS[name]}"
    ahead.load(file)
    found = importlib.import_module(f"{ahead.PLUGINS}.{file}").CHECK
    return t.cast(Check, found)


def options_of(module: str, variables: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
    """Options of a check out of a host's variables: kafka_bootstrap_servers sets bootstrap_servers of
    kafka_health_info."""
    name = module.removeprefix(PREFIX)
    named = {option: f"{GROUPS[name]}_{option}" for option in load(module).spec.options}
    found = {option: variables[variable] for option, variable in named.items() if variable in variables}
    return {option: value for option, value in found.items() if value is not None}


def misspelt_of(module: str, variables: t.Iterable[str]) -> dict[str, str]:
    """Variable -> the one that was probably meant, for those that nearly have the name of an option of this check."""
    return misspelt(variables, f"{GROUPS[module.removeprefix(PREFIX)]}_", load(module).spec.options)


def defaults_of(plugin: ActionBase, module: str, group: str) -> dict[str, t.Any]:
    """What module_defaults of a task say about a module, or about its group: Ansible applies them to the task's own
    only."""
    keys = (f"group/{PREFIX}{group}", PREFIX + module.removeprefix(PREFIX))
    found: dict[str, t.Any] = {}
    for defaults in plugin._task.module_defaults or ():
        for key in keys:
            found.update(plugin._templar.template(defaults.get(key) or {}))
    return found


@dataclasses.dataclass(frozen=True)
class History:
    """The samples of earlier looks. keeps: whether those of this look are added."""

    store: Store | None
    keeps: bool

    def before(self, host: str, check: Check, options: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """The options of a check, with the past of that host among them."""
        wanted = dict(options)
        if self.store and not wanted.get("history"):
            wanted["history"] = self.store.history(host, check.name, since=time.time() - HISTORY_WINDOW)
        return wanted

    def keep(self, host: str, check: Check, result: t.Mapping[str, t.Any]) -> None:
        if self.store and self.keeps and result.get("samples"):
            self.store.keep_samples(host, check.name, at=time.time(), samples=result["samples"])


class CheckRunner(ActionBase):
    """Base of the action plugins that run a check; the subclass says which one and with which options."""

    _supports_check_mode = True

    def run_check(self, module: str, options: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        check = load(module)
        host = str(self._task.delegate_to or task_vars["inventory_hostname"])
        with self.history(task_vars) as past:
            result = self._look(check, past.before(host, check, options), task_vars)
            past.keep(host, check, result)
        return result

    def options(self, module: str, own: t.Mapping[str, t.Any], variables: t.Mapping[str, t.Any]) -> dict[str, t.Any]:
        """Options come from module_defaults, then the variables of the host that is looked at, then the call.

        They are read here and not handed over, so that no password is in the arguments or results of another step.
        """
        for name, meant in misspelt_of(module, variables).items():
            host = variables.get("inventory_hostname")
            self._display.warning(f"{host}: no check reads {name}, so that it has no effect. Is {meant} meant?")
        defaults = defaults_of(self, module, GROUPS.get(module.removeprefix(PREFIX), ""))
        return {**defaults, **options_of(module, variables), **own}

    def _look(self, check: Check, options: dict[str, t.Any], task_vars: dict[str, t.Any]) -> dict[str, t.Any]:
        if self.in_process(task_vars):
            return run_here([(check, options)])[0]
        found = self._execute_module(module_name=PREFIX + check.name, module_args=options, task_vars=task_vars)
        return {name: value for name, value in found.items() if name != "invocation"}

    def in_process(self, task_vars: dict[str, t.Any]) -> bool:
        """Whether the host of the task can be asked in this process: by the connection that the task has."""
        delegated = (task_vars.get("ansible_delegated_vars") or {}).get(self._task.delegate_to or "", task_vars)
        return (
            self._connection.transport == "local"
            and getattr(self._connection, "become", None) is None
            and self._stays(self._templar.template(delegated.get("ansible_python_interpreter")), task_vars)
        )

    def is_here(self, asked: t.Mapping[str, t.Any], task_vars: dict[str, t.Any]) -> bool:
        """The same for another host, by its variables: the task has no connection to it."""
        return (
            str(asked.get("ansible_connection", "")) in ("local", "ansible.builtin.local")
            and not truth(asked.get("ansible_become", False))
            and not self._task.become
            and self._stays(asked.get("ansible_python_interpreter"), task_vars)
        )

    def _stays(self, interpreter: t.Any, task_vars: dict[str, t.Any]) -> bool:
        """What has to hold for either, apart from the connection: see the top of this file."""
        return (
            truth(self._templar.template(task_vars.get("incident_in_process", True)))
            and not self._task.async_val
            and not any(self._task.environment or ())
            and str(interpreter or "") == sys.executable
        )

    @contextlib.contextmanager
    def history(self, task_vars: dict[str, t.Any]) -> t.Iterator[History]:
        """What earlier looks saw, out of the store. A check works without, and says unknown where it needs the past."""
        if not truth(self._templar.template(task_vars.get("incident_history", True))):
            yield History(None, keeps=False)
            return
        try:
            store = Store(state_dir(self._templar.template(task_vars.get("incident_state_dir"))))
        except (StoreError, ValueError) as error:
            self._display.warning(f"No history is used: {error}")
            yield History(None, keeps=False)
            return
        with store:
            yield History(store, keeps=not self._task.check_mode)

    def said(self, name: str, result: dict[str, t.Any]) -> dict[str, t.Any]:
        if "findings" in result and not result.get("failed"):
            result["say"] = say.check(name, result)
            result["msg"] = say.joined(result["say"])
        return result


class CheckAction(CheckRunner):
    """The action plugin of one check module, which NAME says."""

    NAME: t.ClassVar[str]

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        variables = task_vars or {}
        result = self.run_check(self.NAME, self._task.args, variables)
        return self.said(f"{variables['inventory_hostname']}  {self.NAME.removesuffix('_health_info')}", result)


def run_here(wanted: t.Sequence[tuple[Check, dict[str, t.Any]]]) -> list[dict[str, t.Any]]:
    """Run checks in children of this process, all at the same time; their results in the same order."""
    ready = [prepared(check, options) for check, options in wanted]
    found = iter(guard.together([(look.run, look.limit) for look in ready if isinstance(look, Prepared)]))
    return [look.result(next(found)) if isinstance(look, Prepared) else look for look in ready]


@dataclasses.dataclass
class Prepared:
    """A check with options that were found to be right. secrets: values that no result may hold."""

    check: Check
    params: dict[str, t.Any]
    secrets: set[str]

    @property
    def limit(self) -> float:
        return float(self.params["deadline"]) + GRACE

    def run(self) -> dict[str, t.Any]:
        return _perform(self.check, self.params)

    def result(self, found: guard.Answer) -> dict[str, t.Any]:
        if isinstance(found, guard.GuardError):
            return {"failed": True, "msg": str(clean(f"{self.check.name} gave no result: {found}"))}
        return dict(remove_values(found, self.secrets)) if self.secrets else found


def prepared(check: Check, options: dict[str, t.Any]) -> Prepared | dict[str, t.Any]:
    """What can be run, or the failed result that says why not."""
    kwargs = check.spec.module_kwargs()
    validator = ArgumentSpecValidator(kwargs.pop("argument_spec"), **kwargs)
    validated = validator.validate(_plain(options))
    if validated.error_messages:
        return {"failed": True, "msg": f"{check.name}: {'; '.join(validated.error_messages)}"}
    plain = json.loads(json.dumps(validated.validated_parameters, default=str))
    return Prepared(check, plain, validated._no_log_values)


def _plain(value: t.Any) -> t.Any:
    """Without what Ansible ties to each text: the validator copies all options, and such a text many times slower."""
    if isinstance(value, dict):
        return {key: _plain(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_plain(item) for item in value]
    return str(value) if isinstance(value, str) else value


def _perform(check: Check, params: dict[str, t.Any]) -> dict[str, t.Any]:
    """In the child: the libraries of different checks are then imported at the same time."""
    problem = missing_library(check.requirements)
    if problem:
        return {"failed": True, "msg": problem}
    try:
        return perform(check, params)
    except Misuse as error:
        return {"failed": True, "msg": str(error)}
