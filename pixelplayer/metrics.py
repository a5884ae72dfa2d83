"""How well sources were separated: BSS-eval version 3, the paper's NSDR; and places, by boxes.

An estimate ``e`` is split into what a short filter can make of its reference, what filters can make
of all references together, and the rest (Vincent, Gribonval, Fevotte, 2006):

    e = own + (joint - own) + (e - joint)
        target  interference   artefacts

where ``own`` and ``joint`` are orthogonal projections onto the delayed copies of its reference and
of all of them. Scores are ratios of energies in dB; more is better. Everything is float64.
"""

from __future__ import annotations

import itertools
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
AnyFloats = NDArray[np.floating[Any]]

Box = tuple[float, float, float, float]  # x0, y0, x1, y1, y down

FILTER_TAPS = 512  # distortion allowed before it counts against an estimate: the usual length


@dataclass(frozen=True, slots=True, kw_only=True)
class BssScores:
    """Scores of N estimates, by reference: entry ``n`` is of ``estimate[permutation[n]]``."""

    sdr: Array  # (N,) dB: target over everything else
    sir: Array  # (N,) dB: target over interference; infinite for a single source
    sar: Array  # (N,) dB: target and interference over artefacts
    permutation: NDArray[np.intp]  # (N,)


def bss_eval(
    reference: AnyFloats, estimate: AnyFloats, filter_taps: int = FILTER_TAPS
) -> BssScores:
    """Score estimates whose order is unknown: matched to the references for the best mean SIR.

    Args:
        reference: ``(N, samples)``, the sources alone.
        estimate: ``(N, samples)``.
        filter_taps: length of the allowed distortion filters.

    Raises:
        ValueError: the shapes differ, a value is not finite, or a signal is silent.
    """
    sdr, sir, sar = _pairwise(reference, estimate, filter_taps)
    references = np.arange(len(sir))
    orders = itertools.permutations(range(len(sir)))
    order = np.array(max(orders, key=lambda order: _mean_of_finite(sir[list(order), references])))
    return BssScores(
        sdr=sdr[order, references],
        sir=sir[order, references],
        sar=sar[order, references],
        permutation=order,
    )


def bss_eval_in_order(
    reference: AnyFloats, estimate: AnyFloats, filter_taps: int = FILTER_TAPS
) -> BssScores:
    """Score estimates that claim to be a certain source each, as those of a picture do.

    Arguments and errors are those of ``bss_eval``; estimate ``n`` is compared with reference ``n``.
    """
    sdr, sir, sar = _pairwise(reference, estimate, filter_taps)
    return BssScores(
        sdr=np.diagonal(sdr).copy(),
        sir=np.diagonal(sir).copy(),
        sar=np.diagonal(sar).copy(),
        permutation=np.arange(len(sdr)),
    )


def overlap(first: Box, second: Box) -> float:
    """Intersection over union of two boxes, 0..1; 0 where neither has an area."""
    across = min(first[2], second[2]) - max(first[0], second[0])
    down = min(first[3], second[3]) - max(first[1], second[1])
    common = max(across, 0.0) * max(down, 0.0)
    areas = [(x1 - x0) * (y1 - y0) for x0, y0, x1, y1 in (first, second)]
    union = sum(areas) - common
    return common / union if union > 0 else 0.0


def nsdr(
    reference: AnyFloats,
    estimate: AnyFloats,
    mixture: AnyFloats,
    filter_taps: int = FILTER_TAPS,
) -> Array:
    """What separation gained: SDR of the estimates less SDR of the mixture, ``(N,)`` dB.

    Args:
        reference: ``(N, samples)``, the sources alone.
        estimate: ``(N, samples)``, in the same order.
        mixture: ``(samples,)``.
        filter_taps: length of the allowed distortion filters.

    Raises:
        ValueError: the shapes differ, a value is not finite, or a signal is silent.
    """
    _check(reference, estimate)
    if mixture.shape != reference.shape[1:]:
        raise ValueError(f"mixture must be {reference.shape[1:]}, got {mixture.shape = }")
    _check_sounding("mixture", mixture[np.newaxis])
    signals = np.concatenate([estimate, mixture[np.newaxis]])
    sdr = _scores(reference, signals, filter_taps)[0]
    gained_db: Array = np.diagonal(sdr[:-1]) - sdr[-1]
    return gained_db


def _pairwise(
    reference: AnyFloats, estimate: AnyFloats, filter_taps: int
) -> tuple[Array, Array, Array]:
    """SDR, SIR and SAR ``(N, N)`` in dB of every estimate (row) as every reference (column)."""
    _check(reference, estimate)
    return _scores(reference, estimate, filter_taps)


