"""Separate an array among instruments that you name: no stage, no process, no device.

    python docs/examples/separate_array.py band_guitar band_flute

The mixture is the demo's duet; put your own samples in its place, and names from the "classes" of
models/live/model.json. The rows sum to the mixture.
"""

import sys

import numpy as np

from engines.model import open_model
from engines.registry import open_engine
from engines.remembering import Remembering
from engines.shipped import SHIPPED_MODEL
from pixelplayer.band import demo_scene
from pixelplayer.offline import divide
from pixelplayer.stft import istft, stft
from pixelplayer.warp import LogFrequencyWarp

RATE_HZ = 44_100


def separate(mixture: np.ndarray, rate_hz: int, instruments: list[str]) -> np.ndarray:
    """``(n,)`` float32 to ``(len(instruments) + 1, n)``, the rest last."""
    model = open_model(SHIPPED_MODEL)
    spec, words = model.spec, model.vocabulary
    for name in set(instruments) - set(words.names):
        sys.exit(f"error: no instrument {name!r}; there are {', '.join(words.names)}")
    vectors = np.stack([words.vectors[words.names.index(name)] for name in instruments])
    analysis = spec.audio.at_rate(rate_hz)
    spectrum = stft(mixture, analysis)
    loudness = LogFrequencyWarp(spec.audio, analysis).log_magnitude(spectrum)
    with open_engine(SHIPPED_MODEL, "sound", "onnxruntime", "fp32", threads=1) as engine:
        heard = Remembering(engine, spec.sound.lookaheads).whole(loudness[None, None])[0]
    parts = divide(heard, spectrum, spec, model.scale, model.bias, vectors=vectors, rate_hz=rate_hz)
    return istft(parts, analysis, len(mixture))


def sdr_db(wanted: np.ndarray, found: np.ndarray) -> float:
    """How much louder what is wanted is than what is wrong."""
    return 10 * np.log10(np.sum(wanted**2) / np.sum((found - wanted) ** 2))


def main() -> None:
    """Separate the duet, and say how much nearer each row is to what the instrument played."""
    instruments = sys.argv[1:] or ["band_guitar", "band_flute"]
    scene = demo_scene(RATE_HZ)
    rows = separate(scene.mixture, RATE_HZ, instruments)
    for name, row, stem in zip(instruments, rows, scene.stems, strict=False):
        print(f"{name}: {sdr_db(stem, row) - sdr_db(stem, scene.mixture):.1f} dB gained")
    print(f"off the mixture by at most {np.abs(rows.sum(axis=0) - scene.mixture).max():.1e}")


if __name__ == "__main__":
    main()
