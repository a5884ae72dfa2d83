"""The paper's Table 1 for any material: NSDR, SIR and SAR of every method, on the same mixtures.

    python -m training table --bank DATA --work runs/paper --model models/live --mixtures 100 \
        --json table.json --markdown table.md

With ``--ensembles`` the sources are players of one piece that was kept out, at one moment of it.

Methods: the mixture itself, supervised NMF, what ``training separate`` left in the work folder for
each variant, live models, and masks made of the sources themselves, which are the ceiling. Scores
are BSS-eval version 3; an interval is of the mean over mixtures, 95 %.

Of what sees, there is more that the paper could not print. "In place" is how often a source is
pointed at in its own picture, and "IoU" how well the box around its heat fits the box around its
instrument, where that is known (``training.places``). "Silence" is how many objects a minute are
found in these pictures where nothing plays (``training.quiet``). "CPU s per s" is the processor
time that a second of sound takes to separate, here, in eager PyTorch where it is a network.
"""

from __future__ import annotations

import json
import sys
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import numpy as np
from tqdm import tqdm

from pixelplayer.metrics import bss_eval_in_order
from pixelplayer.one_line import OneLineParser
from training.clips import ClipError
from training.commands import command
from training.contenders import Contender, methods_of
from training.ensembles import Groups
from training.material import Material, add_material_options, open_material
from training.methods import Problem
from training.mixing import Mixtures, Shared
from training.paper import AUDIO
from training.places import places
from training.quiet import false_objects
from training.variants import View
from training.watching import Watcher
from training.whole import write_text

_SEED = 2018
TRACE = 1e-3  # of the mixture, added to every estimate: silence has no score
_95_PERCENT = 1.96


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A mean and half of its confidence interval, None of a single value."""

    mean: float
    margin: float | None

    @classmethod
    def of(cls, values: Sequence[float]) -> Score | None:
        """Of those that are numbers; None where none is."""
        known = np.array(values, np.float64)
        known = known[~np.isnan(known)]
        if not len(known):
            return None
        spread = float(known.std(ddof=1)) if len(known) > 1 else None
        margin = None if spread is None else _95_PERCENT * spread / len(known) ** 0.5
        return cls(mean=float(known.mean()), margin=margin)

    def __str__(self) -> str:
        return format(self)

    def __format__(self, form: str) -> str:
        form = form or ".2f"
        mean = format(self.mean, form)
        return mean if self.margin is None else f"{mean} ± {format(self.margin, form)}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One method's line of the table."""

    method: str
    nsdr_db: Score | None
    sir_db: Score | None
    sar_db: Score | None
    mixtures: int
    sources: int  # in each of them
    cpu_s_per_s: float  # processor time to separate a second of sound
    in_place: Score | None = None  # share of sources pointed at in their own picture
    iou: Score | None = None  # of boxes, the heat's and the instrument's, where that is known
    boxes: int = 0  # that are known
    false_objects_per_minute: Score | None = None  # where nothing plays


def untouched(problems: Sequence[Problem]) -> list[np.ndarray]:
    """SDR (N,) of every problem's mixture in place of its sources, dB: what a method gains on."""
    return [
        bss_eval_in_order(
            problem.stems, np.repeat(problem.mixture[np.newaxis], len(problem.stems), axis=0)
        ).sdr
        for problem in problems
    ]


def score(
    name: str,
    contender: Contender,
    problems: Sequence[Problem],
    before: Sequence[np.ndarray],
    rate_hz: int,
) -> Row:
    """Separate every problem and score it; sources of one mixture count as one.

    ``before`` is what ``untouched`` gives. It takes as long as to score a method, so it is not done
    for each.
    """
    found: list[tuple[float, float, float]] = []
    spent_s = 0.0
    shown = tqdm(problems, desc=name, unit="mixture", disable=None)
    for problem, sdr_before in zip(shown, before, strict=True):
        began = time.process_time()
        estimates = contender.method(problem)
        spent_s += time.process_time() - began
        scores = bss_eval_in_order(problem.stems, estimates + TRACE * problem.mixture)
        found.append(
            (
                float((scores.sdr - sdr_before).mean()),
                float(scores.sir.mean()),
                float(scores.sar.mean()),
            )
        )
    nsdr, sir, sar = (Score.of(values) for values in zip(*found, strict=True))
    heard_s = sum(len(problem.mixture) for problem in problems) / rate_hz
    row = Row(
        method=name,
        nsdr_db=nsdr,
        sir_db=sir,
        sar_db=sar,
        mixtures=len(problems),
        sources=len(problems[0].stems),
        cpu_s_per_s=spent_s / heard_s,
    )
    return row if contender.watcher is None else _seeing(row, contender.watcher, problems, rate_hz)


