"""How well a model's ears separate what no training has heard, its eyes helping or not.

python -m benchmarks.hearing --data DATA --cache CACHE --clips 40

Objects are given: *told* by their class's visual vector, or *shown* in a photograph that no
training has seen, their places known. ``benchmarks.scenes`` is the whole player, told nothing.

What living costs is told against whole windows. A model that streams looks at none: ``--whole``
names one that does. Without it nothing is claimed, as it would be held against itself.
"""

from __future__ import annotations

import contextlib
import json
import sys
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np

from benchmarks.fixed_objects import Clip, Floats, live, offline, vectors
from benchmarks.held_out import RATE_HZ, add_data_options
from benchmarks.held_out_music import HeldOutMusic
from benchmarks.model_engines import OpenModel, add_model_options, open_networks
from benchmarks.report import BenchmarkError, Report, command, command_line
from pixelplayer.metrics import bss_eval_in_order
from realtime.stages.listener import Pace

BEGINNING_S = 6.0
DURATION_S = 2 * BEGINNING_S
ABOUT_100_MS = Pace(columns_per_step=2, lookahead_columns=4, most_columns_per_step=2)
LEAST_SDR_DB, LEAST_SIR_DB, LEAST_SAR_DB = 11.0, 16.0, 13.0
LEAST_NSDR_DB = 6.0
MOST_LOST_SHOWN_DB, MOST_LOST_LIVE_DB, MOST_LOST_BEGINNING_DB = 1.0, 0.5, 1.5
_95_PERCENT = 1.96


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """Means over the sources of one clip, dB."""

    sdr: float
    sir: float
    sar: float
    nsdr: float


class Ears:
    """One model's way to separate clips whose objects are given."""

    def __init__(
        self, networks: OpenModel, told_by: Mapping[str, Floats], whole: Ears | None = None
    ) -> None:
        """``whole`` are ears that hear whole windows, where these do not."""
        self._networks = networks
        self._told_by = told_by
        streams = networks.model.spec.sound.is_streaming
        self.against = whole or (None if streams else self)

    def told(self, clip: Clip) -> Floats:
        """Visual vectors ``(N, K)`` of its instruments' classes."""
        return np.stack([self._told_by[name] for name in clip.name.split(" and ")])

    def shown(self, clip: Clip) -> Floats:
        """Visual vectors ``(N, K)`` of what stands in its boxes."""
        return vectors(self._networks, clip)

    def whole(self, clip: Clip, objects: Floats) -> Floats:
        """The streams ``(N, n)``, every column the mean of windows that hear its future."""
        return offline(self._networks, clip, objects)[:-1]

    def one_window(self, clip: Clip, objects: Floats) -> Floats:
        """The same, every column from the middle of a single window."""
        return offline(self._networks, clip, objects, windows=2)[:-1]

    def live(self, clip: Clip, objects: Floats) -> Floats:
        """The streams ``(N, n)`` as the player makes them from its start, 93 ms ahead."""
        return live(self._networks, clip, objects, ABOUT_100_MS)[:-1]

    def whole_understood(self, clip: Clip, objects: Floats) -> Floats:
        """As ``whole``, the objects understood with the help of the sound, as the player does."""
        words = self._networks.model.vocabulary
        return offline(self._networks, clip, objects, words)[:-1]

    def live_understood(self, clip: Clip, objects: Floats) -> Floats:
        """As ``live``, the objects understood with the help of the sound, as the player does."""
        words = self._networks.model.vocabulary
        return live(self._networks, clip, objects, ABOUT_100_MS, words)[:-1]


