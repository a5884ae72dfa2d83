"""Sounds that nobody wants to hear, and a dial that is turned, among objects that were found.

A stream clicks where it steps further from one sample to the next than its input does. The input's
own largest step is the measure: over all of the sound, and near every sample. Near is what a
column reaches: all of its length back, and two hops ahead, where a mask that fits what is to come
lets some of it be heard too soon. It rises over the last of the two hops, in one object against
the other, and the sum of all streams is the input.
"""

from __future__ import annotations

from collections.abc import Callable

import cv2
import numpy as np
import pytest

from engines.shipped import SHIPPED_MODEL
from pixelplayer.spec import ModelSpec
from tests.realtime.band_run import CHUNK, DURATION_S, RATE_HZ, BandRun, Samples, samples

FROM_S, TO_S = 2.6, 3.9  # where the duet is something else
HARSH = slice(samples(FROM_S), samples(TO_S))
ROUNDING, NEARLY = 1.001, 1.05
LOOKAHEADS = ("93", "instant")
AUDIO = ModelSpec.load(SHIPPED_MODEL).audio
TONE_HZ, TONE = 440.0, 0.5


@pytest.fixture(scope="module")
def band() -> BandRun:
    return BandRun()


def silence(duet: Samples) -> None:
    duet[HARSH] = 0


def denormals(duet: Samples) -> None:
    duet[HARSH] = np.float32(1e-40) * np.sign(duet[HARSH])


def clipping(duet: Samples) -> None:
    duet[HARSH] = np.clip(60 * duet[HARSH], -1, 1)


def square(duet: Samples) -> None:
    t_s = np.arange(HARSH.stop - HARSH.start) / RATE_HZ
    duet[HARSH] = np.where(t_s * 220 % 1 < 0.5, 1, -1)


def suddenly_soft(duet: Samples) -> None:
    duet[HARSH] *= 1e-3


def suddenly_loud(duet: Samples) -> None:
    """The objects were found in what is softer by 60 dB."""
    duet[samples(0.6) :] *= 1e-3
    duet[HARSH] *= 1e3


def steps(sound: Samples) -> Samples:
    """From each sample to the next, without a sign."""
    return np.abs(np.diff(sound, axis=-1))


def largest_near(values: Samples, back: int, ahead: int) -> Samples:
    """``(n,)``: the largest of those from ``back`` before to ``ahead`` after each."""
    reach = max(back, ahead)
    window = np.zeros((1, 2 * reach + 1), np.uint8)
    window[0, reach - back : reach + ahead + 1] = 1
    return cv2.dilate(values[None], window)[0]


@pytest.mark.parametrize("lookahead", LOOKAHEADS)
@pytest.mark.parametrize(
    "harsh", [silence, denormals, clipping, square, suddenly_soft, suddenly_loud]
)
def test_no_stream_clicks_more_than_the_input(
    band: BandRun, harsh: Callable[[Samples], None], lookahead: str
) -> None:
    sound = band.duet.copy()
    harsh(sound)
    found = band.separated(sound, lookahead)
    assert max(count for at_s, count in found.present if FROM_S < at_s < TO_S) >= 2
    assert np.isfinite(found.rows).all()
    np.testing.assert_allclose(found.rows.sum(axis=0), sound, atol=2e-6)
    own = steps(sound)
    near = largest_near(own, AUDIO.n_fft, 2 * AUDIO.hop)
    for stream in steps(found.rows):
        assert stream.max() <= ROUNDING * own.max()
        assert (stream - NEARLY * near).max() <= 1e-7


@pytest.mark.parametrize("lookahead", LOOKAHEADS)
def test_what_is_softer_than_any_number_of_full_precision_does_no_harm(
    band: BandRun, lookahead: str
) -> None:
    sound = np.float32(1e-40) * np.sign(band.duet)
    rows = band.separated(sound, lookahead).rows
    assert np.isfinite(rows).all()
    assert np.abs(rows).max() < 1e-39


def clicks(heard: Samples) -> float:
    """The most that a tone's own past does not say of it: 0 where it goes on as it was."""
    said = 2 * np.cos(2 * np.pi * TONE_HZ / RATE_HZ) * heard[..., 1:-1] - heard[..., :-2]
    return float(np.abs(heard[..., 2:] - said).max())


def test_the_dial_is_turned_without_a_click_in_any_stream(band: BandRun) -> None:
    """From 93 ms ahead to nothing, to a guess, and back, while a tone is divided.

    No more than where the dial stands: columns fade into each other, whatever made them. Streams
    that are heard so from the beginning, joined where it turns, click four times as much.
    """
    tone = TONE * np.sin(2 * np.pi * TONE_HZ * np.arange(samples(DURATION_S)) / RATE_HZ)
    begins = samples(1.2)  # both were found by then
    sound = np.concatenate([band.duet[:begins], tone[begins:].astype(np.float32)])
    found = band.separated(sound, "93", {2.0: 0.0, 2.6: -23.2, 3.0: 93.0})
    heard_ms = [found.ahead_ms[samples(at_s) // CHUNK] for at_s in (1.9, 2.5, 3.9, 4.5)]
    assert heard_ms == [pytest.approx(ms, abs=1) for ms in (93, 0, -23, 93)]
    np.testing.assert_allclose(found.rows.sum(axis=0), sound, atol=2e-6)
    turned = slice(samples(1.6), samples(DURATION_S - 0.2))
    still = band.separated(sound, "93").rows
    assert clicks(found.rows[:, turned]) < 1.1 * clicks(still[:, turned]) < 4e-4 * TONE
