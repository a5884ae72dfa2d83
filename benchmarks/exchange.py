"""Another microphone, another speaker, while sound goes on: how long is it silent?

Each is a null sink of a real sound server. A tone goes from the microphones to the speakers, by the
stages of a live run; then the other device is asked for, and the next time the first again.

    python -m benchmarks.exchange               each ten times, two minutes
"""

from __future__ import annotations

import time
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from benchmarks.report import Report, command, command_line
from tests.live.duplexing import Duplex
from tests.live.parts import end_process
from tests.live.pulse import read_raw
from tests.live.sound_devices import (
    MICROPHONE,
    OTHER_MICROPHONE,
    OTHER_SPEAKER,
    SPEAKER,
    TwoOfEach,
)
from tests.live.tones import longest_silence_s, loud, tone

NAMES = {"speaker": (OTHER_SPEAKER, SPEAKER), "microphone": (OTHER_MICROPHONE, MICROPHONE)}
MOST_SILENCE_S = 0.6  # a plug that is put in again costs as much (benchmarks.devices)
_BEFORE_S, _AFTER_S = 1.0, 1.5
_BEGINNING = 20  # pieces of 10 ms, until both recordings run


def main() -> int:
    """Run it; returns the exit code."""
    parser = command_line(__doc__)
    parser.add_argument("--times", type=int, default=10, metavar="N")
    options = parser.parse_args()
    report = Report("exchange")
    devices = TwoOfEach()
    length_s = 60.0 + 2 * options.times * (_BEFORE_S + _AFTER_S + 3.0)
    players = [devices.microphone.play(tone(440.0, length_s), sink) for sink in ("mic", "mic2")]
    duplex = Duplex(devices)
    try:
        duplex.wait(lambda told: told["speaker"]["latency_ms"] > 0)
        for part, names in NAMES.items():
            silences_s, waits_s = [], []
            for number in range(options.times):
                silence_s, wait_s = _exchanged(devices, duplex, part, names[number % 2])
                silences_s.append(silence_s)
                waits_s.append(wait_s)
            median_s = float(np.median(silences_s))
            report.at_most(f"{part}: silence, median", median_s, MOST_SILENCE_S, "s")
            report.note(f"{part}: silence, longest", f"{max(silences_s):.2f} s")
            report.note(f"{part}: until it is the other, median", f"{np.median(waits_s):.2f} s")
            report.keep(f"{part} silences_s", silences_s)
        duplex.end()
    finally:
        duplex.close()
        for player in players:
            end_process(player)
        devices.close()
    return report.publish(options.json)


def _exchanged(devices: TwoOfEach, duplex: Duplex, part: str, name: str) -> tuple[float, float]:
    """The longest silence on either speaker around an exchange, and how long it took; s."""
    with TemporaryDirectory() as folder:
        paths = [Path(folder) / sink for sink in ("spk", "spk2")]
        recorders = [devices.speaker.record(path, f"{path.name}.monitor") for path in paths]
        time.sleep(_BEFORE_S)
        asked_s = time.monotonic()
        duplex.ask(part, name)
        duplex.wait(lambda told: told["told"][part]["name"] == name)
        wait_s = time.monotonic() - asked_s
        time.sleep(_AFTER_S)
        for recorder in recorders:
            end_process(recorder)
        first, second = (loud(read_raw(path)[:, 0]) for path in paths)
    length = min(len(first), len(second))  # they end together
    sounds = (first[-length:] | second[-length:])[_BEGINNING:]
    return longest_silence_s(sounds), wait_s


if __name__ == "__main__":
    command(main)
