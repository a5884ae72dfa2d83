import threading

import pytest

from realtime.sinks.showcase import (
    MOST_AHEAD_S,
    MOST_ON_THEIR_WAY,
    MOST_VIEWERS,
    MOST_WAITING_SOUNDS,
    MOST_WAITING_SPECTRA,
    Showcase,
)

from .examples import NS_PER_S

SOON_S = 0.01
NS_PER_MS = NS_PER_S // 1000


@pytest.fixture
def showcase():
    return Showcase()


def seat_of(showcase):
    left = threading.Event()
    seat = showcase.enter(left.set)
    assert seat is not None
    return seat, left


def test_a_slow_viewer_gets_fewer_pictures_and_the_newest(showcase):
    seat, _ = seat_of(showcase)
    got = []
    for number in range(1, 11):
        showcase.show({"objects": b"%d" % number})
        got += showcase.next(seat, SOON_S)
    assert got == [b"1", b"2"]  # the second is on its way, and no more
    showcase.seen(seat, 1)
    assert showcase.next(seat, SOON_S) == [b"10"]
    showcase.show({"objects": b"11"})
    assert showcase.next(seat, SOON_S) == []
    showcase.seen(seat, 10)
    assert showcase.next(seat, SOON_S) == [b"11"]


def test_one_who_takes_nothing_does_not_keep_another_from_it(showcase):
    slow, _ = seat_of(showcase)
    quick, _ = seat_of(showcase)
    for number in range(1, 6):
        showcase.show({"objects": b"%d" % number})
        showcase.next(slow, SOON_S)
        assert showcase.next(quick, SOON_S) == [b"%d" % number]
        showcase.seen(quick, number)
    assert len(slow.unseen) == MOST_ON_THEIR_WAY


def test_who_stalls_is_let_go_and_who_takes_pictures_stays(showcase):
    stalled, gone = seat_of(showcase)
    _, stays = seat_of(showcase)
    showcase.release_stalled(100 * NS_PER_S)
    showcase.show({"objects": b"1"})
    showcase.next(stalled, SOON_S)
    assert showcase.release_stalled(110 * NS_PER_S) == 0
    assert showcase.release_stalled(111 * NS_PER_S) == 1
    assert gone.is_set()
    assert not stays.is_set()
    assert showcase.viewers == 1
    assert showcase.next(stalled, SOON_S) is None


def test_pictures_leave_as_early_as_the_quickest_viewer_takes(showcase):
    assert showcase.ahead_ns == 0
    (quick, _), (slow, _) = seat_of(showcase), seat_of(showcase)
    showcase.release_stalled(0)
    showcase.show({"objects": b"1"})
    for seat in (quick, slow):
        showcase.next(seat, SOON_S)
    showcase.release_stalled(40 * NS_PER_MS)
    showcase.seen(quick, 1)
    showcase.release_stalled(1000 * NS_PER_MS)
    showcase.seen(slow, 1)
    assert showcase.ahead_ns == 40 * NS_PER_MS
    showcase.leave(quick)
    assert showcase.ahead_ns == MOST_AHEAD_S * NS_PER_S


def test_an_old_picture_does_not_make_a_new_viewer_a_stalled_one(showcase):
    showcase.release_stalled(0)
    showcase.show({"objects": b"1"})
    showcase.release_stalled(1000 * NS_PER_S)
    seat, _ = seat_of(showcase)
    assert showcase.next(seat, SOON_S) == [b"1"]
    assert showcase.release_stalled(1001 * NS_PER_S) == 0


def test_an_acknowledgement_of_what_was_never_sent_opens_nothing(showcase):
    seat, _ = seat_of(showcase)
    showcase.seen(seat, 10**9)
    for number in range(1, 6):
        showcase.show({"objects": b"%d" % number})
        showcase.next(seat, SOON_S)
    assert len(seat.unseen) == MOST_ON_THEIR_WAY


def test_what_did_not_change_is_not_told_again(showcase):
    seat, _ = seat_of(showcase)
    showcase.tell("{}")
    assert showcase.next(seat, SOON_S) == ["{}"]
    showcase.tell("{}")
    assert showcase.next(seat, SOON_S) == []
    showcase.tell('{"objects": []}')
    assert showcase.next(seat, SOON_S) == ['{"objects": []}']


def test_sound_goes_to_who_listens_and_first(showcase):
    listener, _ = seat_of(showcase)
    watcher, _ = seat_of(showcase)
    showcase.listen(listener, wants=True)
    assert showcase.listeners == 1
    showcase.show({"objects": b"picture"})
    showcase.play(b"sound")
    assert showcase.next(listener, SOON_S) == [b"sound", b"picture"]
    assert showcase.next(watcher, SOON_S) == [b"picture"]
    showcase.play(b"more")
    showcase.listen(listener, wants=False)
    assert showcase.next(listener, SOON_S) == []


def test_each_is_shown_the_view_that_it_looks_at(showcase):
    one, _ = seat_of(showcase)
    other, _ = seat_of(showcase)
    showcase.look(other, "energy")
    assert showcase.views == {"objects", "energy"}
    showcase.show({"objects": b"plain", "energy": b"glow"})
    assert showcase.next(one, SOON_S) == [b"plain"]
    assert showcase.next(other, SOON_S) == [b"glow"]
    showcase.look(one, "clusters")  # which is not drawn yet
    showcase.show({"energy": b"glow"})
    assert showcase.next(one, SOON_S) == []
    showcase.show({"clusters": b"colours"})
    assert showcase.next(one, SOON_S) == [b"colours"]


def test_spectrograms_go_to_who_follows_and_do_not_pile_up(showcase):
    follower, _ = seat_of(showcase)
    watcher, _ = seat_of(showcase)
    showcase.follow(follower, wants=True)
    assert showcase.followers == 1
    for number in range(100):
        showcase.trace(b"%d" % number)
    waiting = showcase.next(follower, SOON_S)
    assert len(waiting) == MOST_WAITING_SPECTRA
    assert waiting[-1] == b"99"
    assert showcase.next(watcher, SOON_S) == []
    showcase.trace(b"more")
    showcase.follow(follower, wants=False)
    assert showcase.next(follower, SOON_S) == []


def test_sound_that_waits_is_bounded_and_the_newest(showcase):
    seat, _ = seat_of(showcase)
    showcase.listen(seat, wants=True)
    for number in range(100):
        showcase.play(b"%d" % number)
    waiting = showcase.next(seat, SOON_S)
    assert len(waiting) == MOST_WAITING_SOUNDS
    assert waiting[-1] == b"99"


def test_an_answer_goes_to_one(showcase):
    seat, _ = seat_of(showcase)
    other, _ = seat_of(showcase)
    showcase.answer(seat, "no")
    showcase.answer(seat, "still no")
    assert showcase.next(seat, SOON_S) == ["still no"]
    assert showcase.next(other, SOON_S) == []


def test_places_are_few_and_come_back(showcase):
    seats = [seat_of(showcase)[0] for _ in range(MOST_VIEWERS)]
    assert showcase.enter(print) is None
    showcase.leave(seats[0])
    showcase.leave(seats[0])
    assert showcase.viewers == MOST_VIEWERS - 1
    assert showcase.enter(print) is not None


def test_closing_wakes_who_waits(showcase):
    seat, _ = seat_of(showcase)
    got = []
    waiting = threading.Thread(target=lambda: got.append(showcase.next(seat, 30.0)))
    waiting.start()
    showcase.close()
    waiting.join(10.0)
    assert got == [None]
    assert showcase.enter(print) is None
