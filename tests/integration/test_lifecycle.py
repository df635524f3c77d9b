# Copyright (c) 2026 The incident.response authors
# GNU General Public License v3.0+ (see COPYING or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""The lifecycle of an incident against the real lab: modes, gates, leases, killed runs, bad input, ways to start it."""

from __future__ import annotations

import json
import os
import pathlib
import pty
import re
import select
import shutil
import signal
import subprocess
import time
import typing as t
import urllib.request

import pytest
from runs import ROOT, command, environment, play

from lab import config

PROJECT = os.environ.get("LAB_PROJECT", "incident-lab")


@pytest.mark.core
@pytest.mark.parametrize("mode", ["observe", "propose", "ask", "auto"])
def test_a_healthy_stack_has_nothing_to_find_and_nothing_is_left(mode: str, tmp_path: pathlib.Path) -> None:
    run = play(tmp_path, incident_mode=mode)
    assert (run.outcome, run.status) == ("healthy", 0), run.output
    assert run.finding_ids == []
    assert not any(row["result"].get("changed") for row in run.results)
    assert not (tmp_path / "incidents").exists()


@pytest.mark.core
def test_the_ways_to_approve_and_to_refuse(fault: t.Any, tmp_path: pathlib.Path) -> None:
    """One stopped consumer, every gate: proposed, refused by freeze, by a hash of another plan; then applied by its
    hash."""
    with fault("consumer_stopped"):
        looked = play(tmp_path, incident_mode="observe")
        assert (looked.outcome, looked.status) == ("observed", 0)
        assert looked.decision["plan"]["actions"] == [], "observe never plans"

        proposed = play(tmp_path, incident_mode="propose")
        plan = proposed.decision["plan"]
        assert (proposed.outcome, proposed.status) == ("proposed", 0)
        assert f"incident_approve={plan['hash']}" in proposed.output
        assert not proposed.ran("incident_act")

        without_terminal = play(tmp_path, incident_mode="ask")
        assert (without_terminal.outcome, without_terminal.status) == ("proposed", 0)
        assert without_terminal.decision["plan"]["hash"] == plan["hash"], "the hash does not change while one reads"

        frozen = play(
            tmp_path,
            incident_mode="auto",
            incident_freeze=[
                {"from": "2020-01-01T00:00:00Z", "until": "2099-01-01T00:00:00Z", "reason": "peak season"}
            ],
        )
        assert (frozen.outcome, frozen.status) == ("refused", 2)
        assert "peak season" in frozen.output and "incident_override=freeze" in frozen.output
        assert not frozen.ran("incident_act")

        other = play(tmp_path, incident_mode="ask", incident_approve="000000000000")
        assert (other.outcome, other.status) == ("refused", 2)

        _break_evidence(tmp_path)
        no_evidence = play(tmp_path, incident_mode="auto")
        assert not no_evidence.ran("incident_act")
        assert no_evidence.status == 2
        _mend_evidence(tmp_path)

        applied = play(tmp_path, incident_mode="ask", incident_approve=plan["hash"])
        assert (applied.outcome, applied.status) == ("fixed", 0), applied.output

        spent = play(tmp_path, incident_mode="auto")
        assert spent.outcome == "healthy"
    incident = applied.report
    assert [row["verb"] for row in incident["actions"]] == ["start"]


def _break_evidence(state: pathlib.Path) -> None:
    """The incident is open already; a file stands where its evidence would go."""
    for incident in list((state / "incidents").iterdir()):
        incident.rename(incident.with_suffix(".aside"))
        incident.write_text("in the way")


def _mend_evidence(state: pathlib.Path) -> None:
    for aside in (state / "incidents").glob("*.aside"):
        target = aside.with_suffix("")
        if target.is_file():
            target.unlink()
        aside.rename(target)


def test_budget_stops_the_second_restart(fault: t.Any, tmp_path: pathlib.Path) -> None:
    once = [{"actions": 1, "seconds": 900}]
    with fault("consumer_stopped"):
        assert play(tmp_path, incident_mode="auto", incident_budget=once).outcome == "fixed"
    with fault("consumer_stopped"):
        second = play(tmp_path, incident_mode="auto", incident_budget=once)
        assert (second.outcome, second.status) == ("refused", 2)
        assert "incident_override=budget" in second.output
        third = play(tmp_path, incident_mode="auto", incident_budget=once, incident_override=["budget"])
        assert (third.outcome, third.status) == ("fixed", 0)


