import numpy as np
import pytest

from realtime.sinks.playout import Correction, Playout

RATE_HZ = 1000
PIECE = 50
NOTHING = Correction()


class Line:
    """A device that plays in real time, and a stream that comes piece by piece."""

    def __init__(self):
        self.playout = Playout(RATE_HZ)
        self.first_sample = 0
        self.end = 0  # the device's time at the end of the queue
        self.queued = 0
        self.heard_at = []  # of each sample that was queued: its number, when it is heard
        self.age = None  # of a piece as it comes, if the playout is to know

    def piece(self, length=PIECE):
        delay = None if self.age is None else self.age + self.queued
        correction = self.playout.next(self.first_sample, length, self.queued, self.end, delay)
        self._queue(correction.silence)
        kept = length - correction.skip
        self.heard_at.append(
            np.stack(
                [np.arange(kept) + correction.skip + self.first_sample, self.end + np.arange(kept)]
            )
        )
        by = correction.lengthen - correction.shorten
        self._queue(kept + by)
        if by:
            self.playout.moved(by)
        self.first_sample += length
        return correction

    def play(self, samples=PIECE):
        missing = max(0, samples - self.queued)
        self.queued -= samples - missing
        self.end += missing

    def steady(self, seconds, drift=0):
        """The corrections, but for nothing, of a stream that comes as it is played.

        `drift` samples are played more than come, every second.
        """
        corrections = []
        for number in range(round(seconds * RATE_HZ / PIECE)):
            self.play(PIECE + (drift if number % (RATE_HZ // PIECE) == 0 else 0))
            corrections.append(self.piece())
        return [correction for correction in corrections if correction != NOTHING]

    def delays(self):
        """When heard against when captured, of all that was queued, without repetitions."""
        numbers, at = np.concatenate(self.heard_at, axis=1)
        return np.unique(at - numbers)

    def _queue(self, samples):
        self.queued += samples
        self.end += samples


@pytest.fixture
def line():
    """One that has begun, and whose delay was set right long ago."""
    line = Line()
    assert line.piece() == Correction(silence=75)
    assert line.steady(40) == []
    line.heard_at.clear()
    return line


def test_a_sliver_is_no_beginning():
    line = Line()
    assert line.piece(1) == NOTHING
    assert line.piece() == Correction(silence=74)


def test_a_steady_stream_is_left_alone(line):
    assert line.steady(60) == []
    assert len(line.delays()) == 1


def test_a_stall_costs_what_it_swallowed_and_the_delay_stays(line):
    line.steady(1)
    line.play(4 * PIECE)  # nothing comes for a while, 75 + 50 wait
    late = [line.piece().skip for _ in range(4)]  # then all of it at once
    assert late == [50, 25, 0, 0]
    assert line.steady(60) == []
    assert len(line.delays()) == 1
    assert line.playout.target_s == 0.075


def test_a_late_piece_that_comes_in_time_changes_nothing(line):
    line.steady(1)
    line.play(2 * PIECE + 20)
    assert [line.piece(), line.piece()] == [NOTHING, NOTHING]
    line.play(0)
    assert line.steady(20) == []
    assert len(line.delays()) == 1


def test_lost_sound_is_silence(line):
    line.first_sample += 30
    line.play()
    assert line.piece() == Correction(silence=30)
    assert line.steady(20) == []
    assert len(line.delays()) == 1


def test_a_stream_that_begins_elsewhere_begins_anew(line):
    line.first_sample += 10_000
    line.play()
    assert line.piece() == Correction(silence=0)
    assert line.queued == 75 + PIECE
    assert line.steady(20) == []


def test_a_stream_that_stays_late_is_given_the_time_it_needs(line):
    line.play(4 * PIECE)  # and goes on so, 75 later than it should be
    corrections = [line.piece(), *line.steady(2)]
    skipped = sum(correction.skip for correction in corrections)
    assert 0.4 * RATE_HZ <= skipped <= 0.5 * RATE_HZ + 2 * PIECE
    assert [correction.silence for correction in corrections if correction.silence] == [75]
    assert line.steady(20) == []
    assert line.queued == 75 + PIECE


def test_once_it_is_in_time_again_the_delay_is_taken_back(line):
    line.steady(1)
    usual = line.queued
    line.play(4 * PIECE)
    line.piece()
    line.steady(0.8)  # late all the while
    for _ in range(3):  # what was late catches up
        line.piece()
    corrections = line.steady(10)
    assert [correction.shorten > 100 for correction in corrections] == [True]
    assert abs(line.queued - usual) <= 20


def test_the_delay_does_not_grow_without_end(line):
    """Pieces come later and later, by a tenth of their length each: the machine is too slow."""
    line.steady(1)
    usual = line.queued
    line.heard_at.clear()
    for _ in range(280):
        line.play(PIECE + PIECE // 10)
        line.piece()
    assert line.delays().max() - line.delays().min() <= 1000 + PIECE
    for _ in range(28):  # what was late catches up
        line.piece()
    line.steady(20)
    assert abs(line.queued - usual) <= 20


def test_late_sound_is_better_than_none(line):
    line.play(2000)  # and goes on so, later than the delay may grow
    corrections = [line.piece(), *line.steady(10)]
    assert sum(correction.skip for correction in corrections) <= 5 * RATE_HZ + 2 * PIECE
    assert line.queued == 75 + PIECE


def test_after_ten_bad_seconds_the_delay_is_taken_back_all_of_it(line):
    line.steady(1)
    usual = line.queued
    random = np.random.default_rng(1)
    now = 0
    for number in range(220):
        late = int(random.integers(100, 400)) if number < 200 else 0
        then = max(number * PIECE + late, now)
        line.play(then - now)
        line.piece()
        now = then
    line.steady(90)
    assert line.playout.target_s == 0.075
    assert abs(line.queued - usual) <= 20


def test_one_that_is_often_late_is_given_a_little_more_time(line):
    for _ in range(3):
        line.play(3 * PIECE)
        corrections = [line.piece(), line.piece(), line.piece()]
        line.steady(0.5)
    assert [correction.skip for correction in corrections] == [25 - 20, 0, 0]
    assert line.playout.target_s > 0.090
    line.heard_at.clear()
    line.steady(30)
    assert line.playout.target_s == 0.075
    assert len(line.delays()) == 1


def test_the_target_has_an_end(line):
    for _ in range(60):
        line.play(40 * PIECE)
        line.piece()
        line.steady(0.5)
    assert line.playout.target_s <= 0.200


def test_a_first_piece_that_came_late_does_not_decide_for_long():
    line = Line()
    line.piece()
    line.piece()  # the second comes at once: the first was 50 late
    corrections = line.steady(20)
    assert corrections == [Correction(shorten=50)]
    assert line.queued == 75 + PIECE


def test_a_first_piece_that_came_early_does_not_either():
    line = Line()
    line.piece()
    line.play(PIECE // 2)
    assert line.steady(20) == [Correction(lengthen=25)]


def test_one_late_piece_in_the_first_second_does_not_make_the_delay_longer():
    line = Line()
    line.piece()
    line.piece()  # the second comes at once, as above
    line.play(2 * PIECE)  # the third is late, by as much
    line.piece()
    line.play(0)
    line.piece()
    assert line.steady(20) == [Correction(shorten=50)]
    assert line.queued == 75 + PIECE


@pytest.mark.parametrize(("begun_s", "is_shortened"), [(3, True), (40, False)])
def test_soon_after_the_start_a_delay_that_is_a_little_too_long_is_set_right(begun_s, is_shortened):
    line = Line()
    line.piece()
    assert line.steady(begun_s) == []
    line.play(PIECE - 30)  # all that comes from here on comes earlier
    line.piece()
    corrections = line.steady(20)
    assert corrections == ([Correction(shorten=30)] if is_shortened else [])


def test_what_a_dry_device_left_waiting_is_taken_back_soon(line):
    line.queued += 30  # it played 30 of silence that nobody counted
    line.playout.ran_dry()
    corrections = []
    for _ in range(2):
        line.playout.ran_dry()  # again, before it is set right
        corrections += line.steady(1)
    assert corrections == [Correction(shorten=30)]
    assert line.queued == 75 + PIECE


@pytest.fixture
def told(line):
    """A line whose playout knows when each piece would be heard."""
    line.age = 40
    assert line.steady(10) == []
    return line


def test_so_it_is_where_the_device_tells_nobody(told):
    told.queued += 30
    assert told.steady(2) == [Correction(shorten=30)]
    assert told.queued == 75 + PIECE
    assert told.steady(60) == []


def test_pieces_that_come_earlier_are_no_longer_delay(told):
    told.play(PIECE - 30)
    told.piece()
    told.age -= 30
    assert told.steady(20) == []


def test_instants_that_are_set_right_are_no_longer_queue(told):
    told.age += 30
    assert told.steady(20) == []


def test_a_calm_second_after_late_ones_is_no_longer_delay(told):
    for _ in range(8):
        for _ in range(4):  # a second, in which four pieces of twenty come 40 late
            told.steady(0.15)
            told.play(PIECE + 40)
            told.age += 40
            assert told.piece() == NOTHING
            told.age -= 40
            told.play(PIECE - 40)
            assert told.piece() == NOTHING
    assert told.steady(10) == []


def test_a_delay_that_grew_as_sound_was_late_is_no_jump(told):
    for _ in range(3):  # so many stalls within five seconds
        told.play(4 * PIECE)
        for _ in range(4):
            told.piece()
        told.steady(1)
    assert told.playout.target_s > 0.09
    assert [one for one in told.steady(10) if one.shorten] == []


def test_what_a_piece_does_not_allow_is_asked_of_the_next():
    playout = Playout(RATE_HZ)
    assert playout.next(0, PIECE, 0, 0) == Correction(silence=75)
    asked, end = [], 125
    for number in range(1, 60):
        correction = playout.next(number * PIECE, PIECE, 135, end)
        by = min(correction.shorten, 20)
        if by:
            asked.append(correction.shorten)
            playout.moved(-by)
        end += PIECE - by
    assert asked[:3] == [60, 40, 20]


def test_a_slow_device_is_fed_less(line):
    corrections = line.steady(300, drift=-1)
    assert corrections
    assert all(correction.shorten > 65 for correction in corrections)
    assert line.queued <= 75 + 65 + PIECE + 6


def test_a_fast_device_is_fed_more_before_it_runs_dry(line):
    corrections = line.steady(300, drift=1)
    assert corrections
    assert all(correction.lengthen > 65 for correction in corrections)


def test_a_very_long_queue_is_shortened_at_once(line):
    line.play(0)
    shortened = [line.piece().shorten for _ in range(8)]
    assert max(shortened) > 400 - 75


def test_a_new_device_is_filled_anew(line):
    line.playout.restart()
    line.queued, line.end = 0, 0
    assert line.piece() == Correction(silence=75)
