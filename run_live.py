"""Hear each sounding object on its own, live, and see where it sounds."""

from __future__ import annotations

import os
import sys
from collections.abc import Sequence
from contextlib import closing
from functools import partial
from pathlib import Path

# Before numpy is loaded: the networks' own threads need the cores, and the results of its linear
# algebra must not depend on how many there are.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from realtime.allocator import settle_heap
from realtime.batch import is_batch, separate_folder
from realtime.chaos import chaos_of
from realtime.clock import SystemClock
from realtime.command import failing
from realtime.command_line import parse
from realtime.compose import compose
from realtime.early import early_children
from realtime.end_tables import end_tables
from realtime.options import Options
from realtime.progress import CELLS, line_for
from realtime.remote.placing import read_places
from realtime.screen import Screen
from realtime.supervisor import Supervisor
from realtime.trace import Trace


def main(arguments: Sequence[str], screen: Screen | None = None) -> int:
    """Parse, plan, run. How it goes is told to ``screen``, or shown on the terminal.

    Returns:
        0 ran; 2 wrong use; 3 a device or library is missing; 130 interrupted.
    """
    settle_heap()
    screen = screen or Screen(sys.stderr)
    with failing(screen) as outcome:
        options = parse(arguments)
        outcome.exit_code = _ACTIONS[options.action](options, screen)
    return outcome.exit_code


def _start(options: Options, screen: Screen) -> int:
    if is_batch(options):
        return separate_folder(options, screen, SystemClock(), _run)
    return _run(options, screen)


def _run(options: Options, screen: Screen) -> int:
    places = read_places(options.run.place)
    with early_children(places.placement, options.run.pace) as early:
        plan, clock = compose(options, os.environ, screen.say), SystemClock()
        screen.begin(line_for(plan, CELLS if screen.rewrites else 0))
        run = partial(
            Supervisor,
            plan,
            clock,
            screen,
            early=early,
            chaos=chaos_of(options.run.chaos, plan),
            spared=places.spared if options.run.spares == "all" else (),
        )
        if options.output.profile is None:
            return run().run()
        with closing(Trace(Path(options.output.profile), clock.now_ns())) as trace:
            supervisor = run(trace=trace)
            exit_code = supervisor.run()
        screen.say(end_tables(supervisor.table(), trace))
        return exit_code


def _list_devices(options: Options, screen: Screen) -> int:
    from realtime.sources.devices import device_report, list_cameras

    print(device_report(list_cameras()))
    return 0


def _doctor(options: Options, screen: Screen) -> int:
    from realtime.doctor import examine

    return examine(options, os.environ, sys.stdout)


def command() -> None:
    """``pixelplayer``, where the player is installed as a package."""
    sys.exit(main(sys.argv[1:]))


_ACTIONS = {"run": _start, "list-devices": _list_devices, "doctor": _doctor}


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
