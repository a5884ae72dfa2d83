"""A model whose every answer is known: colours name the sources, and each source owns a band.

``ColourVision`` turns a red, green or blue part of the picture into the feature of that colour;
``BandSound`` says which frequencies belong to which colour. The masks that follow are nearly 1 in
the colour's band and nearly 0 elsewhere.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import TracebackType
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engines.protocol import FloatArray, TensorSpec, checked_inputs
from pixelplayer.spec import AudioSpec, MaskSpec, ModelSpec, SoundSpec, VisionSpec
from realtime.stages.object_streams import Synthesizer

COLOURS_BGR = {"red": (40, 40, 220), "green": (40, 220, 40), "blue": (220, 40, 40)}
BANDS_HZ = {"red": (0.0, 800.0), "green": (1000.0, 2000.0), "blue": (2200.0, 4000.0)}
CLASSES = tuple(COLOURS_BGR)
LOUDNESS = len(CLASSES)  # a channel that repeats the input, and counts for no mask

SPEC = ModelSpec(
    name="colours and bands",
    channels=len(CLASSES) + 1,
    audio=AudioSpec(
        rate_hz=8000, n_fft=512, hop=128, columns=32, frequency_bins=64, warp_base=21.0
    ),
    vision=VisionSpec(width=8, frame_px=56, grid=14, frames=3, rate_hz=15.0),
    sound=SoundSpec(width=8, levels=3),
    mask=MaskSpec(power=1.5, residual_floor=0.2),
)
SYNTHESIZER = Synthesizer(
    scale=np.array([1.0] * len(CLASSES) + [0.0], np.float32), bias=-5.0, mask=SPEC.mask
)


class _FakeEngine:
    name = "fake/fp32"

    def __init__(self, inputs: tuple[TensorSpec, ...], outputs: tuple[TensorSpec, ...]) -> None:
        self.inputs, self.outputs = inputs, outputs
        self.calls = 0
        self.closed = False

    def close(self) -> None:
        self.closed = True

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class ColourVision(_FakeEngine):
    """A feature per colour: how much more of it there is than of the others."""

    def __init__(self, grid: tuple[int, int], spec: ModelSpec = SPEC) -> None:
        stride = spec.vision.stride_px
        size = tuple(cells * stride for cells in grid)
        super().__init__(
            (TensorSpec(name="picture", shape=(1, 3, *size)),),
            (TensorSpec(name="features", shape=(1, spec.channels, *grid)),),
        )
        self._stride = stride

    def __enter__(self) -> ColourVision:
        return self

    def infer(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, FloatArray]:
        picture = checked_inputs(inputs, self.inputs)["picture"][0]
        self.calls += 1
        step = self._stride
        rows, columns = self.outputs[0].shape[2:]
        cells = picture.reshape(3, rows, step, columns, step).mean(axis=(2, 4))
        features = np.zeros((1, *self.outputs[0].shape[1:]), np.float32)
        for channel in range(3):
            others = np.delete(cells, channel, axis=0).max(axis=0)
            features[0, channel] = np.clip((cells[channel] - others) / 0.7, 0.0, 1.0)
        features[0, LOUDNESS] = 0.5
        return {"features": features}


class BandSound(_FakeEngine):
    """A feature per band, and the input itself as the last one."""

    def __init__(self, newest: int | None = None, spec: ModelSpec = SPEC) -> None:
        audio = spec.audio
        bins, columns = audio.frequency_bins, audio.columns
        super().__init__(
            (TensorSpec(name="log_magnitude", shape=(1, 1, bins, columns)),),
            (TensorSpec(name="sound", shape=(1, spec.channels, bins, newest or columns)),),
        )
        u = np.linspace(0, 1, audio.frequency_bins)
        hz = audio.rate_hz / 2 * (audio.warp_base**u - 1) / (audio.warp_base - 1)
        self._bands = np.array([(low <= hz) & (hz < high) for low, high in BANDS_HZ.values()])

    def __enter__(self) -> BandSound:
        return self

    def infer(self, inputs: Mapping[str, NDArray[Any]]) -> dict[str, FloatArray]:
        window = checked_inputs(inputs, self.inputs)["log_magnitude"]
        self.calls += 1
        sound = np.zeros(self.outputs[0].shape, np.float32)
        sound[0, :LOUDNESS] = 10.0 * self._bands[:, :, np.newaxis]
        sound[0, LOUDNESS] = window[0, 0, :, -sound.shape[3] :]
        return {"sound": sound}


def band_noise(colour: str, seed: int, samples: int, rate_hz: int = 8000) -> NDArray[np.float32]:
    """Noise strictly inside a colour's band, with a margin; RMS 0.1."""
    low, high = BANDS_HZ[colour]
    spectrum = np.fft.rfft(np.random.default_rng(seed).standard_normal(samples))
    hz = np.fft.rfftfreq(samples, 1 / rate_hz)
    spectrum[(hz < low + 100) | (hz > high - 150)] = 0
    noise = np.fft.irfft(spectrum, samples)
    return (0.1 * noise / noise.std()).astype(np.float32)


def picture(
    places: Mapping[str, tuple[float, float]], height: int, width: int
) -> NDArray[np.uint8]:
    """Grey, with a square of each colour around its place (x, y), a quarter of the picture wide."""
    pixels = np.full((height, width, 3), 90, np.uint8)
    for colour, (x, y) in places.items():
        top, bottom = (round(np.clip(y + d, 0, 1) * height) for d in (-0.125, 0.125))
        left, right = (round(np.clip(x + d, 0, 1) * width) for d in (-0.125, 0.125))
        pixels[top:bottom, left:right] = COLOURS_BGR[colour]
    return pixels
