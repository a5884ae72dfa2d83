"""What a checkpoint is: every number that the model's shapes and sounds depend on.

A checkpoint folder's ``model.json`` carries all of them; no constant of the model is repeated in
code. The notation is that of the paper (*The Sound of Pixels*, ECCV 2018, section 3).
"""

from __future__ import annotations

import dataclasses
import json
import math
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Final, Literal, TypeAlias, TypeVar

from pixelplayer.pictures import PICTURE_INPUTS, PictureInput

SoundNetwork: TypeAlias = Literal["published", "live", "streaming"]
SOUND_NETWORKS: Final = ("published", "live", "streaming")
_CHOICES: Final = {"PictureInput": PICTURE_INPUTS, "SoundNetwork": SOUND_NETWORKS}

FRAME_COLUMNS: Final = 2  # that a network which streams is given at a time
STRETCH_COLUMNS: Final = 16  # … where many are there already; more are hardly cheaper
_INTEGERS: Final = "tuple[int, ...]"

# No model comes near: a description that was damaged must not ask for more than a machine has.
_MOST: Final[Mapping[str, float]] = {
    "audio.rate_hz": 1_000_000,
    "audio.n_fft": 2**16,
    "audio.hop": 2**16,
    "audio.columns": 2**12,
    "audio.frequency_bins": 2**13,
    "audio.warp_base": 1e6,
    "vision.width": 2**10,
    "vision.frame_px": 2**12,
    "vision.grid": 2**8,
    "vision.frames": 2**10,
    "vision.rate_hz": 1000.0,
    "vision.looks": 4,
    "sound.width": 2**10,
    "sound.levels": 16,
    "sound.lookaheads": 2**12,
    "sound.state": 2**26,
    "sound.step_columns": 2**8,
    "mask.power": 100.0,
    "mask.residual_floor": 1.0,
}
_MOST_CHANNELS = 2**10
_MOST_BYTES = 64 * 1024 * 1024  # of model.json
_LARGEST_INTEGER = 2**63
_LONGEST_NAME = 100
_LONGEST_SHOWN = 80  # characters of a value in a message

_T = TypeVar("_T")
USUAL: Final = (9, 16)  # height to width of most cameras
_NARROWEST = 3.0  # proportions of a picture


