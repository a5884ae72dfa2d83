"""What travels between the stages: frozen, checked on construction, never pickled.

Rules that hold for every message:

* ``stream`` names the recording or the live session, ``sequence`` counts the messages of one
  producer on one topic from 0.
* ``capture_ns`` is the instant at which the first sample (or the picture) was taken, on the clock
  of the run (:mod:`realtime.clock`). In ``--pace fast`` it is the position in the media.
* Identity in time is the integer sample index ``first_sample``; ranges are half-open.
* Arrays belong to the message once it is built: the producer does not write into them again, and
  the view that consumers get is read-only. ``repr`` shows shapes, never data.
* A field that is out of range raises ``MessageError`` naming field, wish and finding. Numbers
  are finite, but for a level of silence, which is -inf dB.
"""

from __future__ import annotations

import dataclasses
import math
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Literal, TypeAlias, get_args

import numpy as np
from numpy.typing import NDArray

from realtime.checks import (
    MOST_CHARACTERS,
    MOST_OBJECTS,
    MessageError,
    brief,
    check_array,
    check_at_least,
    check_ids,
    check_integer,
    check_number,
    check_numbers,
    check_rate,
    check_text,
    failure,
)

Float32: TypeAlias = NDArray[np.float32]
Complex64: TypeAlias = NDArray[np.complex64]
Uint8: TypeAlias = NDArray[np.uint8]
Int16: TypeAlias = NDArray[np.int16]

ControlKind: TypeAlias = Literal[
    "click",
    "solo",
    "unsolo",
    "mute",
    "gain",
    "pin",
    "unpin",
    "objects",
    "lookahead",
    "record",
    "quit",
]
RESIDUAL_ID = 0  # the object id that stands for "everything no object claims"

