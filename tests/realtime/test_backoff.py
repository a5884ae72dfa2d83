from __future__ import annotations

from realtime.backoff import FIRST_NS, LONGEST_NS, STEADY_NS, BackOff, is_trusted


def test_accidents_are_made_good_at_once_and_what_fails_ever_again_later_and_later() -> None:
    back_off = BackOff()
    assert back_off.after(STEADY_NS) == 0
    waits = [back_off.after(STEADY_NS - 1) for _ in range(8)]
    assert waits[:3] == [FIRST_NS, 2 * FIRST_NS, 4 * FIRST_NS]
    assert waits[-1] == LONGEST_NS
    assert back_off.after(STEADY_NS) == 0
    assert back_off.after(0) == FIRST_NS


def test_what_two_failed_with_is_not_handed_on() -> None:
    back_off = BackOff()
    assert [is_trusted(back_off.after(0)) for _ in range(4)] == [True, True, False, False]
