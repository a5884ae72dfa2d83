"""Spectrograms of objects and pixels, for those who want to see them.

All of it falls off from what is divided anyway: masks, shares and powers are there. Who wants none
pays for none.
"""

from __future__ import annotations

from typing import TypeAlias

import numpy as np
from numpy.typing import NDArray

from pixelplayer.bands import Bands, mean_shares, pixel_powers, to_levels
from pixelplayer.spec import Analysis
from realtime.clock import NS_PER_S
from realtime.messages import Message, SoundColumns
from realtime.spectra import ObjectSpectra, PixelSpectra

OBJECT_BANDS = 64  # as many as a small picture has lines
PIXEL_BANDS = 32

Floats: TypeAlias = NDArray[np.float32]
Told: TypeAlias = list[tuple[str, Message]]


class Spectra:
    """Makes the messages of topic ``spectra``."""

    def __init__(self, frequency_bins: int) -> None:
        self._object_bands = Bands(frequency_bins, min(OBJECT_BANDS, frequency_bins))
        self._pixel_bands = Bands(frequency_bins, min(PIXEL_BANDS, frequency_bins))
        self._sequence = 0

    def objects(
        self,
        columns: SoundColumns,
        analysis: Analysis,
        power: Floats,
        *,
        object_ids: tuple[int, ...],
        shares: Floats,
    ) -> Told:
        """Of the mixture's ``power`` (F, w) the ``shares`` (N + 1, F, w), the residual's last."""
        means = mean_shares(shares, power, self._object_bands)
        message = ObjectSpectra(
            stream=columns.stream,
            sequence=self._next(),
            capture_ns=columns.capture_ns,
            column_ns=_duration_ns(1, analysis),
            object_ids=object_ids,
            levels=to_levels(self._object_bands.of(power)),
            shares=np.round(255 * np.clip(means, 0, 1)).astype(np.uint8),
        )
        return [("spectra", message)]

    def pixels(
        self,
        columns: SoundColumns,
        analysis: Analysis,
        power: Floats,
        *,
        masks: Floats,
        grid: tuple[int, int],
        shot: int,
    ) -> Told:
        """Of the mixture's ``power`` (F, w) what the ``masks`` (h * w, F, w) let through."""
        powers = pixel_powers(masks, power, self._pixel_bands)
        message = PixelSpectra(
            stream=columns.stream,
            sequence=self._next(),
            capture_ns=columns.capture_ns,
            duration_ns=_duration_ns(power.shape[1], analysis),
            shot=shot,
            levels=to_levels(powers).reshape(*grid, -1),
        )
        return [("spectra", message)]

    def _next(self) -> int:
        self._sequence += 1
        return self._sequence - 1


def _duration_ns(columns: int, analysis: Analysis) -> int:
    return round(columns * analysis.hop * NS_PER_S / analysis.rate_hz)
