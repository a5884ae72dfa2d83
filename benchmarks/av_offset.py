"""The offset of a camera from a microphone, through a real server of each: found, or not?

Flashes and beeps are known to be apart by -120 to 180 ms, at several frame rates. ``python -m
calibration av-offset`` finds by how much.

    python -m benchmarks.av_offset --trials 20
"""

from __future__ import annotations

import shutil
from collections.abc import Sequence

import numpy as np

from benchmarks.report import Report, command, command_line
from calibration.pattern import Pattern
from tests.live.flashing import Trial, trial
from tests.live.pulse import PulseServer

MOST_WRONG_MS = 10.0
_RANGE_MS = (-120.0, 180.0)
_PICTURES_PER_S = (30.0, 25.0, 15.0, 29.97)
_NEEDED = ("pulseaudio", "pactl", "pacat")


def main(arguments: Sequence[str] | None = None) -> int:
    """One server and one camera for each trial; print."""
    parser = command_line(__doc__)
    parser.add_argument("--trials", type=int, default=20, metavar="N")
    options = parser.parse_args(arguments)
    for program in _NEEDED:
        if shutil.which(program) is None:
            parser.error(f"{program} is missing; run: scripts/system-packages test")
    found: list[Trial] = []
    failures: list[str] = []
    for number, later_ms in enumerate(np.linspace(*_RANGE_MS, options.trials)):
        server = PulseServer()
        try:
            rate = _PICTURES_PER_S[number % len(_PICTURES_PER_S)]
            found.append(trial(server, Pattern(), float(later_ms), rate))
        except RuntimeError as error:
            failures.append(str(error))
        finally:
            server.close()
    report = Report("camera against microphone")
    judge(report, found, failures)
    return report.publish(options.json)


def judge(report: Report, found: Sequence[Trial], failures: Sequence[str]) -> None:
    """How many offsets are right, and how wrong the worst is."""
    wrong_ms = np.array([one.found_ms - one.truth_ms for one in found])
    right, trials = int((np.abs(wrong_ms) <= MOST_WRONG_MS).sum()), len(found) + len(failures)
    report.claim(
        f"offsets found within {MOST_WRONG_MS:.0f} ms of the truth",
        f"{trials} of {trials}",
        f"{right} of {trials}",
        met=right == trials,
    )
    if found:
        report.note("truths", f"{min(o.truth_ms for o in found):.0f} .. {_most(found):.0f} ms")
        report.at_most("error, largest", float(np.abs(wrong_ms).max()), MOST_WRONG_MS, "ms")
        report.note("error, mean", f"{wrong_ms.mean():+.1f} ms")
        report.note("error, root mean square", f"{np.sqrt(np.mean(wrong_ms**2)):.1f} ms")
    for failure in failures:
        report.note("not found", failure.strip().splitlines()[-1])
    report.keep("trials", [(one.truth_ms, one.found_ms) for one in found])


def _most(found: Sequence[Trial]) -> float:
    return max(one.truth_ms for one in found)


if __name__ == "__main__":
    command(main)
