"""What is seen, understood with the help of what is heard.

From a picture alone a flute may be taken for a clarinet, and then it is not separated: the mask of
a clarinet lets little of a flute through. But the sound says which instruments can be there at all:
asked for every instrument it knows, a model gives nearly nothing to those that do not play. So an
object's vector becomes a blend of the vectors of known instruments, each counted by how much it
looks like the object and how much of the sound it explains; two objects are rather two
instruments than one, and what makes most of the sound is rather one of them than something unseen.
What looks like nothing known keeps the vector that was seen.

Cells of a picture are understood as well: of several looks at each, with more and more pixels, the
one counts that fits what is heard, as far as it is heard. A window that looks like a harp is hardly
one where none is heard.

How much an instrument explains is found by expectation and maximisation (A. P. Dempster et al.,
"Maximum likelihood from incomplete data via the EM algorithm", 1977), a column at a time: what
explained more so far claims more of what comes. Where a guitar plays, a harp could explain nearly
as much; counted like this, it soon explains little.

``docs/decisions/0015`` and ``0016`` have what it gains.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from pixelplayer.masks import mask_logits, sigmoid
from pixelplayer.spec import Analysis
from pixelplayer.vocabulary import Vocabulary
from pixelplayer.warp import LogFrequencyWarp

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class UnderstandingSettings:
    """How looks and sound are weighed; tuned on mixtures that no benchmark has."""

    memory_s: float = 6.0  # time constant of what was heard: instruments do not come and go quickly
    trusted_s: float = 0.5  # time constant of the trust in it, in seconds of sound
    silence_dbfs: float = -60.0  # quieter columns say nothing
    power: float = 2.0  # with which the instruments share the sound
    floor: float = 0.05  # and the claim of everything unknown
    momentum: float = 0.75  # power with which what it explained so far counts; 1 is EM
    least_claim: float = 0.03  # that an instrument which explains less may still make
    least_evidence: float = 0.01  # part of the sound that an instrument may always have
    enough: float = 0.05  # part of the sound that proves it is there; more proves no more
    # Of instruments that play, one in a hundred explains less than the first of these parts, one in
    # twenty less than the second; of those that do not play, three in four and nine in ten.
    faint: float = 0.015
    plain: float = 0.04
    look: float = 0.15  # difference of cosines that makes an instrument e times as likely
    sound: float = 2.0  # power with which its part of the sound counts
    rivalry: float = 3.0  # how unlikely it is that two objects are one instrument, in nepers
    absence: float = 3.5  # how unlikely it is that all the sound is none of the objects, in nepers
    decision: float = 3.0  # power that makes the likeliest win
    least_named: float = 0.7  # likelihood, and trust in the sound, with which it is called so
    least_cosine: float = 0.5  # of an object with what it looks like most, to be known at all
    doubt: float = 0.5  # likelihood that a cell shows what is heard, with which it counts whole
    strange: float = 0.3  # how far a cell counts that looks like nothing known
    believed: float = 0.5  # how far a cell counts though it is not heard, where known things are
    unheard: float = 0.02  # how much better a look is than none if nothing of it is heard


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Understood:
    """What objects are.

    ``vectors`` ``(N, K)`` float32, that they should be separated by: as they look as long as little
    was heard. ``names``, "" where they are in doubt.
    """

    vectors: Floats
    names: tuple[str, ...]


class Understanding:
    """Follows the sound, and says what objects are; a streaming class.

    Args:
        vocabulary: what can be said.
        scale, bias: the synthesizer's, float32 ``(K,)`` and a number.
        analysis, warp: of the recording.
        settings: see ``UnderstandingSettings``.
    """

    def __init__(
        self,
        vocabulary: Vocabulary,
        scale: Floats,
        bias: float,
        *,
        analysis: Analysis,
        warp: LogFrequencyWarp,
        settings: UnderstandingSettings | None = None,
    ) -> None:
        self._words, self._titles = vocabulary.vectors, vocabulary.titles
        self._directions = _directions(vocabulary.vectors)
        self._scale, self._bias = scale, bias
        self._analysis, self._warp = analysis, warp
        self._column_s = analysis.hop / analysis.rate_hz
        self._settings = settings or UnderstandingSettings()
        self.reset()

    def reset(self) -> None:
        """Nothing has been heard."""
        self._explained = np.zeros(len(self._words))
        self._amplitude = 0.0
        self._heard_s = 0.0

    def state(self) -> dict[str, Any]:
        """What was heard, for another to go on with."""
        return {
            "explained": self._explained,
            "amplitude": self._amplitude,
            "heard_s": self._heard_s,
        }

    def resume(self, state: Mapping[str, Any]) -> None:
        """Go on as if this had been heard here.

        Raises:
            ValueError: it was heard with another vocabulary.
        """
        if state["explained"].shape != self._explained.shape:
            raise ValueError(f"wanted {len(self._words)} instruments, as in the vocabulary")
        self._explained = state["explained"]
        self._amplitude, self._heard_s = state["amplitude"], state["heard_s"]

    def feed(self, sound: Floats, spectrum: NDArray[np.complex64]) -> None:
        """Hear some more columns, however many.

        Args:
            sound: ``(K, F, w)`` float32, from the sound network.
            spectrum: ``(bins, w)`` complex64, of the mixture.
        """
        columns = spectrum.shape[1]
        if not columns:
            return
        settings = self._settings
        logits = mask_logits(self._words, sound, self._scale, self._bias)
        masks = sigmoid(logits, out=logits)
        loud = np.abs(spectrum)
        # Both halves of the spectrum, and the energy of a Hann window: a column's mean square.
        mean_square = np.square(loud).sum(axis=0) * (2 / (0.375 * self._analysis.n_fft**2))
        is_heard = mean_square > 10 ** (settings.silence_dbfs / 10)
        amplitude = self._warp.to_log(loud) * is_heard  # as training weighs: quiet partials count
        kept = np.exp(-self._column_s / settings.memory_s)
        claims = masks ** np.float32(settings.power)
        for column in range(columns):
            evidence = self.evidence
            weights = np.maximum(evidence, settings.least_claim) ** settings.momentum
            unknown = max(1 - float(evidence.sum()), settings.least_claim) ** settings.momentum
            own = claims[:, :, column] * weights[:, np.newaxis].astype(np.float32)
            shares = own / (own.sum(axis=0) + np.float32(settings.floor * unknown))
            self._explained = kept * self._explained + shares @ amplitude[:, column]
            self._amplitude = kept * self._amplitude + float(amplitude[:, column].sum())
            self._heard_s = kept * self._heard_s + float(is_heard[column]) * self._column_s

    def flush(self) -> None:
        """Nothing is held back: what was fed has been heard."""

    @property
    def _trust(self) -> float:
        """How far what was heard is believed, 0 to 1."""
        return float(-np.expm1(-self._heard_s / self._settings.trusted_s))

    @property
    def evidence(self) -> NDArray[np.float64]:
        """``(C,)``: the part of the sound that each known instrument explains; at most 1 in all."""
        return self._explained / max(self._amplitude, 1e-12)

    def fitting(self, looks: Floats) -> Floats:
        """Of several looks at each cell the one that fits what is heard, as far as it is heard.

        Args:
            looks: ``(S, n, K)`` float32, what each cell looks like at ``S`` scales.

        Returns:
            ``(n, K)`` float32: for each cell one of its looks, or less of it; the first, until
            something is heard. From then on the sound is believed at once: an object that is taken
            on too early stays for seconds.
        """
        if not self._amplitude:
            first: Floats = looks[0]
            return first
        settings = self._settings
        cosines = _directions(looks) @ self._directions.T
        known = cosines.max(axis=2)
        heard = (self.evidence - settings.faint) / (settings.plain - settings.faint)
        likely = _shares(cosines / settings.look) @ np.clip(heard, 0.0, 1.0)
        fits = np.minimum(likely / settings.doubt, 1.0)
        fits = np.where(known >= settings.least_cosine, fits, settings.strange)
        worth = np.linalg.norm(looks, axis=2) * known * (fits + settings.unheard)
        best = worth.argmax(axis=0)[np.newaxis, :, np.newaxis]
        chosen = np.take_along_axis(looks, best, axis=0)[0]
        # The ears err, too: where most of what sounds is known, what is seen is there in part.
        least = settings.believed * min(float(self.evidence.sum()), 1.0)
        strength = np.maximum(np.take_along_axis(fits, best[..., 0], axis=0)[0], least)
        fitting: Floats = chosen * strength[:, np.newaxis].astype(np.float32)
        return fitting

    def likelihoods(self, seen: Floats) -> NDArray[np.float64]:
        """How likely objects are to be each known instrument, ``(N, C)``; rows sum to 1.

        Args:
            seen: ``(N, K)`` float32, the objects' visual vectors.
        """
        return self._likelihoods(_directions(seen) @ self._directions.T)

    def _likelihoods(self, cosines: Floats) -> NDArray[np.float64]:
        settings = self._settings
        own = cosines / settings.look
        evidence = self.evidence
        proof = np.minimum(evidence, settings.enough)
        own = own + settings.sound * np.log(proof + settings.least_evidence)
        likely = _shares(own)
        for _ in range(_ROUNDS):  # mean field: each object gives way to what others rather are
            rivals = likely.sum(axis=0) - likely
            doubt = np.log1p(-np.minimum(likely, _SURE))
            unclaimed = np.exp(doubt.sum(axis=0) - doubt)  # that no other object is it
            wanted = own - settings.rivalry * rivals + settings.absence * evidence * unclaimed
            likely = (likely + _shares(wanted)) / 2
        return _shares(settings.decision * np.log(likely + 1e-12))

    def names(self, seen: Floats) -> list[str]:
        """What objects ``(N, K)`` may be called, "" where that is in doubt."""
        return list(self.understand(seen).names)

    def vectors(self, seen: Floats) -> Floats:
        """The vectors ``(N, K)`` that objects should be separated by."""
        return self.understand(seen).vectors

    def understand(self, seen: Floats) -> Understood:
        """What objects are.

        Args:
            seen: ``(N, K)`` float32, as they look.
        """
        settings, names = self._settings, [""] * len(seen)
        if not len(seen):
            return Understood(vectors=seen, names=())
        cosines = _directions(seen) @ self._directions.T
        is_known = cosines.max(axis=1) >= settings.least_cosine
        if not is_known.any():
            return Understood(vectors=seen, names=tuple(names))
        likely = self._likelihoods(cosines[is_known])
        meant = np.array(seen)
        said = likely @ self._words
        meant[is_known] += np.float32(self._trust) * (said - seen[is_known]).astype(np.float32)
        if self._trust >= settings.least_named:
            for place, row in zip(np.flatnonzero(is_known), likely, strict=True):
                if row.max() >= settings.least_named:
                    names[place] = self._titles[int(row.argmax())]
        return Understood(vectors=meant, names=tuple(names))


_ROUNDS = 12
_SURE = 1 - 1e-6  # the most likely that anything is


def _directions(vectors: Floats) -> Floats:
    lengths = np.linalg.norm(vectors, axis=-1, keepdims=True)
    directions: Floats = vectors / np.maximum(lengths, np.float32(1e-6))
    return directions


def _shares(logs: NDArray[np.float64]) -> NDArray[np.float64]:
    """Logarithms to parts of 1, along the last axis."""
    parts: NDArray[np.float64] = np.exp(logs - logs.max(axis=-1, keepdims=True))
    parts /= parts.sum(axis=-1, keepdims=True)
    return parts
