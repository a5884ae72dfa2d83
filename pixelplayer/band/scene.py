"""A scene of the virtual band: instruments that play side by side, with true stems and places."""

from __future__ import annotations

import functools
from collections.abc import Sequence
from dataclasses import dataclass, field

import numpy as np

from pixelplayer.band.backdrop import backdrop
from pixelplayer.band.body import Samples
from pixelplayer.band.canvas import Picture, paste, resized
from pixelplayer.band.figures import draw
from pixelplayer.band.gallery import Gallery
from pixelplayer.band.motion import FPS, PHASES, Motion, motion
from pixelplayer.band.players import INSTRUMENTS, generator, perform, player
from pixelplayer.band.score import Note, melody, random_key

_ASPECT = 16.0 / 9.0  # of the picture that sizes are chosen for; others are stretched
_HELD_BYTES = 160_000_000  # painted poses that a scene keeps
_LEVEL_SPREAD_DB = 2.5  # each stem is within this of the others' mean level
_MIXTURE_PEAK = 0.9

Box = tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class PlacedInstrument:
    """An instrument and its place: ``(x0, y0, x1, y1)``, fractions of the picture, y down."""

    name: str
    box: Box


@dataclass(frozen=True, slots=True)
class Act:
    """How one instrument appears: its square (fractions of the picture), looks and motion."""

    instrument: str
    look: int
    square: Box
    motion: Motion


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """What is heard and seen.

    ``stems`` is float32 ``(instruments, samples)`` in the order of ``objects``, left to right;
    ``mixture`` ``(samples,)`` is exactly their sum. All of it repeats from the picture's point of
    view: ``frame`` takes any time.
    """

    rate_hz: int
    stems: Samples
    mixture: Samples
    objects: tuple[PlacedInstrument, ...]
    acts: tuple[Act, ...]
    stage: int
    fps: int = FPS
    _gallery: Gallery = field(default_factory=lambda: Gallery(_HELD_BYTES), repr=False)

    @property
    def duration_s(self) -> float:
        """Seconds until the scene begins again."""
        return float(self.mixture.size / self.rate_hz)

    def frame(self, t_s: float, height: int, width: int) -> Picture:
        """The picture at ``t_s``, uint8 ``(height, width, 3)`` BGR, the caller's own.

        Poses are painted when first seen and kept, so that a frame is a few copies. Not to be
        called from two threads at once.
        """
        return self._picture(int(np.floor(t_s % self.duration_s * self.fps + 1e-6)), height, width)

    def rehearse(self, height: int, width: int) -> None:
        """Paint every pose of the scene at this size beforehand, so that no frame is late."""
        for index in range(self.acts[0].motion.phase.size):
            self._picture(index, height, width)

    def _picture(self, index: int, height: int, width: int) -> Picture:
        size = (height, width)
        empty = self._gallery.show(size, lambda: backdrop(height, width, self.stage))
        picture: Picture = empty.copy()
        for act in self.acts:
            place = index % act.motion.phase.size
            pose = (int(act.motion.phase[place]), float(act.motion.loudness[place]))
            x0, y0, x1, y1 = _pixels(act.square, height, width)
            patch = self._gallery.show(
                (size, act.square, pose),
                functools.partial(_patch, act, pose, empty[y0:y1, x0:x1]),
            )
            picture[y0:y1, x0:x1] = patch
        return picture


def scene(
    seed: int, duration_s: float, rate_hz: int, instruments: Sequence[str] | None = None
) -> Scene:
    """A seeded scene: ``instruments`` from left to right, two at random if ``None``.

    They play different melodies in one key, at levels within 5 dB of one another. Raises
    ``ValueError`` on an unknown instrument, none at all, or a duration that holds no tone.
    """
    rng = np.random.default_rng([seed, 0x5CE2E])
    if instruments is None:
        instruments = [str(name) for name in rng.permutation(INSTRUMENTS)[:2]]
    key = random_key(rng)
    parts: list[tuple[str, Sequence[Note], Samples]] = []
    for name in instruments:
        own = generator(int(rng.integers(2**31)), name)
        notes = melody(own, player(name).manner, key, duration_s)
        parts.append((name, notes, perform(name, notes, own, duration_s, rate_hz)))
    return staged(parts, rng, rate_hz)


