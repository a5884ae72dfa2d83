"""The built-in duet: are both players found soon, rightly placed and well separated?

python -m benchmarks.demo
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from benchmarks.report import Report, command, command_line
from benchmarks.scoring import match_streams
from benchmarks.session_run import (
    Session,
    add_options,
    model_arguments,
    quiet,
    run_session,
    working_folder,
)
from pixelplayer.band import Scene, demo_scene

DURATION_S = 20.0
FOUND_WITHIN_S = 3.0
LEAST_NSDR_DB = 6.0
_TIMEOUT_S = 900.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, score, print."""
    parser = command_line(__doc__)
    add_options(parser)
    parser.add_argument("--duration", type=float, default=DURATION_S, metavar="S")
    options = parser.parse_args(arguments)
    line = ["--demo", "--duration", str(options.duration), "--pace", "fast"]
    with working_folder(options.keep) as folder:
        session = run_session(
            [*quiet(line), *model_arguments(options)], folder / "demo", _TIMEOUT_S
        )
    report = Report("demo")
    judge(report, session, demo_scene(session.rate_hz), options.duration)
    return report.publish(options.json)


def judge(report: Report, session: Session, scene: Scene, duration_s: float) -> None:
    """Compare a recording with the scene it is of."""
    length = min(round(duration_s * session.rate_hz), len(session.mixture))
    stems = np.take(scene.stems, np.arange(length), axis=1, mode="wrap")
    mixture = stems.sum(axis=0, dtype=np.float32)
    scores = match_streams(stems, session.streams_of(length), mixture)
    report.keep("engines", session.facts["engines"])
    report.keep("model", session.facts["model"])
    found = sum(item.first_s <= FOUND_WITHIN_S for item in session.objects)
    report.claim(
        f"objects found within {FOUND_WITHIN_S:.0f} s",
        f"{len(stems)}",
        f"{found} (of {len(session.objects)} in all)",
        met=found >= len(stems),
    )
    for placed, score in zip(scene.objects, scores, strict=True):
        report.keep(placed.name, {"score": _plain(score), "box": placed.box})
        if score.stream is None:
            report.claim(placed.name, "an object", "none", met=False)
            continue
        item = session.objects[score.stream]
        report.at_most(f"{placed.name}: found after", item.first_s, FOUND_WITHIN_S, "s")
        report.at_least(f"{placed.name}: NSDR", score.nsdr_db, LEAST_NSDR_DB, "dB")
        report.note(
            f"{placed.name}: SDR, SIR, SAR",
            f"{score.sdr_db:.1f}, {score.sir_db:.1f}, {score.sar_db:.1f} dB",
        )
        x0, y0, x1, y1 = placed.box
        x, y = item.centroid
        report.claim(
            f"{placed.name}: centroid",
            f"in ({x0:.2f}..{x1:.2f}, {y0:.2f}..{y1:.2f})",
            f"({x:.2f}, {y:.2f})",
            met=x0 <= x <= x1 and y0 <= y <= y1,
        )


def _plain(score: object) -> dict[str, object]:
    return {name: getattr(score, name) for name in ("stream", "nsdr_db", "sdr_db", "sir_db")}


if __name__ == "__main__":
    command(main)
