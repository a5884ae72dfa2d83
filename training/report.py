"""A page to look at and to listen to: what a trained network makes of mixtures kept out.

    python -m training report --variant binary-log --bank DATA --work runs/paper --out report.html

For every mixture: what is seen, where it sounds, and the true, the predicted and the mixed
spectrogram, with the mask between them and a player under each. One file, nothing else is fetched.
"""

from __future__ import annotations

import argparse
import html
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from pixelplayer.metrics import bss_eval_in_order
from training import drawing
from training.commands import command
from training.contenders import read_model
from training.material import add_material_options, open_material
from training.methods import Problem, network
from training.mixing import Mixtures
from training.paper import AUDIO
from training.separate import trained
from training.separators import PixelPlayer
from training.table import TRACE
from training.variants import VARIANTS, Variant, View
from training.watching import PaperWatcher
from training.whole import write_text

_SEED = 2018  # the mixtures of `training table`
_COLUMNS = 16  # at a time: what all cells let through are many numbers

_STYLE = """
:root { color-scheme: light dark; --ground: #fbfaf7; --ink: #22201c; --quiet: #77726a;
  --line: #e2ded6; --card: #ffffff; }
@media (prefers-color-scheme: dark) { :root { --ground: #17161a; --ink: #ece8e1;
  --quiet: #98928a; --line: #34313a; --card: #201f24; } }
* { box-sizing: border-box; }
body { margin: 0 auto; max-width: 1180px; padding: 2rem 1.2rem 4rem; background: var(--ground);
  color: var(--ink); font: 15px/1.5 system-ui, sans-serif; }
h1 { font-size: 1.5rem; margin: 0; } h2 { font-size: 1.05rem; margin: 0 0 .8rem; }
p { color: var(--quiet); max-width: 70ch; }
section { background: var(--card); border: 1px solid var(--line); border-radius: 12px;
  margin: 1.4rem 0; padding: 1.1rem 1.2rem; }
.row { display: grid; grid-template-columns: 150px repeat(3, 1fr); gap: .9rem; align-items: start;
  padding: .8rem 0; border-top: 1px solid var(--line); }
.row:first-of-type { border-top: 0; }
figure { margin: 0; } figcaption { color: var(--quiet); font-size: .82rem; margin-top: .25rem; }
img { display: block; width: 100%; border-radius: 6px; image-rendering: auto; }
.sound img { aspect-ratio: 2; object-fit: fill; }
audio { width: 100%; height: 32px; margin-top: .4rem; }
.score { font-variant-numeric: tabular-nums; }
@media (max-width: 760px) { .row { grid-template-columns: 1fr 1fr; } }
"""


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """One mixture and what became of it."""

    problem: Problem
    estimates: np.ndarray  # (N, samples)
    masks: np.ndarray  # (N, F, T) in 0..1
    heats: np.ndarray  # (N, h, w), energy of the mixture through each cell's own mask
    nsdr_db: np.ndarray  # (N,)


def look(problem: Problem, model: PixelPlayer, view: View, variant: Variant) -> Shown:
    """Separate one mixture, and ask every cell of its pictures too."""
    estimates = network(model, view, variant)(problem)
    spectrum = view.spectrum(problem.mixture)
    whole = view.magnitude(spectrum)
    length = estimates.shape[1]
    stems = problem.stems[:, :length]
    mixture = np.repeat(problem.mixture[np.newaxis, :length], len(stems), axis=0)
    scores = bss_eval_in_order(stems, estimates + TRACE * mixture)
    parts = np.stack([view.magnitude(view.spectrum(part)) for part in estimates])
    return Shown(
        problem=problem,
        estimates=estimates,
        masks=np.clip(parts / (whole + 1e-6), 0, 1),
        heats=_heats(problem, model, view, variant),
        nsdr_db=scores.sdr - bss_eval_in_order(stems, mixture).sdr,
    )


def _heats(problem: Problem, model: PixelPlayer, view: View, variant: Variant) -> np.ndarray:
    """The mixture's energy through every cell's own mask, in the middle picture of each clip."""
    whole = view.magnitude(view.spectrum(problem.mixture))
    watcher = PaperWatcher(model, view, variant)
    heats = []
    for watched in watcher.watch(problem.mixture, [clip.middle for clip in problem.clips]):
        energy = 0.0
        for start in range(0, whole.shape[1], _COLUMNS):
            part = whole[:, start : start + _COLUMNS]
            passed = watched.gains(start, start + part.shape[1]) * part
            energy += np.square(passed).sum(axis=(1, 2))
        heats.append(np.asarray(energy).reshape(watched.features.shape[1:]))
    return np.stack(heats)


