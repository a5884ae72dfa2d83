"""How far an engine's numbers are from the reference's, on windows as a live run has them."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

import numpy as np

from engines.errors import TooFarOffError
from engines.networks import PAST
from engines.protocol import Engine, FloatArray, Network
from engines.remembering import Remembering
from pixelplayer import band
from pixelplayer.pictures import exposed, prepared
from pixelplayer.spec import ModelSpec
from pixelplayer.stft import stft
from pixelplayer.warp import LogFrequencyWarp

# Of the largest value. What eight bits lose in sound is judged when the graph is written
# (``calibration``); here it is enough that an engine computes that graph and nothing else.
TOLERANCE: Mapping[str, float] = MappingProxyType(
    {"fp32": 1e-4, "fp16": 2e-3, "int8": 0.15, "fp8": 0.2}
)

_SEED = 77
_REMEMBERED = 0.3  # of what a step remembers: as large as activations are


def inputs(
    spec: ModelSpec, network: Network, grid: tuple[int, int], count: int
) -> list[FloatArray]:
    """``count`` inputs of a network at batch 1: windows and pictures of the virtual band, and one
    of noise."""
    rng = np.random.default_rng(_SEED)
    audio = spec.audio
    duration_s = audio.columns * audio.hop / audio.rate_hz
    found: list[FloatArray] = []
    for number in range(count - 1):
        scene = band.scene(_SEED + number, max(duration_s, 0.5), audio.rate_hz)
        if network == "vision":
            size = tuple(cells * spec.vision.stride_px for cells in grid)
            pixels = scene.frame(duration_s / 2, *size)[..., ::-1]
            picture = np.ascontiguousarray(pixels.transpose(2, 0, 1)[None], np.float32)
            picture /= 255
            found.append(prepared(exposed(picture), spec.vision.picture))
        else:
            analysis = audio.at_rate(audio.rate_hz)
            loud = LogFrequencyWarp(audio, analysis).log_magnitude(stft(scene.mixture, analysis))
            window = np.full((audio.frequency_bins, audio.columns), loud.min(), np.float32)
            part = loud[:, : audio.columns]
            window[:, : part.shape[1]] = part
            found.append(window[None, None])
    low, high = (0.0, 1.0) if network == "vision" else (-16.0, 3.0)
    shape = (
        (1, 3, *(cells * spec.vision.stride_px for cells in grid))
        if network == "vision"
        else (1, 1, audio.frequency_bins, audio.columns)
    )
    found.append(rng.uniform(low, high, shape).astype(np.float32))
    return found


def answer(engine: Engine, given: FloatArray) -> FloatArray:
    """What a network makes of one input.

    One that streams is given it step by step; a step with a cache is given its beginning, and noise
    to remember.
    """
    first, *others = engine.inputs
    if others and others[0].name == PAST:
        columns = np.ascontiguousarray(given[..., : first.shape[3]])
        remembered = np.random.default_rng(_SEED).standard_normal(others[0].shape, np.float32)
        remembered *= _REMEMBERED
        return engine.infer({first.name: columns, PAST: remembered})[engine.outputs[0].name]
    if others:
        lookaheads = range(others[0].shape[1])  # by number: here the furthest will do
        return Remembering(engine, lookaheads).whole(given)
    (found,) = engine.infer({first.name: given}).values()
    return found


def error(reference: Engine, engine: Engine, given: list[FloatArray]) -> float:
    """The largest difference, as a part of the reference's largest value; each over all inputs.

    Not of each input's own: of noise alone the visual network says next to nothing, and a part of
    that would be no measure. Not a number where an answer is none.
    """
    return difference([answer(reference, one) for one in given], engine, given)


def difference(wanted: list[FloatArray], engine: Engine, given: list[FloatArray]) -> float:
    """The same, for answers of a reference that were had before."""
    worst = [
        float(np.abs(answer(engine, one) - right).max())
        for one, right in zip(given, wanted, strict=True)
    ]
    largest = max(float(np.abs(right).max()) for right in wanted)
    return float(np.max(worst)) / max(largest, 1e-12)


def check(name: str, precision: str, found: float) -> None:
    """Refuse an engine whose numbers are too far away.

    Raises:
        TooFarOffError: ``found`` is above the precision's tolerance, or is no number.
    """
    most = TOLERANCE[precision]
    if not found <= most:
        raise TooFarOffError(
            f"{name} differs from the reference by {found:.1e}, more than {most:g}: it is not "
            "used; see python -m engines compare",
            found,
        )