def staged(
    parts: Sequence[tuple[str, Sequence[Note], Samples]], rng: np.random.Generator, rate_hz: int
) -> Scene:
    """Put finished performances (instrument, notes, samples), left to right, on a stage."""
    if not parts:
        raise ValueError("a scene needs at least one instrument")
    stems = _balanced(np.stack([samples for _, _, samples in parts]), rng)
    acts, objects = [], []
    for index, (name, notes, samples) in enumerate(parts):
        look = int(rng.integers(2**31))
        square = _square(index, len(parts), rng)
        acts.append(Act(name, look, square, motion(notes, samples, rate_hz)))
        objects.append(PlacedInstrument(name, _within(square, extent(name, look))))
    return Scene(
        rate_hz=rate_hz,
        stems=stems,
        mixture=stems.sum(axis=0, dtype=np.float32),
        objects=tuple(objects),
        acts=tuple(acts),
        stage=int(rng.integers(2**31)),
    )


def extent(instrument: str, look: int) -> Box:
    """The part of its square that the instrument ever covers while it plays, as fractions."""
    size = 96
    seen = np.zeros((size, size), dtype=bool)
    for step in range(9):
        sprite = draw(instrument, size, look, step / 8.0, 1.0 if step < 8 else 0.0)
        seen |= sprite[..., 3] > 0
    rows, columns = np.flatnonzero(seen.any(axis=1)), np.flatnonzero(seen.any(axis=0))
    edges = np.array([columns[0] - 1, rows[0] - 1, columns[-1] + 2, rows[-1] + 2]) / size
    x0, y0, x1, y1 = np.clip(edges, 0.0, 1.0).tolist()
    return x0, y0, x1, y1


def _patch(act: Act, pose: tuple[int, float], behind: Picture) -> Picture:
    height, width = behind.shape[:2]
    phase, loudness = pose
    sprite = draw(act.instrument, max(height, width), act.look, phase / PHASES, loudness)
    return paste(behind, resized(sprite, height, width))


def _balanced(stems: Samples, rng: np.random.Generator) -> Samples:
    """``(N, n)`` at nearly the same level, none louder than it was, the sum within full scale."""
    level = np.sqrt(np.mean(stems.astype(np.float64) ** 2, axis=1)) + 1e-9
    offset_db = rng.uniform(-_LEVEL_SPREAD_DB, _LEVEL_SPREAD_DB, level.size)
    gain = 10.0 ** (offset_db / 20.0) / level
    gain /= gain.max()
    peak = float(np.abs((gain[:, None] * stems).sum(axis=0)).max())
    gain *= min(1.0, _MIXTURE_PEAK / max(peak, 1e-9))
    balanced: Samples = (gain[:, None] * stems).astype(np.float32)
    return balanced


def _square(index: int, count: int, rng: np.random.Generator) -> Box:
    """Where the ``index``-th of ``count`` stands: its own column of the picture, on the floor."""
    column = 0.98 / count
    largest = min(0.55, column)
    width = float(rng.uniform(max(0.82 * largest, min(0.3, largest)), largest))
    height = width * _ASPECT
    x0 = 0.01 + index * column + float(rng.uniform(0.0, 1.0)) * (column - width)
    y1 = 0.995 - float(rng.uniform(0.0, 1.0)) * min(0.08, 0.99 - height)
    return x0, y1 - height, x0 + width, y1


def _within(square: Box, part: Box) -> Box:
    x0, y0, x1, y1 = square
    return (
        x0 + (x1 - x0) * part[0],
        y0 + (y1 - y0) * part[1],
        x0 + (x1 - x0) * part[2],
        y0 + (y1 - y0) * part[3],
    )


def _pixels(square: Box, height: int, width: int) -> tuple[int, int, int, int]:
    x0, y0, x1, y1 = square
    return round(x0 * width), round(y0 * height), round(x1 * width), round(y1 * height)
