"""The numbers of the paper's own set-up (section 4.3)."""

from __future__ import annotations

from typing import Final

from pixelplayer.spec import AudioSpec

AUDIO: Final = AudioSpec(
    rate_hz=11025, n_fft=1022, hop=256, columns=256, frequency_bins=256, warp_base=21.0
)
FRAMES_FPS: Final = 8  # pictures that are kept of each second of a video
FRAMES: Final = 3  # pictures of a clip ...
FRAMES_APART_S: Final = 3.0  # ... and the time between them
LEAST_S: Final = 20.0  # shorter videos are left out
WIDTH: Final = 64  # of the first layer of both networks
CHANNELS: Final = 32  # K, as of the published weights
