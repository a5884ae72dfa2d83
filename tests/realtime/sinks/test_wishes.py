from realtime.sinks.wishes import SAID_AGAIN_NS, Wishes
from realtime.wishes import WISH_S

from .examples import NS_PER_S


def test_a_wish_is_said_at_once_and_again_before_it_lapses():
    wishes = Wishes("test")
    (said,) = wishes.due(5, {"pixels"})
    assert (said.stream, said.what) == ("test", ("pixels",))
    assert wishes.due(6, {"pixels"}) == []
    (again,) = wishes.due(5 + SAID_AGAIN_NS, {"pixels"})
    assert again.sequence == said.sequence + 1
    assert SAID_AGAIN_NS < WISH_S * NS_PER_S / 2  # one may be lost


def test_who_wants_nothing_says_nothing():
    wishes = Wishes("test")
    assert wishes.due(0, ()) == []
    assert wishes.due(10 * SAID_AGAIN_NS, set()) == []


def test_another_wish_is_said_at_once():
    wishes = Wishes("test")
    wishes.due(0, {"pixels"})
    (both,) = wishes.due(1, {"pixels", "objects"})
    assert both.what == ("objects", "pixels")
    assert wishes.due(2, ()) == []
    (anew,) = wishes.due(3, {"pixels", "objects"})
    assert anew.what == both.what
