import pytest

from realtime.sinks.playout import Correction, Playout

RATE_HZ = 1000
PIECE = 70
NOTHING = Correction()


def settle(playout, queued, seconds=2.5, gaps=0):
    """Feed pieces until something is to be done; that, or nothing after `seconds`."""
    for _ in range(int(seconds * RATE_HZ / PIECE)):
        correction = playout.next(queued, PIECE, gaps)
        if correction != NOTHING:
            return correction
    return NOTHING


def test_it_starts_with_the_target_in_silence():
    assert Playout(RATE_HZ).next(0, PIECE, 0) == Correction(silence=75)


def test_a_sliver_is_no_beginning():
    playout = Playout(RATE_HZ)
    assert playout.next(0, 1, 0) == NOTHING
    assert playout.next(0, PIECE, 1) == Correction(silence=75)
    assert playout.target_s == 0.075


def test_near_the_target_nothing_is_done():
    playout = Playout(RATE_HZ)
    playout.next(0, PIECE, 0)
    for queued in (75, 15, 60, 135):
        assert settle(playout, queued) == NOTHING


def test_a_delay_that_is_long_enough_stays_from_the_first_piece_on():
    playout = Playout(RATE_HZ)
    playout.next(0, PIECE, 0)
    assert settle(playout, 30) == NOTHING


def test_after_a_gap_the_delay_is_decided_anew():
    playout = Playout(RATE_HZ)
    playout.next(0, PIECE, 0)
    assert settle(playout, 70) == NOTHING
    assert playout.next(0, PIECE, 1) == Correction(silence=95)
    correction = settle(playout, 170)
    assert 75 <= correction.shorten <= 77  # the target is on its way back


def test_a_queue_that_stays_long_is_shortened():
    playout = Playout(RATE_HZ)
    playout.next(0, PIECE, 0)
    assert settle(playout, 145) == Correction(shorten=70)


def test_one_late_piece_is_no_reason_to_shorten():
    playout = Playout(RATE_HZ)
    playout.next(0, PIECE, 0)
    for turn in range(50):
        queued = 75 if turn % 5 == 0 else 200
        assert playout.next(queued, PIECE, 0) == NOTHING


def test_a_very_long_queue_is_shortened_at_once():
    playout = Playout(RATE_HZ)
    playout.next(0, PIECE, 0)
    assert playout.next(500, PIECE, 0) == Correction(shorten=425)


def test_a_queue_that_stays_short_is_lengthened():
    playout = Playout(RATE_HZ)
    playout.next(0, PIECE, 0)
    assert settle(playout, 5) == Correction(lengthen=70)


def test_a_gap_fills_up_with_silence_and_asks_for_more_from_now_on():
    playout = Playout(RATE_HZ)
    playout.next(0, PIECE, 0)
    assert playout.next(0, PIECE, 7) == Correction(silence=95)
    assert playout.target_s == pytest.approx(0.095)
    for _ in range(30):
        playout.next(0, PIECE, 1)
    assert playout.target_s <= 0.200


def test_without_gaps_the_target_comes_back():
    playout = Playout(RATE_HZ)
    playout.next(0, PIECE, 0)
    playout.next(0, PIECE, 1)
    for _ in range(25 * RATE_HZ // PIECE):
        playout.next(70, PIECE, 0)
    assert playout.target_s == 0.075


def test_a_new_device_is_filled_anew():
    playout = Playout(RATE_HZ)
    playout.next(0, PIECE, 0)
    playout.restart()
    assert playout.next(0, PIECE, 3) == Correction(silence=75)
