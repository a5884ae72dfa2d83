"""The guard against howling, in made-up rooms, and on music that no speaker is in."""

from __future__ import annotations

import numpy as np
import pytest

from pixelplayer.band import scene
from realtime.sinks.feedback.guard import FeedbackGuard
from realtime.sinks.feedback.howl_watch import HowlWatch
from realtime.sinks.feedback.loop_watch import LoopWatch
from realtime.sinks.feedback.notches import Notch, Notches
from realtime.sinks.feedback.told import at_the_end, feedback_values, warning
from realtime.sinks.limiter import Limiter

RATE_HZ = 22_050
PIECE = 1024
DELAY = 4410  # 200 ms
TOLD = 3800  # what the speaker says of it


def band(seed: int, duration_s: float, peak: float = 0.1) -> np.ndarray:
    samples = scene(seed, duration_s, RATE_HZ).mixture
    return (samples * (peak / np.abs(samples).max())).astype(np.float32)


def closed_loop(
    source: np.ndarray, gain_db: float, guard: FeedbackGuard | None, response: np.ndarray
) -> np.ndarray:
    """What the microphone hears, (n,): the source, and what is played, DELAY later."""
    response = response * 10 ** (gain_db / 20) / np.abs(np.fft.rfft(response, 1 << 16)).max()
    limiter = Limiter(RATE_HZ)
    echo = np.zeros(len(source) + DELAY + PIECE + len(response))
    heard = np.zeros(len(source) // PIECE * PIECE, np.float32)
    for first in range(0, len(heard), PIECE):
        here = slice(first, first + PIECE)
        heard[here] = np.clip(source[here] + echo[here], -1, 1)
        mix = limiter.feed(np.stack([heard[here]] * 2))
        if guard is not None:
            mix = guard.feed(mix, heard[here], 1.0, TOLD)
        spread = np.convolve(mix.mean(axis=0), response)
        echo[first + DELAY : first + DELAY + len(spread)] += spread
    return heard


def room(seed: int = 1) -> np.ndarray:
    rng = np.random.default_rng(seed)
    tail = rng.standard_normal(RATE_HZ // 10) * np.exp(-np.arange(RATE_HZ // 10) / 400)
    tail[0] = 1.5 * np.sqrt(np.sum(tail**2))
    return tail


def resonance(frequency_hz: float) -> np.ndarray:
    """A room, or a stand, that carries one frequency and little else."""
    time = np.arange(RATE_HZ // 2) / RATE_HZ
    ringing = np.exp(-time * 40) * np.sin(2 * np.pi * frequency_hz * time)
    peak = np.abs(np.fft.rfft(ringing, 1 << 16)).max()
    ringing = ringing / peak
    ringing[0] += 0.1  # the rest of the sound, 20 dB below
    return ringing


def level_db(samples: np.ndarray) -> float:
    return float(10 * np.log10(np.mean(np.square(samples, dtype=np.float64)) + 1e-12))


def loudest_db(samples: np.ndarray) -> float:
    pieces = samples[: len(samples) // 2205 * 2205].reshape(-1, 2205)
    return max(level_db(piece) for piece in pieces)


@pytest.mark.parametrize("gain_db", [3.0, 12.0])
def test_a_loop_that_would_howl_is_brought_back(gain_db: float) -> None:
    source = band(3, 12.0)
    bare = closed_loop(source, gain_db, None, room())
    assert level_db(bare[-RATE_HZ:]) > -6  # it howls
    guard = FeedbackGuard(RATE_HZ)
    heard = closed_loop(source, gain_db, guard, room())
    for first in range(4 * RATE_HZ, len(heard), RATE_HZ):
        second = slice(first, first + RATE_HZ)
        assert level_db(heard[second]) < level_db(source[second]) + 6
    found = guard.feedback
    assert found.loop_gain_db == pytest.approx(gain_db, abs=6)
    assert found.tamed_db >= gain_db - 2


def test_what_lies_far_below_is_told_and_hardly_touched() -> None:
    guard = FeedbackGuard(RATE_HZ)
    closed_loop(band(3, 20.0), -12.0, guard, room())
    found = guard.feedback
    assert found.loop_gain_db == pytest.approx(-12, abs=6)
    assert found.tamed_db < 8
    assert found.howls == 0


def test_after_the_speaker_is_heard_no_longer_all_is_given_back() -> None:
    guard = FeedbackGuard(RATE_HZ)
    closed_loop(band(3, 8.0), 6.0, guard, room())
    assert guard.feedback.tamed_db > 4
    alone = band(4, 50.0)  # headphones on
    for first in range(0, len(alone) - PIECE, PIECE):
        mix = np.stack([alone[first : first + PIECE]] * 2)
        played = guard.feed(mix, mix[0], 1.0, TOLD)
    assert guard.feedback.loop_gain_db is None
    assert guard.feedback.tamed_db == 0
    assert played is mix


def test_one_frequency_that_howls_is_cut_alone() -> None:
    source = band(3, 20.0) + 1e-4 * np.random.default_rng(2).standard_normal(20 * RATE_HZ)
    source = source.astype(np.float32)
    bare = closed_loop(source, 3.0, None, resonance(2345.0))
    assert level_db(bare[-RATE_HZ:]) > -8
    guard = FeedbackGuard(RATE_HZ)
    heard = closed_loop(source, 3.0, guard, resonance(2345.0))
    assert level_db(heard[-RATE_HZ:]) < level_db(source[-RATE_HZ:]) + 6
    assert loudest_db(heard) < -6
    assert guard.feedback.howls >= 1


@pytest.mark.parametrize("seed", range(4))
def test_music_alone_is_not_touched(seed: int) -> None:
    guard = FeedbackGuard(RATE_HZ)
    source = band(seed, 20.0, 0.5)
    for first in range(0, len(source) - PIECE, PIECE):
        piece = source[first : first + PIECE]
        mix = np.stack([piece, piece])
        assert guard.feed(mix, piece, 1.0, TOLD) is mix
    assert guard.feedback.howls == 0


def tones() -> dict[str, np.ndarray]:
    time = np.arange(8 * RATE_HZ) / RATE_HZ
    swell = 0.01 * 10 ** (np.minimum(time, 4) * 1.5 / 4)  # 30 dB, and there it stays
    organ = sum(np.sin(2 * np.pi * 220 * k * time) / k for k in range(1, 6))
    vibrato = np.sin(2 * np.pi * 700 * time + 3 * np.sin(2 * np.pi * 5 * time))
    return {
        "organ, swelling": swell * organ / 2,
        "steady": 0.2 * np.sin(2 * np.pi * 1000 * time),
        "vibrato, swelling": swell * vibrato,
        "dying away": 0.3 * np.exp(-time) * np.sin(2 * np.pi * 1500 * time),
        "struck": 0.3 * np.exp(-3 * (time % 1)) * np.sin(2 * np.pi * 900 * time),
    }


@pytest.mark.parametrize("name", list(tones()))
def test_long_tones_are_no_howls(name: str) -> None:
    watch = HowlWatch(RATE_HZ, 4096, 2048)
    noise = 1e-4 * np.random.default_rng(0).standard_normal(8 * RATE_HZ)
    samples = (tones()[name] + noise).astype(np.float32)
    for first in range(0, len(samples) - 2048, 2048):
        assert watch.feed(samples[first : first + 2048], is_loop=False) == ()


def test_a_tone_that_only_grows_is_a_howl() -> None:
    time = np.arange(4 * RATE_HZ) / RATE_HZ
    noise = 1e-4 * np.random.default_rng(0).standard_normal(len(time))
    samples = (1e-3 * 10 ** (12 * time / 20) * np.sin(2 * np.pi * 1234 * time) + noise).astype("f4")
    watch, found = HowlWatch(RATE_HZ, 4096, 2048), []
    for first in range(0, len(samples) - 2048, 2048):
        found += watch.feed(samples[first : first + 2048], is_loop=False)
    assert found
    assert np.allclose(found, 1234, atol=3)


def test_the_delay_is_found_to_the_sample() -> None:
    watch = LoopWatch(RATE_HZ)
    rng = np.random.default_rng(5)
    played = (0.1 * rng.standard_normal(10 * RATE_HZ)).astype(np.float32)
    other = (0.1 * rng.standard_normal(10 * RATE_HZ)).astype(np.float32)
    heard = other.copy()
    heard[DELAY:] += 0.25 * played[:-DELAY]
    hop = watch.hop_samples
    for first in range(0, len(heard) - hop, hop):
        watch.feed(heard[first : first + hop], played[first : first + hop], TOLD)
    assert watch.loop is not None
    assert watch.loop.delay_samples == DELAY
    assert watch.loop.gain_db == pytest.approx(-12, abs=1.5)


@pytest.mark.parametrize("seed", range(3))
def test_pieces_of_any_length_give_the_same(seed: int) -> None:
    rng = np.random.default_rng(seed)
    source = band(3, 6.0)
    heard = closed_loop(source, 6.0, FeedbackGuard(RATE_HZ), room())
    mix = Limiter(RATE_HZ).feed(np.stack([heard, 0.7 * heard]))
    # An echo that grows, as it was recorded: what the guard does to it is the same each time.
    whole = FeedbackGuard(RATE_HZ)
    expected = whole.feed(mix, heard, 1.0, TOLD)
    assert whole.feedback.tamed_db > 0
    guard, made, first = FeedbackGuard(RATE_HZ), [], 0
    while first < len(heard):
        stop = first + int(rng.integers(1, 3000))
        made.append(guard.feed(mix[:, first:stop], heard[first:stop], 1.0, TOLD))
        first = stop
    np.testing.assert_allclose(np.concatenate(made, axis=1), expected, atol=1e-6)
    assert guard.feedback.notches == whole.feedback.notches
    guard.reset()
    again = guard.feed(mix, heard, 1.0, TOLD)
    np.testing.assert_allclose(again, expected, atol=1e-6)


def test_a_notch_cuts_where_it_is_and_in_pieces() -> None:
    time = np.arange(RATE_HZ) / RATE_HZ
    tones_ = np.stack([np.sin(2 * np.pi * 1000 * time), np.sin(2 * np.pi * 1500 * time)])
    samples = tones_.astype(np.float32)
    notches = Notches(RATE_HZ, 2)
    assert notches.feed(samples) is samples
    notches.set((Notch(1000.0, 18.0), Notch(4000.0, 12.0)))
    whole = notches.feed(samples)
    late = whole[:, RATE_HZ // 2 :]
    assert level_db(late[0]) == pytest.approx(-3 - 18, abs=0.3)
    assert level_db(late[1]) == pytest.approx(-3, abs=0.5)
    pieces = Notches(RATE_HZ, 2)
    pieces.set((Notch(1000.0, 18.0), Notch(4000.0, 12.0)))
    cuts = np.sort(np.random.default_rng(1).integers(0, RATE_HZ, 30))
    made = np.concatenate([pieces.feed(part) for part in np.split(samples, cuts, axis=1)], axis=1)
    np.testing.assert_allclose(made, whole, atol=1e-6)


def test_it_is_told_in_one_line() -> None:
    assert feedback_values(None) == {}
    assert "loop_gain_db" not in feedback_values(FeedbackGuard(RATE_HZ))
    assert warning({}) == warning({"loop_gain_db": -25.0, "tamed_db": 0.0}) == ""
    told = warning({"loop_gain_db": 3.2, "tamed_db": 7.0, "notches": 2.0})
    assert told == (
        "the microphone hears the speaker (loop gain +3 dB, turned down 7 dB, 2 notches): "
        "use headphones"
    )
    assert at_the_end({"highest_loop_gain_db": -30.0}) == ""
    end = at_the_end({"highest_loop_gain_db": 4.0, "howls": 1.0})
    assert (
        end
        == "the microphone heard the speaker (loop gain up to +4 dB, 1 howl cut): use headphones"
    )