class SpecError(ValueError):
    """A model description is missing, unreadable or contradicts itself."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Analysis:
    """The short-time Fourier transform at one sample rate.

    ``magnitude_scale`` maps magnitudes at this rate to those at the checkpoint's own rate (a
    longer window sums more samples).
    """

    rate_hz: int
    n_fft: int
    hop: int
    magnitude_scale: float

    @property
    def bins(self) -> int:
        """Linear frequency bins, from 0 Hz to the Nyquist frequency inclusive."""
        return self.n_fft // 2 + 1

    @property
    def hop_ns(self) -> int:
        """Time between two columns, in nanoseconds, rounded."""
        return round(self.hop * 1_000_000_000 / self.rate_hz)


@dataclass(frozen=True, slots=True, kw_only=True)
class AudioSpec:
    """Sound as the checkpoint was taught to hear it (paper section 4.3)."""

    rate_hz: int
    n_fft: int
    hop: int
    columns: int  # T: STFT columns in one window
    frequency_bins: int  # F: log-frequency bins
    warp_base: float  # b in (b^u - 1) / (b - 1), u in [0, 1]: fraction of Nyquist

    def at_rate(self, rate_hz: int) -> Analysis:
        """The transform with the same durations at ``rate_hz``.

        The window and the hop keep their length in seconds (to a sample), so a network trained
        at one rate serves every other without resampling.

        Raises:
            SpecError: the rate is too low for the transform to be meaningful, or the hop is half of
                the transform or more: such columns cannot be divided and joined again live.
        """
        ratio = rate_hz / self.rate_hz
        n_fft = max(2 * round(self.n_fft * ratio / 2), 2)
        hop = max(round(self.hop * ratio), 1)
        if rate_hz < 4000:
            raise SpecError(f"sample rate {rate_hz} Hz is below 4000 Hz; use a source of 8 kHz up")
        most = n_fft // 2 - 1
        if hop > most:
            raise SpecError(
                f"model.json: audio.hop {self.hop} is too long for audio.n_fft {self.n_fft} at "
                f"{rate_hz} Hz, where a hop is less than half of {n_fft} samples; possible are 1 "
                f"to {math.floor(most / ratio)}: export the model with one of these"
            )
        return Analysis(rate_hz=rate_hz, n_fft=n_fft, hop=hop, magnitude_scale=self.n_fft / n_fft)


@dataclass(frozen=True, slots=True, kw_only=True)
class VisionSpec:
    """The visual network: a dilated ResNet-18 of stride 16 (paper section 3, video analysis)."""

    width: int  # channels of the first stage; 64 in the paper
    frame_px: int  # side of a square picture, as the network sees it
    grid: int  # its cells along one side
    frames: int  # feature maps that the temporal maximum is taken over
    rate_hz: float  # feature maps per second, at most
    picture: PictureInput = "unit"  # what vision.onnx is given: see ``pixelplayer.pictures``
    looks: int = 1  # at a picture, each with twice as many pixels a side: small things need them

    @property
    def stride_px(self) -> int:
        """Side of a cell, in pixels of the picture as the network sees it."""
        return self.frame_px // self.grid

    def grid_for(self, height: int, width: int) -> tuple[int, int]:
        """Rows and columns for a picture of these proportions: as many cells as a square's, nearly.

        Pictures more than three times as wide as high, or as high as wide, are squeezed to that.
        """
        stretch = math.sqrt(min(max(width / height, 1 / _NARROWEST), _NARROWEST))
        return max(round(self.grid / stretch), 1), max(round(self.grid * stretch), 1)


@dataclass(frozen=True, slots=True, kw_only=True)
class SoundSpec:
    """The audio network (paper section 3, audio analysis).

    ``published`` and ``live`` look at a window, ``streaming`` at the next columns and at what it
    remembers: ``state`` numbers. It answers as many columns later as one of its ``lookaheads``
    says; at -2 it says what it expects. One that is ``published`` can also be run in steps of
    ``step_columns`` with a cache: see ``pixelplayer.encoder_columns``.
    """

    width: int  # ngf; 64 in the paper
    levels: int  # stride-2 levels; 7 in the paper
    network: SoundNetwork = "published"  # see ``pixelplayer.networks``
    lookaheads: tuple[int, ...] = ()  # of a network that streams, in columns, ascending
    state: int = 0  # of a network that streams
    step_columns: int = 0  # 0: it looks at whole windows only

    @property
    def is_streaming(self) -> bool:
        """Whether it remembers, and is given what is new alone."""
        return self.network == "streaming"


@dataclass(frozen=True, slots=True, kw_only=True)
class MaskSpec:
    """How mask logits become shares of the mixture; see ``pixelplayer.masks.share``."""

    power: float
    residual_floor: float


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelSpec:
    """One checkpoint's description, as stored in ``model.json``."""

    name: str
    channels: int  # K
    audio: AudioSpec
    vision: VisionSpec
    sound: SoundSpec
    mask: MaskSpec

    def __post_init__(self) -> None:
        """See that its numbers fit each other.

        Raises:
            SpecError: they do not; the message says what is possible.
        """
        self.audio.at_rate(self.audio.rate_hz)
        _fit_levels("frequency_bins", self.audio.frequency_bins, self.sound)
        if self.sound.is_streaming:
            _fit_lookaheads(self.sound.lookaheads, self.audio.columns)
        else:
            _fit_levels("columns", self.audio.columns, self.sound)

    @classmethod
    def load(cls, folder: Path) -> ModelSpec:
        """Read ``folder/model.json``.

        Raises:
            SpecError: the file is missing or wrong; the message names the field.
        """
        return cls.from_dict(read_description(folder))

    @classmethod
    def from_dict(cls, values: Mapping[str, Any]) -> ModelSpec:
        """Build from ``model.json``'s content; keys that describe provenance are left aside."""
        channels = _field(values, "channels", int)
        if not 1 <= channels <= _MOST_CHANNELS:
            raise SpecError(
                f"model.json: 'channels' must be 1..{_MOST_CHANNELS}, found {_shown(channels)}"
            )
        name = _field(values, "name", str)
        if not 0 < len(name) <= _LONGEST_NAME or not name.isprintable():
            raise SpecError(f"model.json: 'name' must be a short word, found {_shown(name)}")
        spec = cls(
            name=name,
            channels=channels,
            audio=_section(AudioSpec, values, "audio"),
            vision=_section(VisionSpec, values, "vision"),
            sound=_section(SoundSpec, values, "sound"),
            mask=_section(MaskSpec, values, "mask"),
        )
        spec._check()
        return spec

    def _check(self) -> None:
        """Raise SpecError where numbers, each right, do not go together."""
        audio, vision, sound = self.audio, self.vision, self.sound
        if audio.warp_base <= 1:
            raise SpecError(
                f"model.json: audio.warp_base must be more than 1, found {audio.warp_base}"
            )
        if vision.grid > vision.frame_px:
            raise SpecError(
                f"model.json: vision.frame_px must be at least a pixel for each of {vision.grid} "
                f"cells, found {vision.frame_px}"
            )
        if sound.is_streaming and not sound.state:
            raise SpecError(
                "model.json: a sound.network that streams has sound.state; it is missing"
            )

    def to_dict(self) -> dict[str, Any]:
        """The part of ``model.json`` that describes the model itself."""
        return dataclasses.asdict(self)


