# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""What a check hands back holds no value that was given to it as a secret."""

from __future__ import annotations

import json

from ansible_collections.incident.response.plugins.module_utils.core.findings import Finding
from ansible_collections.incident.response.plugins.module_utils.module.check import Observation

SECRET = "correct horse"


def made(**more) -> Observation:
    said = f"the server said {SECRET}"
    finding = Finding("a.b", "a", "a", "warning", "P3", said, evidence=(said,), details={"said": said})
    return Observation(True, [finding], {"said": [said]}, measured=[said], **{"attachments": {"log": said}, **more})


def test_a_secret_is_in_nothing_that_people_or_files_get() -> None:
    found = made().hiding([SECRET, ""])
    shown = [[finding.to_dict() for finding in found.findings], found.snapshot, found.measured, found.attachments]
    assert SECRET not in json.dumps(shown)
    assert found.findings[0].summary.startswith("the server said ")


def test_a_binary_file_stays_as_it_is() -> None:
    files = [{"name": "heap", "content_base64": "Y29ycmVjdCBob3JzZQ==", "sha256": "0"}]
    assert made(attachments=files).hiding([SECRET]).attachments == files


def test_without_a_secret_nothing_is_searched() -> None:
    observation = made()
    assert observation.hiding([""]) is observation
