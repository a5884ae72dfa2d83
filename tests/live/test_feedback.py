"""A player whose microphone is its own speaker, and louder: the real loop."""

from __future__ import annotations

from pathlib import Path

import numpy as np

from benchmarks.feedback_live import HOWL_DBFS, live_loop
from tests.live.mjpeg import MjpegCamera
from tests.live.pulse import PulseServer


def test_the_speaker_in_the_microphone_does_not_howl(
    pulse: PulseServer, camera: MjpegCamera, model: Path, tmp_path: Path
) -> None:
    line = ["--model", str(model), "--engine", "onnxruntime", "--video", camera.url]
    found = live_loop(pulse, line, tmp_path / "live", gain_db=6.0)
    assert found.levels_db.max() > -60  # the music was there
    # Without the guard all that follows is at full scale.
    assert float((found.levels_db > HOWL_DBFS).sum()) / 10 <= 1.5
    assert float(np.median(found.levels_db[-30:])) < HOWL_DBFS
    assert found.feedback["highest_loop_gain_db"] > -6
    assert "the microphone heard the speaker" in found.said
    assert "use headphones" in found.said
