"""Devices of many rates, channels and sample formats, in blocks of odd sizes."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.live.pulse import PulseServer

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("rate_hz", "channels", "sample_format", "block_samples"),
    [
        (44_100, 1, "s16le", 441),
        (44_100, 2, "float32le", 1000),
        (44_100, 3, "s24le", 331),
        (48_000, 4, "s16le", 479),
        (48_000, 5, "float32le", 257),
        (48_000, 2, "s16le", 64),
        (96_000, 6, "s32le", 961),
        (96_000, 7, "s16le", 2999),
        (96_000, 8, "float32le", 1024),
    ],
)
def test_a_tone_goes_through(
    pulse: PulseServer, rate_hz: int, channels: int, sample_format: str, block_samples: int
) -> None:
    pulse.load("card", rate_hz, channels, sample_format)
    environment = {**pulse.environment, "PULSE_SINK": "card", "PULSE_SOURCE": "card.monitor"}
    done = subprocess.run(
        [sys.executable, "-m", "tests.live.play_and_hear", str(rate_hz), str(block_samples)],
        env=environment,
        cwd=ROOT,
        capture_output=True,
        timeout=120,
        check=False,
        text=True,
    )
    assert done.returncode == 0, done.stderr
    told = json.loads(done.stdout)
    assert told["rate_hz"] == [rate_hz, rate_hz]
    assert told["blocks"] == [block_samples]
    assert told["is_whole"]
    assert told["tone"] > 0.99, told
    assert 0.05 < told["level"] < 0.4
