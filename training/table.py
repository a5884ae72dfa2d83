"""The paper's Table 1 for any material: NSDR, SIR and SAR of every method, on the same mixtures.

    python -m training table --bank DATA --work runs/paper --mixtures 100 --json table.json

Methods: the mixture itself, supervised NMF, what `training separate` left in the work folder for
each variant, and masks made of the sources themselves, which are the ceiling. Scores are BSS-eval
version 3; an interval is of the mean over mixtures, 95 %. "In place" is how often a source is
pointed at in its own picture (``training.places``), by what sees.
"""

from __future__ import annotations

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import nn
from tqdm import tqdm

from pixelplayer.metrics import bss_eval_in_order
from training.clips import ClipError
from training.material import Material, add_material_options, open_material
from training.methods import Method, Problem, mixture_itself, network, oracle_mask
from training.mixing import Mixtures
from training.nmf import learn_bases, nmf
from training.paper import AUDIO
from training.places import pointed
from training.separate import checkpoint_name
from training.separators import KINDS, Make, PixelPlayer, make
from training.variants import VARIANTS, View

_SEED = 2018
TRACE = 1e-3  # of the mixture, added to every estimate: silence has no score
_95_PERCENT = 1.96


@dataclass(frozen=True, slots=True, kw_only=True)
class Score:
    """A mean over mixtures and half of its confidence interval, dB."""

    mean: float
    margin: float

    def __str__(self) -> str:
        return f"{self.mean:.2f} ± {self.margin:.2f}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Row:
    """One method's line of the table."""

    method: str
    nsdr_db: Score
    sir_db: Score
    sar_db: Score
    mixtures: int
    seconds_per_second: float  # of computing, for each second of sound
    in_place: float | None = None  # share of sources pointed at in their own picture


@dataclass(frozen=True, slots=True)
class Contender:
    """A method, and how it points at sources if it sees: (N,) bool, right or not."""

    method: Method
    points: Callable[[Problem], np.ndarray] | None = None


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
    in_place: list[float] = []
    spent_s = 0.0
    shown = tqdm(problems, desc=name, unit="mixture", disable=None)
    for problem, sdr_before in zip(shown, before, strict=True):
        began = time.perf_counter()
        estimates = contender.method(problem)
        spent_s += time.perf_counter() - began
        scores = bss_eval_in_order(problem.stems, estimates + TRACE * problem.mixture)
        found.append(
            (
                float((scores.sdr - sdr_before).mean()),
                float(scores.sir.mean()),
                float(scores.sar.mean()),
            )
        )
        if contender.points is not None:
            in_place.append(float(contender.points(problem).mean()))
    nsdr, sir, sar = (_summary(np.array(values)) for values in zip(*found, strict=True))
    heard_s = sum(len(problem.mixture) for problem in problems) / rate_hz
    return Row(
        method=name,
        nsdr_db=nsdr,
        sir_db=sir,
        sar_db=sar,
        mixtures=len(problems),
        seconds_per_second=spent_s / heard_s,
        in_place=float(np.mean(in_place)) if in_place else None,
    )


def _summary(values: np.ndarray) -> Score:
    spread = float(values.std(ddof=1)) if len(values) > 1 else float("nan")
    return Score(mean=float(values.mean()), margin=_95_PERCENT * spread / len(values) ** 0.5)


def methods_of(material: Material, work: Path | None) -> Mapping[str, Contender]:
    """All methods that the material and the work folder allow, as far as there are any.

    Raises:
        ClipError: a checkpoint in the work folder cannot be read.
    """
    views: dict[str, View] = {scale: View(material.audio, scale) for scale in ("linear", "log")}
    bases = learn_bases(material.learned, views["linear"], np.random.default_rng(_SEED))
    methods = {
        "mixture": Contender(mixture_itself),
        "NMF": Contender(nmf(bases, views["linear"])),
    }
    for name, variant in VARIANTS.items():
        for kind in KINDS:
            row = checkpoint_name(kind, name)
            path = work / f"{row}.pt" if work else None
            if path and path.exists():
                model, what = read_model(path)
                view = views[variant.scale]
                points = None
                if isinstance(model, PixelPlayer):
                    points = partial(pointed, model=model, view=view, variant=variant)
                methods[row] = Contender(network(model, view, variant, what.classes), points)
    for name in ("binary-log", "ratio-linear"):
        variant = VARIANTS[name]
        methods[f"oracle {name}"] = Contender(oracle_mask(views[variant.scale], variant))
    return methods


def read_model(path: Path) -> tuple[nn.Module, Make]:
    """A checkpoint of ``training.separate``: its running average, in evaluation mode, and its make.

    Raises:
        ClipError: it cannot be read.
    """
    try:
        kept = torch.load(path, map_location="cpu", weights_only=True)
        what = Make(**kept["what"])
        model = make(what)
        model.load_state_dict(kept["average"])
    except Exception as error:  # whatever torch finds wrong with it
        reason = str(error).splitlines()[0] if str(error) else type(error).__name__
        raise ClipError(f"{path} is no checkpoint of `training separate`: {reason}") from error
    return model.eval(), what


def markdown(rows: Sequence[Row]) -> str:
    """The table, a method a line."""
    lines = [
        "| method | NSDR, dB | SIR, dB | SAR, dB | in place | mixtures | s per s |",
        "|---|---|---|---|---|---|---|",
    ]
    lines += [
        f"| {row.method} | {row.nsdr_db} | {row.sir_db} | {row.sar_db} "
        f"| {'' if row.in_place is None else f'{row.in_place:.0%}'} | {row.mixtures} "
        f"| {row.seconds_per_second:.3f} |"
        for row in rows
    ]
    return "\n".join(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0; 2 for material or checkpoints that cannot be used."""
    parser = argparse.ArgumentParser(prog="training table", description=__doc__.splitlines()[0])
    add_material_options(parser)
    parser.add_argument("--work", type=Path, help="checkpoints of `training separate`")
    parser.add_argument("--sources", type=int, default=2, metavar="N", help="in a mixture (2)")
    parser.add_argument("--mixtures", type=int, default=100, metavar="N")
    parser.add_argument("--json", type=Path, metavar="FILE", help="the same, for programs")
    options = parser.parse_args(arguments)
    try:
        material = open_material(options, AUDIO)
        view = View(material.audio, "log")
        mixtures = Mixtures(material.judged, view, count=options.sources, seed=_SEED)
        problems = [Problem.of(mixtures.solos(number)) for number in range(options.mixtures)]
        before = untouched(problems)
        rows = []
        for name, method in methods_of(material, options.work).items():
            rows.append(score(name, method, problems, before, material.audio.rate_hz))
            tqdm.write(f"{name}: NSDR {rows[-1].nsdr_db} dB", file=sys.stderr)
    except ClipError as error:
        print(f"error: {error}", file=sys.stderr)
        return 2
    print(markdown(rows))
    if options.json:
        options.json.write_text(json.dumps([asdict(row) for row in rows], indent=2) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
