"""What is said between a stage and the process of its audio device: one JSON line each."""

from __future__ import annotations

import dataclasses
import json
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from realtime.portaudio import AudioDevice, Direction, Latency


@dataclass(frozen=True, slots=True, kw_only=True)
class Find:
    """Look a device up: ``known`` by its name, or else the one that the user ``wanted``."""

    direction: Direction
    wanted: str | None
    known: AudioDevice | None


@dataclass(frozen=True, slots=True, kw_only=True)
class List:
    """Look all devices up, of either direction."""

    every: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Open:
    """Start the device that was found.

    ``rate_hz`` None: its own, or another that the run's ``speaker`` takes as well, if it has one.
    ``block_s`` 0: as the device likes it.
    """

    rate_hz: int | None
    latency: Latency
    block_s: float
    queue_s: float
    has_speaker: bool = False
    speaker: str | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """``device`` when it was found, its format once it runs; ``text`` is why it is not so.

    ``devices``: all that there are, where that was asked.
    """

    device: AudioDevice | None = None
    rate_hz: int = 0
    channels: int = 0
    latency_s: float = 0.0
    text: str = ""
    devices: Sequence[AudioDevice] = ()


def to_line(said: Any) -> str:
    """One line of JSON."""
    return json.dumps(dataclasses.asdict(said)) + "\n"