def test_what_the_action_trips_is_silent_until_after_the_watch(fault: t.Any, tmp_path: pathlib.Path) -> None:
    url = config.load().url("alertmanager")
    quiet = {"incident_silence_url": url, "incident_silence_matchers": {"service": f"svc-{tmp_path.name}"}}
    with fault("consumer_stopped"):
        tried = play(tmp_path, "--check", incident_mode="auto", **quiet)
        assert not tried.ran("alertmanager_silence"), "nothing is silenced by a check"
        run = play(tmp_path, incident_mode="auto", **quiet)
        assert (run.outcome, run.status) == ("fixed", 0), run.output
    said = [event["text"] for event in run.report["events"] if event["kind"] == "silence"]
    assert len(said) == 2 and "for 900 s: silenced" in said[0] and said[1] == "1 silence ended"
    with urllib.request.urlopen(f"{url}/api/v2/silences", timeout=10) as answer:
        rows = [row for row in json.load(answer) if row["matchers"][0]["value"] == f"svc-{tmp_path.name}"]
    assert [(row["status"]["state"], row["createdBy"]) for row in rows] == [("expired", "incident.response")]


@pytest.mark.core
def test_ask_asks_at_a_terminal(fault: t.Any, tmp_path: pathlib.Path) -> None:
    with fault("consumer_stopped"):
        refused = _at_a_terminal(tmp_path, b"no\r")
        assert "REFUSED" in refused
        approved = _at_a_terminal(tmp_path, b"yes\r")
        assert "FIXED" in approved, approved


def _at_a_terminal(state: pathlib.Path, answer: bytes) -> str:
    """Run with a terminal, answer the question when it comes, and return everything that was shown."""
    parent, child = pty.openpty()
    args = command("playbooks/scenario_kafka.yml", "inventory/lab", state, incident_mode="ask")
    run = subprocess.Popen(
        args, cwd=ROOT, env=environment(state), stdin=child, stdout=child, stderr=child, start_new_session=True,
        preexec_fn=_own_terminal,
    )  # fmt: skip
    os.close(child)
    try:
        shown = _answer(parent, run, answer)
    finally:
        if run.poll() is None:
            os.killpg(run.pid, signal.SIGKILL)
        run.wait(timeout=30)
        os.close(parent)
    assert QUESTION in shown, shown.decode(errors="replace")
    return shown.decode(errors="replace")


QUESTION = b"anything else to leave it"


def _answer(terminal: int, run: subprocess.Popen[bytes], answer: bytes) -> bytes:
    """Everything that is shown until the run ends. Typed again every second while it is asked: what is typed before
    Ansible listens is thrown away."""
    shown, end = b"", time.monotonic() + 150
    while time.monotonic() < end:
        ready, _writable, _broken = select.select([terminal], [], [], 1.0)
        if not ready:
            if run.poll() is not None:
                break
            after = re.sub(rb"\x1b\[[0-9;]*[A-Za-z]", b"", shown.rpartition(QUESTION)[2])
            if QUESTION in shown and not after.strip(b": \r\n" + answer):
                os.write(terminal, answer)
            continue
        try:
            chunk = os.read(terminal, 4096)
        except OSError:
            break
        if not chunk:
            break
        shown += chunk
    return shown


def _own_terminal() -> None:
    """Make the pseudo-terminal this process's controlling one, as a login shell would have it."""
    import fcntl
    import termios

    fcntl.ioctl(0, termios.TIOCSCTTY, 0)


