import pytest

from realtime.mouse import MouseEvent
from realtime.sinks.hand import DRAG_PX, Hand


def told(hand, *events):
    return [(gesture.kind, gesture.place) for gesture in hand.turn(events)]


@pytest.fixture
def hand():
    return Hand()


def test_a_click_is_where_the_button_is_let_go(hand):
    assert told(hand, MouseEvent("press", 10, 10)) == [("grab", (10, 10))]
    events = MouseEvent("move", 14, 12, is_held=True), MouseEvent("release", 15, 12)
    assert told(hand, *events) == [("pull", (14, 12)), ("click", (15, 12))]


def test_what_has_moved_further_is_dropped(hand):
    hand.turn([MouseEvent("press", 10, 10), MouseEvent("move", 10 + DRAG_PX, 10, is_held=True)])
    assert hand.drags is None
    hand.turn([MouseEvent("move", 11 + DRAG_PX, 10, is_held=True)])
    assert hand.drags == ((10, 10), (11 + DRAG_PX, 10))
    # Back where it began it is dropped all the same.
    (gesture,) = hand.turn([MouseEvent("release", 10, 10)])
    assert (gesture.kind, gesture.start, gesture.place) == ("drop", (10, 10), (10, 10))
    assert hand.drags is None


def test_a_quick_pair_is_two_clicks(hand):
    """As Qt tells it: the second press twice."""
    kinds = ("press", "release", "press", "press", "release")
    gestures = told(hand, *(MouseEvent(kind, 5, 5) for kind in kinds))
    assert [kind for kind, _ in gestures].count("click") == 2


def test_a_release_that_was_lost_ends_nothing_later(hand):
    hand.turn([MouseEvent("press", 10, 10), MouseEvent("move", 90, 10, is_held=True)])
    assert told(hand, MouseEvent("move", 95, 10), MouseEvent("release", 95, 10)) == []


def test_moves_without_a_press_are_nothing(hand):
    assert told(hand, MouseEvent("move", 1, 1), MouseEvent("release", 1, 1)) == []


def test_shift_right_and_wheel_are_told(hand):
    hand.turn([MouseEvent("press", 5, 5)])
    assert hand.turn([MouseEvent("release", 5, 5, is_shifted=True)])[0].is_shifted
    assert told(hand, MouseEvent("right", 7, 8)) == [("right", (7, 8))]
    assert hand.turn([MouseEvent("wheel", 7, 8, steps=-1.0)])[0].steps == -1.0
