"""How long sound takes from speaker to microphone: bursts of noise, each like none other. Pure."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from calibration.collection import CalibrationError

BURSTS = 8
LONGEST_S = 2.0
_LEAD_S = 1.0
_BURST_S = 0.350
_GAP_S = 0.250
_BAND_HZ = (300.0, 8000.0)  # what small speakers and microphones have in common
_LEVEL = 0.1  # root mean square
_FADE_S = 0.005
_LEAST_SHARP = 8.0  # a peak of the correlation against the rest of it; chance reaches 5
_LEAST_BURSTS = 3
_TOGETHER_MS = 5.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Burst:
    """``samples`` (n,) float32 are played from sample ``start`` on."""

    start: int
    samples: NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class LoopDelay:
    """``ms`` is the median of the ``heard`` bursts of ``said``; they lie within ``spread_ms``.

    ``sharp``: how far the least clear of them stands out of the correlation's noise, 8 and more.
    """

    ms: float
    spread_ms: float
    heard: int
    said: int
    sharp: float


def bursts(rate_hz: int) -> tuple[Burst, ...]:
    """What is played at ``rate_hz``."""
    length = round(_BURST_S * rate_hz)
    frequencies_hz = np.fft.rfftfreq(length, 1 / rate_hz)
    is_heard = (frequencies_hz >= _BAND_HZ[0]) & (frequencies_hz <= _BAND_HZ[1])
    ramp = np.minimum(np.arange(length) / (_FADE_S * rate_hz), 1.0)
    found = []
    for number in range(BURSTS):
        white = np.random.default_rng(number).standard_normal(length)
        noise = np.fft.irfft(np.fft.rfft(white) * is_heard, length) * ramp * ramp[::-1]
        noise *= _LEVEL / np.sqrt(np.mean(noise**2))
        start = round((_LEAD_S + number * (_BURST_S + _GAP_S)) * rate_hz)
        found.append(Burst(start=start, samples=noise.astype(np.float32)))
    return tuple(found)


def played(said: tuple[Burst, ...]) -> NDArray[np.float32]:
    """All bursts in one, ``(n,)``."""
    samples = np.zeros(said[-1].start + len(said[-1].samples), np.float32)
    for burst in said:
        samples[burst.start : burst.start + len(burst.samples)] = burst.samples
    return samples


def place_of(
    burst: Burst, heard: NDArray[np.float32], first: int, stop: int
) -> tuple[float, float]:
    """Where in ``heard`` (n,) a burst begins, in samples, and how clearly.

    It is looked for in [first, stop).
    """
    first = max(first, 0)
    around = heard[first : max(stop, first) + len(burst.samples)].astype(np.float64)
    lags = len(around) - len(burst.samples)
    if lags < 3:
        return 0.0, 0.0
    size = 1 << (len(around) + len(burst.samples)).bit_length()
    product = np.fft.rfft(around, size) * np.fft.rfft(burst.samples, size).conj()
    correlation = np.abs(np.fft.irfft(product, size)[:lags])
    level = float(np.sqrt(np.mean(correlation**2)))
    best = int(np.argmax(correlation[1:-1])) + 1
    sharp = float(correlation[best]) / level if level > 0 else 0.0
    return first + best + _vertex(correlation[best - 1 : best + 2]), sharp


def loop_delay(delays_ms: NDArray[np.float64], sharp: NDArray[np.float64]) -> LoopDelay:
    """What the bursts say together.

    Args:
        delays_ms: ``(n,)``, of every burst that was said.
        sharp: ``(n,)``, how clearly each was heard.

    Raises:
        CalibrationError: too few were heard, or they do not agree.
    """
    clear = sharp >= _LEAST_SHARP
    if clear.sum() < _LEAST_BURSTS:
        raise CalibrationError(
            f"the microphone heard {clear.sum()} of {len(sharp)} bursts of noise; unplug the "
            "headphones, turn the speaker up, see python -m calibration levels"
        )
    middle = float(np.median(delays_ms[clear]))
    agreeing = clear & (np.abs(delays_ms - middle) <= _TOGETHER_MS)
    if agreeing.sum() < max(_LEAST_BURSTS, 0.5 * clear.sum()):
        low, high = delays_ms[clear].min(), delays_ms[clear].max()
        raise CalibrationError(
            f"the delay is not the same twice ({low:.0f} to {high:.0f} ms); end other programs "
            "that use the devices, and try again"
        )
    return LoopDelay(
        ms=float(np.median(delays_ms[agreeing])),
        spread_ms=float(np.ptp(delays_ms[agreeing])),
        heard=int(agreeing.sum()),
        said=len(sharp),
        sharp=float(sharp[agreeing].min()),
    )


def _vertex(three: NDArray[np.float64]) -> float:
    """Where between -1 and 1 a parabola through three values is highest."""
    bend = float(three[0] - 2 * three[1] + three[2])
    return 0.5 * float(three[0] - three[2]) / bend if bend < 0 else 0.0