def score(clip: Clip, streams: Floats, part: slice = slice(None)) -> Score:
    """Of some part of the clip, in which every stem must sound."""
    stems = clip.stems[:, part]
    found = bss_eval_in_order(stems, streams[:, part])
    before = bss_eval_in_order(stems, np.broadcast_to(clip.mixture[part], stems.shape))
    return Score(
        sdr=float(found.sdr.mean()),
        sir=float(found.sir.mean()),
        sar=float(found.sar.mean()),
        nsdr=float((found.sdr - before.sdr).mean()),
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Separate every clip in every way, score, print."""
    parser = command_line(__doc__)
    add_model_options(parser)
    add_data_options(parser, required=True)
    parser.add_argument("--clips", type=int, default=40, metavar="N", help="of each kind")
    parser.add_argument("--seed", type=int, default=2018)
    parser.add_argument(
        "--whole",
        type=Path,
        metavar="DIR",
        help="the model whose whole windows live sound is held against; default: the same, if it "
        "looks at windows",
    )
    options = parser.parse_args(arguments)
    music = HeldOutMusic(options.data, options.cache, DURATION_S)
    report = Report("hearing")
    with contextlib.ExitStack() as opened:
        networks = opened.enter_context(open_networks(options.model, options.engine))
        report.keep("engine", networks.sound.name)
        whole = None
        if options.whole is not None:
            other = opened.enter_context(open_networks(options.whole, options.engine))
            whole = Ears(other, class_vectors(options.whole))
        ears = Ears(networks, class_vectors(options.model), whole)
        for kind in (_two, _three, _performances, _together):
            rng = np.random.default_rng(options.seed)
            scores = [_told(kind(ears, music, rng)) for _ in range(options.clips)]
            kept = {way: [asdict(one[way]) for one in scores] for way in scores[0]}
            report.keep(kind.__name__.strip("_"), kept)
            _JUDGES[kind](report, {way: _columns(values) for way, values in kept.items()})
    return report.publish(options.json)


def class_vectors(folder: Path) -> Mapping[str, Floats]:
    """What the model says that its features are, by instrument.

    Raises:
        BenchmarkError: it does not say.
    """
    description = json.loads((folder / "model.json").read_text(encoding="utf-8"))
    try:
        names, rows = description["classes"], description["class_vectors"]
    except KeyError as missing:
        raise BenchmarkError(
            f"{folder / 'model.json'} has no {missing}: its instruments cannot be told"
        ) from None
    return dict(zip(names, np.array(rows, np.float32), strict=True))


def _two(ears: Ears, music: HeldOutMusic, rng: np.random.Generator) -> Mapping[str, Score]:
    names = [str(name) for name in rng.choice(music.shown, 2, replace=False)]
    clip = music.in_picture(music.notes(names, rng), rng)
    told = ears.told(clip)
    whole, as_played = ears.whole(clip, told), ears.live(clip, told)
    start = slice(0, round(BEGINNING_S * RATE_HZ))
    later = slice(start.stop, None)
    scores = {
        "told": score(clip, whole),
        "shown": score(clip, ears.whole_understood(clip, ears.shown(clip))),
        "shown, seen only": score(clip, ears.whole(clip, ears.shown(clip))),
        "later, live": score(clip, as_played, later),
        "start, live": score(clip, as_played, start),
    }
    if ears.against:
        against = ears.against
        one = against.one_window(clip, against.told(clip))
        mean = against.whole(clip, against.told(clip))
        scores["later, mean"] = score(clip, mean, later)
        scores |= {"later": score(clip, one, later), "start": score(clip, one, start)}
    return scores


def _three(ears: Ears, music: HeldOutMusic, rng: np.random.Generator) -> Mapping[str, Score]:
    names = [str(name) for name in rng.choice(music.shown, 3, replace=False)]
    clip = music.notes(names, rng)
    return {"told": score(clip, ears.whole(clip, ears.told(clip)))}


def _performances(ears: Ears, music: HeldOutMusic, rng: np.random.Generator) -> Mapping[str, Score]:
    names = [str(name) for name in rng.choice(music.performed, 2, replace=False)]
    clip = music.in_picture(music.performances(names, rng), rng)
    shown = ears.shown(clip)
    return {
        "told": score(clip, ears.whole(clip, ears.told(clip))),
        "shown": score(clip, ears.whole_understood(clip, shown)),
        "shown, seen only": score(clip, ears.whole(clip, shown)),
        "shown, live": score(clip, ears.live_understood(clip, shown)),
    }


def _together(ears: Ears, music: HeldOutMusic, rng: np.random.Generator) -> Mapping[str, Score]:
    clip = music.together(rng)
    return {"told": score(clip, ears.whole(clip, ears.told(clip)))}


_Columns = Mapping[str, Mapping[str, np.ndarray]]  # way → sdr, sir, sar, nsdr of every clip


def _judge_two(report: Report, ways: _Columns) -> None:
    told = ways["told"]
    _at_least(report, "two sources of notes, told: SDR", told["sdr"], LEAST_SDR_DB)
    _at_least(report, "… SIR", told["sir"], LEAST_SIR_DB)
    _at_least(report, "… SAR", told["sar"], LEAST_SAR_DB)
    report.note("… NSDR", _said(told["nsdr"]))
    lost = told["sdr"] - ways["shown"]["sdr"]
    _at_most(report, "… lost where pictures are shown instead", lost, MOST_LOST_SHOWN_DB)
    seen_only = told["sdr"] - ways["shown, seen only"]["sdr"]
    report.note("… lost without the help of the sound", _said(seen_only))
    for way, most_db in (("later", MOST_LOST_LIVE_DB), ("start", MOST_LOST_BEGINNING_DB)):
        live_sdr = ways[f"{way}, live"]["sdr"]
        when = f"in the first {BEGINNING_S:.0f} s" if way == "start" else "after that"
        how = f"live, {ABOUT_100_MS.lookahead_columns} columns ahead, {when}"
        if way in ways:
            _at_most(report, f"… lost {how}", ways[way]["sdr"] - live_sdr, most_db)
        else:
            report.note(f"… {how}: SDR", f"{_said(live_sdr)} (against whole windows: --whole)")
    if "later, mean" in ways:
        lost = ways["later, mean"]["sdr"] - ways["later, live"]["sdr"]
        report.note("… against the mean of all windows, after that", _said(lost))


def _judge_three(report: Report, ways: _Columns) -> None:
    _at_least(report, "three sources of notes, told: NSDR", ways["told"]["nsdr"], LEAST_NSDR_DB)


def _judge_performances(report: Report, ways: _Columns) -> None:
    shown = ways["shown"]["nsdr"]
    _at_least(report, "two real performances, shown: NSDR", shown, LEAST_NSDR_DB)
    report.note("… shown, without the help of the sound", _said(ways["shown, seen only"]["nsdr"]))
    report.note("… told", _said(ways["told"]["nsdr"]))
    report.note("… shown, live", _said(ways["shown, live"]["nsdr"]))


def _judge_together(report: Report, ways: _Columns) -> None:
    report.note("two players of one piece, told: NSDR", _said(ways["told"]["nsdr"]))


_JUDGES = {
    _two: _judge_two,
    _three: _judge_three,
    _performances: _judge_performances,
    _together: _judge_together,
}


def _told(scores: Mapping[str, Score]) -> Mapping[str, Score]:
    """The same, after a line for whoever waits."""
    line = ", ".join(f"{way} {one.sdr:.1f}" for way, one in scores.items())
    print(f"SDR, dB: {line}", file=sys.stderr, flush=True)
    return scores


def _columns(values: Sequence[Mapping[str, float]]) -> Mapping[str, np.ndarray]:
    return {what: np.array([value[what] for value in values]) for what in values[0]}


def _at_least(report: Report, what: str, values: np.ndarray, least_db: float) -> None:
    met = bool(values.mean() >= least_db)
    report.claim(what, f">= {least_db:g} dB", _said(values), met=met)


def _at_most(report: Report, what: str, values: np.ndarray, most_db: float) -> None:
    met = bool(values.mean() <= most_db)
    report.claim(what, f"<= {most_db:g} dB", _said(values), met=met)


def _said(values: np.ndarray) -> str:
    """Mean and 95 % interval."""
    margin = _95_PERCENT * values.std(ddof=1) / len(values) ** 0.5 if len(values) > 1 else np.nan
    return f"{values.mean():.2f} ± {margin:.2f} dB"


if __name__ == "__main__":
    command(main)