def test_the_second_of_two_runs_stands_down_and_a_killed_one_is_carried_on(
    fault: t.Any, tmp_path: pathlib.Path
) -> None:
    with fault("consumer_stopped"):
        log = tmp_path / "results.jsonl"
        args = command(
            "playbooks/scenario_kafka.yml", "inventory/lab", tmp_path, incident_mode="auto",
            incident_watch_soak=200, incident_watch_deadline=280,
        )  # fmt: skip
        first = subprocess.Popen(
            args,
            cwd=ROOT,
            env=environment(tmp_path),
            stdin=subprocess.DEVNULL,
            stdout=subprocess.DEVNULL,
            start_new_session=True,
        )
        try:
            _await(lambda: log.exists() and '"incident_act"' in log.read_text(), 90)
            second = play(tmp_path / "second", incident_mode="auto", incident_state_dir=str(tmp_path))
            assert second.status == 2
            assert f"pid {first.pid}" in second.output and "stands down" in second.output, second.output
            assert not second.ran("incident_act") and not second.ran("incident_close")
            looking = play(tmp_path / "third", incident_mode="observe", incident_state_dir=str(tmp_path))
            assert looking.status == 0, "looking needs no lease"
            assert "is at work on it" in looking.output, "and leaves the incident to the run that works on it"
        finally:
            os.killpg(first.pid, signal.SIGKILL)
            first.wait(timeout=30)
        carried = play(tmp_path, incident_mode="auto")
        assert "carries on with INC-" in carried.output
        assert (carried.outcome, carried.status) == ("restored", 0), carried.output
        record = carried.report
        assert [row["verb"] for row in record["actions"]] == ["start"], "one incident, one action"
        assert {"opened", "resumed", "action", "sample", "closed"} <= {event["kind"] for event in record["events"]}


def _await(condition: t.Callable[[], bool], seconds: float) -> None:
    end = time.monotonic() + seconds
    while not condition():
        assert time.monotonic() < end, "it never happened"
        time.sleep(0.2)


PRETEND = "message = {'changed': True, 'msg': 'pretended'}"
HARM = """
import subprocess
subprocess.run(["docker", "pause", "incident-lab-kafka-1"], check=False)
message = {"changed": True, "msg": "paused the broker instead"}
"""


def test_an_action_that_does_nothing_is_unchanged_and_one_that_harms_is_worse(
    fault: t.Any, tmp_path: pathlib.Path
) -> None:
    with fault("consumer_stopped"):
        shadow = _collection_with(tmp_path / "pretend", PRETEND)
        run = play(tmp_path / "a", env=shadow, incident_mode="auto", incident_watch_deadline=12)
        assert (run.outcome, run.status) == ("unchanged", 2), run.output
        shadow = _collection_with(tmp_path / "harm", HARM)
        try:
            run = play(tmp_path / "b", env=shadow, incident_mode="auto")
        finally:
            subprocess.run(["docker", "unpause", f"{PROJECT}-kafka-1"], check=False, capture_output=True)
        assert (run.outcome, run.status) == ("worse", 2), run.output


def _collection_with(where: pathlib.Path, act: str) -> dict[str, str]:
    """The environment of a run with this collection, but with a docker_service that does what act says."""
    copy = where / "ansible_collections" / "incident" / "response"
    for name in ("plugins", "roles", "meta"):
        shutil.copytree(ROOT / name, copy / name)
    shutil.copy(ROOT / "galaxy.yml", copy)
    source = f"#!/usr/bin/python\nimport json\n{act.replace('incident-lab', PROJECT)}\nprint(json.dumps(message))\n"
    (copy / "plugins" / "modules" / "docker_service.py").write_text(source)
    return {"ANSIBLE_COLLECTIONS_PATH": str(where)}


@pytest.mark.core
@pytest.mark.parametrize(
    ("variables", "said"),
    [
        ({"incident_mode": "yolo"}, "incident_mode"),
        ({"incident_max_risk": "destructive"}, "incident_max_risk"),
        ({"incident_watch_deadline": 1}, "nothing could ever be proven"),
        ({"incident_override": ["approval"]}, "incident_override"),
        ({"incident_freeze": [{"from": "2026-01-01T00:00:00", "until": "2026-01-02T00:00:00"}]}, "zone"),
        ({"incident_state_dir": "relative"}, "absolute"),
        ({"kafka_consumers": ["notification"]}, "kafka_consumers"),
        ({"kafka_consumers": {"notification": "nobody"}}, "nobody is not in the inventory"),
        ({"kafka_groups": []}, "an empty list is not all"),
        ({"kafka_thresholds": {"lag": {"warn": 10, "crit": 5}}}, "lag"),
        ({"kafka_samples": 0}, "samples"),
    ],
    ids=str,
)
def test_bad_input_is_a_clear_error_before_anything_is_touched(
    variables: dict[str, t.Any], said: str, tmp_path: pathlib.Path
) -> None:
    run = play(tmp_path, **{"incident_mode": "auto", **variables})
    assert run.status == 2
    assert said in run.output, run.output
    assert "Traceback" not in run.output
    assert not run.ran("incident_act")


