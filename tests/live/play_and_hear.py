"""A program of its own: a tone on the speaker, and what the microphone has of it.

Usage: play_and_hear.py RATE_HZ BLOCK_SAMPLES; the default devices are used, in blocks of that many
samples. Prints JSON.
"""

from __future__ import annotations

import itertools
import json
import sys
from collections.abc import Iterator

import numpy as np

from realtime.clock import SystemClock
from realtime.device_orders import Open
from realtime.device_process import DeviceLink
from realtime.sinks.speaker_process import SpeakerProcess
from realtime.sources.microphone_process import MicrophoneDevice

TONE_HZ = 440.0
HEARD_S = 3.0
WINDOW_S = 0.25  # a busy machine may drop some of the sound, but not all of it
PATIENCE = 20_000  # looks, a millisecond each


def main(rate_hz: int, block_samples: int) -> None:
    clock = SystemClock()
    block_s = block_samples / rate_hz
    device = MicrophoneDevice("pulse", clock, block_s=block_s)
    link = DeviceLink("output", "pulse", clock)
    order = Open(rate_hz=rate_hz, latency="high", block_s=block_s, queue_s=1.0)
    speaker = SpeakerProcess(*link.open(order), untold_s=0.0)
    microphone = device.open(rate_hz)
    tone = np.sin(2 * np.pi * TONE_HZ * np.arange(20 * rate_hz) / rate_hz) * 0.2
    stereo = np.repeat(tone[:, None], 2, axis=1).astype(np.float32)
    played, heard, blocks = 0, np.zeros(0, np.float32), []
    for _ in range(PATIENCE):
        played += speaker.write(stereo[played : played + rate_hz // 10])
        while (block := microphone.read()) is not None:
            blocks.append((block.first_sample, len(block.samples)))
            mono = block.samples.mean(axis=1)
            begins = heard.size or np.abs(mono).max() > 0.01
            heard = np.append(heard, mono) if begins else heard
        if heard.size > HEARD_S * rate_hz:
            break
        clock.sleep_s(0.001)
    told = {
        "rate_hz": [speaker.rate_hz, microphone.rate_hz],
        "blocks": sorted({length for _, length in blocks}),
        "is_whole": all(a + n == b for (a, n), (b, _) in itertools.pairwise(blocks)),
        "tone": max(purities(heard, rate_hz)),
        "level": float(np.abs(heard).max()),
    }
    speaker.close()
    microphone.close()
    print(json.dumps(told))


def purities(heard: np.ndarray, rate_hz: int) -> Iterator[float]:
    """How much of each piece of the sound is the tone, 0..1."""
    length = round(WINDOW_S * rate_hz)
    place = round(TONE_HZ * length / rate_hz)
    for start in range(0, heard.size - length + 1, length):
        spectrum = np.abs(np.fft.rfft(heard[start : start + length] * np.hanning(length))) ** 2
        yield float(spectrum[place - 3 : place + 4].sum() / spectrum.sum())


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
