"""Sound that comes over a network: no piece of it moves another, and nobody's absence delays it."""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import pytest

from realtime.clock import NS_PER_MS, NS_PER_S
from realtime.messages import AudioChunk, AudioGap, CapturedSound
from realtime.sinks.playout import Playout
from realtime.sources.arriving import LEEWAY_S, MOST_LATE_S, PATIENCE_S, ArrivingSound

RATE_HZ = 8_000
PIECE = 80  # 10 ms
LATE_MS = 30  # from a piece's end to here


class Browser:
    """Captures a ramp of samples, whose value is their number, from an instant on."""

    def __init__(self, visit=1, began_ms=0, rate_hz=RATE_HZ, counts_from=0):
        self.visit, self.began_ms, self.rate_hz = visit, began_ms, rate_hz
        self.counts_from = counts_from

    def piece(self, number, samples=PIECE, jitter_ms=0.0):
        first = number * PIECE
        return CapturedSound(
            stream="live",
            sequence=number,
            capture_ns=round((self.began_ms + 10 * number + jitter_ms) * NS_PER_MS),
            visit=self.visit,
            first_sample=self.counts_from + first,
            rate_hz=self.rate_hz,
            samples=np.arange(first, first + samples).astype(np.int16),
        )

    def arrives_ns(self, number):
        return round((self.began_ms + 10 * (number + 1) + LATE_MS) * NS_PER_MS)


class Heard:
    """All that came out, put where it says it belongs."""

    def __init__(self):
        self.position = 0
        self.samples = []
        self.chunks = []
        self.told = []  # when, and the stream's position then

    def take(self, now_ns, messages):
        for message in messages:
            assert message.first_sample == self.position
            if isinstance(message, AudioChunk):
                self.samples += list(np.round(message.samples * 32768).astype(int))
                self.chunks.append(message)
            else:
                assert isinstance(message, AudioGap)
                self.samples += [None] * message.length_samples
            self.position = len(self.samples)
            self.told.append((now_ns, self.position))


def listen(sound, heard, browser, numbers, *, late_ms=0.0):
    for number in numbers:
        now_ns = browser.arrives_ns(number) + round(late_ms * NS_PER_MS)
        heard.take(now_ns, sound.missed(now_ns))
        heard.take(now_ns, sound.feed(now_ns, browser.piece(number)))


def nobody(sound, heard, from_ns, to_ns):
    for now_ns in range(from_ns, to_ns, 10 * NS_PER_MS):
        heard.take(now_ns, sound.missed(now_ns))


def test_what_comes_goes_on_with_the_numbers_of_the_run():
    sound, heard, browser = ArrivingSound("live"), Heard(), Browser(counts_from=12_345)
    listen(sound, heard, browser, range(7, 30))
    assert heard.samples == list(range(7 * PIECE, 30 * PIECE))
    assert heard.chunks[0].first_sample == 0
    assert heard.chunks[-1].capture_ns == pytest.approx(290 * NS_PER_MS, abs=1000)
    assert [one.sequence for one in heard.chunks] == list(range(23))


def test_nothing_is_told_before_there_was_a_first_one():
    assert ArrivingSound("live").missed(10 * NS_PER_S) == []


def test_jitter_of_the_stamps_does_not_reach_the_numbers():
    sound, heard, browser = ArrivingSound("live"), Heard(), Browser()
    rng = np.random.default_rng(0)
    for number in range(200):
        now_ns = browser.arrives_ns(number)
        heard.take(now_ns, sound.feed(now_ns, browser.piece(number, jitter_ms=rng.normal(0, 3))))
    assert heard.samples == list(range(200 * PIECE))
    off_ns = [one.capture_ns - one.first_sample * NS_PER_S / RATE_HZ for one in heard.chunks[100:]]
    assert max(map(abs, off_ns)) < 1.5 * NS_PER_MS


def test_lost_pieces_become_a_gap_of_their_length():
    sound, heard, browser = ArrivingSound("live"), Heard(), Browser()
    listen(sound, heard, browser, [0, 1, 5, 6])
    lost = 3 * PIECE
    assert heard.samples == [*range(2 * PIECE), *[None] * lost, *range(5 * PIECE, 7 * PIECE)]
    assert sound.stats()["lost_samples"] == lost


def test_a_stall_loses_nothing():
    """A network that stalls for less than the patience: the speaker decides what is too late."""
    sound, heard, browser = ArrivingSound("live"), Heard(), Browser()
    listen(sound, heard, browser, range(20))
    nobody(sound, heard, browser.arrives_ns(20), browser.arrives_ns(60))
    listen(sound, heard, browser, range(20, 80), late_ms=400)
    assert heard.samples == list(range(80 * PIECE))


def test_who_is_gone_is_silence_in_time_and_back_where_it_belongs():
    sound, heard, browser = ArrivingSound("live"), Heard(), Browser()
    listen(sound, heard, browser, range(100))
    left_ns = browser.arrives_ns(100)
    nobody(sound, heard, left_ns, left_ns + 5 * NS_PER_S)
    assert sound.is_away
    # As late as sound is, and a little: not later, or the speaker would wait for it for ever.
    late = [
        (now_ns - position * NS_PER_S / RATE_HZ) / NS_PER_MS
        for now_ns, position in heard.told
        if now_ns > left_ns + (PATIENCE_S + 0.05) * NS_PER_S
    ]
    assert len(late) > 100
    assert max(late) < LATE_MS + 1000 * LEEWAY_S + 35
    assert min(late) > LATE_MS

    another = Browser(visit=9, began_ms=6_000, counts_from=77)
    listen(sound, heard, another, range(50))
    assert not sound.is_away
    back = heard.samples.index(0, 1)
    assert back / RATE_HZ == pytest.approx(6.0, abs=0.002)
    assert heard.samples[back:] == list(range(50 * PIECE))
    assert sound.stats()["device_losses"] == 1