@pytest.mark.core
def test_an_inventory_or_a_limit_that_matches_no_target_is_an_error(tmp_path: pathlib.Path) -> None:
    empty = tmp_path / "empty.yml"
    empty.write_text("all: {hosts: {}}\n")
    for arguments in ((), ("--limit", "gateway")):
        inventory = "inventory/lab" if arguments else str(empty)
        run = play(tmp_path / "state", *arguments, inventory=inventory)
        assert run.status != 0
        assert "nothing would be looked at" in run.output, run.output


@pytest.mark.core
def test_a_host_that_cannot_be_reached_is_an_error_and_the_run_still_reports(tmp_path: pathlib.Path) -> None:
    inventory = tmp_path / "hosts.yml"
    inventory.write_text(
        json.dumps(
            {
                "all": {
                    "children": {
                        "kafka": {
                            "hosts": {
                                "far": {
                                    "ansible_host": "127.0.0.1",
                                    "ansible_port": 1,
                                    "kafka_bootstrap_servers": ["127.0.0.1:9092"],
                                    "ansible_ssh_common_args": "-o BatchMode=yes -o ConnectTimeout=3",
                                }
                            }
                        }
                    }
                }
            }
        )
    )
    run = play(tmp_path / "state", inventory=str(inventory), incident_mode="auto")
    assert run.status != 0
    assert (run.outcome, "unreachable" in run.output) == ("failed", True)
    assert pathlib.Path(run.last("incident_close")["report"]).is_file()


@pytest.mark.core
def test_both_paths_of_a_check_give_the_same_result(tmp_path: pathlib.Path) -> None:
    """In process and as a module: the same keys and the same judgement. Offsets move between the two, so they
    differ."""
    runs = [play(tmp_path / name, incident_mode="observe", incident_in_process=name == "in") for name in ("in", "out")]
    for here, there in zip(*(run.looks for run in runs), strict=True):
        assert set(here) == set(there)
        assert (here["status"], here["findings"]) == (there["status"], there["findings"])
        assert here["thresholds"] == there["thresholds"]
        assert here["snapshot"].keys() == there["snapshot"].keys()


@pytest.mark.core
def test_the_three_ways_to_start_it(tmp_path: pathlib.Path) -> None:
    """By path from the root, inside playbooks/, and by name after the checkout installed itself elsewhere."""
    assert play(tmp_path / "a").outcome == "healthy"
    inside = play(tmp_path / "b", playbook="scenario_kafka.yml", inventory="../inventory/lab", cwd=ROOT / "playbooks")
    assert inside.outcome == "healthy"
    galaxy = pathlib.Path(command("", "", tmp_path)[0]).with_name("ansible-galaxy")
    where = tmp_path / "collections"
    done = subprocess.run(
        [str(galaxy), "collection", "install", "-r", "collections/requirements.yml", "-p", str(where)],
        # As in a checkout that was not set up: there ansible.cfg's own path holds no collection yet.
        env={**os.environ, "ANSIBLE_COLLECTIONS_PATH": str(where)},
        cwd=ROOT, capture_output=True, text=True, check=False, timeout=120,
    )  # fmt: skip
    assert done.returncode == 0, done.stdout + done.stderr
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    by_name = play(
        tmp_path / "c",
        playbook="incident.response.scenario_kafka",
        inventory=str(ROOT / "inventory/lab"),
        cwd=elsewhere,
        env={"ANSIBLE_COLLECTIONS_PATH": str(where)},
    )
    assert by_name.outcome == "healthy", by_name.output
