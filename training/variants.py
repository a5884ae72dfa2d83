"""What a separation network may be asked for: the columns of the paper's Table 1.

A network answers per point of the spectrogram and source with one number. As a *binary mask* it is
the logit of "this source is more than half of the mixture" (cross-entropy); as a *ratio mask* the
logit of the source's part of the magnitude (L1); in *spectral regression* the magnitude itself (L1
of its logarithm). Frequencies are the transform's, or warped onto a logarithmic scale (section
4.3). Every point counts by its loudness in the mixture.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType
from typing import Literal

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from pixelplayer.energy import LogPower
from pixelplayer.masks import MAGNITUDE_FLOOR, RATIO_LIMIT, WEIGHT_RANGE
from pixelplayer.spec import AudioSpec
from pixelplayer.stft import istft, stft
from pixelplayer.warp import LogFrequencyWarp

Answer = Literal["binary", "ratio", "spectral"]
Scale = Literal["linear", "log"]
_THRESHOLD = 0.5  # of a binary mask, when it is applied


@dataclass(frozen=True, slots=True)
class Variant:
    """One column: what is asked, on which frequency scale."""

    answer: Answer
    scale: Scale

    def targets(self, sources: Tensor, mixture: Tensor) -> Tensor:
        """What the network should answer.

        Args:
            sources: (B, N, F, T) magnitudes of the sources alone.
            mixture: (B, 1, F, T) magnitude of their sum.

        Returns:
            (B, N, F, T): 0 or 1, a ratio of at most 5, or magnitudes.
        """
        if self.answer == "binary":
            return (sources > 0.5 * mixture).to(sources.dtype)
        if self.answer == "ratio":
            return (sources / (mixture + MAGNITUDE_FLOOR)).clamp(0, RATIO_LIMIT)
        return sources

    def loss(self, answers: Tensor, targets: Tensor, mixture: Tensor) -> Tensor:
        """The paper's loss, each point weighted by ``log(1 + mixture)`` within [1e-3, 10].

        Args:
            answers, targets: (B, N, F, T).
            mixture: (B, 1, F, T) magnitude.
        """
        weight = torch.log1p(mixture).clamp(*WEIGHT_RANGE)
        if self.answer == "binary":
            each = functional.binary_cross_entropy_with_logits(answers, targets, reduction="none")
        elif self.answer == "ratio":
            each = (torch.sigmoid(answers) - targets).abs()
        else:
            each = (functional.softplus(answers) - torch.log1p(targets)).abs()
        return (each * weight).mean()

    def magnitudes(self, answers: np.ndarray, mixture: np.ndarray) -> np.ndarray:
        """What the answers make of the mixture.

        Args:
            answers: (N, bins, T) float32 at the transform's own bins.
            mixture: (bins, T) magnitude.

        Returns:
            (N, bins, T) magnitudes of the sources.
        """
        if self.answer == "spectral":
            regressed: np.ndarray = np.expm1(np.logaddexp(0, answers))
            return regressed
        logits = np.asarray(answers, np.float64)
        masks = 1 / (1 + np.exp(-np.clip(logits, -60, 60)))
        if self.answer == "binary":
            masks = (masks > _THRESHOLD).astype(np.float64)
        result: np.ndarray = masks * mixture
        return result.astype(np.float32)


VARIANTS: Mapping[str, Variant] = MappingProxyType(
    {
        "spectral-log": Variant("spectral", "log"),
        "ratio-linear": Variant("ratio", "linear"),
        "ratio-log": Variant("ratio", "log"),
        "binary-linear": Variant("binary", "linear"),
        "binary-log": Variant("binary", "log"),
    }
)


class View:
    """Spectrograms on one frequency scale, and sound made of answers on that scale."""

    def __init__(self, audio: AudioSpec, scale: Scale) -> None:
        self.audio = audio
        self._analysis = audio.at_rate(audio.rate_hz)
        self._warp = LogFrequencyWarp(audio, self._analysis) if scale == "log" else None
        # Both halves of the spectrum, and the energy of a Hann window: a column's mean square.
        self._power_scale = np.float32(2 / (0.375 * self._analysis.n_fft**2))
        self._log_power = (
            LogPower(self._warp, self._analysis, audio.frequency_bins) if self._warp else None
        )
        self.bins = audio.frequency_bins if scale == "log" else self._analysis.bins

    @property
    def samples(self) -> int:
        """Length of a window of ``audio.columns`` columns."""
        return (self.audio.columns - 1) * self.audio.hop

    def spectrum(self, samples: np.ndarray) -> np.ndarray:
        """``(..., samples)`` → ``(..., transform bins, T)`` complex64, T the window's columns."""
        return stft(samples, self._analysis, rfft=_rfft)[..., : self.audio.columns]

    def magnitude(self, spectrum: np.ndarray) -> np.ndarray:
        """``(..., transform bins, T)`` complex64 → ``(..., F, T)`` magnitudes."""
        linear = np.abs(spectrum)
        return linear if self._warp is None else self._warp.to_log(linear)

    def power(self, spectrum: np.ndarray) -> np.ndarray:
        """``(transform bins, T)`` complex64 → ``(F, T)``; a column sums to its mean square."""
        if self._log_power is not None:
            return self._log_power.of(spectrum)
        power: np.ndarray = self._power_scale * np.square(np.abs(spectrum))
        return power

    def sound(self, variant: Variant, answers: np.ndarray, spectrum: np.ndarray) -> np.ndarray:
        """The sources as the answers have them, with the mixture's phase.

        Args:
            variant: what was asked.
            answers: (N, F, T) float32 on this scale.
            spectrum: (transform bins, T) complex64 of the mixture.

        Returns:
            (N, samples) float32.
        """
        if self._warp is not None:
            answers = self._warp.to_linear(answers)
        loudness = np.abs(spectrum)
        gains = variant.magnitudes(answers, loudness) / (loudness + MAGNITUDE_FLOOR)
        return istft((gains * spectrum).astype(np.complex64), self._analysis, self.samples)

    def apply(self, masks: np.ndarray, spectrum: np.ndarray) -> np.ndarray:
        """The mixture through ``masks`` (N, F, T) float32 on this scale: (N, samples) float32."""
        if self._warp is not None:
            masks = self._warp.to_linear(masks)
        return istft((masks * spectrum).astype(np.complex64), self._analysis, self.samples)


def _rfft(frames: np.ndarray) -> np.ndarray:
    """Torch's: of the paper's 1022 samples, 2 x 7 x 73, it takes half as long as numpy's."""
    spectra: np.ndarray = torch.fft.rfft(torch.from_numpy(frames)).numpy()
    return spectra
