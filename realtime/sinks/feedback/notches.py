"""A few narrow cuts in a row, on any number of channels. Pure.

Each is R. Bristow-Johnson's peaking equaliser (Audio EQ Cookbook) with a negative gain. A recursive
filter goes sample by sample; as a state space it can be taken a block at a time, which is what
makes it cheap with arrays alone:

    y = T x + O z,    z' = A^n z + R x
"""

from __future__ import annotations

import math
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Matrix = NDArray[np.float64]

QUALITY = 14.0  # a tenth of an octave
_BLOCK = 64


@dataclass(frozen=True, slots=True)
class Notch:
    """A cut of ``depth_db`` >= 0 around ``frequency_hz``."""

    frequency_hz: float
    depth_db: float


class Notches:
    """Filters ``(channels, samples)``; with no notch nothing is changed, to the last bit."""

    def __init__(self, rate_hz: int, channels: int) -> None:
        self._rate_hz = rate_hz
        self._channels = channels
        self._set: tuple[Notch, ...] = ()
        self._blocks: _Blocks | None = None
        self._state: Matrix = np.zeros((0, channels))

    @property
    def set_to(self) -> tuple[Notch, ...]:
        """What is cut now."""
        return self._set

    def set(self, notches: tuple[Notch, ...]) -> None:
        """Cut these from the next sample on; those that stay at their place ring on."""
        if notches == self._set:
            return
        kept = {
            item.frequency_hz: self._state[2 * place : 2 * place + 2]
            for place, item in enumerate(self._set)
        }
        silent = np.zeros((2, self._channels))
        states = [kept.get(item.frequency_hz, silent) for item in notches]
        self._state = np.concatenate(states) if states else np.zeros((0, self._channels))
        self._blocks = _Blocks([_cut(item, self._rate_hz) for item in notches]) if notches else None
        self._set = notches

    def reset(self) -> None:
        """No notch, and nothing that rings."""
        self.set(())

    def feed(self, samples: NDArray[np.float32]) -> NDArray[np.float32]:
        """The next ``(channels, n)``, filtered; the same array where there is nothing to do."""
        if self._blocks is None:
            return samples
        filtered = np.empty_like(samples)
        for start in range(0, samples.shape[1], _BLOCK):
            piece = samples[:, start : start + _BLOCK].T.astype(np.float64)
            made, self._state = self._blocks.filter(piece, self._state)
            filtered[:, start : start + _BLOCK] = made.T
        return filtered


def _cut(notch: Notch, rate_hz: int) -> tuple[float, float, float, float, float]:
    """b0, b1, b2, a1, a2 of the peaking equaliser, a0 being 1."""
    amplitude = 10 ** (-notch.depth_db / 40)
    angle = 2 * math.pi * notch.frequency_hz / rate_hz
    alpha = math.sin(angle) / (2 * QUALITY)
    b0, b2 = 1 + alpha * amplitude, 1 - alpha * amplitude
    a0, a2 = 1 + alpha / amplitude, 1 - alpha / amplitude
    b1 = a1 = -2 * math.cos(angle)
    return b0 / a0, b1 / a0, b2 / a0, a1 / a0, a2 / a0


class _Blocks:
    """A cascade of second-order sections as matrices for up to ``_BLOCK`` samples at once."""

    def __init__(self, sections: list[tuple[float, float, float, float, float]]) -> None:
        order = 2 * len(sections)
        step, into = np.zeros((order, order)), np.zeros(order)
        out, through = np.zeros(order), 1.0
        for number, (b0, b1, b2, a1, a2) in enumerate(sections):
            own = slice(2 * number, 2 * number + 2)
            gain = np.array([b1 - a1 * b0, b2 - a2 * b0])
            step[own, :] += gain[:, None] * out  # what the sections before put out
            step[own, own] += [[-a1, 1.0], [-a2, 0.0]]
            into[own] = gain * through
            out = b0 * out
            out[2 * number] += 1.0
            through *= b0
        self._powers = np.empty((_BLOCK + 1, order, order))
        self._powers[0] = np.eye(order)
        for number in range(_BLOCK):
            self._powers[number + 1] = step @ self._powers[number]
        self._seen = np.einsum("i,nij->nj", out, self._powers[:-1])  # (block, order)
        response = np.concatenate([[through], self._seen[:-1] @ into])
        lag = np.arange(_BLOCK)[:, None] - np.arange(_BLOCK)
        self._toeplitz = np.where(lag >= 0, response[np.maximum(lag, 0)], 0.0)
        self._reach = (self._powers[_BLOCK - 1 :: -1] @ into).T  # (order, block)

    def filter(self, piece: Matrix, state: Matrix) -> tuple[Matrix, Matrix]:
        """``(n, channels)`` with n up to the block; filtered, and the state after it."""
        n = len(piece)
        made = self._toeplitz[:n, :n] @ piece + self._seen[:n] @ state
        return made, self._powers[n] @ state + self._reach[:, _BLOCK - n :] @ piece
