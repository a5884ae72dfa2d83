"""A calibration set from what a camera and a microphone give right now."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from calibration.capture import messages
from calibration.collect import Ears, shown
from calibration.collection import Look, Window
from pixelplayer.spec import ModelSpec
from realtime.clock import NS_PER_S, Clock
from realtime.messages import AudioChunk, AudioGap, VideoFrame
from realtime.stage import Stage

LABEL = "live"
_LOOKS_PER_S = 1.0


def from_live(
    spec: ModelSpec, camera: Stage, microphone: Stage, clock: Clock, duration_s: float
) -> tuple[list[Window], list[Look]]:
    """Listen and look for ``duration_s``; both stages are opened and closed here.

    Raises:
        DeviceError: one cannot be opened.
    """
    heard: list[NDArray[np.float32]] = []
    looks: list[Look] = []
    rate_hz = 0
    next_look_ns = 0
    end_ns = clock.now_ns() + round(duration_s * NS_PER_S)
    for message in messages([camera, microphone], clock, is_over=lambda: clock.now_ns() >= end_ns):
        if isinstance(message, AudioChunk):
            heard.append(message.samples)
            rate_hz = message.rate_hz
        elif isinstance(message, AudioGap):
            heard.append(np.zeros(message.length_samples, np.float32))
        elif isinstance(message, VideoFrame) and message.capture_ns >= next_look_ns:
            looks.append(shown(spec, message.pixels, LABEL))
            next_look_ns = message.capture_ns + round(NS_PER_S / _LOOKS_PER_S)
    if not heard:
        return [], looks
    return Ears(spec).windows(np.concatenate(heard), rate_hz, LABEL), looks
