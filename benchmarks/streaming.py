"""What streaming costs in quality: live separation against single whole windows, on the same clips.

python -m benchmarks.streaming --clips 6
python -m benchmarks.streaming --clips 6 --data DATA --cache CACHE    held-out notes instead
python -m benchmarks.streaming --clips 6 --plot curve.svg
python -m benchmarks.streaming --clips 6 --whole OTHER     against a model that looks at windows

Objects are given, as they are called where sound is held out, as they look where the virtual band
plays. A point of the curve is a position of the dial; its delay is the algorithm's own.
"""

from __future__ import annotations

import argparse
import contextlib
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from benchmarks.curve import Line, draw
from benchmarks.fixed_objects import Clip, Floats, live, offline, vectors
from benchmarks.hearing import class_vectors
from benchmarks.held_out import RATE_HZ
from benchmarks.held_out_music import HeldOutMusic
from benchmarks.model_engines import OpenModel, add_model_options, open_networks
from benchmarks.report import Report, command, command_line
from pixelplayer import band
from pixelplayer.metrics import bss_eval_in_order
from pixelplayer.offline import Infer
from pixelplayer.spec import ModelSpec
from realtime.ahead import positions
from realtime.dial import DIALS, STAGE, dial_at
from realtime.stages.listener import Pace

MOST_LOST_LIVE_DB = 1.0
MOST_LOST_BEGINNING_DB = 1.0
MOST_LOST_DB: Mapping[int, float] = {250: 0.2, 120: 0.5, 40: 1.5}  # at a delay, ms
MOST_ERROR_DB = -80.0
BEGINNING_S = 6.0
CLIP_S = 2 * BEGINNING_S
LOOKAHEADS = (-1, 0, 1, 2, 4, 6, 8, 12)
_FRAMES = 3
_HEIGHT_PX, _WIDTH_PX = 360, 640
_KEPT_COLUMNS = 16  # of a window: the lookahead and a step


@dataclass(frozen=True, slots=True, kw_only=True)
class _Scores:
    """Mean SDR of a clip's sources, dB, in its beginning and after that."""

    beginning: float
    later: float


def main(arguments: Sequence[str] | None = None) -> int:
    """Separate every clip in every way, score, print."""
    parser = command_line(__doc__)
    add_model_options(parser)
    parser.add_argument("--data", type=Path, metavar="DIR", help="holds solo_audio")
    parser.add_argument("--cache", type=Path, metavar="DIR", help="where decoded sound is kept")
    parser.add_argument("--clips", type=int, default=6, metavar="N")
    parser.add_argument("--seed", type=int, default=100)
    parser.add_argument(
        "--whole",
        type=Path,
        metavar="DIR",
        help="the model whose whole windows it is held against; default: the same, heard as far "
        "ahead as it can",
    )
    parser.add_argument("--plot", type=Path, metavar="FILE.svg", help="draw the curve")
    options = parser.parse_args(arguments)
    if options.data is not None and options.cache is None:
        parser.error("--data needs --cache")
    report = Report("live against offline")
    with contextlib.ExitStack() as opened:
        networks = opened.enter_context(open_networks(options.model, options.engine))
        held_against = networks
        if options.whole is not None:
            held_against = opened.enter_context(open_networks(options.whole, options.engine))
        spec = networks.model.spec
        paces = _paces(spec)
        report.keep("engine", networks.sound.name)
        whole: list[_Scores] = []
        lost: dict[Pace, list[_Scores]] = {pace: [] for pace in paces}
        error_db = -np.inf
        for clip, objects in _clips(networks, options):
            reference = _scores(clip, offline(held_against, clip, objects, windows=2))
            whole.append(reference)
            hear = _recalling(networks.hear)
            for pace in paces:
                streams = live(networks, clip, objects, pace, hear=hear)
                error_db = max(error_db, _error_db(clip, streams))
                found = _scores(clip, streams)
                lost[pace].append(
                    _Scores(
                        beginning=reference.beginning - found.beginning,
                        later=reference.later - found.later,
                    )
                )
            live_db = lost[_named(paces)][-1].later
            told = f"{clip.name}: offline {reference.later:.1f} dB, lost live {live_db:.1f} dB"
            print(told, file=sys.stderr, flush=True)
        hop_ms = 1000 * spec.audio.hop / spec.audio.rate_hz
    _judge(report, whole, lost, hop_ms, _named(paces))
    report.at_most("sum of all streams, against the input", float(error_db), MOST_ERROR_DB, "dB")
    if options.plot is not None:
        _plot(options.plot, lost, hop_ms, paces)
    return report.publish(options.json)


def _paces(spec: ModelSpec) -> dict[Pace, str]:
    """Positions of the dial that this model has, from the quickest on, and their names."""
    paces = {
        Pace(columns_per_step=2, lookahead_columns=ahead, most_columns_per_step=2): ""
        for ahead in sorted({*LOOKAHEADS} & {*positions(spec, 2)})
    }
    for name, dial in DIALS.items():
        if not dial.window_step_columns:
            pace = dial_at(spec, name).pace(is_fast=True)
            paces[pace] = " or ".join(filter(None, [name, paces.get(pace)]))
    order = sorted(paces, key=lambda pace: (pace.delay_columns, pace.columns_per_step))
    return {pace: paces[pace] for pace in order}


