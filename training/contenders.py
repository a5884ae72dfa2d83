"""All that stands in the table: baselines, what was trained, a live model, and ceilings."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
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
    material: Material, work: Path | None = None, models: Sequence[Path] = ()
) -> Mapping[str, Contender]:
    """By the names of their rows: as far as the material, the work folder and models allow.

    Args:
        material: what baselines learn from.
        work: of ``training.separate``.
        models: folders of live models.

    Raises:
        ClipError: a checkpoint in the work folder, or a model, cannot be read.
    """
    views: dict[str, View] = {scale: View(material.audio, scale) for scale in ("linear", "log")}
    bases = learn_bases(material.learned, views["linear"], np.random.default_rng(_SEED))
    found = {
        "mixture": Contender(mixture_itself),
        "NMF": Contender(nmf(bases, views["linear"])),
    }
    for name, variant in VARIANTS.items():
        for kind in KINDS:
            row = checkpoint_name(kind, name)
            path = trained(work, row) if work else None
            if path and path.exists():
                found[row] = _trained(path, views[variant.scale], variant)
    for folder in models:
        found |= _live(folder, material)
    for name in ("binary-log", "ratio-linear"):
        variant = VARIANTS[name]
        found[f"oracle {name}"] = Contender(oracle_mask(views[variant.scale], variant))
    return found


def _trained(path: Path, view: View, variant: Variant) -> Contender:
    model, what = read_model(path)
    watcher = PaperWatcher(model, view, variant) if isinstance(model, PixelPlayer) else None
    return Contender(network(model, view, variant, what.classes), watcher)


def _live(folder: Path, material: Material) -> dict[str, Contender]:
    """Shown the clips' pictures; and told their classes, if it knows the words for all of them."""
    model = LiveModel(folder, material.audio.rate_hz)
    rows = {f"{folder}, shown": Contender(model.shown, model)}
    if model.knows(material.judged.labels):
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
