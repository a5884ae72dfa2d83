"""Which recorded stream is which true stem, and how good it is."""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pixelplayer.metrics import FILTER_TAPS, bss_eval_in_order

Signals = NDArray[np.float32]  # (signals, samples)


@dataclass(frozen=True, slots=True, kw_only=True)
class StemScore:
    """How one stem was found. ``stream`` None: no stream is left for it.

    A stem without a stream scores as the mixture does, which is what one would hear instead:
    nothing is gained, and its SAR is not a number.
    """

    stream: int | None
    sdr_db: float
    sir_db: float
    sar_db: float
    nsdr_db: float


def match_streams(
    stems: Signals, streams: Signals, mixture: Signals, filter_taps: int = FILTER_TAPS
) -> tuple[StemScore, ...]:
    """Give each stem the stream that makes the sum of all SDRs highest, and score it.

    Args:
        stems: ``(S, n)``, none of them silent.
        streams: ``(M, n)``, ``M >= 0``; silent ones are never chosen unless nothing else is left.
        mixture: ``(n,)``.
        filter_taps: as in ``pixelplayer.metrics``.
    """
    unheard = _scores_as_each(stems, mixture, filter_taps)
    table = [_scores_as_each(stems, stream, filter_taps) for stream in streams]
    count = len(stems)
    choices: Sequence[int | None] = [
        *(index for index, scores in enumerate(table) if scores is not None),
        *[None] * count,
    ]
    assert unheard is not None, "the mixture is silent"

    def sdr_sum(order: Sequence[int | None]) -> float:
        chosen = (_chosen(table, unheard, stream)[0, stem] for stem, stream in enumerate(order))
        return float(sum(chosen))

    fewest = max(0, count - sum(choice is not None for choice in choices))
    orders = (
        order
        for order in itertools.permutations(choices, count)
        if sum(stream is None for stream in order) == fewest
    )
    best = max(orders, key=sdr_sum)
    return tuple(
        StemScore(
            stream=stream,
            sdr_db=float(_chosen(table, unheard, stream)[0, stem]),
            sir_db=float(_chosen(table, unheard, stream)[1, stem]),
            sar_db=math.nan if stream is None else float(_chosen(table, unheard, stream)[2, stem]),
            nsdr_db=float(_chosen(table, unheard, stream)[0, stem] - unheard[0, stem]),
        )
        for stem, stream in enumerate(best)
    )


def relative_error_db(wanted: Signals, found: Signals) -> float:
    """Energy of the difference over that of ``wanted``, dB; -inf where they are equal."""
    error = float(np.square(wanted.astype(np.float64) - found).sum())
    energy = float(np.square(wanted.astype(np.float64)).sum())
    if error == 0.0:
        return -math.inf
    return 10 * math.log10(error / energy) if energy else math.inf


def _chosen(
    table: Sequence[NDArray[np.float64] | None], unheard: NDArray[np.float64], stream: int | None
) -> NDArray[np.float64]:
    scores = None if stream is None else table[stream]
    return unheard if scores is None else scores


def _scores_as_each(
    stems: Signals, signal: Signals, filter_taps: int
) -> NDArray[np.float64] | None:
    """SDR, SIR and SAR ``(3, S)`` of one signal as each of the stems; None if it is silent."""
    if not signal.any():
        return None
    copies = np.broadcast_to(signal, stems.shape)
    scores = bss_eval_in_order(stems, copies, filter_taps)
    return np.stack([scores.sdr, scores.sir, scores.sar])