def test_another_that_takes_over_at_once_leaves_a_hole_of_the_true_length():
    sound, heard, browser = ArrivingSound("live"), Heard(), Browser()
    listen(sound, heard, browser, range(50))
    listen(sound, heard, Browser(visit=2, began_ms=740), range(10))
    hole = [place for place, value in enumerate(heard.samples) if value is None]
    assert hole[0] == 50 * PIECE
    assert len(hole) / RATE_HZ == pytest.approx(0.240, abs=0.002)


def test_what_was_told_as_silence_is_not_told_again():
    sound, heard, browser = ArrivingSound("live"), Heard(), Browser()
    listen(sound, heard, browser, range(50))
    nobody(sound, heard, browser.arrives_ns(50), browser.arrives_ns(150))
    listen(sound, heard, browser, range(120, 170), late_ms=310)  # the first ones are too late
    position_ms = 1000 * heard.position / RATE_HZ
    assert position_ms == pytest.approx(1700, abs=2)
    assert sound.stats()["late_samples"] > 0


def test_what_cannot_keep_up_does_not_make_the_delay_longer():
    """A stream that comes later and later: silence from a second on, and then it is back."""
    sound, heard, browser = ArrivingSound("live"), Heard(), Browser()
    for number in range(600):
        now_ns = browser.arrives_ns(number) + round(min(5 * number, 2500) * NS_PER_MS)
        heard.take(now_ns, sound.missed(now_ns))
        heard.take(now_ns, sound.feed(now_ns, browser.piece(number)))
    assert sound.stats()["arrival_ms"] < 1000 * MOST_LATE_S
    assert sound.is_away
    back = Browser(visit=2, began_ms=9_000)
    listen(sound, heard, back, range(100))
    first = len(heard.samples) - 100 * PIECE
    assert heard.samples[first:] == list(range(100 * PIECE))
    assert first / RATE_HZ == pytest.approx(9.0, abs=0.002)


def test_another_rate_is_refused():
    sound, heard = ArrivingSound("live"), Heard()
    listen(sound, heard, Browser(), range(3))
    assert sound.feed(NS_PER_S, Browser(visit=2, rate_hz=16_000).piece(0)) == []
    assert sound.stats()["refused_samples"] == PIECE


def test_random_pieces_are_the_same_sound():
    rng = np.random.default_rng(1)
    total = 20_000
    cuts = np.unique(np.concatenate([[0, total], rng.integers(1, total, 150)]))
    whole = rng.integers(-32768, 32768, total).astype(np.int16)
    sound, position, parts = ArrivingSound("live"), 0, []
    for number, (start, stop) in enumerate(pairwise(cuts)):
        capture_ns = round(start * NS_PER_S / RATE_HZ)
        piece = CapturedSound(
            stream="live",
            sequence=number,
            capture_ns=capture_ns,
            visit=1,
            first_sample=int(start),
            rate_hz=RATE_HZ,
            samples=whole[start:stop],
        )
        for message in sound.feed(capture_ns + 50 * NS_PER_MS, piece):
            assert isinstance(message, AudioChunk)
            assert message.first_sample == position
            position += message.samples.size
            parts.append(message.samples)
    np.testing.assert_array_equal(np.concatenate(parts), whole / np.float32(32768))


class Speaker:
    """A device that plays on and on, and the rule by which it is given what comes."""

    def __init__(self):
        self.playout = Playout(RATE_HZ)
        self.end = 0

    def take(self, now_ns, messages):
        now = round(now_ns * RATE_HZ / NS_PER_S)
        for message in messages:
            self.end = max(self.end, now)  # it played silence where there was nothing
            is_gap = isinstance(message, AudioGap)
            length = message.length_samples if is_gap else message.samples.size
            first = message.first_sample
            correction = self.playout.next(first, length, self.end - now, self.end)
            change = correction.lengthen - correction.shorten
            if change:
                self.playout.moved(change)
            self.end += length + correction.silence - correction.skip + change

    @property
    def delay_ms(self):
        """From a sample's number to its place on the device."""
        return -1000 * self.playout.due(0) / RATE_HZ


def test_neither_absence_nor_a_stall_moves_the_speakers_delay():
    sound, speaker, browser = ArrivingSound("live"), Speaker(), Browser()
    rng = np.random.default_rng(2)
    pieces = [(browser, number) for number in range(1000)]
    pieces += [(Browser(visit=2, began_ms=16_000), number) for number in range(800)]
    arrivals = [(one.arrives_ns(number), one, number) for one, number in pieces]
    # A network that is up to 20 ms late, and stalls for 300 ms at 6 s.
    late_ns = [round(at + rng.uniform(0, 20) * NS_PER_MS) for at, _, _ in arrivals]
    late_ns = [max(at, 6_300 * NS_PER_MS) if at > 6_000 * NS_PER_MS else at for at in late_ns]
    coming = sorted(zip(late_ns, range(len(pieces)), strict=True))
    delays = {}
    for now_ns in range(0, 24 * NS_PER_S, 10 * NS_PER_MS):
        while coming and coming[0][0] <= now_ns:
            _, place = coming.pop(0)
            one, number = pieces[place]
            speaker.take(now_ns, sound.feed(now_ns, one.piece(number)))
        speaker.take(now_ns, sound.missed(now_ns))
        if speaker.playout.has_begun:
            delays[now_ns // NS_PER_MS] = speaker.delay_ms
    settled = delays[5_900]
    assert settled < 200
    assert all(abs(delays[at] - settled) < 5 for at in range(5_900, 23_900, 10))
