"""What streaming costs: live separation against whole windows, on the same clips and objects.

python -m benchmarks.streaming --clips 6
python -m benchmarks.streaming --clips 6 --data DATA --cache CACHE    held-out scenes too
"""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Sequence

import numpy as np

from benchmarks.fixed_objects import Clip, Floats, live, offline, vectors
from benchmarks.held_out import FPS, RATE_HZ, HeldOutScenes, add_data_options
from benchmarks.model_engines import OpenModel, add_model_options, open_networks
from benchmarks.report import Report, command, command_line
from pixelplayer import band
from pixelplayer.metrics import bss_eval_in_order
from realtime.settings import LOOKAHEAD_COLUMNS

MOST_LOSS_DB = 1.0
_BAND_S = 12.0  # twice the window: the start, when little is known, and the time after it
_FRAMES = 3
_HEIGHT_PX, _WIDTH_PX = 360, 640


def main(arguments: Sequence[str] | None = None) -> int:
    """Separate every clip in every way, score, print."""
    parser = command_line(__doc__)
    add_model_options(parser)
    add_data_options(parser, required=False)
    parser.add_argument("--clips", type=int, default=6, metavar="N", help="of each kind")
    parser.add_argument("--seed", type=int, default=100)
    parser.add_argument(
        "--lookaheads",
        type=_columns,
        default=tuple(range(9)),
        metavar="C,C,...",
        help="in columns of the transform (default: 0 to 8); the live default is always there",
    )
    options = parser.parse_args(arguments)
    lookaheads = sorted({*options.lookaheads, LOOKAHEAD_COLUMNS})
    report = Report("live against offline")
    with open_networks(options.model, options.engine) as networks:
        spec = networks.model.spec
        report.keep("engine", networks.sound.name)
        results = [_result(networks, clip, lookaheads) for clip in _clips(options)]
        hop_ms = 1000 * spec.audio.hop / spec.audio.rate_hz
    report.note("clips", f"{len(results)}")
    report.note("SDR offline", f"{_mean(results, 'offline'):.2f} dB")
    for lookahead in lookaheads:
        loss_db = _mean(results, "offline") - _mean(results, str(lookahead))
        what = f"SDR lost live, lookahead {lookahead} columns ({lookahead * hop_ms:.0f} ms)"
        if lookahead == LOOKAHEAD_COLUMNS:
            report.at_most(f"{what}, the default", loss_db, MOST_LOSS_DB, "dB")
        else:
            report.note(what, f"{loss_db:.2f} dB")
    report.keep("clips", results)
    return report.publish(options.json)


def _clips(options: argparse.Namespace) -> Iterator[Clip]:
    for index in range(options.clips):
        yield _band_clip(options.seed + index)
    if options.data is not None:
        scenes = HeldOutScenes(options.data, options.cache, options.seed, options.phrase_share)
        for index in range(options.clips):
            scene = scenes.scene(index)
            pictures = [picture for picture, _ in zip(scene.pictures(), range(FPS), strict=False)]
            yield Clip(
                name="held out: " + " and ".join(scene.labels),
                rate_hz=RATE_HZ,
                stems=scene.stems,
                boxes=scene.boxes,
                pictures=tuple(pictures[:_FRAMES]),
            )


def _band_clip(seed: int) -> Clip:
    scene = band.scene(seed, _BAND_S, RATE_HZ)
    return Clip(
        name="band: " + " and ".join(item.name for item in scene.objects),
        rate_hz=scene.rate_hz,
        stems=scene.stems,
        boxes=tuple(item.box for item in scene.objects),
        pictures=tuple(
            scene.frame(1.0 + index / 15, _HEIGHT_PX, _WIDTH_PX) for index in range(_FRAMES)
        ),
    )


def _result(networks: OpenModel, clip: Clip, lookaheads: Sequence[int]) -> dict[str, object]:
    """Mean SDR by way of separation: ``offline`` and each lookahead."""
    objects = vectors(networks, clip)
    sdr_db: dict[str, float] = {"offline": _sdr(clip, offline(networks, clip, objects))}
    for lookahead in lookaheads:
        sdr_db[str(lookahead)] = _sdr(clip, live(networks, clip, objects, lookahead))
    default = sdr_db[str(LOOKAHEAD_COLUMNS)]
    print(
        f"{clip.name}: offline {sdr_db['offline']:.1f} dB, live {default:.1f} dB",
        file=sys.stderr,
        flush=True,
    )
    return {"clip": clip.name, "sdr_db": sdr_db}


def _sdr(clip: Clip, rows: Floats) -> float:
    return float(bss_eval_in_order(clip.stems, rows[:-1]).sdr.mean())


def _mean(results: Sequence[dict[str, object]], way: str) -> float:
    return float(np.mean([result["sdr_db"][way] for result in results]))  # type: ignore[index]


def _columns(text: str) -> tuple[int, ...]:
    return tuple(int(part) for part in text.split(","))


if __name__ == "__main__":
    command(main)
