"""Supervised non-negative matrix factorisation, the paper's baseline (section 4.4).

Every class has bases, learned from solos of it: spectra whose sums its sound is made of (T.
Virtanen, IEEE TASLP 2007). A mixture is explained by the bases of the classes that it holds, and a
source's share is what its own bases explain. The classes are told, as in the paper.
"""

from __future__ import annotations

import contextlib
import warnings
from collections.abc import Iterator, Mapping, Sequence

import numpy as np
from sklearn.decomposition import NMF
from sklearn.exceptions import ConvergenceWarning

from pixelplayer.masks import MAGNITUDE_FLOOR
from training.clips import ClipSource
from training.methods import Method, Problem
from training.variants import View

BASES = 24  # of each class
SOLOS = 12  # that they are learned from
_ROUNDS = 120
_FLOOR = 1e-7  # divergences want positive spectra


def learn_bases(
    source: ClipSource, view: View, rng: np.random.Generator, labels: Sequence[str] | None = None
) -> Mapping[str, np.ndarray]:
    """``(BASES, bins)`` float32 of some classes of ``source``, all unless told."""
    bases = {}
    for label in source.labels if labels is None else labels:
        solos = [source.clip(label, view.samples, rng).samples for _ in range(SOLOS)]
        spectra = view.magnitude(view.spectrum(np.stack(solos)))  # (SOLOS, bins, T)
        columns = spectra.transpose(0, 2, 1).reshape(-1, view.bins) + _FLOOR
        sounding = columns[columns.sum(axis=1) > 1e-3 * columns.sum(axis=1).max()]
        model = _factorisation(BASES)
        with _unfinished():
            model.fit(sounding)
        bases[label] = model.components_.astype(np.float32)
    return bases


def nmf(bases: Mapping[str, np.ndarray], view: View) -> Method:
    """Separate by the bases of the classes of the problem's clips."""

    def separate(problem: Problem) -> np.ndarray:
        own = [bases[clip.label] for clip in problem.clips]
        every = np.vstack(own)
        spectrum = view.spectrum(problem.mixture)
        columns = view.magnitude(spectrum).T + _FLOOR
        model = _factorisation(len(every))
        model.components_ = every.astype(columns.dtype)
        model.n_components_ = len(every)
        model.n_features_in_ = every.shape[1]
        with _unfinished():
            activity = model.transform(columns)  # (T, all bases)
        parts = np.split(activity, np.cumsum([len(some) for some in own])[:-1], axis=1)
        explained = np.stack([part @ some for part, some in zip(parts, own, strict=True)])
        shares = explained / (explained.sum(axis=0) + MAGNITUDE_FLOOR)
        return view.apply(shares.transpose(0, 2, 1).astype(np.float32), spectrum)

    return separate


def _factorisation(count: int) -> NMF:
    return NMF(
        count,
        beta_loss="kullback-leibler",
        solver="mu",
        init="nndsvda" if count <= BASES else "random",
        max_iter=_ROUNDS,
        random_state=0,
    )


@contextlib.contextmanager
def _unfinished() -> Iterator[None]:
    """A fixed number of rounds is meant."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", ConvergenceWarning)
        yield
