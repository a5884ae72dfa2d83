"""The player between a microphone and a speaker in one room, simulated sample by sample.

Hearing, separator and speaker are the player's own, stepped as often as sound comes; the devices
and the room are arrays.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import closing, contextmanager
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from realtime.build import build
from realtime.clock import NS_PER_S, SystemClock
from realtime.command_line import parse
from realtime.compose import compose
from realtime.messages import AudioChunk, End, Message
from realtime.sinks.feedback.guard import FeedbackGuard
from realtime.sinks.playout import PlayoutSettings
from realtime.sinks.speaker import Speaker
from realtime.stage import Stage

Samples = NDArray[np.float32]

RATE_HZ = 44_100
BLOCK = 441  # of the devices
DEVICE_S = 0.010
_QUEUE_S = 0.026  # at the dial's position "live"
_LEVEL_S = 0.1


@dataclass(frozen=True, slots=True, kw_only=True)
class Room:
    """From speaker to microphone: ``response`` (n,) after ``delay_s``."""

    delay_s: float
    response: NDArray[np.float64]


def room(gain_db: float, delay_s: float, reverberation: float, seed: int) -> Room:
    """Direct sound and a tail of decaying noise, of ``reverberation`` times the energy.

    ``gain_db`` is that of the loudest frequency: above 0 a player that gives back what it hears
    howls.
    """
    rng = np.random.default_rng(seed)
    decay_s = 0.35
    length = round(decay_s * RATE_HZ)
    tail = rng.standard_normal(length) * np.exp(-6.9 * np.arange(length) / (decay_s * RATE_HZ))
    response = np.sqrt(reverberation) * tail / np.sqrt(np.sum(tail**2))
    response[0] += 1.0
    highest = np.abs(np.fft.rfft(response, 1 << 18)).max()
    return Room(delay_s=delay_s, response=response * 10 ** (gain_db / 20) / highest)


@dataclass(frozen=True, slots=True, kw_only=True)
class Heard:
    """``microphone`` (n,) is what it heard; what the speaker told, at the end of each block."""

    microphone: Samples
    told: tuple[dict[str, float], ...]


class _Output:
    """A device that plays a block when it is told to."""

    underflows = 0
    device_underflows = 0
    output_latency_s = DEVICE_S
    active = True

    def __init__(self) -> None:
        self._queue: Samples = np.zeros((0, 2), np.float32)
        self.end_samples = 0

    @property
    def queued_samples(self) -> int:
        return len(self._queue)

    def write(self, samples: Samples) -> int:
        self._queue = np.concatenate([self._queue, samples])
        self.end_samples += len(samples)
        return len(samples)

    def play(self) -> Samples:
        """The next block, mono."""
        block = self._queue[:BLOCK].mean(axis=1)
        self._queue = self._queue[BLOCK:]
        missing = BLOCK - len(block)
        self.end_samples += missing
        return np.pad(block, (0, missing))

    def close(self) -> None:
        pass


class _Device:
    def __init__(self) -> None:
        self.output = _Output()

    def probe(self) -> None:
        pass

    def open(self, rate_hz: int) -> _Output:
        return self.output


def in_the_loop(
    source: Samples, place: Room, guard: Callable[[int], FeedbackGuard] | None
) -> Heard:
    """Let the player hear ``source`` (n,) and itself."""
    device = _Device()
    settings = PlayoutSettings.for_queue(_QUEUE_S)
    blocks = len(source) // BLOCK
    echo = np.zeros(len(source) + round((place.delay_s + 2) * RATE_HZ) + len(place.response))
    size = 1 << (BLOCK + len(place.response)).bit_length()
    transfer = np.fft.rfft(place.response, size)
    microphone = np.zeros(blocks * BLOCK, np.float32)
    told = []
    with (
        _stage("hearing") as hearing,
        _stage("separator") as separator,
        closing(Speaker(device, playout=settings, guard=guard)) as speaker,
    ):
        end = End(stream="loop", sequence=0, topic="sight")
        separator.step(0, {"sight": [end]})
        for number in range(blocks):
            first = number * BLOCK
            here = slice(first, first + BLOCK)
            microphone[here] = np.clip(source[here] + echo[here], -1, 1)
            now_ns = round((first + BLOCK) * NS_PER_S / RATE_HZ)
            sound = _step(hearing, now_ns, "audio", [_chunk(number, microphone[here])])
            streams = _step(separator, now_ns, "sound", sound) if sound else []
            speaker.step(now_ns, {"streams": streams})
            told.append(dict(speaker.stats()))
            spread = np.fft.irfft(np.fft.rfft(device.output.play(), size) * transfer, size)
            at = first + BLOCK + round((place.delay_s + DEVICE_S) * RATE_HZ)
            echo[at : at + size] += spread[: len(echo[at : at + size])]
    return Heard(microphone=microphone, told=tuple(told))


def levels_db(samples: Samples) -> NDArray[np.float64]:
    """Of each tenth of a second, dBFS."""
    length = round(_LEVEL_S * RATE_HZ)
    whole = samples[: len(samples) // length * length].reshape(-1, length).astype(np.float64)
    return 10 * np.log10(np.mean(whole**2, axis=1) + 1e-12)


def _chunk(number: int, samples: Samples) -> AudioChunk:
    first = number * BLOCK
    return AudioChunk(
        stream="loop",
        sequence=number,
        capture_ns=round(first * NS_PER_S / RATE_HZ),
        first_sample=first,
        rate_hz=RATE_HZ,
        samples=samples.copy(),
    )


def _step(stage: Stage, now_ns: int, topic: str, messages: list[Message]) -> list[Message]:
    wanted = {"audio": "sound", "sound": "streams"}[topic]
    return [message for name, message in stage.step(now_ns, {topic: messages}) if name == wanted]


@contextmanager
def _stage(name: str) -> Iterator[Stage]:
    line = "--demo --view none --speaker none --engine onnxruntime --precision fp32"
    plan = compose(parse([*line.split(), "--lookahead", "live"]), {}, lambda text: None)
    with closing(build(name, plan, SystemClock())) as stage:
        stage.open()
        yield stage
