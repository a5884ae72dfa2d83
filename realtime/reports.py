"""What a process's host tells the supervisor, and what it is told: one JSON line each."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Literal, TypeAlias

from engines.errors import EngineError
from pixelplayer.spec import SpecError
from realtime.errors import DeviceError, UsageError
from realtime.plain import from_line

EXIT_RAN = 0
EXIT_FAILED = 1
EXIT_USAGE = 2
EXIT_DEVICE = 3
EXIT_INTERRUPTED = 130

ReportKind: TypeAlias = Literal[
    "ready", "finished", "failed", "fallen", "numbers", "beat", "state", "restarted"
]
Order: TypeAlias = Literal["go", "stop", "abort", "release", "deaf", "lost", "raise"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Report:
    """From a host about one of its stages.

    ``ready``: open, waiting for the go. ``finished``: its end is out. ``failed``: with the
    ``text`` for the user and the ``exit_code`` it means. ``fallen``: the same, and its process is
    to be replaced. ``numbers``: ``values`` so far, and the ``spans`` (start and stop of steps, ns),
    ``marks`` (:mod:`realtime.flows`) and ``engines`` (slices, :mod:`realtime.telemetry`) since the
    last such report. ``beat``: it is at work; as
    ``text`` the messages that it saw last, a line each. ``state``: what is to outlive it
    (:mod:`realtime.keepsake`), as ``text``. ``restarted``: it failed, and another one of it has
    taken its place in the same process; why, as ``text``.
    """

    kind: ReportKind
    stage: str
    text: str = ""
    exit_code: int = EXIT_RAN
    values: Mapping[str, float] = dataclasses.field(default_factory=dict)
    spans: Sequence[tuple[int, int]] = ()
    marks: Sequence[tuple[int, int, str, int, int]] = ()
    engines: Sequence[tuple[str, str, int, int]] = ()

    def to_json(self) -> str:
        """One line."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, line: str) -> Report:
        """What :meth:`to_json` gave.

        Raises:
            PlainError: it is something else.
        """
        return from_line(cls, line)


@dataclass(frozen=True, slots=True, kw_only=True)
class Command:
    """From the supervisor to a host.

    ``go``: all are ready; ``states`` are what the stages before these have left, by stage.
    ``stop``: sources end now. ``abort``: everybody leaves. ``release``: all have finished, sockets
    may close. ``deaf``: ``stage`` takes nothing more. ``lost``: ``stage`` died without its end;
    whoever listens to it takes that as said. ``raise``: ``stage`` is to fail (``--chaos``).
    """

    order: Order
    stage: str = ""
    states: Mapping[str, str] = dataclasses.field(default_factory=dict)

    def to_json(self) -> str:
        """One line."""
        return json.dumps(dataclasses.asdict(self))

    @classmethod
    def from_json(cls, line: str) -> Command:
        """What :meth:`to_json` gave.

        Raises:
            PlainError: it is something else.
        """
        return from_line(cls, line)


def is_final(error: Exception) -> bool:
    """Whether another attempt would end the same: the user is to change something first."""
    return isinstance(error, DeviceError | UsageError | SpecError)


def failure(stage: str, error: Exception) -> Report:
    """How to tell the user of an exception that ended ``stage``."""
    if isinstance(error, DeviceError):
        return Report(kind="failed", stage=stage, text=str(error), exit_code=EXIT_DEVICE)
    if isinstance(error, UsageError | SpecError | EngineError):
        return Report(kind="failed", stage=stage, text=str(error), exit_code=EXIT_USAGE)
    text = f"{stage} failed ({type(error).__name__}: {error}); run with --doctor to check the parts"
    return Report(kind="failed", stage=stage, text=text, exit_code=EXIT_FAILED)
