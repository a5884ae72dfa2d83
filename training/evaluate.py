"""How well a half-trained separator hears: SDR on held-out solos, told by class.

python -m training.evaluate --data DATA --cache CACHE --work runs/first
"""

from __future__ import annotations

import argparse
from pathlib import Path

import numpy as np
import torch

from pixelplayer.masks import share, sigmoid
from pixelplayer.metrics import bss_eval_in_order
from pixelplayer.stft import istft, stft
from pixelplayer.warp import LogFrequencyWarp
from training.corpus import open_sounds
from training.solos import SoloMaker
from training.sound import AUDIO, ClassSeparator


def main() -> None:
    """Print the mean SDR over two-source mixtures, for several ways to share the mixture."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True)
    parser.add_argument("--checkpoint", default="sound.pt")
    parser.add_argument("--clips", type=int, default=24)
    options = parser.parse_args()
    bank = open_sounds(options.data, options.cache, AUDIO.rate_hz)
    state = torch.load(options.work / options.checkpoint, weights_only=True)
    weights = state["model"]
    if any(key.startswith("separator.") for key in weights):
        weights = {
            key.removeprefix("separator."): value
            for key, value in weights.items()
            if key.startswith("separator.")
        }
    model = ClassSeparator(
        weights["sound.unet_block.model.0.weight"].shape[0],
        weights["synthesizer.scale"].shape[0],
        state["classes"],
    )
    model.load_state_dict(weights)
    model.eval()
    maker = SoloMaker(bank, held_out=True)
    rng = np.random.default_rng(5)
    analysis = AUDIO.at_rate(AUDIO.rate_hz)
    warp = LogFrequencyWarp(AUDIO, analysis)
    samples = (AUDIO.columns - 1) * AUDIO.hop
    scores: dict[tuple[float, float], list[float]] = {}
    for _ in range(options.clips):
        pair = rng.choice(len(state["classes"]), 2, replace=False)
        stems = np.stack([maker.solo(state["classes"][c], samples, rng) for c in pair])
        stems /= np.sqrt((stems**2).mean(axis=1, keepdims=True)) * 10
        spectrum = stft(stems.sum(axis=0), analysis)
        heard = torch.from_numpy(warp.log_magnitude(spectrum))[None, None]
        with torch.inference_mode():
            logits = model(heard, torch.from_numpy(pair)[None])[0].numpy()
        for power in (1.0, 2.0, 3.0):
            for floor in (0.05, 0.2):
                masks = share(sigmoid(logits), power, floor)[:2]
                parts = istft(warp.to_linear(masks) * spectrum, analysis, samples)
                result = bss_eval_in_order(stems[:, ::2], parts[:, ::2], filter_taps=256)
                scores.setdefault((power, floor), []).extend(result.sdr)
    for (power, floor), values in scores.items():
        print(
            f"power {power}  floor {floor}  SDR {np.mean(values):.2f} dB  median "
            f"{np.median(values):.2f}"
        )


if __name__ == "__main__":
    main()
