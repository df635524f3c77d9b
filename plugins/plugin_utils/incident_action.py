# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What all controller-side actions of an incident share: settings, scope, store and the shape of their results."""

from __future__ import annotations

import time
import typing as t

from ansible import context
from ansible.errors import AnsibleActionFail
from ansible.plugins.action import ActionBase

from ..module_utils.core import scope as scopes
from ..module_utils.core.gate import Done
from ..module_utils.core.scenarios.base import Scenario
from ..module_utils.core.scenarios.registry import SCENARIOS
from . import say, settings
from .holder import Holder, this_run
from .store import Incident, Store, StoreError

DAY = 86400.0


class IncidentAction(ActionBase):
    """Base of the incident_* actions. A subclass sets SPEC and writes act(); everything runs on the controller."""

    _requires_connection = False
    _supports_check_mode = True
    _supports_async = False
    SPEC: t.ClassVar[dict[str, dict[str, t.Any]]] = {}

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        self.vars: dict[str, t.Any] = task_vars or {}
        _validation, self.args = self.validate_argument_spec(argument_spec=self.SPEC)
        self.check_mode = bool(self._task.check_mode)
        self.settings = settings.read(self.variable)
        try:
            return self.finish(self.act())
        except (scopes.ScopeError, StoreError) as error:
            raise AnsibleActionFail(str(error)) from error

    def act(self) -> dict[str, t.Any]:
        raise NotImplementedError

    def finish(self, result: dict[str, t.Any]) -> dict[str, t.Any]:
        """Every result has changed, and msg as the text of what it says."""
        result.setdefault("changed", False)
        if result.get("say") and not result.get("msg"):
            result["msg"] = say.joined(result["say"])
        return result

    # What the inventory and the variables say

    def variable(self, name: str) -> t.Any:
        """The templated value of a variable of this host, None where it is not set."""
        return self._templar.template(self.vars[name]) if name in self.vars else None

    @property
    def target(self) -> str:
        return str(self.vars["inventory_hostname"])

    @property
    def scenario(self) -> Scenario:
        name = str(self.variable("incident_scenario"))
        if name not in SCENARIOS:
            raise AnsibleActionFail(f"incident_scenario is one of {', '.join(sorted(SCENARIOS))}, not {name!r}")
        return SCENARIOS[name]

    def scope(self) -> scopes.Scope:
        """The target and every service that its scenario needs, out of the inventory. Raises ScopeError."""
        scenario, hostvars = self.scenario, self.vars["hostvars"]
        own = {name: self.variable(name) for name in scenario.target_vars}
        services: dict[str, scopes.Service] = {}
        waiting = sorted(scenario.services(self.target, own) - {self.target})
        while waiting:
            name = waiting.pop(0)
            if name not in hostvars:
                raise scopes.ScopeError(f"{self.target}: {name} is not in the inventory; its variables name it")
            services[name] = scopes.service_from_vars(name, host_variables(hostvars[name]))
            self._check_runtime_host(name, services[name])
            if scenario.deep:
                waiting += [
                    other for other in services[name].depends_on if other not in {*services, *waiting, self.target}
                ]
        services[self.target] = scopes.service_from_vars(
            self.target, {**host_variables(hostvars[self.target]), "runtime": None}
        )
        return scopes.Scope(self.target, own, services, self.settings.production)

    def _check_runtime_host(self, name: str, service: scopes.Service) -> None:
        if service.runtime and service.runtime.host not in self.vars["hostvars"]:
            raise scopes.ScopeError(f"{name}: runtime.host is {service.runtime.host}, which is not in the inventory")

    def contact(self, owner: t.Any) -> tuple[str, str]:
        """The role to call, and how: the owner of a target, else what incident_contact says. None is ever invented."""
        role = str(owner or self.settings.contact)
        data = self.settings.contacts.get(role)
        if data is None:
            return role, ""
        return role, " ".join([role, *(str(data[name]) for name in ("contact", "phone") if data.get(name))])

    # The store

    def store(self) -> Store:
        return Store(self.settings.state_dir)

    def incident(self, store: Store) -> Incident:
        return store.incident(str(self.args["incident"]))

    def holder(self) -> Holder:
        return this_run()

    def keep_lease(self, store: Store) -> None:
        """Go on holding the target. Fails where somebody else took it over, since both would act then."""
        if not store.renew_lease(self.target, self.holder(), time.time(), self.settings.lease_ttl):
            lease = store.lease(self.target)
            whom = f"{lease.holder} holds it now" if lease else "nobody holds it"
            raise AnsibleActionFail(f"The lease on {self.target} was lost ({whom}): this run acts no further")

    def observed(self) -> list[scopes.Observed]:
        """The looks that a loop of incident_check registered. Fails where one of them could not be taken at all."""
        looks = []
        for entry in self.args["observed"]:
            call = entry["__incident_look"]
            result = {
                name: value for name, value in entry.items() if name not in ("__incident_look", "ansible_loop_var")
            }
            if entry.get("unreachable") or entry.get("failed"):
                why = "its host is unreachable" if entry.get("unreachable") else "it failed"
                raise AnsibleActionFail(
                    f"{call['name']} could not be looked at, {why}: {entry.get('msg') or 'no reason given'}"
                )
            looks.append(scopes.Observed(call["name"], call["module"], call["host"], result))
        return looks

    def done(self, store: Store | None) -> list[Done]:
        """Actions of the last day, for the budget and for what must not be tried twice."""
        if store is None:
            return []
        rows = store.actions(time.time() - DAY)
        return [Done(row["started"], row["service"], row["verb"], row["key"]) for row in rows]

    def rerun(self, extra: str) -> str:
        """The command of this run, with more variables: what a person types next."""
        args = context.CLIARGS
        words = ["ansible-playbook", *(str(word) for word in args.get("args") or ())]
        for source in args.get("inventory") or ():
            words += ["-i", str(source)]
        words += ["--limit", self.target] if args.get("subset") else []
        return " ".join([*words, *(f"-e {part}" for part in extra.split())])


def host_variables(variables: t.Any) -> dict[str, t.Any]:
    """The variables of a host that describe it as a service; others are not looked at."""
    return {
        name: variables[name]
        for name in ("runtime", "depends_on", "severity_if_down", "owner", "group_names")
        if name in variables
    }
