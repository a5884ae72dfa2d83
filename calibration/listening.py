"""A microphone for a while, and a speaker beside it."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from calibration.loop import LONGEST_S, LoopDelay, bursts, loop_delay, place_of, played
from calibration.speaker_watch import SpeakerWatch
from realtime.clock import NS_PER_MS, NS_PER_S, Clock
from realtime.dial import Dial
from realtime.errors import DeviceError
from realtime.sinks.speaker_stream import SpeakerStream
from realtime.sources.microphone_queue import MicrophoneBlock
from realtime.sources.microphone_stream import MicrophoneStream
from realtime.sources.sample_clock import SampleClock

_POLL_S = 0.001


def listen(
    microphone: str | None, dial: Dial, clock: Clock, duration_s: float
) -> tuple[NDArray[np.float32], int]:
    """What it gives: (n, channels), and its rate in Hz.

    Raises:
        DeviceError: there is no such microphone, or it goes.
    """
    stream = _microphone(microphone, dial, clock)
    parts: list[MicrophoneBlock] = []
    try:
        end_ns = clock.now_ns() + round(duration_s * NS_PER_S)
        while clock.now_ns() < end_ns:
            _read(stream, parts)
            clock.sleep_s(_POLL_S)
    finally:
        stream.close()
    return _joined(parts, stream.channels), stream.rate_hz


def loop(
    speaker: str | None, microphone: str | None, dial: Dial, clock: Clock
) -> tuple[LoopDelay, float]:
    """Bursts of noise, from leaving for the speaker to the instant the microphone tells for them.

    Returns:
        the delay, and the part of it that the speaker itself tells, ms.

    Raises:
        DeviceError: there is no such device, or it goes.
        CalibrationError: the one does not hear the other.
    """
    listening = _microphone(microphone, dial, clock)
    rate_hz = listening.rate_hz
    said = bursts(rate_hz)
    blocks: list[MicrophoneBlock] = []
    try:
        sound = np.append(played(said), np.zeros(round(LONGEST_S * rate_hz), np.float32))
        speaking = SpeakerStream(
            speaker, rate_hz=rate_hz, latency=dial.speaker_latency, queue_s=len(sound) / rate_hz + 1
        )
        try:
            watch = SpeakerWatch(speaking, sound)
            while not watch.is_over:
                watch.look(clock.now_ns())
                _read(listening, blocks)
                clock.sleep_s(_POLL_S)
            if not speaking.active:
                raise DeviceError("the speaker has gone; see python run_live.py --list-devices")
        finally:
            speaking.close()
    finally:
        listening.close()
    heard = _joined(blocks, listening.channels).mean(axis=1)
    captures = SampleClock(rate_hz)
    for block in blocks:
        captures.observe(block.first_sample, block.capture_ns)
    delays_ms, sharp = [], []
    reach = round(LONGEST_S * rate_hz)
    for burst in said:
        left_ns = watch.left_ns(burst.start)
        expected = round((left_ns - captures.time_ns(0)) * rate_hz / NS_PER_S)
        place, clear = place_of(burst, heard, expected, expected + reach)
        whole = int(place)
        arrived_ns = captures.time_ns(whole) + (place - whole) * NS_PER_S / rate_hz
        delays_ms.append((arrived_ns - left_ns) / NS_PER_MS)
        sharp.append(clear)
    return loop_delay(np.array(delays_ms), np.array(sharp)), watch.told_ns / NS_PER_MS


def _microphone(microphone: str | None, dial: Dial, clock: Clock) -> MicrophoneStream:
    """As a live run opens it."""
    return MicrophoneStream(
        microphone, clock, block_s=dial.block_s, latency=dial.microphone_latency
    )


def _read(stream: MicrophoneStream, blocks: list[MicrophoneBlock]) -> None:
    while (block := stream.read()) is not None:
        blocks.append(block)
    if not stream.active:
        raise DeviceError("the microphone has gone; see python run_live.py --list-devices")


def _joined(blocks: list[MicrophoneBlock], channels: int) -> NDArray[np.float32]:
    """From sample 0 on; what was lost is silence."""
    length = max((block.first_sample + len(block.samples) for block in blocks), default=0)
    joined = np.zeros((length, channels), np.float32)
    for block in blocks:
        joined[block.first_sample : block.first_sample + len(block.samples)] = block.samples
    return joined
