"""The test command itself: it must count right, and no failure may get lost."""

from __future__ import annotations

import subprocess
import sys
import time
from pathlib import Path

import pytest
from devtools import environments, paths, phases, pythons
from devtools.phases import Phase, Runner, Step, Tally

PYTEST_MIXED = """\
F.s
=========================== short test summary info ============================
FAILED tests/unit/test_x.py::test_a - assert 1 == 2
ERROR tests/unit/test_y.py - ImportError
1 failed, 3 passed, 1 skipped, 1 error in 0.05s
"""
MIXED_FAILURES = ("FAILED tests/unit/test_x.py::test_a - assert 1 == 2", "ERROR tests/unit/test_y.py - ImportError")
SANITY_FAILED = """\
Running sanity test "compile" on Python 3.13
Running sanity test "pep8"
ERROR: Found 1 pep8 issue(s) which need to be resolved:
Running sanity test "import" on Python 3.13
FATAL: The 2 sanity test(s) listed below (out of 3) failed. See error output above for details.
import --python 3.13
pep8
"""


@pytest.mark.parametrize(
    ("output", "succeeded", "expected"),
    [
        ("..\n2 passed in 0.01s\n", True, (2, 0, 0, ())),
        ("=== 2 passed, 1 warning in 61.01s (0:01:01) ===\n", True, (2, 0, 0, ())),
        (PYTEST_MIXED, False, (3, 2, 1, MIXED_FAILURES)),
        ("5 deselected in 0.01s\n", False, (0, 1, 0, ())),
        ("killed in the middle\n", False, (0, 1, 0, ())),
    ],
)
def test_pytest_output_is_counted(output: str, succeeded: bool, expected: tuple) -> None:
    tally = phases.pytest_tally(output, succeeded)
    assert (tally.passed, tally.failed, tally.skipped, tally.failures) == expected


def test_molecule_output_names_what_failed_below_it() -> None:
    output = '│ TASK [Look] ***\n│ fatal: [kafka-main]: FAILED! => {\n│   "msg": "status is unknown"\n│ }\n'
    tally = phases.molecule_tally(output, False)
    assert (tally.failed, len(tally.failures)) == (1, 1)
    assert "kafka-main" in tally.failures[0] and "status is unknown" in tally.failures[0]
    assert any("status is unknown" in line for line in tally.reasons)
    assert phases.molecule_tally("whatever", True) == Tally(1, 0)


def test_sanity_output_is_counted() -> None:
    assert phases.sanity_tally(SANITY_FAILED, False) == Tally(1, 2, 0, ("import --python 3.13", "pep8"))
    with_place = SANITY_FAILED + "ERROR: plugins/x.py:4:1: W391: blank line\n"
    assert phases.sanity_tally(with_place, False).failures == ("plugins/x.py:4:1: W391: blank line",)
    assert phases.sanity_tally('Running sanity test "pep8"\n', True) == Tally(1, 0)
    assert phases.sanity_tally("FATAL: no pip\n", False).failed == 1
    assert phases.sanity_tally("WARNING: All targets skipped.\n", True).failed == 1