def _named(paces: Mapping[Pace, str]) -> Pace:
    """What a microphone gets."""
    return next(pace for pace, name in paces.items() if STAGE in name)


def _judge(
    report: Report,
    whole: Sequence[_Scores],
    lost: Mapping[Pace, Sequence[_Scores]],
    hop_ms: float,
    usual: Pace,
) -> None:
    report.note("clips", f"{len(whole)}")
    report.note("SDR offline", f"{np.mean([one.later for one in whole]):.2f} dB")
    asked = {_nearest(lost, delay_ms, hop_ms): most for delay_ms, most in MOST_LOST_DB.items()}
    for pace, scores in lost.items():
        later = [one.later for one in scores]
        what = f"SDR lost, {pace.delay_columns * hop_ms:.0f} ms late"
        what += f" ({pace.lookahead_columns} columns ahead, {pace.columns_per_step} at a time)"
        mean, median = float(np.mean(later)), float(np.median(later))
        if pace in asked:
            met = mean <= asked[pace]
            got = f"{mean:.2f} dB (median {median:.2f})"
            report.claim(what, f"<= {asked[pace]:g} dB", got, met=met)
        else:
            report.note(what, f"{mean:.2f} dB (median {median:.2f})")
        report.keep(what, [(one.beginning, one.later) for one in scores])
    named = lost[usual]
    beginning = float(np.mean([one.beginning for one in named]))
    report.at_most(
        f"… as a microphone gets it, first {BEGINNING_S:.0f} s",
        beginning,
        MOST_LOST_BEGINNING_DB,
        "dB",
    )
    later = float(np.mean([one.later for one in named]))
    report.at_most("… and after that", later, MOST_LOST_LIVE_DB, "dB")


def _nearest(lost: Mapping[Pace, object], delay_ms: float, hop_ms: float) -> Pace:
    """The slowest that is as quick as asked; the quickest where none is."""
    quick = [pace for pace in lost if pace.delay_columns * hop_ms <= delay_ms]
    return quick[-1] if quick else next(iter(lost))


def _plot(
    path: Path,
    lost: Mapping[Pace, Sequence[_Scores]],
    hop_ms: float,
    names: Mapping[Pace, str],
) -> None:
    at = list(lost)
    values = {
        "mean": [float(np.mean([one.later for one in lost[pace]])) for pace in at],
        "median": [float(np.median([one.later for one in lost[pace]])) for pace in at],
    }
    delays_ms = [pace.delay_columns * hop_ms for pace in at]
    labels = [names[pace] for pace in at]
    draw(
        path,
        "Quality against delay",
        "algorithmic delay, ms",
        "SDR lost against whole windows, dB",
        [
            Line(name=name, x=delays_ms, y=y, labels=labels if name == "mean" else [""] * len(y))
            for name, y in values.items()
        ],
    )


def _clips(networks: OpenModel, options: argparse.Namespace) -> Iterator[tuple[Clip, Floats]]:
    if options.data is None:
        for index in range(options.clips):
            clip = _band_clip(options.seed + index)
            yield clip, vectors(networks, clip)
        return
    music = HeldOutMusic(options.data, options.cache, CLIP_S)
    told = class_vectors(options.model)
    rng = np.random.default_rng(options.seed)
    for _ in range(options.clips):
        names = [str(name) for name in rng.choice(music.shown, 2, replace=False)]
        yield music.notes(names, rng), np.stack([told[name] for name in names])


def _band_clip(seed: int) -> Clip:
    scene = band.scene(seed, CLIP_S, RATE_HZ)
    return Clip(
        name="band: " + " and ".join(item.name for item in scene.objects),
        rate_hz=scene.rate_hz,
        stems=scene.stems,
        boxes=tuple(item.box for item in scene.objects),
        pictures=tuple(
            scene.frame(1.0 + index / 15, _HEIGHT_PX, _WIDTH_PX) for index in range(_FRAMES)
        ),
    )


def _recalling(hear: Infer) -> Infer:
    """The same; a window that was heard at another position of the dial is not heard again."""
    said: dict[int, Floats] = {}

    def recalled(window: Floats) -> Floats:
        key = hash(window.tobytes())
        if key not in said:
            said[key] = hear(window)[..., -_KEPT_COLUMNS:].copy()
        return said[key]

    return recalled


def _scores(clip: Clip, rows: Floats) -> _Scores:
    start = round(BEGINNING_S * clip.rate_hz)

    def sdr_db(part: slice) -> float:
        return float(bss_eval_in_order(clip.stems[:, part], rows[:-1, part]).sdr.mean())

    return _Scores(beginning=sdr_db(slice(0, start)), later=sdr_db(slice(start, None)))


def _error_db(clip: Clip, rows: Floats) -> float:
    """The sum of all streams against the input, as a part of its largest value."""
    error = np.abs(rows.sum(axis=0) - clip.mixture).max() / np.abs(clip.mixture).max()
    return float(20 * np.log10(max(error, 1e-12)))


if __name__ == "__main__":
    command(main)
