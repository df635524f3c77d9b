# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs kubernetes_health_info on the controller where that is the same and faster; see check_runner.py."""

from __future__ import annotations

import typing as t

from ..plugin_utils.check_runner import CheckAction, preload

preload("kubernetes_health_info")


class ActionModule(CheckAction):
    NAME: t.ClassVar[str] = "kubernetes_health_info"
