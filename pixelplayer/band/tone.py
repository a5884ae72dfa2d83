"""The parts that sustained tones are built from: wavetables, envelopes, vibrato.

A self-sustained oscillator (bowed string, lips on a horn, air jet) settles within a few periods
into a periodic motion. That steady motion is computed here as a band-limited table of one period,
read at the instantaneous frequency; the transients are shaped by envelopes.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from pixelplayer.band.body import Samples

_TABLE_SIZE = 4096


def harmonics(frequency_hz: float, rate_hz: int) -> npt.NDArray[np.float64]:
    """Numbers 1, 2, ... of the harmonics that stay below the Nyquist frequency, vibrato included.

    At most 120: beyond, nothing is left of any of the band's spectra.
    """
    count = int(0.47 * rate_hz / frequency_hz)
    return np.arange(1, max(2, min(count, 120) + 1), dtype=np.float64)


def wavetable(amplitudes: npt.NDArray[np.float64], phases: npt.NDArray[np.float64]) -> Samples:
    """One period (plus one sample that closes it) of ``sum_k a_k sin(k x + p_k)``, RMS 1."""
    spectrum = np.zeros(_TABLE_SIZE // 2 + 1, dtype=np.complex128)
    spectrum[1 : amplitudes.size + 1] = amplitudes * np.exp(1j * (phases - np.pi / 2))
    period = np.fft.irfft(spectrum, _TABLE_SIZE)
    period /= np.sqrt(np.mean(period**2)) + 1e-12
    return np.append(period, period[0]).astype(np.float32)


def read_table(table: Samples, cycles: npt.NDArray[np.float64]) -> Samples:
    """The table at ``cycles`` (periods since the start, any real number), linearly interpolated."""
    place = ((cycles - np.floor(cycles)) * _TABLE_SIZE).astype(np.float32)
    index = np.minimum(place.astype(np.int32), _TABLE_SIZE - 1)
    left = table[index]
    return np.asarray(left + (table[index + 1] - left) * (place - index), dtype=np.float32)


def swell(length: int, rate_hz: int, attack_s: float, release_s: float) -> Samples:
    """An envelope ``(length,)`` that rises and falls as a raised cosine; 0 at both ends."""
    envelope = np.ones(length, dtype=np.float32)
    rise = max(2, min(length // 2, round(attack_s * rate_hz)))
    fall = max(2, min(length // 2, round(release_s * rate_hz)))
    envelope[:rise] = 0.5 - 0.5 * np.cos(np.linspace(0.0, np.pi, rise))
    envelope[length - fall :] *= 0.5 + 0.5 * np.cos(np.linspace(0.0, np.pi, fall))
    return envelope


def vibrato_cycles(
    frequency_hz: float,
    length: int,
    rate_hz: int,
    vibrato: tuple[float, float, float],
    scoop_cents: float,
) -> npt.NDArray[np.float64]:
    """Periods elapsed at each sample of a tone with vibrato ``(rate_hz, cents, delay_s)``.

    The tone starts ``scoop_cents`` below its pitch and reaches it within about 50 ms.
    """
    vibrato_hz, cents, delay_s = vibrato
    time_s = np.arange(length, dtype=np.float64) / rate_hz
    depth = cents * np.clip((time_s - delay_s) / 0.3, 0.0, 1.0)
    bend = depth * np.sin(2.0 * np.pi * vibrato_hz * time_s)
    bend -= scoop_cents * np.exp(-time_s / 0.018)
    # 2^(x/1200) for |x| < 100 cents: the first two terms are within 0.1 cent.
    exponent = bend * (np.log(2.0) / 1200.0)
    return np.cumsum(frequency_hz * (1.0 + exponent + 0.5 * exponent**2)) / rate_hz
