"""Phases of the test command: commands with a log, a deadline and a verdict each, two phases at a time at most."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from itertools import islice
from pathlib import Path

from .paths import LOGS, ROOT

TAIL = 40
"""Lines of a failing command's log that are shown."""
REASON = 400
"""Characters of a line of a failed test that are shown: the log may be gone when somebody reads them."""
EXPLAINED = 8
"""Failed tests whose explanation is shown: where all fail it is for one reason, mostly."""
EXPLANATION = 30
"""Lines of it: an assertion that shows the output of a playbook has a hundred."""


@dataclass(frozen=True)
class Tally:
    """What a command's own output says that it tested."""

    passed: int
    failed: int
    skipped: int = 0
    failures: tuple[str, ...] = ()
    closing: str = ""
    reasons: tuple[str, ...] = ()
    """Why tests failed, in as many lines as somebody needs who has no log."""


Reader = Callable[[str, bool], Tally]
"""From a command's output, and whether it succeeded, to what it tested."""


def plain(_output: str, succeeded: bool) -> Tally:
    return Tally(1, 0) if succeeded else Tally(0, 1)


def pytest_tally(output: str, succeeded: bool) -> Tally:
    closing = next((line for line in reversed(output.splitlines()) if re.search(r"^=* ?\d+ \w+.* in \d", line)), "")
    counts = {word: int(number) for number, word in re.findall(r"(\d+) (passed|failed|skipped|errors?)\b", closing)}
    failed = counts.get("failed", 0) + counts.get("error", 0) + counts.get("errors", 0)
    names = tuple(line[:REASON] for line in output.splitlines() if re.match(r"(FAILED|ERROR) \S+\.py\b", line))
    if not succeeded and not failed:
        # It stopped before or after the tests: no test at all, a bad option, a deadline.
        failed = 1
    reasons = () if succeeded else tuple(explanations(output))
    return Tally(counts.get("passed", 0), failed, counts.get("skipped", 0), names, closing.strip("= "), reasons)


def explanations(output: str) -> Iterator[str]:
    """pytest's own words on each test that failed, the name first."""
    blocks = re.split(r"^_{3,} (.+) _{3,}$", output, flags=re.MULTILINE)[1:]
    for name, block in islice(zip(blocks[::2], blocks[1::2], strict=True), EXPLAINED):
        yield name
        told = [line for line in block.splitlines() if re.match(r"E  |\S+:\d+: ", line)]
        yield from (f"  {line[:REASON]}" for line in told[:EXPLANATION])


def molecule_tally(output: str, succeeded: bool) -> Tally:
    """What failed below molecule: tasks with the lines that follow, and tests. Its own last lines tell neither."""
    lines = [line.lstrip(" │") for line in re.sub(r"\x1b\[[0-9;]*m", "", output).splitlines()]
    starts = [
        number for number, line in enumerate(lines) if re.match(r"(fatal|failed): \[|\[ERROR\]|E   |FAILED ", line)
    ]
    names = tuple(" ".join(lines[number : number + 4])[:REASON] for number in starts)
    reasons = tuple(line[:REASON] for number in starts[:EXPLAINED] for line in lines[number : number + 8])
    return Tally(1, 0) if succeeded else Tally(0, 1, failures=names[:10], reasons=reasons)


def sanity_tally(output: str, succeeded: bool) -> Tally:
    run = len(re.findall(r"^Running sanity test ", output, re.MULTILINE))
    _, _, listed = output.partition("listed below")
    # The names follow on lines of their own, "import --python 3.11" at the longest.
    names = tuple(line for line in listed.splitlines()[1:] if re.fullmatch(r"[a-z0-9-]+( --python \S+)?", line))
    failed = len(names) or (0 if succeeded and run else 1)
    places = tuple(re.findall(r"^ERROR: (\S+:\d+:.*)", output, re.MULTILINE))
    return Tally(max(run - failed, 0), failed, 0, places or names)