def _scores(
    reference: AnyFloats, signals: AnyFloats, filter_taps: int
) -> tuple[Array, Array, Array]:
    """SDR, SIR and SAR ``(signals, N)`` in dB of every signal as every reference."""
    projector = _Projector(reference.astype(np.float64), filter_taps)
    sdr, sir, sar = (np.empty((len(signals), len(reference))) for _ in range(3))
    for row, (signal, own, joint) in enumerate(projector.project(signals.astype(np.float64))):
        interference = joint - own
        rest = signal - joint
        sdr[row] = _ratio_db(own, interference + rest)
        sir[row] = _ratio_db(own, interference)
        sar[row] = _ratio_db(joint, rest)
    return sdr, sir, sar


def _check(reference: AnyFloats, estimate: AnyFloats) -> None:
    if reference.ndim != 2 or reference.shape != estimate.shape or not reference.size:
        raise ValueError(
            "reference and estimate must both be (sources, samples), "
            f"got {reference.shape = }, {estimate.shape = }"
        )
    _check_sounding("reference", reference)
    _check_sounding("estimate", estimate)


def _check_sounding(name: str, signals: AnyFloats) -> None:
    if not np.isfinite(signals).all():
        raise ValueError(f"{name} has samples that are not finite")
    silent = np.flatnonzero(~signals.any(axis=1))
    if silent.size:
        raise ValueError(f"{name} {silent[0]} is silent: its scores are undefined")


class _Projector:
    """Orthogonal projections onto the references delayed by ``0 .. taps - 1`` samples."""

    def __init__(self, reference: Array, taps: int) -> None:
        self._taps = taps
        self._length = reference.shape[1] + taps - 1
        self._n_fft = 1 << (self._length - 1).bit_length()
        self._spectra = np.fft.rfft(reference, self._n_fft)
        self._gram = self._inner_products()

    def project(self, signals: Array) -> Iterator[tuple[Array, Array, Array]]:
        """Project ``(signals, samples)``; all systems are solved at once.

        Yields:
            For each signal: itself padded to ``(length,)``, its projections onto each reference
            ``(N, length)``, and onto all of them ``(length,)``.
        """
        sources, taps = len(self._spectra), self._taps
        target = np.empty((sources, taps, len(signals)))
        for column, signal in enumerate(signals):
            spectrum = np.fft.rfft(signal, self._n_fft) * self._spectra.conj()
            target[:, :, column] = np.fft.irfft(spectrum, self._n_fft)[:, :taps]
        size = sources * taps
        own = np.stack([_solve(self._gram[n, :, n], target[n]) for n in range(sources)])
        joint = _solve(self._gram.reshape(size, size), target.reshape(size, -1))
        joint = joint.reshape(sources, taps, -1)
        for column, signal in enumerate(signals):
            padded = np.pad(signal, (0, taps - 1))
            together = self._filter(joint[..., column]).sum(axis=0)
            yield padded, self._filter(own[..., column]), together

    def _filter(self, filters: Array) -> Array:
        filtered = np.fft.irfft(np.fft.rfft(filters, self._n_fft) * self._spectra, self._n_fft)
        return filtered[:, : self._length]

    def _inner_products(self) -> Array:
        """``[i, a, j, b]``: reference ``i`` delayed by ``a`` times reference ``j`` by ``b``."""
        sources, taps = len(self._spectra), self._taps
        delay = np.arange(taps)
        lag = (delay[np.newaxis, :] - delay[:, np.newaxis]) % self._n_fft
        gram = np.empty((sources, taps, sources, taps))
        for i, j in itertools.product(range(sources), repeat=2):
            correlation = np.fft.irfft(self._spectra[i] * self._spectra[j].conj(), self._n_fft)
            gram[i, :, j] = correlation[lag]
        return gram


def _solve(matrix: Array, targets: Array) -> Array:
    """Solve a symmetric system; the shortest solution where references depend on each other."""
    try:
        solution = np.linalg.solve(matrix, targets)
    except np.linalg.LinAlgError:
        solution = np.linalg.lstsq(matrix, targets, rcond=None)[0]
    return np.asarray(solution, np.float64)


def _ratio_db(wanted: Array, unwanted: Array) -> Array:
    with np.errstate(divide="ignore"):
        ratio_db: Array = 10 * np.log10(_energy(wanted) / _energy(unwanted))
    return ratio_db


def _energy(signals: Array) -> Array:
    energy: Array = np.square(signals).sum(axis=-1)
    return energy


def _mean_of_finite(scores_db: Array) -> float:
    """Mean with infinities bounded, so that orders which contain them still compare."""
    return float(np.clip(scores_db, -1e3, 1e3).mean())
