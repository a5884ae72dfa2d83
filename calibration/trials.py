"""What a precision costs: scenes of the virtual band, separated by each graph in turn.

Objects are given, so that nothing but the networks differs: their visual vectors are what the
visual network says in their boxes, and the sound is separated as a whole.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from contextlib import ExitStack
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.collect import shown
from engines.model import Model
from engines.protocol import Engine, Network
from engines.remembering import Remembering
from pixelplayer import band
from pixelplayer.masks import mask_logits, sigmoid
from pixelplayer.metrics import bss_eval_in_order
from pixelplayer.offline import Infer, cells_in, separate_offline, vectors_of
from pixelplayer.pictures import prepared
from pixelplayer.spec import USUAL, ModelSpec
from pixelplayer.stft import stft
from pixelplayer.warp import LogFrequencyWarp

Floats = NDArray[np.float32]
Open = Callable[[Network, tuple[int, int]], Engine]  # a network, for a grid of cells

_WINDOWS = 1.5  # length of a scene
_PICTURES = 3
_FILTER_TAPS = 128  # of BSS-eval: differences between precisions need no room


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """One scene: ``stems`` (N, n) at the model's rate, ``pictures`` (p, 3, H, W), and boxes."""

    stems: Floats
    pictures: Floats
    boxes: tuple[tuple[float, float, float, float], ...]

    @property
    def mixture(self) -> Floats:
        """(n,)."""
        mixture: Floats = self.stems.sum(axis=0, dtype=np.float32)
        return mixture


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """What one pair of graphs made of the trials."""

    sdr_db: float  # mean over stems
    in_place: float  # share of stems whose likest cell lies in their box
    features: Floats  # (cells of all pictures, K)
    sound: Floats  # (points of some windows, K)


@dataclass(frozen=True, slots=True, kw_only=True)
class Cost:
    """One precision against another: what is lost."""

    sdr_db: float
    in_place: float
    vision_cosine: float  # over cells, each weighted by its length
    sound_cosine: float  # over points, likewise


def trials(model: Model, count: int, seed: int) -> list[Trial]:
    """``count`` duets."""
    spec = model.spec
    rate_hz = spec.audio.rate_hz
    duration_s = _WINDOWS * spec.audio.columns * spec.audio.hop / rate_hz
    found = []
    for number in range(count):
        scene = band.scene(seed + number, duration_s, rate_hz)
        moments = np.linspace(0, duration_s, _PICTURES, endpoint=False)
        looks = [shown(spec, scene.frame(float(t), 270, 480), "") for t in moments]
        found.append(
            Trial(
                stems=scene.stems,
                pictures=np.stack([look.picture for look in looks]),
                boxes=tuple(thing.box for thing in scene.objects),
            )
        )
    return found


def judged(model: Model, open_network: Open, scenes: Sequence[Trial]) -> Outcome:
    """Separate every scene with the two networks that ``open_network`` opens."""
    spec = model.spec
    grid = spec.vision.grid_for(*USUAL)
    warp = LogFrequencyWarp(spec.audio, spec.audio.at_rate(spec.audio.rate_hz))
    sdr, right, features, sound = [], [], [], []
    with ExitStack() as opened:
        vision = opened.enter_context(open_network("vision", grid))
        hear = _ears(opened.enter_context(open_network("sound", grid)), spec)
        for scene in scenes:
            ready = prepared(scene.pictures, spec.vision.picture)
            maps = np.stack([vision.infer({"picture": one[None]})["features"][0] for one in ready])
            cells = np.stack([cells_in(box, *grid) for box in scene.boxes])
            streams = separate_offline(
                hear,
                spec,
                model.scale,
                model.bias,
                samples=scene.mixture,
                rate_hz=spec.audio.rate_hz,
                vectors=vectors_of(maps, cells),
            )[:-1]
            scores = bss_eval_in_order(scene.stems, streams, filter_taps=_FILTER_TAPS)
            sdr += scores.sdr.tolist()
            window = _window(scene.mixture, model, warp)
            heard = hear(window[None, None])[0]
            right += _pointed(scene, maps.max(axis=0), heard, model, warp)
            features.append(maps.transpose(0, 2, 3, 1).reshape(-1, spec.channels))
            sound.append(heard[:, ::8, ::8].reshape(spec.channels, -1).T)
    return Outcome(
        sdr_db=float(np.mean(sdr)),
        in_place=float(np.mean(right)),
        features=np.concatenate(features),
        sound=np.concatenate(sound),
    )


def _ears(engine: Engine, spec: ModelSpec) -> Infer:
    """A window to what is heard in it; one that remembers hears it from its beginning."""
    if spec.sound.is_streaming:
        return Remembering(engine, spec.sound.lookaheads).whole
    return lambda window: engine.infer({"log_magnitude": window})["sound"]


def cost(reference: Outcome, other: Outcome) -> Cost:
    """What ``other`` loses."""
    return Cost(
        sdr_db=reference.sdr_db - other.sdr_db,
        in_place=reference.in_place - other.in_place,
        vision_cosine=_cosine(reference.features, other.features),
        sound_cosine=_cosine(reference.sound, other.sound),
    )


def _cosine(first: Floats, second: Floats) -> float:
    """Between rows; those of a small length, in which nothing is said, count as little."""
    lengths = np.linalg.norm(first, axis=1) * np.linalg.norm(second, axis=1)
    return float((first * second).sum() / lengths.sum())


def _window(samples: Floats, model: Model, warp: LogFrequencyWarp) -> Floats:
    """(F, T): the first window."""
    audio = model.spec.audio
    loud: Floats = warp.log_magnitude(stft(samples, audio.at_rate(audio.rate_hz)))
    return loud[:, : audio.columns]


def _pointed(
    scene: Trial, features: Floats, heard: Floats, model: Model, warp: LogFrequencyWarp
) -> list[bool]:
    """Whether the cell whose part of the mixture is most like a stem lies in the stem's box."""
    audio = model.spec.audio
    analysis = audio.at_rate(audio.rate_hz)
    cells = [cells_in(box, *features.shape[1:]) for box in scene.boxes]
    whole = warp.to_log(np.abs(stft(scene.mixture, analysis)))[:, : audio.columns]
    stems = warp.to_log(np.abs(stft(scene.stems, analysis)))[..., : audio.columns]
    differences = np.empty((len(stems), cells[0].size))
    for place, vector in enumerate(features.reshape(len(features), -1).T):
        mask = sigmoid(mask_logits(vector[None], heard, model.scale, model.bias))[0]
        differences[:, place] = np.abs(mask * whole - stems).sum(axis=(1, 2))
    nearest = differences.argmin(axis=1)
    return [bool(own.ravel()[place]) for own, place in zip(cells, nearest, strict=True)]