def _fit_levels(name: str, size: int, sound: SoundSpec) -> None:
    """Every level halves the axes that it strides over."""
    if sound.levels < 2:
        raise SpecError(f"model.json: sound.levels must be 2 or more, found {sound.levels}")
    unit = 2**sound.levels
    if size % unit:
        below = size // unit * unit
        near = " or ".join(str(one) for one in (below, below + unit) if one)
        raise SpecError(
            f"model.json: audio.{name} {size} cannot be halved by each of sound.levels "
            f"{sound.levels}; possible are multiples of {unit}, the nearest {near}"
        )


def _fit_lookaheads(lookaheads: tuple[int, ...], columns: int) -> None:
    """A network that streams answers in whole frames; what it waits for must fit the window."""
    most = (columns - FRAME_COLUMNS) // FRAME_COLUMNS * FRAME_COLUMNS
    possible = range(-FRAME_COLUMNS, most + 1, FRAME_COLUMNS)
    if not lookaheads or any(one not in possible for one in lookaheads):
        raise SpecError(
            f"model.json: sound.lookaheads {list(lookaheads)} cannot be heard; possible are some "
            f"of {-FRAME_COLUMNS}, 0, {FRAME_COLUMNS} … {most}, in columns, with audio.columns "
            f"{columns}"
        )


def read_description(folder: Path) -> dict[str, Any]:
    """All that ``folder/model.json`` says.

    Raises:
        SpecError: the file is missing, too large, or no JSON object.
    """
    path = folder / "model.json"
    try:
        if path.stat().st_size > _MOST_BYTES:
            raise SpecError(f"{path} is larger than {_MOST_BYTES // 2**20} MB; see docs/models.md")
        values = json.loads(path.read_text(encoding="utf-8"))
    except FileNotFoundError:
        raise SpecError(
            f"no model at {folder}: {path.name} is missing; see docs/models.md"
        ) from None
    except (OSError, ValueError, RecursionError) as error:
        raise SpecError(f"{path} cannot be read: {error}") from error
    if not isinstance(values, dict):
        raise SpecError(f"{path} must hold an object, found {type(values).__name__}")
    return values


def _shown(value: object) -> str:
    """A value in a message, which may be anything."""
    try:
        text = repr(value)
    except (RecursionError, ValueError):  # nested too deep; a number of too many digits
        return f"a strange {type(value).__name__}"
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}..."


def _field(values: Mapping[str, Any], key: str, kind: type[_T]) -> _T:
    value = values.get(key)
    if kind is float and type(value) is int and abs(value) < _LARGEST_INTEGER:
        value = float(value)
    if kind is list and isinstance(value, tuple):
        value = list(value)
    if not isinstance(value, kind) or isinstance(value, bool):
        raise SpecError(f"model.json: {key!r} must be {kind.__name__}, found {_shown(value)}")
    return value


def _section(kind: type[_T], values: Mapping[str, Any], key: str) -> _T:
    section = _field(values, key, dict)
    names = {field.name: field.type for field in dataclasses.fields(kind)}  # type: ignore[arg-type]
    unknown = sorted(set(section) - set(names))
    if unknown:
        raise SpecError(
            f"model.json: {key}.{unknown[0]:.{_LONGEST_SHOWN}} is unknown; known are "
            f"{sorted(names)}"
        )
    kinds: dict[str, type] = {"int": int, "float": float, _INTEGERS: list}
    kinds |= dict.fromkeys(_CHOICES, str)
    optional = {
        field.name: field.default
        for field in dataclasses.fields(kind)  # type: ignore[arg-type]
        if field.default is not dataclasses.MISSING
    }
    parsed: dict[str, Any] = {
        name: _field(section, name, kinds[str(names[name])])
        for name in names
        if name in section or name not in optional
    }
    for name, value in parsed.items():
        if choices := _CHOICES.get(str(names[name])):
            if value not in choices:
                raise SpecError(
                    f"model.json: {key}.{name} must be one of {list(choices)}, "
                    f"found {_shown(value)}"
                )
        elif isinstance(value, list):
            parsed[name] = _integers(f"{key}.{name}", value)
        elif not value > 0 and not value == optional.get(name) == 0:
            raise SpecError(f"model.json: {key}.{name} must be positive, found {_shown(value)}")
        elif value > (most := _MOST[f"{key}.{name}"]):
            raise SpecError(
                f"model.json: {key}.{name} must be at most {most:g}, found {_shown(value)}"
            )
    return kind(**parsed)


def _integers(name: str, values: list[Any]) -> tuple[int, ...]:
    """Ascending, as they must be."""
    most = _MOST[name]
    if all(type(value) is int and abs(value) <= most for value in values) and values == sorted(
        set(values)
    ):
        return tuple(values)
    raise SpecError(
        f"model.json: {name} must be integers of at most {most:g} in ascending order, found "
        f"{_shown(values)}"
    )
