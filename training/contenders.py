"""All that stands in the table: baselines, what was trained, a live model, and ceilings."""

from __future__ import annotations

import sys
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import nn

from training.clips import ClipError
from training.live_model import LiveModel
from training.material import Material
from training.methods import Method, mixture_itself, network, oracle_mask
from training.nmf import learn_bases, nmf
from training.separate import checkpoint_name, trained
from training.separators import KINDS, Make, PixelPlayer, make
from training.variants import VARIANTS, Variant, View
from training.watching import PaperWatcher, Watcher

_SEED = 2018


@dataclass(frozen=True, slots=True)
class Contender:
    """A method, and how it watches pictures if it sees."""

    method: Method
    watcher: Watcher | None = None


def methods_of(
    material: Material,
    work: Path | None = None,
    models: Sequence[Path] = (),
    labels: Sequence[str] | None = None,
) -> Mapping[str, Contender]:
    """By the names of their rows: as far as the material, the work folder and models allow.

    Who goes by classes, and does not know all that are asked for, is left out and named.

    Args:
        material: what baselines learn from.
        work: of ``training.separate``.
        models: folders of live models.
        labels: that are asked for; all of the clips that are kept out unless told.

    Raises:
        ClipError: there is no work folder; a checkpoint in it, or a model, cannot be read.
    """
    if work and not work.is_dir():
        raise ClipError(
            f"{work} is no folder: --work wants one of `training separate`, or leave it out"
        )
    views: dict[str, View] = {scale: View(material.audio, scale) for scale in ("linear", "log")}
    asked = set(material.judged.labels if labels is None else labels)
    found = {"mixture": Contender(mixture_itself)}
    bases = _bases(material, views["linear"], labels)
    if _knows("NMF", bases, asked):
        found["NMF"] = Contender(nmf(bases, views["linear"]))
    for name, variant in VARIANTS.items():
        for kind in KINDS:
            row = checkpoint_name(kind, name)
            path = trained(work, row) if work else None
            if path and path.exists():
                model, what = read_model(path)
                contender = _trained(model, what, views[variant.scale], variant)
                if contender.watcher or _knows(row, what.classes, asked):
                    found[row] = contender
    for folder in models:
        found |= _live(folder, material.audio.rate_hz, asked)
    for name in ("binary-log", "ratio-linear"):
        variant = VARIANTS[name]
        found[f"oracle {name}"] = Contender(oracle_mask(views[variant.scale], variant))
    return found


def _bases(
    material: Material, view: View, labels: Sequence[str] | None
) -> Mapping[str, np.ndarray]:
    """Of solos; of a class that has none beside photographs, of its players in ensembles."""
    rng, learned = np.random.default_rng(_SEED), material.learned.labels
    if labels is None:
        return learn_bases(material.learned, view, rng)
    bases = learn_bases(material.learned, view, rng, sorted({*labels} & {*learned}))
    players = material.learned_ensembles
    if players is None:
        return bases
    rest = sorted({*labels} & {*players.labels} - {*learned})
    return {**bases, **learn_bases(players, view, rng, rest)}


def _knows(row: str, known: Collection[str], asked: Collection[str]) -> bool:
    """Whether all that is asked for is known; who does not know is named."""
    unknown = sorted({*asked} - {*known})
    if unknown:
        print(f"{row} does not know {', '.join(unknown)}, and is left out", file=sys.stderr)
    return not unknown


def _trained(model: nn.Module, what: Make, view: View, variant: Variant) -> Contender:
    watcher = PaperWatcher(model, view, variant) if isinstance(model, PixelPlayer) else None
    return Contender(network(model, view, variant, what.classes), watcher)


def _live(folder: Path, rate_hz: int, asked: Collection[str]) -> dict[str, Contender]:
    """Shown the clips' pictures; and told their classes, if it knows the words for all of them."""
    model = LiveModel(folder, rate_hz)
    rows = {f"{folder}, shown": Contender(model.shown, model)}
    if model.knows(sorted(asked)):
        rows[f"{folder}, told the class"] = Contender(model.told)
    return rows


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
