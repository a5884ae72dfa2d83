"""What the user may ask for, as plain values; ``realtime.command_line`` reads them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal, TypeAlias

from engines.shipped import SHIPPED_MODEL
from realtime.graph import Pace
from realtime.page_options import PageOptions
from realtime.plain import from_plain

Action: TypeAlias = Literal["run", "list-devices", "doctor"]
Spares: TypeAlias = Literal["all", "none"]
View: TypeAlias = Literal["auto", "window", "web", "none"]
Tap: TypeAlias = Literal["pre-fader", "post-fader"]
EngineName: TypeAlias = Literal[
    "auto",
    "onnxruntime",
    "onnxruntime_cuda",
    "onnxruntime_tensorrt",
    "onnxruntime_coreml",
    "openvino",
    "tensorrt",
    "torch_tensorrt",
    "torch",
    "torch_cuda",
    "torch_compile",
    "remote",
]
Precision: TypeAlias = Literal["auto", "fp32", "fp16", "int8", "fp8"]

NONE = "none"
MOST_OBJECTS = 8
LEAST_PART_MIN = 0.1
OUTPUTS = MOST_OBJECTS + 1  # for other programs: a slot for every object, and the residual
LOWEST_PORT, HIGHEST_PORT = 1024, 65_535  # of what a user may listen at


@dataclass(frozen=True, slots=True, kw_only=True)
class InputOptions:
    """Where picture and sound come from; nothing given: the default camera and microphone.

    ``source`` is a file, or ``page_options.BROWSER``.
    """

    demo: bool = False
    source: str | None = None
    video: str | None = None
    audio: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RigOptions:
    """What sets the devices right (:mod:`realtime.rig`). None: as it was measured."""

    av_offset_ms: float | None = None
    gain_db: float | None = None
    untold_ms: float | None = None  # of the speaker's delay


@dataclass(frozen=True, slots=True, kw_only=True)
class ModelOptions:
    """What computes. ``threads_per_network`` None: half of the cores.

    ``is_chosen``: the engine stands for ``auto``, and another may take its place. ``guessed_for``:
    it was not measured on this machine, which is to be done, among engines of this precision, while
    it runs; None where that is not so.
    """

    model: str = str(SHIPPED_MODEL)
    engine: str = "auto"  # an ``EngineName``; in a plan with its server, "remote=HOST:PORT"
    server: str | None = None  # HOST:PORT of the engine "remote"
    precision: Precision = "auto"
    threads_per_network: int | None = None
    is_chosen: bool = False
    guessed_for: Precision | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class SeparationOptions:
    """How it is separated. None: as many objects as are found; what the input allows.

    ``lookahead`` is a position's name in ``realtime.dial``, or milliseconds.
    """

    objects: int | None = None
    lookahead: str | float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class OutputOptions:
    """Where the result goes. ``speaker`` None: the default one; ``record`` None: nowhere.

    ``part_min``: minutes after which ``record`` goes on in another folder; None: never.
    ``recordings`` is the folder of those that are begun while the player runs.
    ``outputs``: the first TCP port at which other programs hear the objects, before or behind
    their gains (``tap``); ``osc``: the UDP port
    at which they turn gains. None: at none.
    """

    speaker: str | None = None
    view: View = "auto"
    record: str | None = None
    part_min: float | None = None
    recordings: str = "recordings"
    profile: str | None = None
    outputs: int | None = None
    tap: Tap = "pre-fader"
    osc: int | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class RunOptions:
    """How long, how quick, and where: see ``realtime.remote.placing``.

    ``keys`` None: the folder among the user's settings. ``spares``: whether processes wait to take
    the place of others. ``chaos``: see :mod:`realtime.chaos`.
    """

    duration_s: float | None = None
    pace: Pace = "realtime"
    place: str = "processes"
    keys: str | None = None
    spares: Spares = "all"
    chaos: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Options:
    """Everything the user asked for."""

    action: Action = "run"
    input: InputOptions = field(default_factory=InputOptions)
    rig: RigOptions = field(default_factory=RigOptions)
    model: ModelOptions = field(default_factory=ModelOptions)
    separation: SeparationOptions = field(default_factory=SeparationOptions)
    output: OutputOptions = field(default_factory=OutputOptions)
    page: PageOptions = field(default_factory=PageOptions)
    run: RunOptions = field(default_factory=RunOptions)

    def to_plain(self) -> dict[str, Any]:
        """As JSON would have it."""
        return asdict(self)

    @classmethod
    def from_plain(cls, values: Mapping[str, Any]) -> Options:
        """What :meth:`to_plain` gave.

        Raises:
            PlainError: it is something else.
        """
        return from_plain(cls, values)