@dataclass(frozen=True)
class Step:
    """One command of a phase. seconds is its deadline."""

    name: str
    command: Sequence[str]
    seconds: int
    reader: Reader = plain
    environment: Mapping[str, str] = field(default_factory=dict)


@dataclass(frozen=True)
class Phase:
    """Steps in order. needs: phases without which this one makes no sense. go_on: run all steps, whatever fails."""

    name: str
    title: str
    steps: tuple[Step, ...]
    needs: tuple[str, ...] = ("setup",)
    go_on: bool = False
    after_failure: tuple[Step, ...] = ()
    """What says in which state a failure has left things: its output is shown, its status means nothing."""


@dataclass(frozen=True)
class Outcome:
    step: str
    tally: Tally
    seconds: float
    problem: str = ""
    """Why it failed, in a few words; empty where it passed."""
    log: Path | None = None

    @property
    def ok(self) -> bool:
        return not self.problem


@dataclass(frozen=True)
class PhaseResult:
    phase: Phase
    outcomes: tuple[Outcome, ...]
    seconds: float
    state: tuple[str, ...] = ()
    """After a failure: lines about what it has left."""

    @property
    def ok(self) -> bool:
        return bool(self.outcomes) and all(outcome.ok for outcome in self.outcomes)

    def count(self, what: str) -> int:
        return sum(getattr(outcome.tally, what) for outcome in self.outcomes)


