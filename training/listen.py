"""A listening test as one page, for the paper's Tables 4 and 5: what do people hear?

    python -m training listen --bank DATA --work runs/paper --model models/live --out test.html

Two kinds of question. *Separation* (Table 4): a sound that one method made for one of two
instruments, and both of them: which is it, or both, or neither? *Correspondence* (Table 5): a
picture with a marked pixel, and the sound of that pixel: could it come from there? Who sees is
asked for its loudest pixel. Who hears only, or is told the class, is asked for the instrument; its
middle is marked, or the picture's where nobody knows where it stands.
Among them are hidden references: true stems, mixtures, and sounds of the other instrument.

The page is blind: it holds no name of a method. ``test.key.json``, written beside it, says what
was what; keep it away from listeners. ``training judgements`` reads it with their answers.
"""

from __future__ import annotations

import json
import secrets
import sys
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any, Literal

import numpy as np

from pixelplayer.one_line import OneLineParser
from training import drawing
from training.clips import Clip
from training.commands import command
from training.contenders import Contender, methods_of
from training.material import add_material_options, open_material
from training.methods import Problem, mixture_itself
from training.mixing import Mixtures
from training.paper import AUDIO
from training.pixels import loudest_pixels
from training.variants import View
from training.whole import write_text

Kind = Literal["separation", "correspondence"]
TEMPLATE = Path(__file__).with_name("listening.html")
LONGEST_S = 6.0
_SEED = 2018  # the mixtures of `training table`
_PEAK = 0.7  # all sounds are equally loud at their peaks: level must not tell a method
_REFERENCE = "reference"


@dataclass(frozen=True, slots=True, kw_only=True)
class Key:
    """What one question was: the answer that is right, and the method that made its sound.

    ``method`` is ``reference`` for sounds that are what they are said to be.
    """

    item: str
    kind: Kind
    method: str
    right: str


@dataclass(frozen=True, slots=True, eq=False)
class Question:
    """One question of the page, and its key."""

    item: Mapping[str, Any]
    key: Key


def questions(
    problem: Problem, methods: Mapping[str, Contender], rate_hz: int, rng: np.random.Generator
) -> Iterator[Question]:
    """Of one mixture of two: both kinds for every method, and their references.

    Each method is asked for one of the two instruments, drawn anew for each.

    Raises:
        ValueError: it is no mixture of two; the paper's questions are of the first and the second.
    """
    if len(problem.clips) != 2:
        raise ValueError(
            f"a listening test asks of mixtures of two, got one of {len(problem.clips)}"
        )
    for name, contender in methods.items():
        place = int(rng.integers(2))
        sound = contender.method(problem)[place]
        yield _separation(problem, sound, rate_hz, name, ("first", "second")[place])
        clip, pixel = problem.clips[place], _middle_of_instrument(problem.clips[place])
        if contender.watcher is not None:
            found = loudest_pixels(problem, contender.watcher)
            pixel, sound = found.places[place], found.sounds[place]
        yield _correspondence(clip, pixel, sound, rate_hz, name, "yes")
    place = int(rng.integers(2))
    stem, other = problem.stems[place], problem.stems[1 - place]
    yield _separation(problem, stem, rate_hz, _REFERENCE, ("first", "second")[place])
    yield _separation(problem, problem.mixture, rate_hz, _REFERENCE, "both")
    clip, pixel = problem.clips[place], _middle_of_instrument(problem.clips[place])
    yield _correspondence(clip, pixel, stem, rate_hz, _REFERENCE, "yes")
    yield _correspondence(clip, pixel, other, rate_hz, _REFERENCE, "no")


def _separation(
    problem: Problem, sound: np.ndarray, rate_hz: int, method: str, right: str
) -> Question:
    names = [_spoken(clip.label) for clip in problem.clips]
    shown = [
        {"picture": _middle(clip.frames), "name": name, "caption": name}
        for clip, name in zip(problem.clips, names, strict=True)
    ]
    return _question("separation", shown, sound, rate_hz, method, right)


def _correspondence(  # noqa: PLR0917  what a question is made of
    clip: Clip, pixel: np.ndarray, sound: np.ndarray, rate_hz: int, method: str, right: str
) -> Question:
    marked = [round(float(value), 4) for value in pixel]
    shown = [{"picture": _middle(clip.frames), "name": "a picture", "pixel": marked}]
    return _question("correspondence", shown, sound, rate_hz, method, right)


def _question(  # noqa: PLR0917
    kind: Kind,
    shown: Sequence[Mapping[str, Any]],
    sound: np.ndarray,
    rate_hz: int,
    method: str,
    right: str,
) -> Question:
    item = secrets.token_hex(6)
    part = sound[: round(LONGEST_S * rate_hz)]
    level = part * (_PEAK / max(float(np.abs(part).max()), 1e-6))
    return Question(
        {"id": item, "kind": kind, "shown": list(shown), "sound": drawing.wav(level, rate_hz)},
        Key(item=item, kind=kind, method=method, right=right),
    )


def _middle_of_instrument(clip: Clip) -> np.ndarray:
    """x and y, of the picture's where nobody knows where the instrument stands."""
    x0, y0, x1, y1 = clip.box or (0.0, 0.0, 1.0, 1.0)
    return np.array([(x0 + x1) / 2, (y0 + y1) / 2])


def _middle(frames: np.ndarray) -> str:
    return drawing.png(frames[len(frames) // 2][..., ::-1])


def _spoken(label: str) -> str:
    return label.removeprefix("band_").replace("_", " ")


def write_test(asked: Sequence[Question], out: Path) -> Path:
    """Write the page, and the key beside it; where the key is.

    Raises:
        TrainingError: the disk does not take them.
    """
    name = secrets.token_hex(4)
    # "</" could end the element that holds the data.
    test = json.dumps({"id": name, "items": [one.item for one in asked]}).replace("</", "<\\/")
    page = TEMPLATE.read_text(encoding="utf-8").replace("/*TEST*/", test)
    key = out.with_suffix(".key.json")
    items = [asdict(one.key) for one in asked]
    write_text(key, json.dumps({"version": 1, "test": name, "items": items}, indent=1))
    write_text(out, page)  # last: no page without its key
    return key


@command
def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0; 2 for material or checkpoints that cannot be used; 1 if it cannot be written."""
    parser = OneLineParser(prog="training listen", description=__doc__.splitlines()[0])
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
    parser.add_argument("--mixtures", type=int, default=6, metavar="N", help="(6)")
    parser.add_argument("--out", type=Path, required=True, metavar="HTML")
    options = parser.parse_args(arguments)
    if options.mixtures < 1:
        parser.error("a test wants --mixtures of 1 or more")
    material = open_material(options, AUDIO)
    mixtures = Mixtures(material.judged, View(material.audio, "log"), count=2, seed=_SEED)
    methods = {
        name: contender
        for name, contender in methods_of(material, options.work, options.model).items()
        if contender.method is not mixture_itself
    }
    rng = np.random.default_rng()
    asked = [
        question
        for number in range(options.mixtures)
        for question in questions(
            Problem.of(mixtures.solos(number)), methods, material.audio.rate_hz, rng
        )
    ]
    key = write_test(asked, options.out)
    print(f"{options.out}: {len(asked)} questions, for listeners; {key}: for you alone")
    return 0


if __name__ == "__main__":
    sys.exit(main())