@pytest.fixture
def runner(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Runner:
    monkeypatch.setattr(phases, "LOGS", tmp_path)
    monkeypatch.setattr(phases, "ROOT", tmp_path)
    return Runner(lambda _text: None)


def python(name: str, code: str, seconds: int = 20) -> Step:
    return Step(name, (sys.executable, "-c", code), seconds)


def phase(name: str, *steps: Step, needs: tuple[str, ...] = (), go_on: bool = False) -> Phase:
    return Phase(name, name, steps, needs, go_on)


def test_later_phases_run_after_a_failure_except_those_that_need_it(runner: Runner) -> None:
    bad = phase("bad", python("dies", "raise SystemExit(3)"))
    results = runner.run(
        [[(bad, phase("needs it", python("x", ""), needs=("bad",)))], [(phase("good", python("x", "")),)]]
    )
    assert [(result.phase.name, result.ok) for result in results] == [
        ("bad", False),
        ("needs it", False),
        ("good", True),
    ]
    lines = list(phases.summary(results, 60))
    assert "FAILED bad, dies: exit status 3" in lines
    assert "FAILED needs it, not run: bad failed" in lines
    assert lines[-1] == "1 passed, 2 failed"


def test_lanes_run_side_by_side_and_the_phases_of_a_lane_one_after_the_other(runner: Runner, tmp_path: Path) -> None:
    """Two labs are tested at a time, each by one phase at a time."""

    def waits(for_file: str, makes: str) -> str:
        wait = f"import pathlib, time\nwhile not pathlib.Path({str(tmp_path / for_file)!r}).exists(): time.sleep(0.02)"
        return f"{wait}\npathlib.Path({str(tmp_path / makes)!r}).touch()"

    (tmp_path / "go").touch()
    left = (phase("1", python("x", waits("go", "one"))), phase("3", python("x", waits("two", "three"))))
    right = (phase("2", python("x", waits("one", "two"))), phase("4", python("x", waits("three", "four"))))
    results = runner.run([[left, right]])
    assert {result.phase.name: result.ok for result in results} == dict.fromkeys("1234", True)
    names = [result.phase.name for result in results]
    assert names.index("1") < names.index("3") and names.index("2") < names.index("4")


def test_a_command_that_tested_nothing_has_not_passed(runner: Runner) -> None:
    silent = Step("silent", (sys.executable, "-c", ""), 20, phases.pytest_tally)
    (result,) = runner.run([[(phase("empty", silent),)]])
    assert (result.ok, result.outcomes[0].problem) == (False, "ran no test")


def test_steps_stop_at_a_failure_unless_told_to_go_on(runner: Runner) -> None:
    steps = (python("dies", "raise SystemExit(1)"), python("next", ""))
    stops, goes_on = runner.run([[(phase("stops", *steps), phase("goes on", *steps, go_on=True))]])
    assert [outcome.step for outcome in stops.outcomes] == ["dies"]
    assert [outcome.step for outcome in goes_on.outcomes] == ["dies", "next"]


def test_a_failure_shows_in_which_state_it_left_things(runner: Runner) -> None:
    state = (python("state", "print('the node is not ready')\nraise SystemExit(1)"),)
    bad = Phase("bad", "bad", (python("dies", "raise SystemExit(3)"),), (), after_failure=state)
    good = Phase("good", "good", (python("works", ""),), (), after_failure=state)
    shown = {result.phase.name: "\n".join(phases.describe(result)) for result in runner.run([[(bad, good)]])}
    assert "     > the node is not ready" in shown["bad"] and "the node is not ready" not in shown["good"]


def test_tests_that_failed_until_a_deadline_are_explained(runner: Runner, tmp_path: Path) -> None:
    """CI keeps no log: what it prints is all that somebody has who looks for the cause."""
    path = tmp_path / "test_made.py"
    path.write_text("import time\ndef test_one():\n    assert {'a': 1} == {'a': 2}\ndef test_long(): time.sleep(60)\n")
    command = (sys.executable, "-m", "pytest", "-p", "no:cacheprovider", "--rootdir", str(tmp_path), str(path))
    (result,) = runner.run([[(phase("late", Step("pytest", command, 5, phases.pytest_tally)),)]])
    text = "\n".join(phases.describe(result))
    assert "not done after 5 s" in text and "test_one" in text and "{'a': 1} == {'a': 2}" in text
    assert result.seconds < 14 and result.outcomes[0].tally.failed == 1


def test_a_deadline_ends_a_command_and_its_children(runner: Runner, tmp_path: Path) -> None:
    child = f"import time; time.sleep(3); open({str(tmp_path / 'alive')!r}, 'w')"
    parent = f"import subprocess, sys; subprocess.run([sys.executable, '-c', {child!r}])"
    (result,) = runner.run([[(phase("hangs", python("sleeps", parent, seconds=1)),)]])
    assert result.outcomes[0].problem == "not done after 1 s, ended"
    assert result.seconds < 3
    assert not (tmp_path / "alive").exists()


def test_what_is_interrupted_leaves_nothing_running(tmp_path: Path) -> None:
    """kill of the test command ends the commands that it runs; nothing goes on with the lab behind anybody's back."""
    child = (
        f"import time; open({str(tmp_path / 'started')!r}, 'w'); time.sleep(4); open({str(tmp_path / 'alive')!r}, 'w')"
    )
    code = f"""
import pathlib, sys
sys.path.insert(0, {str(paths.ROOT / "tools")!r})
from devtools import phases, suite
phases.LOGS = phases.ROOT = pathlib.Path({str(tmp_path)!r})
step = phases.Step("sleeps", (sys.executable, "-c", {child!r}), 60)
suite.select = lambda names: [[(phases.Phase("first", "first", (step, step), (), go_on=True),)]]
sys.exit(suite.main([]))
"""
    running = subprocess.Popen([sys.executable, "-c", code], stderr=subprocess.PIPE, text=True)
    while not (tmp_path / "started").exists():
        time.sleep(0.05)
    running.terminate()
    _out, said = running.communicate(timeout=20)
    assert running.returncode == 130
    assert "interrupted" in said
    time.sleep(4.2)
    assert not (tmp_path / "alive").exists()


def test_an_interpreter_counts_only_when_it_runs(tmp_path: Path) -> None:
    shim = tmp_path / "python3.13"
    shim.write_text("#!/bin/sh\necho 'pyenv: python3.13: command not found' >&2\nexit 127\n")
    shim.chmod(0o755)
    found = pythons.working([str(shim), str(tmp_path / "missing"), sys.executable])
    assert [one.path for one in found] == [sys.executable]


def interpreters(*versions: tuple[int, int]) -> list[pythons.Interpreter]:
    return [pythons.Interpreter(f"python{major}.{minor}", (major, minor, 0)) for major, minor in versions]


def test_the_newest_core_gets_the_newest_interpreter_and_the_oldest_the_oldest() -> None:
    chosen = environments.choose(interpreters((3, 11), (3, 13), (3, 12)))
    assert [(environment.path, one.version[:2]) for environment, one in chosen] == [
        (paths.VENV, (3, 13)),
        (paths.VENV_OLDEST, (3, 11)),
    ]


def test_one_version_less_is_said_here_and_an_error_in_ci(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture
) -> None:
    monkeypatch.delenv("CI", raising=False)
    assert {one.version[:2] for _, one in environments.choose(interpreters((3, 11)))} == {(3, 11)}
    assert "one version less" in capsys.readouterr().out
    monkeypatch.setenv("CI", "true")
    with pytest.raises(paths.Problem, match="3.12"):
        environments.choose(interpreters((3, 11)))


def test_no_interpreter_at_all_says_what_to_install() -> None:
    with pytest.raises(paths.Problem, match="apt-get install python3-venv"):
        environments.choose([])
