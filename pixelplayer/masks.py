"""Masks: from features to what each object claims of the mixture, and what training aims at.

The synthesizer's mask of a visual vector ``v`` is ``sigmoid(sum_k scale_k v_k s_k(f, t) + bias)``
(paper section 3). Each mask alone says what one object sounds like; ``share`` makes the masks of
all objects divide the mixture among them and a residual, so that nothing is lost.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

MAGNITUDE_FLOOR = 1e-10  # added to the mixture before it divides
RATIO_LIMIT = 5.0  # largest ratio asked for, where sources cancel in the mixture
WEIGHT_RANGE = (1e-3, 10.0)  # of the loss
_BLOCK = 16_384  # numbers that stay in the fast caches


def mask_logits(vectors: Floats, sound: Floats, scale: Floats, bias: float) -> Floats:
    """The synthesizer before its sigmoid.

    Args:
        vectors: ``(N, K)`` float32, one visual vector per object or pixel.
        sound: ``(K, F, w)`` float32, the sound network's output.
        scale: ``(K,)`` float32.
        bias: added to every logit.

    Returns:
        ``(N, F, w)`` float32; not a number where an input is not.
    """
    channels, bins, columns = sound.shape
    # A broken network is dealt with in `share`, not by a warning per step.
    with np.errstate(all="ignore"):
        logits: Floats = np.matmul(vectors * scale, sound.reshape(channels, bins * columns))
        logits += np.float32(bias)
    return logits.reshape(len(vectors), bins, columns)


def sigmoid(logits: Floats, out: Floats | None = None) -> Floats:
    """``1 / (1 + exp(-x))`` of any float32 array, without overflow and accurate near 0.

    Into ``out`` where it is given, a contiguous array that may be ``logits`` itself.
    """
    values = np.empty(logits.shape, np.float32) if out is None else out
    given, made = logits.reshape(-1), values.reshape(-1)
    for start in range(0, given.size, _BLOCK):  # no large pieces of memory in between
        block = slice(start, start + _BLOCK)
        is_negative = np.signbit(given[block])
        small = np.abs(given[block])
        np.negative(small, out=small)
        np.exp(small, out=small)
        whole = small + 1
        np.copyto(small, 1, where=~is_negative)
        np.divide(small, whole, out=made[block])
    return values


def share(masks: Floats, power: float, residual_floor: float) -> Floats:
    """Divide the mixture among the objects, and what no object claims to a residual.

    An object's share is ``m^power / (sum m^power + residual_floor^power)``: a higher power gives a
    contested point to the strongest claim, and the floor is the claim of everything unseen.

    Args:
        masks: ``(N, F, w)`` float32, ``N >= 0``; kept within [0, 1], not a number counts as 0.
        power: above 0.
        residual_floor: above 0.

    Returns:
        ``(N + 1, F, w)`` float32 in [0, 1], the residual last; sums to 1 at every point, to
        rounding.
    """
    weights = np.empty((len(masks) + 1, *masks.shape[1:]), np.float32)
    np.fmax(masks, 0, out=weights[:-1])  # fmax takes the number where the other is none
    np.minimum(weights[:-1], 1, out=weights[:-1])
    weights[-1] = residual_floor
    np.power(weights, np.float32(power), out=weights)
    weights /= weights.sum(axis=0)
    return weights


def binary_target(magnitudes: Floats, mixture: Floats) -> Floats:
    """1 where a source is more than half of the mixture, else 0.

    Args:
        magnitudes: ``(..., F, w)`` float32, of the sources alone.
        mixture: ``(F, w)`` float32, or with the leading axes that it shares with the sources.

    Returns:
        float32 in the shape of ``magnitudes``.
    """
    target: Floats = (magnitudes > np.float32(0.5) * mixture).astype(np.float32)
    return target


def ratio_target(magnitudes: Floats, mixture: Floats) -> Floats:
    """A source's magnitude over the mixture's, at most ``RATIO_LIMIT``; shapes as above."""
    ratio: Floats = magnitudes / (mixture + np.float32(MAGNITUDE_FLOOR))
    np.minimum(ratio, np.float32(RATIO_LIMIT), out=ratio)
    return ratio


def loss_weight(mixture: Floats) -> Floats:
    """What a point of the mixture ``(..., F, w)`` counts in the loss: its loudness, bounded."""
    low, high = WEIGHT_RANGE
    weight: Floats = np.log1p(mixture)
    np.clip(weight, np.float32(low), np.float32(high), out=weight)
    return weight
