"""A program of its own: the offset that is left between the sources of a live run.

Usage: watch_sources.py DURATION_S OPTION...; the options are those of run_live.py. Prints the
offset in milliseconds.
"""

from __future__ import annotations

import os
import sys

from calibration.capture import captured, messages
from calibration.rig_commands import estimated
from realtime.build import build
from realtime.clock import NS_PER_S, SystemClock
from realtime.command_line import parse
from realtime.compose import compose


def main(duration_s: float, options: list[str]) -> None:
    clock = SystemClock()
    plan = compose(parse(options), os.environ, lambda text: print(text, file=sys.stderr))
    sources = [build(name, plan, clock) for name in ("camera", "microphone")]
    end_ns = clock.now_ns() + round(duration_s * NS_PER_S)
    given = captured(messages(sources, clock, is_over=lambda: clock.now_ns() >= end_ns))
    print(f"{estimated(given)[0].ms:.2f}")


if __name__ == "__main__":
    main(float(sys.argv[1]), sys.argv[2:])
