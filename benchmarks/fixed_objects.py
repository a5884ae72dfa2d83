"""Separation live and offline of the same clip among the same, given objects.

Searching for objects is left out on purpose: what remains is what streaming costs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from benchmarks.model_engines import OpenModel
from benchmarks.scene_files import Picture
from engines.remembering import Remembering
from pixelplayer.objects import TrackedObject
from pixelplayer.offline import WINDOWS, Box, Infer, cells_in, separate_offline, vectors_of
from pixelplayer.understanding import Understanding
from pixelplayer.vocabulary import Vocabulary
from pixelplayer.warp import LogFrequencyWarp
from realtime.stages.ears import Ear, WindowEar
from realtime.stages.ears_in_turns import ears_in_turns, remembering_ear
from realtime.stages.listener import Listener, Pace
from realtime.stages.object_streams import ObjectStreams

Floats = NDArray[np.float32]
_LEVEL_S = 0.3  # of meters that nobody reads here


@dataclass(frozen=True, slots=True, kw_only=True)
class Clip:
    """A scene whose truth is known: ``stems`` ``(N, n)``, ``boxes`` in the same order."""

    name: str
    rate_hz: int
    stems: Floats
    boxes: tuple[Box, ...]
    pictures: tuple[Picture, ...]  # of one moment

    @property
    def mixture(self) -> Floats:
        """``(n,)``."""
        mixture: Floats = self.stems.sum(axis=0, dtype=np.float32)
        return mixture


def vectors(networks: OpenModel, clip: Clip) -> Floats:
    """``(N, K)``: what the visual network sees in each box."""
    maps = np.stack([networks.look(picture) for picture in clip.pictures])
    rows, columns = maps.shape[2:]
    return vectors_of(maps, np.stack([cells_in(box, rows, columns) for box in clip.boxes]))


def offline(
    networks: OpenModel,
    clip: Clip,
    objects: Floats,
    vocabulary: Vocabulary | None = None,
    windows: int = WINDOWS,
) -> Floats:
    """``(N + 1, n)``, every column seen with all its future; or as far ahead as the network hears.

    With a ``vocabulary`` the objects are understood with the help of what is heard. A column is the
    mean of ``windows``; with 2, of one.
    """
    model = networks.model
    if model.spec.sound.is_streaming:
        pace = Pace(
            columns_per_step=2,
            lookahead_columns=max(model.spec.sound.lookaheads),
            most_columns_per_step=2,
        )
        return live(networks, clip, objects, pace, vocabulary)
    return separate_offline(
        networks.hear,
        model.spec,
        model.scale,
        model.bias,
        samples=clip.mixture,
        rate_hz=clip.rate_hz,
        vectors=objects,
        vocabulary=vocabulary,
        windows=windows,
    )


def live(  # noqa: PLR0917  what is separated, and how
    networks: OpenModel,
    clip: Clip,
    objects: Floats,
    pace: Pace,
    vocabulary: Vocabulary | None = None,
    hear: Infer | None = None,
) -> Floats:
    """``(N + 1, n)`` through the live system's own listener, understanding and streams.

    ``hear`` answers in place of a network that looks at windows.
    """
    infer = hear or networks.hear
    spec = networks.model.spec
    analysis = spec.audio.at_rate(clip.rate_hz)
    ear: Ear = (
        remembering_ear(
            [
                Remembering(networks.sound, spec.sound.lookaheads)
                for _ in range(ears_in_turns(pace.columns_per_step))
            ],
            spec,
        )
        if spec.sound.is_streaming
        else WindowEar(lambda window, _wanted: infer(window), spec.audio)
    )
    listener = Listener(ear, spec.audio, spec.channels, analysis, pace, 0)
    warp = LogFrequencyWarp(spec.audio, analysis)
    streams = ObjectStreams(networks.synthesizer, analysis, warp, _LEVEL_S)
    model = networks.model
    understanding = vocabulary and Understanding(
        vocabulary, model.scale, model.bias, analysis=analysis, warp=warp
    )
    length = clip.stems.shape[1]
    rows = []
    for heard in (*listener.feed(clip.mixture), *listener.flush()):
        meant = objects
        if understanding:
            understanding.feed(heard.features, heard.spectrum)
            meant = understanding.vectors(objects)
        tracked = _tracked(meant, spec.vision.grid)
        rows.append(streams.feed(heard.spectrum, heard.features, tracked, heard.known_samples))
    return np.concatenate([*rows, streams.flush(length)], axis=1)


def _tracked(objects: Floats, grid: int) -> Sequence[TrackedObject]:
    return [
        TrackedObject(
            id=index,
            vector=vector,
            presence=1.0,
            live=True,
            centroid=(0.5, 0.5),
            box=(0.0, 0.0, 1.0, 1.0),
            cells=np.ones((grid, grid), bool),
            energy_db=0.0,
            age_s=0.0,
            silent_s=0.0,
            pinned=True,
        )
        for index, vector in enumerate(objects, 1)
    ]