def _seeing(row: Row, watcher: Watcher, problems: Sequence[Problem], rate_hz: int) -> Row:
    """The row, with what is known of one that sees."""
    in_place: list[float] = []
    overlaps: list[float] = []
    known = 0
    for problem in tqdm(problems, desc=f"{row.method}, places", unit="mixture", disable=None):
        found = places(problem, watcher)
        in_place.append(float(found.is_right.mean()))
        of_known = found.overlaps[~np.isnan(found.overlaps)]
        overlaps.append(float(of_known.mean()) if len(of_known) else float("nan"))
        known += len(of_known)
    pictures = [problem.clips[0] for problem in problems]
    noises = np.random.default_rng(_SEED)  # the same for all
    return replace(
        row,
        in_place=Score.of(in_place),
        iou=Score.of(overlaps),
        boxes=known,
        false_objects_per_minute=Score.of(
            false_objects(pictures, watcher, rate_hz, noises).tolist()
        ),
    )


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """Who is asked for: solos that meet by chance unless there are groups of players."""

    groups: Groups | None = None
    are_seen: bool = True  # there are photographs of all of them

    @property
    def labels(self) -> Sequence[str] | None:
        """The players' classes."""
        return self.groups.labels if self.groups else None


def asked_for(material: Material, count: int) -> Asked:
    """Groups of ``count`` players of pieces that were kept out.

    They are those of whom there are photographs, if any group is: the same for all methods. Where
    none is, nobody can be asked by pictures.

    Raises:
        ClipError: no piece has so many players.
    """
    ensembles = material.judged_ensembles
    seen = ensembles.seen(count) if ensembles else None
    if seen:
        return Asked(groups=seen)
    heard = ensembles.heard(count) if ensembles else None
    if heard is None:
        raise ClipError(
            f"no piece of {count} players is kept out; --ensembles wants "
            "ensembles/<set>/<piece>_<class>.* in --bank, three pieces of a set or more"
        )
    return Asked(groups=heard, are_seen=False)


def markdown(rows: Sequence[Row]) -> str:
    """The table, a method a line."""
    lines = [
        "| method | NSDR, dB | SIR, dB | SAR, dB | in place | IoU (boxes) "
        "| silence, objects/min | mixtures | CPU s per s |",
        "|---|---|---|---|---|---|---|---|---|",
    ]
    for row in rows:
        cells = [
            row.method,
            *(str(value or "") for value in (row.nsdr_db, row.sir_db, row.sar_db)),
            f"{row.in_place:.0%}" if row.in_place else "",
            f"{row.iou:.2f} ({row.boxes})" if row.iou else "",
            f"{row.false_objects_per_minute:.1f}" if row.false_objects_per_minute else "",
            f"{row.mixtures} of {row.sources}",
            f"{row.cpu_s_per_s:.3f}",
        ]
        lines.append(f"| {' | '.join(cells)} |")
    return "\n".join(lines)


@command
def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0; 1 where it cannot be written; 2 for what cannot be used."""
    parser = OneLineParser(prog="training table", description=__doc__.splitlines()[0])
    add_material_options(parser)
    parser.add_argument("--work", type=Path, help="checkpoints of `training separate`")
    parser.add_argument(
        "--model",
        type=Path,
        action="append",
        default=[],
        metavar="DIR",
        help="a live model, as models/live; may be given several times",
    )
    parser.add_argument("--sources", type=int, default=2, metavar="N", help="in a mixture (2)")
    parser.add_argument("--mixtures", type=int, default=100, metavar="N")
    parser.add_argument("--json", type=Path, metavar="FILE", help="the same, for programs")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="the same, as printed")
    parser.add_argument(
        "--ensembles",
        action="store_true",
        help="of players of one piece of --bank, in place of solos that meet by chance",
    )
    options = parser.parse_args(arguments)
    if options.mixtures < 1 or options.sources < 2:
        parser.error("a table wants --mixtures of 1 or more, of 2 --sources or more")
    material = open_material(options, AUDIO)
    view = View(material.audio, "log")
    asked = asked_for(material, options.sources) if options.ensembles else Asked()
    mixtures = Mixtures(
        material.judged,
        view,
        count=options.sources,
        seed=_SEED,
        ensembles=Shared(asked.groups, share=1) if asked.groups else None,
    )
    contenders = methods_of(material, options.work, options.model, asked.labels)
    problems = [Problem.of(mixtures.solos(number)) for number in range(options.mixtures)]
    before = untouched(problems)
    rows = []
    for name, contender in contenders.items():
        if contender.watcher and not asked.are_seen:
            print(f"{name} goes by pictures, and is left out", file=sys.stderr)
            continue
        rows.append(score(name, contender, problems, before, material.audio.rate_hz))
        tqdm.write(f"{name}: NSDR {rows[-1].nsdr_db} dB", file=sys.stderr)
    table = markdown(rows)
    print(table)
    if options.markdown:
        write_text(options.markdown, table + "\n")
    if options.json:
        write_text(options.json, json.dumps([asdict(row) for row in rows], indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