LONGEST_GAP_S = 24 * 3600
_LARGEST_NUMBER = 1e6  # of gains, decibels, objects, milliseconds


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Message:
    """What all messages have."""

    stream: str
    sequence: int

    def __post_init__(self) -> None:
        check_text(self, "stream")
        check_at_least(self, 0, "sequence")

    def __repr__(self) -> str:
        fields = (
            f"{field.name}={brief(getattr(self, field.name))}" for field in dataclasses.fields(self)
        )
        return f"{type(self).__name__}({', '.join(fields)})"


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class VideoFrame(Message):
    """One picture: ``pixels`` uint8 (height, width, 3), BGR."""

    capture_ns: int
    pixels: Uint8

    def __post_init__(self) -> None:
        Message.__post_init__(self)
        check_integer(self, "capture_ns")
        check_array(self, "pixels", np.uint8, (None, None, 3))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class AudioChunk(Message):
    """Mono sound: ``samples`` float32 (n,), nominally in -1..1, n >= 1."""

    capture_ns: int
    first_sample: int
    rate_hz: int
    samples: Float32

    def __post_init__(self) -> None:
        Message.__post_init__(self)
        check_integer(self, "capture_ns")
        check_at_least(self, 0, "first_sample")
        check_rate(self)
        check_array(self, "samples", np.float32, (None,))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class CapturedPicture(Message):
    """A picture that a browser took: ``jpeg`` uint8 (n,), a file; nobody has looked into it yet.

    ``visit`` counts the browsers that were the camera so far, from 1.
    """

    capture_ns: int
    visit: int
    jpeg: Uint8

    def __post_init__(self) -> None:
        Message.__post_init__(self)
        check_integer(self, "capture_ns")
        check_at_least(self, 1, "visit")
        check_array(self, "jpeg", np.uint8, (None,))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class CapturedSound(Message):
    """Mono sound that a browser took: ``samples`` int16 (n,).

    ``first_sample`` counts the samples of this ``visit``, from wherever the browser began.
    """

    capture_ns: int
    visit: int
    first_sample: int
    rate_hz: int
    samples: Int16

    def __post_init__(self) -> None:
        Message.__post_init__(self)
        check_integer(self, "capture_ns")
        check_at_least(self, 1, "visit")
        check_at_least(self, 0, "first_sample")
        check_rate(self)
        check_array(self, "samples", np.int16, (None,))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class AudioGap(Message):
    """Samples [first_sample, first_sample + length_samples) were lost; stands in their place.

    On topic ``audio`` it replaces :class:`AudioChunk`, on ``streams`` :class:`Streams`.
    """

    first_sample: int
    length_samples: int
    rate_hz: int

    def __post_init__(self) -> None:
        Message.__post_init__(self)
        check_at_least(self, 0, "first_sample")
        check_at_least(self, 1, "length_samples")
        check_rate(self)
        if self.length_samples > LONGEST_GAP_S * self.rate_hz:
            raise failure(self, "length_samples", f"at most {LONGEST_GAP_S} s")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class SightMap(Message):
    """What one picture shows: ``features`` float32 (S, K, h, w) in 0..1, of frame_sequence.

    There are S looks at it, of ever more pixels.

    ``shot`` counts the cuts before it.
    """

    capture_ns: int
    frame_sequence: int
    shot: int
    features: Float32

    def __post_init__(self) -> None:
        Message.__post_init__(self)
        check_integer(self, "capture_ns")
        check_at_least(self, 0, "frame_sequence")
        check_at_least(self, 0, "shot")
        check_array(self, "features", np.float32, (None, None, None, None))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class SoundColumns(Message):
    """The newest w columns: what they sound like, and the spectrum they belong to.

    ``capture_ns`` is the centre of the first column; ``features`` float32 (K, F, w), linear;
    ``spectrum`` complex64 (bins, w) of the mixture, with windows of low delay
    (``pixelplayer.stft.low_delay``). Of the mixture ``known_samples`` were there.
    """

    capture_ns: int
    first_column: int
    known_samples: int
    rate_hz: int
    features: Float32
    spectrum: Complex64

    def __post_init__(self) -> None:
        Message.__post_init__(self)
        check_integer(self, "capture_ns")
        check_at_least(self, 0, "first_column", "known_samples")
        check_rate(self)
        check_array(self, "features", np.float32, (None, None, None))
        check_array(self, "spectrum", np.complex64, (None, self.features.shape[2]))


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Streams(Message):
    """The separated sound: ``samples`` float32 (N + 1, n), one row per object, residual last.

    The rows sum to the mixture. ``object_ids`` (N ids >= 1) name the rows; ``gains`` (N + 1,
    linear, >= 0) are the effective gains, solo and mute included, and ``pans`` (N + 1, -1 left ..
    1 right) the places: both are to be applied by the listener, the samples are untouched.
    """

    capture_ns: int
    first_sample: int
    rate_hz: int
    object_ids: tuple[int, ...]
    samples: Float32
    gains: tuple[float, ...]
    pans: tuple[float, ...]

    def __post_init__(self) -> None:
        Message.__post_init__(self)
        check_integer(self, "capture_ns")
        check_at_least(self, 0, "first_sample")
        check_rate(self)
        check_ids(self, "object_ids", 1)
        rows = len(self.object_ids) + 1
        check_array(self, "samples", np.float32, (rows, None))
        check_numbers(self, "gains", rows, 0.0, _LARGEST_NUMBER)
        check_numbers(self, "pans", rows, -1.0, 1.0)


