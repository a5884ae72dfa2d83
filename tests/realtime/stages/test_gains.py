from __future__ import annotations

from realtime.stages.gains import MOST_GAIN, Gains


def test_solo_mute_and_gain_combine() -> None:
    gains = Gains()
    assert gains.effective(1) == gains.effective() == 1
    gains.set_level(1, 0.5)
    gains.solo(1)
    assert [gains.effective(i) for i in (0, 1, 2)] == [0, 0.5, 0]
    gains.mute(1)
    assert [gains.effective(i) for i in (0, 1, 2)] == [1, 0, 1]
    assert gains.level(1) == 0.5
    gains.solo(1)  # who asks to hear it does not want it muted
    assert [gains.effective(i) for i in (0, 1, 2)] == [0, 0.5, 0]
    gains.solo(1)
    assert [gains.effective(i) for i in (0, 1, 2)] == [1, 0.5, 1]


def test_to_hear_one_alone_is_to_hear_no_other_and_again_is_to_hear_all() -> None:
    gains = Gains(muted={1})
    gains.solo(2)
    gains.hear_alone(1)
    assert [gains.effective(i) for i in (0, 1, 2)] == [0, 1, 0]
    gains.hear_alone(2)
    assert [gains.effective(i) for i in (0, 1, 2)] == [0, 0, 1]
    gains.hear_alone(2)
    assert [gains.effective(i) for i in (0, 1, 2)] == [1, 1, 1]


def test_a_gain_stays_in_its_range() -> None:
    gains = Gains()
    gains.set_level(3, 1e9)
    assert gains.effective(3) == MOST_GAIN
    gains.set_level(3, -1)
    assert gains.effective(3) == 0


def test_clearing_the_solo_keeps_the_mutes() -> None:
    gains = Gains()
    gains.solo(1)
    gains.solo(2)
    gains.mute(3)
    gains.clear_solo()
    assert [gains.effective(i) for i in (0, 1, 2, 3)] == [1, 1, 1, 0]


def test_a_switch_can_be_set_as_well_as_turned_over() -> None:
    gains = Gains()
    for value in (1, 1):
        gains.mute(1, value)
        gains.solo(2, value)
    assert (gains.muted, gains.soloed) == ({1}, {2})
    for value in (0, 0):
        gains.mute(1, value)
        gains.solo(2, value)
    assert (gains.muted, gains.soloed) == (set(), set())
