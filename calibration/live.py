"""A calibration set from what a camera and a microphone give right now."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from calibration.collect import Ears, shown
from calibration.collection import Look, Window
from pixelplayer.spec import ModelSpec
from realtime.clock import NS_PER_S, Clock
from realtime.messages import AudioChunk, AudioGap, VideoFrame
from realtime.stage import Stage

LABEL = "live"
_LOOKS_PER_S = 1.0
_IDLE_S = 0.005


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
    try:
        camera.open()
        microphone.open()
        end_ns = clock.now_ns() + round(duration_s * NS_PER_S)
        while (now_ns := clock.now_ns()) < end_ns:
            outputs = [*camera.step(now_ns, {}), *microphone.step(now_ns, {})]
            for _, message in outputs:
                if isinstance(message, AudioChunk):
                    heard.append(message.samples)
                    rate_hz = message.rate_hz
                elif isinstance(message, AudioGap):
                    heard.append(np.zeros(message.length_samples, np.float32))
                elif isinstance(message, VideoFrame) and now_ns >= next_look_ns:
                    looks.append(shown(spec, message.pixels, LABEL))
                    next_look_ns = now_ns + round(NS_PER_S / _LOOKS_PER_S)
            if not outputs:
                clock.sleep_s(_IDLE_S)
    finally:
        camera.close()
        microphone.close()
    if not heard:
        return [], looks
    return Ears(spec).windows(np.concatenate(heard), rate_hz, LABEL), looks
