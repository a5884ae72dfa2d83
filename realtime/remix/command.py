"""``python -m realtime remix``: the session's streams with other gains, in a new file."""

from __future__ import annotations

import argparse
from pathlib import Path

from realtime.errors import UsageError
from realtime.remix.mixing import blocks, gains_of
from realtime.remix.recorded import RESIDUAL, open_recorded
from realtime.remix.writing import KINDS, write_mix
from realtime.screen import Screen
from realtime.sinks.mixer import centred, equal_power
from realtime.sinks.panel import decibels


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """What it takes."""
    who = f"NAME, a number, or {RESIDUAL}"
    parser.add_argument("session", type=Path, metavar="SESSION", help="what --record wrote")
    parser.add_argument(
        "--gain", action="append", default=[], metavar="WHO=DB", help=f"guitar=+6; {who}"
    )
    parser.add_argument("--solo", action="append", default=[], metavar="WHO", help="only these")
    parser.add_argument("--mute", action="append", default=[], metavar="WHO", help="not these")
    parser.add_argument("--mono", action="store_true", help="nothing to the left or the right")
    parser.add_argument(
        "--out", type=Path, metavar="FILE", help=f"one of {KINDS} (SESSION/remix.mp4, or .wav)"
    )


def run(options: argparse.Namespace, screen: Screen) -> int:
    """Returns 0; raises UsageError, or DeviceError where the file cannot be written."""
    recorded = open_recorded(options.session)
    gains = gains_of(recorded.tracks, dict(map(_change, options.gain)), options.solo, options.mute)
    kind = "mp4" if recorded.picture else "wav"
    out = options.out or options.session / f"remix.{kind}"
    law = centred if options.mono else equal_power
    write_mix(out, blocks(recorded, gains, law), recorded.rate_hz, recorded.picture)
    for track in recorded.tracks:
        name = track.name if not track.number else f"{track.number} {track.name}"
        gain = gains[track.number]
        screen.say(f"{name}: × {gain:.2f}, {decibels(gain)}")
    screen.say(f"{out}: {recorded.samples / recorded.rate_hz:.1f} s")
    return 0


def _change(text: str) -> tuple[str, float]:
    who, separator, change = text.rpartition("=")
    try:
        if separator and who:
            return who, float(change)
    except ValueError:
        pass
    raise UsageError(f"--gain {text}: wanted WHO=DB, as guitar=+6 or 2=-12")
