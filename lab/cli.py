"""The command `lab`."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Sequence

from docker.errors import DockerException
from kafka.errors import KafkaError

from lab import commands, config, progress
from lab.errors import LabError


def parser() -> argparse.ArgumentParser:
    top = argparse.ArgumentParser(prog="lab", description="The stack of the incident runbook, and its faults.")
    verbs = top.add_subparsers(dest="verb", required=True, metavar="COMMAND")

    up = verbs.add_parser("up", help="start the stack; returns when every part answers (safe to run again)")
    up.add_argument("--profile", action="append", default=[], choices=config.PROFILES, help="start this too")
    up.set_defaults(run=lambda settings, _: commands.up(settings))

    build = verbs.add_parser("build", help="make the images that `up` needs, and start nothing")
    build.add_argument("--profile", action="append", default=[], choices=config.PROFILES, help="of this too")
    build.set_defaults(run=lambda settings, _: commands.build(settings))

    down = verbs.add_parser("down", help="remove containers, networks and volumes; images and caches stay")
    down.add_argument(
        "--engine", action="store_true", help="stop the lab's own engine even if others' containers run on it"
    )
    down.add_argument("--purge", action="store_true", help="remove the images and caches too")
    down.set_defaults(run=lambda settings, given: commands.down(settings, engine_too=given.engine, purge=given.purge))

    status = verbs.add_parser("status", help="what runs, what works, which faults are in")
    status.set_defaults(run=lambda settings, _: commands.status(settings))

    logs = verbs.add_parser("logs", help="the logs of the stack or of one service")
    logs.add_argument("service", nargs="?")
    logs.add_argument("-f", "--follow", action="store_true")
    logs.add_argument("--tail", default="100", metavar="LINES")
    logs.set_defaults(run=lambda settings, given: commands.logs(settings, given.service, given.follow, given.tail))

    env = verbs.add_parser("env", help='shell exports for docker-compose by hand: eval "$(lab env)"')
    env.set_defaults(run=lambda settings, _: commands.env(settings))

    faults = verbs.add_parser("faults", help="the faults that can be injected, and what each should be found as")
    faults.add_argument("--format", choices=("text", "json", "markdown"), default="text")
    faults.set_defaults(run=lambda _, given: commands.list_faults(given.format))

    inject = verbs.add_parser("inject", help="break something; returns when the fault shows")
    inject.add_argument("fault")
    inject.set_defaults(run=lambda settings, given: commands.inject(settings, given.fault))

    clear = verbs.add_parser("clear", help="mend one fault, or all; returns when the stack is healthy again")
    clear.add_argument("fault", nargs="?")
    clear.set_defaults(run=lambda settings, given: commands.clear(settings, given.fault))
    return top


def main(arguments: Sequence[str] | None = None) -> int:
    given = parser().parse_args(arguments)
    try:
        return given.run(config.load(profiles=tuple(getattr(given, "profile", ()))), given)
    except LabError as error:
        progress.complain(f"lab {given.verb}: {error}")
        return 1
    except BrokenPipeError:
        # Who reads us has seen enough; Python must not complain about it when it flushes.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return 1
    except (DockerException, KafkaError, OSError) as error:
        # The engine or the broker went away in the middle of something.
        progress.complain(f"lab {given.verb}: {type(error).__name__}: {error}\n  next: lab status, or lab up again")
        return 1
    except KeyboardInterrupt:
        progress.complain(f"\nlab {given.verb}: interrupted; lab up or lab down goes on from here")
        return 130


if __name__ == "__main__":
    sys.exit(main())