class Processes:
    """Running commands, so that an interrupt can end exactly those and whatever they started."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._running: set[subprocess.Popen[bytes]] = set()
        self.stopped = False

    def run(self, step: Step, log: Path) -> str:
        """Run to the end or to the deadline; the problem in a few words, or nothing."""
        with open(log, "wb") as output:
            output.write(f"$ {' '.join(step.command)}\n".encode())
            output.flush()
            process = subprocess.Popen(
                step.command,
                cwd=ROOT,
                env={**os.environ, **step.environment},
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                start_new_session=True,
            )
            with self._lock:
                self._running.add(process)
                late = self.stopped
            if late:
                end_group(process)
            try:
                status = process.wait(timeout=step.seconds)
            except subprocess.TimeoutExpired:
                end_group(process)
                return f"not done after {step.seconds} s, ended"
            finally:
                with self._lock:
                    self._running.discard(process)
        return f"exit status {status}" if status else ""

    def stop(self) -> None:
        with self._lock:
            self.stopped = True
            running = list(self._running)
        for process in running:
            end_group(process)


def end_group(process: subprocess.Popen[bytes]) -> None:
    """Ask the command and its children to end, then insist. pytest says on an interrupt what had failed until then."""
    for signal_number, patience in ((signal.SIGINT, 10), (signal.SIGTERM, 10), (signal.SIGKILL, 5)):
        try:
            os.killpg(process.pid, signal_number)
            process.wait(timeout=patience)
        except ProcessLookupError:
            return
        except subprocess.TimeoutExpired:
            continue


def doubt(tally: Tally) -> str:
    """Why an exit status of 0 is not believed."""
    if tally.failed:
        return f"exit status 0 with {tally.failed} failed"
    return "" if tally.passed else "ran no test"


def slug(text: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", text.lower()).strip("-")


Lane = tuple[Phase, ...]
"""Phases that run one after the other."""
Stage = Sequence[Lane]
"""Lanes that run side by side."""


class Runner:
    """Runs stages one after the other, two lanes of a stage at a time."""

    def __init__(self, say: Callable[[str], None], width: int = 2) -> None:
        self.say = say
        self.width = width
        self.processes = Processes()
        self.results: list[PhaseResult] = []
        self._lock = threading.Lock()

    def run(self, stages: Iterable[Stage]) -> list[PhaseResult]:
        LOGS.mkdir(parents=True, exist_ok=True)
        for stage in stages:
            with ThreadPoolExecutor(max_workers=self.width) as pool:
                futures = [pool.submit(self._lane, lane) for lane in stage]
                try:
                    for future in futures:
                        future.result()
                except KeyboardInterrupt:
                    self.processes.stop()
                    raise
        return self.results

    def _lane(self, lane: Lane) -> None:
        for phase in lane:
            self._phase(phase)

    def _phase(self, phase: Phase) -> None:
        started = time.monotonic()
        lost = [name for name in phase.needs if any(r.phase.name == name and not r.ok for r in self.results)]
        if self.processes.stopped:
            return
        if lost:
            outcomes: tuple[Outcome, ...] = (Outcome("not run", Tally(0, 1), 0.0, f"{lost[0]} failed"),)
        else:
            self.say(f"     {phase.name:<14} {phase.title} ...")
            outcomes = tuple(self._steps(phase))
        result = PhaseResult(phase, outcomes, time.monotonic() - started)
        if not result.ok and not lost:
            result = replace(result, state=tuple(self._look(phase)))
        with self._lock:
            self.results.append(result)
            for line in describe(result):
                self.say(line)

    def _look(self, phase: Phase) -> Iterator[str]:
        for step in phase.after_failure:
            if self.processes.stopped:
                return
            log = LOGS / f"{phase.name}-after-{slug(step.name)}.log"
            self.processes.run(step, log)
            yield from log.read_text(errors="replace").splitlines()[-TAIL:]

    def _steps(self, phase: Phase) -> Iterator[Outcome]:
        for step in phase.steps:
            log = LOGS / f"{phase.name}-{slug(step.name)}.log"
            started = time.monotonic()
            problem = self.processes.run(step, log)
            output = log.read_text(errors="replace")
            tally = step.reader(output, not problem)
            problem = problem or doubt(tally)
            yield Outcome(step.name, tally, time.monotonic() - started, problem, log)
            if self.processes.stopped or (problem and not phase.go_on):
                return


def describe(result: PhaseResult) -> Iterator[str]:
    """The lines that a finished phase leaves on the screen."""
    verdict = "ok  " if result.ok else "FAIL"
    counts = f"{result.count('passed')} passed, {result.count('failed')} failed"
    if result.count("skipped"):
        counts += f", {result.count('skipped')} skipped"
    yield f"{verdict} {result.phase.name:<14} {result.seconds:4.0f} s  {counts}"
    for outcome in result.outcomes:
        if outcome.tally.closing:
            yield f"     {outcome.step}: {outcome.tally.closing}"
    for outcome in result.outcomes:
        if not outcome.ok:
            yield from describe_failure(result.phase, outcome)
    yield from (f"     > {line[:REASON]}" for line in result.state)


def describe_failure(phase: Phase, outcome: Outcome) -> Iterator[str]:
    yield f"---- {phase.name}, {outcome.step}: {outcome.problem}"
    if outcome.log is None:
        return
    lines = outcome.log.read_text(errors="replace").splitlines()
    yield from (f"     | {line}" for line in outcome.tally.reasons or lines[-TAIL:])
    yield f"---- the whole log ({len(lines)} lines): {outcome.log.relative_to(ROOT)}"


def summary(results: Sequence[PhaseResult], seconds: float) -> Iterator[str]:
    """Every phase or test that failed by name, then the line that closes the run."""
    failures = [(result, outcome) for result in results for outcome in result.outcomes if not outcome.ok]
    yield ""
    for result, outcome in failures:
        for name in outcome.tally.failures or (outcome.problem,):
            yield f"FAILED {result.phase.name}, {outcome.step}: {name}"
    if failures:
        yield f"once more: tools/test {' '.join(dict.fromkeys(result.phase.name for result, _ in failures))}"
    yield f"{len(results)} phases in {seconds / 60:.1f} min"
    skipped = sum(result.count("skipped") for result in results)
    yield (
        f"{sum(result.count('passed') for result in results)} passed, "
        f"{sum(result.count('failed') for result in results)} failed" + (f", {skipped} skipped" if skipped else "")
    )
