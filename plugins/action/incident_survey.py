# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Asks all targets of a play at the same time, as far as they can be asked in this process."""

from __future__ import annotations

import collections
import functools
import typing as t

from ansible import constants, context
from ansible.errors import AnsibleError

from ..plugin_utils import ahead

ahead.prepare(__name__)

from ..plugin_utils import guard, triage_looking, triage_targets
from ..plugin_utils.check_runner import CheckRunner, History, Prepared, load, preload, prepared
from ..plugin_utils.store import StoreError

Vars = t.Mapping[str, t.Any]
ALIKE = ("incident_in_process", "incident_history", "incident_state_dir")
"""What one process can't do for some of its looks only."""


class ActionModule(CheckRunner):
    """One process imports the checks, and forks a child for each look: a task for each target would import them in
    each. Hosts that have to be asked from another machine are handed back: incident_look does it there."""

    SPEC = triage_looking.SPEC

    def run(self, tmp: t.Any = None, task_vars: dict[str, t.Any] | None = None) -> dict[str, t.Any]:
        super().run(tmp, task_vars)
        self.vars: dict[str, t.Any] = task_vars or {}
        _validation, self.args = self.validate_argument_spec(argument_spec=self.SPEC)
        self.hostvars = functools.cache(self.vars["hostvars"].__getitem__)
        hosts = [str(host) for host in self.vars["ansible_play_batch"] if self._is_target(host)]
        here = {host: self._is_here(host) for host in hosts}
        return {
            "changed": False,
            "hosts": self._look_at([host for host in hosts if here[host]]),
            "left": [host for host in hosts if not here[host]],
        }

    def _is_target(self, host: str) -> bool:
        return triage_targets.is_target(self.hostvars(host).get("group_names") or ())

    def _is_here(self, host: str) -> bool:
        """Where more than options may differ from what holds for the others, the host's own task reads it."""
        try:
            asked, first = self.hostvars(host), self.hostvars(self.vars["inventory_hostname"])
            return (
                not self._templar.is_template(self._task.module_defaults)
                and all(asked.get(name) == first.get(name) for name in ALIKE)
                and self.is_here(asked, self.vars)
            )
        except AnsibleError:
            return False

    def _look_at(self, hosts: list[str]) -> dict[str, t.Any]:
        """What several targets need is imported once for all. The one target of a check begins first, and its child
        imports the library, beside others."""
        looks: dict[str, list[t.Any]] = {host: [] for host in hosts}
        wanted = [(host, calls) for host in hosts for calls in self._calls(host, looks[host])]
        times = collections.Counter(call.module for _host, calls in wanted for call in calls)
        preload(*(module for module, count in times.items() if count > 1))
        order = sorted(range(len(wanted)), key=lambda place: times[wanted[place][1][0].module])
        with self.history(self.vars) as past:
            found = guard.chains(
                [self._chain(*wanted[place], past) for place in order],
                int(context.CLIARGS.get("forks") or constants.DEFAULT_FORKS),
            )
        for place, some in sorted(zip(order, found, strict=True)):
            looks[wanted[place][0]] += some
        return {host: self._row(host, looks[host]) for host in hosts}

    def _row(self, host: str, looks: list[t.Any]) -> dict[str, t.Any]:
        try:
            return {"production": self._is_production(host), "looks": looks}
        except AnsibleError as error:
            return {"looks": triage_looking.lost(host, error)}

    def _calls(self, host: str, looks: list[t.Any]) -> list[list[triage_targets.Call]]:
        try:
            calls = triage_targets.calls(
                host, self.hostvars(host), self._everybody, self.args["log_lines"], self.args["depth"] == "full"
            )
        except AnsibleError as error:
            looks += triage_looking.lost(host, error)
            return []
        return triage_looking.apart(calls)

    @functools.cached_property
    def _known(self) -> triage_targets.Known:
        return triage_targets.known({host: self.hostvars(host) for host in self.vars["hostvars"]})

    def _everybody(self) -> Vars:
        return self._known.targets

    def _is_production(self, host: str) -> bool:
        """As a task of that host would see it: what the play says comes before what the inventory says of a host."""
        name = "incident_environment"
        said = str(self._templar.template(self.vars.get(name)) or "production")
        own = str(self.hostvars(self.vars["inventory_hostname"]).get(name) or "production")
        return (said if said != own else str(self.hostvars(host).get(name) or "production")) == "production"

    def _chain(self, host: str, calls: list[triage_targets.Call], past: History) -> guard.Chain:
        looking = triage_looking.looks(host, calls)
        try:
            module, own = next(looking)
            while True:
                result = yield from self._ask(host, module, own, past)
                module, own = looking.send(result)
        except StopIteration as end:
            return end.value

    def _ask(self, host: str, module: str, own: dict[str, t.Any], past: History) -> guard.Chain:
        check = load(module)
        try:
            options = self.options(module, own, self.hostvars(host))
            look = prepared(check, past.before(host, check, options))
            if not isinstance(look, Prepared):
                return look
            result = look.result((yield look.run, look.limit))
            past.keep(host, check, result)
        except (AnsibleError, StoreError) as error:
            return triage_looking.failed(error)
        return result