@dataclass(frozen=True, slots=True, kw_only=True)
class SceneObject:
    """One sounding object.

    ``colour`` is (blue, green, red) in 0..255; ``box`` (x0, y0, x1, y1) and ``centroid`` (x, y)
    are fractions of the picture, x right, y down; ``energy_db`` is its heat relative to the
    mixture, ``level_db`` the level of its stream in dBFS; ``gain`` is linear, 0 when it is not
    heard, ``set_gain`` as it was set, heard or not; ``is_pinned``: it stays where it was put;
    ``name`` is the instrument that it is taken for, "" where that is not known.
    """

    id: int
    colour: tuple[int, int, int]
    box: tuple[float, float, float, float]
    centroid: tuple[float, float]
    energy_db: float
    level_db: float
    gain: float
    set_gain: float = 1.0
    is_pinned: bool = False
    name: str = ""

    def __post_init__(self) -> None:
        check_at_least(self, 1, "id")
        check_numbers(self, "colour", 3, 0, 255)
        check_numbers(self, "box", 4, 0.0, 1.0)
        check_numbers(self, "centroid", 2, 0.0, 1.0)
        check_number(self, "energy_db", -math.inf, _LARGEST_NUMBER)
        check_number(self, "level_db", -math.inf, _LARGEST_NUMBER)
        check_number(self, "gain", 0.0, _LARGEST_NUMBER)
        check_number(self, "set_gain", 0.0, _LARGEST_NUMBER)
        if not isinstance(self.is_pinned, bool):
            raise failure(self, "is_pinned", "true or false")
        if not isinstance(self.name, str) or len(self.name) > MOST_CHARACTERS:
            raise failure(self, "name", f"at most {MOST_CHARACTERS} characters")
        if not self.name.isprintable():  # it is drawn, printed and written
            raise failure(self, "name", "characters that can be printed")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Scene(Message):
    """Who sounds where: ``heatmap_db`` float32 (h, w), ``clusters`` int16 (h, w) object id or 0.

    ``soloed`` and ``muted`` are ids; nothing is in both.
    """

    capture_ns: int
    objects: tuple[SceneObject, ...]
    heatmap_db: Float32
    clusters: Int16
    residual_level_db: float
    residual_gain: float
    residual_set_gain: float = 1.0
    soloed: tuple[int, ...]
    muted: tuple[int, ...] = ()

    def __post_init__(self) -> None:
        Message.__post_init__(self)
        check_integer(self, "capture_ns")
        if not all(isinstance(item, SceneObject) for item in self.objects):
            raise MessageError("Scene.objects: wanted SceneObject only")
        if len(self.objects) > MOST_OBJECTS:
            raise MessageError(f"Scene.objects: wanted at most {MOST_OBJECTS}")
        check_array(self, "heatmap_db", np.float32, (None, None))
        check_array(self, "clusters", np.int16, self.heatmap_db.shape)
        check_number(self, "residual_level_db", -math.inf, _LARGEST_NUMBER)
        check_number(self, "residual_gain", 0.0, _LARGEST_NUMBER)
        check_number(self, "residual_set_gain", 0.0, _LARGEST_NUMBER)
        check_ids(self, "soloed", 0)
        check_ids(self, "muted", 0)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Control(Message):
    """What the user asks for.

    ``x`` and ``y`` are fractions of the picture (click, pin), ``object_id`` is an object or 0 for
    the residual (solo, mute, gain, unpin), ``value`` a linear gain, a number of objects,
    or milliseconds of lookahead, less than 0 where what comes next is guessed; of solo, mute and
    record 0 for off and 1 for on, None for the other of the two.
    """

    kind: ControlKind
    x: float | None = None
    y: float | None = None
    object_id: int | None = None
    value: float | None = None

    def __post_init__(self) -> None:
        Message.__post_init__(self)
        if self.kind not in get_args(ControlKind):
            raise MessageError(
                f"Control.kind: wanted one of {get_args(ControlKind)}, got {self.kind!r}"
            )
        for name in ("x", "y"):
            if getattr(self, name) is not None:
                check_number(self, name, 0.0, 1.0)
        if self.object_id is not None:
            check_at_least(self, 0, "object_id")
        if self.value is not None:
            least = -_LARGEST_NUMBER if self.kind == "lookahead" else 0.0
            check_number(self, "value", least, _LARGEST_NUMBER)


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class Stats(Message):
    """How ``stage`` is doing: counters and gauges; the unit is at the end of each name.

    What a stage says may be infinite or no number; on the way to others such a message is lost.
    """

    stage: str
    values: Mapping[str, float]

    def __post_init__(self) -> None:
        Message.__post_init__(self)
        check_text(self, "stage")
        for key, value in self.values.items():
            if not isinstance(key, str) or isinstance(value, bool):
                raise MessageError(
                    f"Stats.values: wanted name -> number, got {key!r} -> {brief(value)}"
                )
            if not isinstance(value, int | float | np.integer | np.floating):
                raise MessageError(f"Stats.values[{key!r}]: wanted a number, got {brief(value)}")


@dataclass(frozen=True, slots=True, kw_only=True, eq=False, repr=False)
class End(Message):
    """Nothing follows on ``topic``; the last message a producer sends there.

    ``stop_sample`` is the length of the input's sound, where the producer knows it: what lies
    beyond is padding.
    """

    topic: str
    stop_sample: int | None = None

    def __post_init__(self) -> None:
        Message.__post_init__(self)
        check_text(self, "topic")
        if self.stop_sample is not None:
            check_at_least(self, 0, "stop_sample")