def page(title: str, shown: Sequence[Shown], view: View) -> str:
    """The whole page."""
    mean = float(np.mean([value for one in shown for value in one.nsdr_db]))
    sections = "\n".join(_section(number, one, view) for number, one in enumerate(shown, 1))
    return (
        f'<!doctype html><html lang="en"><meta charset="utf-8">'
        f'<meta name="viewport" content="width=device-width, initial-scale=1">'
        f"<title>{html.escape(title)}</title><style>{_STYLE}</style>"
        f"<h1>{html.escape(title)}</h1>"
        f"<p>{len(shown)} mixtures of clips that were kept out of training. On average a source "
        f'gains <span class="score">{mean:+.1f} dB</span> over the mixture (NSDR). Time runs to '
        f"the right, frequency upwards; heat shows where the picture lets the mixture through.</p>"
        f"{sections}</html>\n"
    )


def _section(number: int, one: Shown, view: View) -> str:
    labels = " and ".join(html.escape(clip.label) for clip in one.problem.clips)
    whole = view.magnitude(view.spectrum(one.problem.mixture))
    loudest = float(whole.max())
    rate = view.audio.rate_hz
    rows = [
        f'<div class="row"><figure></figure>'
        f"{_sound('the mixture', drawing.spectrogram(whole, loudest), one.problem.mixture, rate)}"
        "</div>"
    ]
    for place, clip in enumerate(one.problem.clips):
        middle = clip.frames[len(clip.frames) // 2]
        true, found = one.problem.stems[place], one.estimates[place]
        pictures = [
            drawing.spectrogram(view.magnitude(view.spectrum(part)), loudest)
            for part in (true, found)
        ]
        name = html.escape(clip.label)
        rows.append(
            f'<div class="row"><figure><img alt="{name}, and where it sounds" '
            f'src="{drawing.png(drawing.heat(middle, one.heats[place]))}">'
            f'<figcaption>{name}<br><span class="score">{one.nsdr_db[place]:+.1f} dB</span>'
            f"</figcaption></figure>{_sound('separated', pictures[1], found, rate)}"
            f"{_sound('as it is', pictures[0], true, rate)}"
            f'<figure class="sound"><img alt="mask of {name}" '
            f'src="{drawing.png(drawing.mask(one.masks[place]))}">'
            "<figcaption>its share of the mixture</figcaption></figure></div>"
        )
    return f"<section><h2>{number}. {labels}</h2>{''.join(rows)}</section>"


def _sound(caption: str, picture: np.ndarray, samples: np.ndarray, rate_hz: int) -> str:
    return (
        f'<figure class="sound"><img alt="spectrogram: {caption}" src="{drawing.png(picture)}">'
        f'<audio controls preload="metadata" src="{drawing.wav(samples, rate_hz)}"></audio>'
        f"<figcaption>{caption}</figcaption></figure>"
    )


@command
def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0; 2 for material or a checkpoint that cannot be used; 1 if it cannot be written."""
    parser = argparse.ArgumentParser(prog="training report", description=__doc__.splitlines()[0])
    add_material_options(parser)
    parser.add_argument("--work", type=Path, required=True, help="of `training separate`")
    parser.add_argument("--variant", choices=VARIANTS, default="binary-log")
    parser.add_argument("--sources", type=int, default=2, metavar="N", help="in a mixture (2)")
    parser.add_argument("--mixtures", type=int, default=6, metavar="N")
    parser.add_argument("--out", type=Path, required=True, metavar="HTML")
    options = parser.parse_args(arguments)
    if options.mixtures < 1 or options.sources < 2:
        parser.error("a page wants --mixtures of 1 or more, of 2 --sources or more")
    variant = VARIANTS[options.variant]
    material = open_material(options, AUDIO)
    model, _ = read_model(trained(options.work, options.variant))
    view = View(material.audio, variant.scale)
    mixtures = Mixtures(material.judged, view, count=options.sources, seed=_SEED)
    problems = [Problem.of(mixtures.solos(number)) for number in range(options.mixtures)]
    shown = [look(problem, model, view, variant) for problem in problems]
    write_text(options.out, page(f"{options.variant}: {options.work}", shown, view))
    print(f"{options.out} is written; open it in a browser")
    return 0


if __name__ == "__main__":
    sys.exit(main())
