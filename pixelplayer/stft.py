"""The short-time Fourier transform and its exact inverse, whole or as a stream.

Columns are centred: column ``c`` is the spectrum of the ``n_fft`` samples around sample
``c * hop``, under a periodic Hann window, with zeros outside the signal. A signal of ``n`` samples
has ``ceil(n / hop) + 1`` columns, so that every sample lies under a column on either side of it.

The inverse divides the overlapped, windowed columns by the sum of the windows' products: it returns
the signal itself for an untouched spectrum. With the same window on both sides, as here unless told
otherwise, it is the least-squares nearest signal for a masked one.

Live, a column's own length would be delay. ``low_delay`` looks back as far and ahead much less
(D. Mauler and R. Martin, "A low delay, variable resolution, perfect reconstruction spectral
analysis-synthesis system for speech enhancement", EUSIPCO 2007): a long analysis window that falls
within seven tenths of a hop of its end, and a synthesis window on its last 1.7 hops only.

The streaming classes add in the same order as the whole transforms do, so their results do not
depend on how the signal is cut, to the last bit.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from pixelplayer.spec import Analysis

Samples = NDArray[np.float32]
Spectrum = NDArray[np.complex64]


@dataclass(frozen=True, slots=True, eq=False, kw_only=True)
class Windows:
    """How a column sees the signal, and how it gives it back.

    ``analysis`` ``(n_fft,)`` float32. ``synthesis`` ``(m,)`` float32, on the last ``m <= n_fft``
    samples of the column. ``ahead_samples``: how far the column reaches beyond its centre.
    """

    analysis: Samples
    synthesis: Samples
    ahead_samples: int

    @property
    def both(self) -> Samples:
        """``(m,)``: the product of the two."""
        product: Samples = (
            self.analysis[len(self.analysis) - len(self.synthesis) :] * self.synthesis
        )
        return product


def symmetric(analysis: Analysis) -> Windows:
    """A periodic Hann window both ways."""
    phase = 2 * np.pi * np.arange(analysis.n_fft) / analysis.n_fft
    hann = (0.5 - 0.5 * np.cos(phase)).astype(np.float32)
    return Windows(analysis=hann, synthesis=hann, ahead_samples=analysis.n_fft // 2)


FADE_HOPS = 0.7  # the shorter, the sooner it is heard, and the worse (docs/decisions/0037)


def fade_samples(hop: int) -> int:
    """How long two columns of low delay overlap."""
    return round(FADE_HOPS * hop)


def low_delay(analysis: Analysis) -> Windows:
    """Windows whose product is one hop that fades into either side's neighbour (``FADE_HOPS``).

    Where the transform has four hops or less, the column ends where the symmetric one before it
    ends: both are there at the same time. What they give is later than the centre, by half of what
    the fade lacks to a hop: the sooner it is over, the less is waited for.

    Raises:
        ValueError: the transform has no more than two hops.
    """
    n_fft, hop = analysis.n_fft, analysis.hop
    ahead = min(n_fft // 2 - hop, hop)
    if ahead <= 0:
        raise ValueError(f"wanted a transform of more than two hops, got {n_fft = }, {hop = }")
    fade = max(fade_samples(hop), 1)
    rise, fall = np.arange(n_fft - fade) + 0.5, np.arange(fade) + 0.5
    window = np.concatenate(
        [np.sin(np.pi / 2 * rise / len(rise)) ** 2, np.cos(np.pi / 2 * fall / fade)]
    )
    faded = np.sin(np.pi / 2 * fall / fade) ** 2
    product = np.concatenate([faded, np.ones(hop - fade), faded[::-1]])
    return Windows(
        analysis=window.astype(np.float32),
        synthesis=(product / window[-len(product) :]).astype(np.float32),
        ahead_samples=ahead,
    )


def stft(
    samples: Samples,
    analysis: Analysis,
    windows: Windows | None = None,
    rfft: Callable[[Samples], NDArray[np.complexfloating]] = np.fft.rfft,
) -> Spectrum:
    """Transform a whole signal.

    Args:
        samples: ``(..., samples)`` float32.
        analysis: the transform.
        windows: the symmetric ones unless told.
        rfft: of the last axis; which is fastest depends on its length.

    Returns:
        ``(..., bins, columns)`` complex64, contiguous; ``columns_of(samples, hop)`` columns.
    """
    length = samples.shape[-1]
    columns = columns_of(length, analysis.hop)
    windows = windows or symmetric(analysis)
    ahead = windows.ahead_samples
    after = max((columns - 1) * analysis.hop + ahead - length, 0)
    outside = [(0, 0)] * (samples.ndim - 1) + [(analysis.n_fft - ahead, after)]
    return _columns(np.pad(samples, outside), columns, analysis, windows.analysis, rfft)


def istft(
    spectrum: Spectrum, analysis: Analysis, length_samples: int, windows: Windows | None = None
) -> Samples:
    """Invert a whole spectrum.

    Args:
        spectrum: ``(..., bins, columns)`` complex64.
        analysis: the transform that made it.
        length_samples: length of the result, at most ``columns * hop``.
        windows: those that made it; the symmetric ones unless told.

    Returns:
        ``(..., length_samples)`` float32.

    Raises:
        ValueError: the spectrum does not fit the transform, or is too short for the length.
    """
    streams = spectrum.reshape(-1, *spectrum.shape[-2:])
    inverse = StreamingIstft(analysis, streams=len(streams), windows=windows)
    # The whole is one feed; what it holds back, the flush gives.
    first = inverse.feed(streams)
    rest = inverse.flush(length_samples)
    samples = np.concatenate([first, rest], axis=-1)
    return samples.reshape(*spectrum.shape[:-2], length_samples)


def columns_of(length_samples: int, hop: int) -> int:
    """Columns of a signal: those centred on samples ``0, hop, ...`` up to its end or just past."""
    return -(-length_samples // hop) + 1


@dataclass(slots=True)
class _ForwardState:
    pending: Samples  # from the first sample of the next column on
    received_samples: int
    emitted_columns: int


class StreamingStft:
    """``stft`` of a signal that arrives in pieces of any size.

    The columns of all ``feed`` calls and of ``flush``, one after another, are ``stft`` of all the
    samples. A column comes out once the samples after its centre that it sees are in, half its
    length with the symmetric window.
    """

    def __init__(self, analysis: Analysis, windows: Windows | None = None) -> None:
        """``windows``: the symmetric ones unless told."""
        self.analysis = analysis
        self._windows = windows or symmetric(analysis)
        self.reset()

    def reset(self) -> None:
        """Forget the signal; the next sample fed is sample 0."""
        before = self.analysis.n_fft - self._windows.ahead_samples
        silence = np.zeros(before, np.float32)
        self._state = _ForwardState(pending=silence, received_samples=0, emitted_columns=0)

    def feed(self, samples: Samples) -> Spectrum:
        """Take ``(n,)`` float32 samples, ``n >= 0``; give ``(bins, m)`` complex64, ``m >= 0``."""
        state, analysis = self._state, self.analysis
        pending = np.concatenate([state.pending, samples], dtype=np.float32)
        columns = max((len(pending) - analysis.n_fft) // analysis.hop + 1, 0)
        spectrum = _columns(pending, columns, analysis, self._windows.analysis)
        state.pending = pending[columns * analysis.hop :]
        state.received_samples += len(samples)
        state.emitted_columns += columns
        return spectrum

    def flush(self) -> Spectrum:
        """Give the remaining columns ``(bins, m)`` of the signal, and reset."""
        state, analysis = self._state, self.analysis
        columns = columns_of(state.received_samples, analysis.hop) - state.emitted_columns
        silence = (columns - 1) * analysis.hop + analysis.n_fft - len(state.pending)
        padded = np.pad(state.pending, (0, max(silence, 0)))
        self.reset()
        return _columns(padded, columns, analysis, self._windows.analysis)


@dataclass(slots=True)
class _InverseState:
    overlap: Samples  # (streams + 1, blocks - 1, hop): sums still to be added to
    held: Samples  # (streams, n): finished samples that are not released yet
    held_start: int  # index of the first of them in the signal; negative before its start
    columns: int  # taken so far


class StreamingIstft:
    """``istft`` of several spectra that arrive together, in pieces of any number of columns.

    The samples of all ``feed`` calls and of ``flush``, one after another, are ``istft`` of all the
    columns. After ``m`` columns, the samples that no later column touches are out: those before
    about ``m * hop - n_fft / 2``, or ``(m - 1 / 2) * hop`` with windows of low delay.
    """

    def __init__(self, analysis: Analysis, streams: int, windows: Windows | None = None) -> None:
        """``windows``: those that made the columns; the symmetric ones unless told."""
        self.analysis = analysis
        self.streams = streams
        self._windows = windows or symmetric(analysis)
        self._length = len(self._windows.synthesis)
        self._blocks = -(-self._length // analysis.hop)  # hops that a column gives to
        self.reset()

    def reset(self) -> None:
        """Forget the signals; the next column fed is column 0. The number of streams stays."""
        # The sum of the squared windows is one more row, after the streams.
        overlap = np.zeros((self.streams + 1, self._blocks - 1, self.analysis.hop), np.float32)
        self._state = _InverseState(
            overlap=overlap,
            held=np.zeros((self.streams, 0), np.float32),
            held_start=self._windows.ahead_samples - self._length,
            columns=0,
        )

    def grow(self, streams: int) -> None:
        """Add ``streams`` streams after the present ones; their past is silence."""
        state = self._state
        overlap = np.zeros((streams, *state.overlap.shape[1:]), np.float32)
        held = np.zeros((streams, state.held.shape[1]), np.float32)
        state.overlap = np.concatenate([state.overlap[:-1], overlap, state.overlap[-1:]])
        state.held = np.concatenate([state.held, held])
        self.streams += streams

    def feed(self, spectrum: Spectrum, known_samples: int | None = None) -> Samples:
        """Take ``(streams, bins, m)`` complex64, ``m >= 0``; give ``(streams, n)`` float32.

        A signal that ends within a hop has a whole column there. Of ``known_samples``, the samples
        that the signal is known to have, none beyond is given; unless told they are as many as the
        shortest signal of so many columns has.

        Raises:
            ValueError: the number of streams or bins is another.
        """
        expected = (self.streams, self.analysis.bins)
        if spectrum.ndim != 3 or spectrum.shape[:2] != expected:
            raise ValueError(
                f"spectrum must be {(*expected, 'm')} (streams, bins, columns), "
                f"got {spectrum.shape = }"
            )
        state, hop = self._state, self.analysis.hop
        columns = spectrum.shape[-1]
        sums = self._overlap_add(spectrum)
        state.overlap = sums[:, columns:]
        state.columns += columns
        self._hold(sums[:, :columns])
        shortest = (state.columns - 2) * hop + 1
        return self._release(min(self._finished, max(shortest, known_samples or 0)))

    def flush(self, length_samples: int) -> Samples:
        """Give the remaining ``(streams, n)`` samples of signals of ``length_samples``, and reset.

        Raises:
            ValueError: more than ``length_samples`` are out, or more than ``columns * hop`` are
                asked for (beyond, no column says enough about the signal).
        """
        state, hop = self._state, self.analysis.hop
        if not max(state.held_start, 0) <= length_samples <= state.columns * hop:
            raise ValueError(
                f"length_samples must be within {max(state.held_start, 0)} (already given) and "
                f"{state.columns * hop} ({state.columns} columns), got {length_samples}"
            )
        self._hold(state.overlap)
        rest = self._release(length_samples)
        self.reset()
        return rest

    @property
    def _finished(self) -> int:
        """Samples that no later column touches."""
        before = self._length - self._windows.ahead_samples
        return self._state.columns * self.analysis.hop - before

    def _overlap_add(self, spectrum: Spectrum) -> Samples:
        """Sums ``(streams + 1, columns + blocks - 1, hop)``, oldest column added first."""
        hop, n_fft, blocks = self.analysis.hop, self.analysis.n_fft, self._blocks
        length, columns = self._length, spectrum.shape[-1]
        frames = np.zeros((self.streams + 1, columns, blocks * hop), np.float32)
        if self.streams and columns:
            whole = np.fft.irfft(spectrum.swapaxes(-1, -2), n_fft)
            frames[:-1, :, :length] = whole[..., n_fft - length :] * self._windows.synthesis
        frames[-1, :, :length] = self._windows.both
        parts = frames.reshape(self.streams + 1, columns, blocks, hop)
        sums = np.zeros((self.streams + 1, columns + blocks - 1, hop), np.float32)
        sums[:, : blocks - 1] = self._state.overlap
        for block in reversed(range(blocks)):
            sums[:, block : block + columns] += parts[:, :, block]
        return sums

    def _hold(self, sums: Samples) -> None:
        """Divide finished sums ``(streams + 1, blocks, hop)`` by their last row, and keep them."""
        flat = sums.reshape(len(sums), -1)
        # The floor is met only where no window reaches; there the sums are 0 as well.
        weights = np.maximum(flat[-1], np.finfo(np.float32).tiny)
        self._state.held = np.concatenate([self._state.held, flat[:-1] / weights], axis=-1)

    def _release(self, stop: int) -> Samples:
        """Give the held samples before index ``stop`` of the signal, from index 0 on."""
        state = self._state
        count = max(stop - state.held_start, 0)
        before_start = min(max(-state.held_start, 0), count)
        samples = np.ascontiguousarray(state.held[:, before_start:count])
        state.held = state.held[:, count:]
        state.held_start += count
        return samples


def _columns(
    padded: Samples,
    columns: int,
    analysis: Analysis,
    window: Samples,
    rfft: Callable[[Samples], NDArray[np.complexfloating]] = np.fft.rfft,
) -> Spectrum:
    """Spectra of ``columns`` windows of ``(..., samples)``, one hop apart from the first sample."""
    if columns == 0:
        return np.zeros((*padded.shape[:-1], analysis.bins, 0), np.complex64)
    every = np.lib.stride_tricks.sliding_window_view(padded, analysis.n_fft, axis=-1)
    frames = every[..., : columns * analysis.hop : analysis.hop, :] * window
    spectrum = rfft(frames).astype(np.complex64, copy=False)
    return np.ascontiguousarray(spectrum.swapaxes(-1, -2))
