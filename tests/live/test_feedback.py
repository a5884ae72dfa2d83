"""The player on a real sound server whose microphone is its speaker, and louder than it."""

from __future__ import annotations

from pathlib import Path

from benchmarks.feedback_live import GAIN_DB, MOST_HOWL_S, live_loop
from tests.live.pulse import PulseServer

MUSIC_S = 12.0
HEARD_DBFS = -40.0  # its loudest tenth of a second is near -25
TRIES = 3  # a speaker that falls silent for a moment breaks the loop: then there is nothing to find


def test_a_loop_that_would_howl_does_not_and_is_told(
    pulse: PulseServer, model: Path, tmp_path: Path
) -> None:
    line = ["--video", "none", "--model", str(model), "--engine", "onnxruntime"]
    for number in range(TRIES):
        found = live_loop(pulse, line, tmp_path / str(number), GAIN_DB, MUSIC_S)
        assert found.levels_db.max() > HEARD_DBFS
        assert found.howl_s <= MOST_HOWL_S
        gain_db = found.feedback["highest_loop_gain_db"]
        if gain_db is not None and gain_db > 0:
            break
    assert gain_db is not None
    assert gain_db > 0  # the highest that was believed: a guess of it may be 10 dB too high
    assert "use headphones" in found.said
