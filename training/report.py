"""A page to look at and to listen to: what a trained network makes of mixtures kept out.

    python -m training report --variant binary-log --bank DATA --work runs/paper --out report.html
    python -m training report --model models/live --bank DATA --out report.html

For every mixture: what is seen, where it sounds, the mixed, the predicted and the true spectrogram
with a player under each, and the predicted and the true mask. One file, nothing else is fetched.
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
from pixelplayer.one_line import OneLineParser
from pixelplayer.spec import AudioSpec
from training import drawing
from training.commands import command
from training.contenders import read_model
from training.live_model import LiveModel
from training.material import add_material_options, open_material
from training.methods import Problem
from training.mixing import Mixtures
from training.paper import AUDIO
from training.pixels import energies
from training.separate import trained
from training.subjects import LiveSubject, PaperSubject, Separated, Subject
from training.table import TRACE
from training.variants import VARIANTS, View
from training.watching import Watcher
from training.whole import write_text

_SEED = 2018  # the mixtures of `training table`

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
.row { display: grid; grid-template-columns: 150px repeat(4, 1fr); gap: .9rem; align-items: start;
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
    separated: Separated
    heats: np.ndarray  # (N, h, w), energy of the mixture through each cell's own mask
    nsdr_db: np.ndarray  # (N,)


def look(problem: Problem, subject: Subject) -> Shown:
    """Separate one mixture, and ask every cell of its pictures too."""
    separated = subject.separate(problem)
    estimates = separated.estimates
    length = estimates.shape[1]
    stems = problem.stems[:, :length]
    mixture = np.repeat(problem.mixture[np.newaxis, :length], len(stems), axis=0)
    scores = bss_eval_in_order(stems, estimates + TRACE * mixture)
    return Shown(
        problem=problem,
        separated=separated,
        heats=energies(problem, subject.watcher),
        nsdr_db=scores.sdr - bss_eval_in_order(stems, mixture).sdr,
    )


def page(title: str, shown: Sequence[Shown], watcher: Watcher, rate_hz: int) -> str:
    """The whole page."""
    mean = float(np.mean([value for one in shown for value in one.nsdr_db]))
    sections = "\n".join(
        _section(number, one, watcher, rate_hz) for number, one in enumerate(shown, 1)
    )
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


def _section(number: int, one: Shown, watcher: Watcher, rate_hz: int) -> str:
    labels = " and ".join(html.escape(clip.label) for clip in one.problem.clips)
    whole = watcher.magnitude(one.problem.mixture)
    loudest = float(whole.max())
    mixed = drawing.spectrogram(whole, loudest)
    rows = [
        f'<div class="row"><figure></figure>'
        f"{_sound('the mixture', mixed, one.problem.mixture, rate_hz)}</div>"
    ]
    for place, clip in enumerate(one.problem.clips):
        middle = clip.frames[len(clip.frames) // 2]
        true, found = one.problem.stems[place], one.separated.estimates[place]
        pictures = [drawing.spectrogram(watcher.magnitude(part), loudest) for part in (found, true)]
        name = html.escape(clip.label)
        rows.append(
            f'<div class="row"><figure><img alt="{name}, and where it sounds" '
            f'src="{drawing.png(drawing.heat(middle, one.heats[place]))}">'
            f'<figcaption>{name}<br><span class="score">{one.nsdr_db[place]:+.1f} dB</span>'
            f"</figcaption></figure>{_sound('predicted', pictures[0], found, rate_hz)}"
            f"{_sound('true', pictures[1], true, rate_hz)}"
            f"{_mask('predicted mask', one.separated.predicted[place])}"
            f"{_mask('true mask', one.separated.true[place])}</div>"
        )
    return f"<section><h2>{number}. {labels}</h2>{''.join(rows)}</section>"


def _mask(caption: str, values: np.ndarray) -> str:
    return (
        f'<figure class="sound"><img alt="{caption}" src="{drawing.png(drawing.mask(values))}">'
        f"<figcaption>{caption}</figcaption></figure>"
    )


def _sound(caption: str, picture: np.ndarray, samples: np.ndarray, rate_hz: int) -> str:
    return (
        f'<figure class="sound"><img alt="spectrogram: {caption}" src="{drawing.png(picture)}">'
        f'<audio controls preload="metadata" src="{drawing.wav(samples, rate_hz)}"></audio>'
        f"<figcaption>{caption}</figcaption></figure>"
    )


@command
def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0; 2 for material or a checkpoint that cannot be used; 1 if it cannot be written."""
    parser = OneLineParser(prog="training report", description=__doc__.splitlines()[0])
    add_material_options(parser)
    whom = parser.add_mutually_exclusive_group(required=True)
    whom.add_argument("--work", type=Path, help="checkpoints of `training separate`")
    whom.add_argument("--model", type=Path, metavar="DIR", help="a live model, as models/live")
    parser.add_argument("--variant", choices=VARIANTS, default="binary-log", help="of --work")
    parser.add_argument("--sources", type=int, default=2, metavar="N", help="in a mixture (2)")
    parser.add_argument("--mixtures", type=int, default=6, metavar="N")
    parser.add_argument("--out", type=Path, required=True, metavar="HTML")
    options = parser.parse_args(arguments)
    if options.mixtures < 1 or options.sources < 2:
        parser.error("a page wants --mixtures of 1 or more, of 2 --sources or more")
    material = open_material(options, AUDIO)
    subject, title = _subject(options, material.audio)
    view = View(material.audio, "log")  # of windows it wants the length alone
    mixtures = Mixtures(material.judged, view, count=options.sources, seed=_SEED)
    problems = [Problem.of(mixtures.solos(number)) for number in range(options.mixtures)]
    shown = [look(problem, subject) for problem in problems]
    write_text(options.out, page(title, shown, subject.watcher, material.audio.rate_hz))
    print(f"{options.out} is written; open it in a browser")
    return 0


def _subject(options: argparse.Namespace, audio: AudioSpec) -> tuple[Subject, str]:
    """Whom it is of, and its title.

    Raises:
        ClipError: a checkpoint or a model cannot be read.
    """
    if options.model:
        return LiveSubject(LiveModel(options.model, audio.rate_hz)), str(options.model)
    variant = VARIANTS[options.variant]
    model, _ = read_model(trained(options.work, options.variant))
    subject = PaperSubject(model, View(audio, variant.scale), variant)
    return subject, f"{options.variant}: {options.work}"


if __name__ == "__main__":
    sys.exit(main())
