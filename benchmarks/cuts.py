"""Sight on another host, cut again and again: how soon do maps come again?

As ``benchmarks.remote``, but the stage alone: no sound server, no camera, no other stages, so that
many cuts are looked at and a busy machine disturbs little.

    sudo python -m benchmarks.cuts --count 10
"""

from __future__ import annotations

import random
import time
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

from benchmarks.links import FAR, Link, Weather, check_rights
from benchmarks.remote import MOST_RESUME_S, PORT, serving
from benchmarks.report import BenchmarkError, Report, command, command_line
from benchmarks.session_run import add_options, working_folder
from engines.model import read_spec
from engines.shipped import SHIPPED_MODEL
from pixelplayer import band
from realtime.clock import SystemClock
from realtime.messages import SightMap, VideoFrame
from realtime.options import SeparationOptions
from realtime.remote.away import Away
from realtime.remote.call import Call
from realtime.remote.caller import Caller, There
from realtime.remote.keys import read_pair, read_peer
from realtime.remote.lighter import Lighter
from realtime.remote.placing import fingerprint

_PICTURES_PER_S, _SCENE_S = 30, 2.0
_BETWEEN_S = 4.0
_PATIENCE_S = 30.0


@dataclass(slots=True)
class Seen:
    """When maps came, and how old their pictures were then."""

    at_s: list[float] = field(default_factory=list)
    ages_s: list[float] = field(default_factory=list)


def main(arguments: Sequence[str] | None = None) -> int:
    """Start link and host, look, cut, print."""
    parser = command_line(__doc__)
    add_options(parser)
    parser.add_argument("--count", type=int, default=10, metavar="N", help="cuts")
    parser.add_argument("--cut", type=float, default=5.0, metavar="S", help="length of each")
    parser.add_argument("--delay", type=float, default=20.0, metavar="MS", help="of either way")
    parser.add_argument("--jitter", type=float, default=5.0, metavar="MS", help="more or less")
    parser.add_argument("--loss", type=float, default=1.0, metavar="PERCENT", help="of packets")
    options = parser.parse_args(arguments)
    check_rights()
    weather = Weather(delay_ms=options.delay, jitter_ms=options.jitter, loss=options.loss / 100)
    resumed_s: list[float] = []
    with (
        working_folder(options.keep) as folder,
        closing(Link(weather)) as link,
        serving(link, folder, options),
        closing(_sight(folder)) as sight,
    ):
        sight.open()
        eye = _Eye(sight)
        chance = random.Random(1)
        for _ in range(options.count):
            eye.look(_BETWEEN_S + chance.random())
            link.cut()
            eye.look(options.cut)
            link.mend()
            resumed_s.append(eye.until_seen())
        eye.look(_BETWEEN_S)
        stats = dict(sight.stats())
    report = Report(
        f"{options.count} cuts of {options.cut:.0f} s; {options.delay:.0f} ms +- "
        f"{options.jitter:.0f} a way, {options.loss:g} % lost"
    )
    found = ", ".join(f"{one:.2f}" for one in resumed_s)
    report.at_most("maps come again, the latest", max(resumed_s), MOST_RESUME_S, "s")
    report.note("… each, s", found)
    report.claim("cuts noticed", f"{options.count}", f"{stats['cuts']:.0f}",
                 met=stats["cuts"] >= options.count)  # fmt: skip
    between_ms = 1000 * np.diff(eye.seen.at_s)
    steady_ms = between_ms[between_ms < 1000 * options.cut / 2]
    report.note("between two maps otherwise, p50, p99",
                "{:.0f}, {:.0f} ms".format(*np.percentile(steady_ms, [50, 99])))  # fmt: skip
    report.note("a map is old as it is back, p50, p99",
                "{:.0f}, {:.0f} ms".format(*np.percentile(np.multiply(eye.seen.ages_s, 1000),
                                                          [50, 99])))  # fmt: skip
    for name in ("there_age_p50_ms", "there_age_p99_ms", "there_p50_ms", "round_trip_ms", "unsent"):
        report.note(name.replace("_", " "), f"{stats.get(name, float('nan')):.0f}")
    report.keep("resumed_s", resumed_s)
    return report.publish(options.json)


class _Eye:
    """Gives the stage pictures at a camera's pace, and notes what comes back."""

    def __init__(self, sight: Away) -> None:
        self.seen = Seen()
        self._sight = sight
        scene = band.scene(11, _SCENE_S, 44_100)
        self._shown = [
            scene.frame(index / _PICTURES_PER_S, 720, 1280)
            for index in range(round(_SCENE_S * _PICTURES_PER_S))
        ]
        self._count = 0

    def look(self, duration_s: float) -> None:
        """For so long."""
        until_s = time.monotonic() + duration_s
        while time.monotonic() < until_s:
            self._step()

    def until_seen(self) -> float:
        """Until a map is back; how long it took, s."""
        begun_s, before = time.monotonic(), len(self.seen.at_s)
        while len(self.seen.at_s) == before:
            self._step()
            if time.monotonic() - begun_s > _PATIENCE_S:
                raise BenchmarkError(f"no map for {_PATIENCE_S:.0f} s: {self._sight.stats()}")
        return self.seen.at_s[before] - begun_s

    def _step(self) -> None:
        now_ns = time.monotonic_ns()
        picture = VideoFrame(
            stream="cuts",
            sequence=self._count,
            capture_ns=now_ns,
            pixels=self._shown[self._count % len(self._shown)],
        )
        self._count += 1
        for _, message in self._sight.step(now_ns, {"video": [picture]}):
            if isinstance(message, SightMap):
                self.seen.at_s.append(time.monotonic())
                self.seen.ages_s.append((time.monotonic_ns() - message.capture_ns) / 1e9)
        time.sleep(1 / _PICTURES_PER_S)


def _sight(folder: Path) -> Away:
    clock, keys = SystemClock(), folder / "player"

    def call() -> Caller:
        asked = Call(
            stage="sight",
            stream="cuts",
            model=fingerprint(SHIPPED_MODEL),
            separation=SeparationOptions(),
        )
        there = There(host=FAR, address=f"tcp://{FAR}:{PORT}", key=read_peer(keys, FAR))
        return Caller(asked, there, read_pair(keys), clock)

    return Away("sight", FAR, call, Lighter(read_spec(SHIPPED_MODEL).vision), clock)


if __name__ == "__main__":
    command(main)
