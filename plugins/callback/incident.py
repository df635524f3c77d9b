# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
from __future__ import annotations

DOCUMENTATION = r"""
name: incident
type: stdout
short_description: A line a target while it works, then the verdict
version_added: 0.1.0
description:
  - Prints what an on-call engineer needs to read, and nothing else. What is found, what is planned, what was done,
    the next command.
  - With C(-v) and above it prints what Ansible's own default callback prints.
  - It is never needed to understand a run. Everything that it prints is in the RV(ignore:msg) of a task's result too,
    since other callbacks (AWX brings its own) replace this one.
extends_documentation_fragment:
  - ansible.builtin.default_callback
  - ansible.builtin.result_format_callback
requirements:
  - Set as stdout callback in the configuration.
author:
  - The incident.response authors (@incident-response)
"""

import typing as t

from ansible.plugins.callback.default import CallbackModule as DefaultCallback

COLOURS = {"good": "green", "bad": "red", "warn": "yellow", "head": "bright cyan", "dim": "dark gray"}


def lines_of(result: t.Mapping[str, t.Any]) -> list[dict[str, str]]:
    """The lines that a result of ours wants a person to read; none for results of other modules."""
    said = result.get("say")
    if not isinstance(said, list):
        return []
    return [item for item in said if isinstance(item, dict) and isinstance(item.get("text"), str)]


class CallbackModule(DefaultCallback):
    """Quiet where nothing is to be said; Ansible's own output from -v on."""

    CALLBACK_VERSION = 2.0
    CALLBACK_TYPE = "stdout"
    CALLBACK_NAME = "incident.response.incident"

    def __init__(self) -> None:
        super().__init__()
        self._told: dict[str, list[str]] = {}

    @property
    def _own(self) -> bool:
        return self._display.verbosity == 0

    def _say(self, result: t.Any) -> bool:
        """Print a result's own lines. False where it has none."""
        said = lines_of(result.result)
        for item in said:
            self._display.display(item["text"], color=COLOURS.get(item.get("style", "")))
        return bool(said)

    def _fail(self, result: t.Any, word: str) -> None:
        """Print a failure once: the lifecycle hands the same text on until it is reported."""
        host, data = result.host.get_name(), result.result
        text = str(data.get("msg") or data.get("module_stderr") or "no reason given").strip()
        earlier = self._told.setdefault(host, [])
        if self._say(result) or any(old in text or text in old for old in earlier):
            earlier.append(text)
            return
        earlier.append(text)
        self._display.display(f"{host}  {word}: {result.task.get_name()}: {text}", color="red")

    def v2_runner_on_ok(self, result: t.Any) -> None:
        if not self._own:
            super().v2_runner_on_ok(result)
            return
        self._handle_warnings(result.result)
        if result.task.loop is None:
            self._say(result)

    def v2_runner_item_on_ok(self, result: t.Any) -> None:
        if self._own:
            self._say(result)
        else:
            super().v2_runner_item_on_ok(result)

    def v2_runner_on_failed(self, result: t.Any, ignore_errors: bool = False) -> None:
        if not self._own:
            super().v2_runner_on_failed(result, ignore_errors)
            return
        self._handle_warnings(result.result)
        if result.task.loop is None or not result.result.get("results"):
            self._fail(result, "ignored" if ignore_errors else "failed")

    def v2_runner_item_on_failed(self, result: t.Any) -> None:
        if self._own:
            self._fail(result, "failed")
        else:
            super().v2_runner_item_on_failed(result)

    def v2_runner_on_unreachable(self, result: t.Any) -> None:
        if self._own:
            self._fail(result, "unreachable")
        else:
            super().v2_runner_on_unreachable(result)

    def v2_on_file_diff(self, result: t.Any) -> None:
        if not self._own:
            super().v2_on_file_diff(result)
            return
        data = result.result
        for entry in data.get("results", [data]) if result.task.loop else [data]:
            if isinstance(entry, dict) and entry.get("diff"):
                self._display.display(self._get_diff(entry["diff"]).rstrip())

    # What follows is only to be read at -v: a healthy run is two lines.

    def v2_runner_on_skipped(self, result: t.Any) -> None:
        if not self._own:
            super().v2_runner_on_skipped(result)

    def v2_runner_item_on_skipped(self, result: t.Any) -> None:
        if not self._own:
            super().v2_runner_item_on_skipped(result)

    def v2_playbook_on_task_start(self, task: t.Any, is_conditional: bool) -> None:
        if not self._own:
            super().v2_playbook_on_task_start(task, is_conditional)

    def v2_playbook_on_play_start(self, play: t.Any) -> None:
        if not self._own:
            super().v2_playbook_on_play_start(play)

    def v2_playbook_on_include(self, included_file: t.Any) -> None:
        if not self._own:
            super().v2_playbook_on_include(included_file)

    def v2_runner_on_start(self, host: t.Any, task: t.Any) -> None:
        if not self._own:
            super().v2_runner_on_start(host, task)

    def v2_playbook_on_stats(self, stats: t.Any) -> None:
        if not self._own:
            super().v2_playbook_on_stats(stats)
