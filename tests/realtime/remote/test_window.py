from __future__ import annotations

from realtime.messages import Control
from realtime.remote.window import NEWEST_MESSAGES, Window
from tests.fakes.messages import chunk, end, frame


def numbers(window: Window) -> list[int]:
    return [message.sequence for message in window.due()]


def test_of_pictures_only_the_newest_waits() -> None:
    window = Window("video")
    for count in range(10):
        window.offer(frame(count))
        if count < NEWEST_MESSAGES:
            assert numbers(window) == [count]
    assert numbers(window) == []
    assert window.dropped == 10 - NEWEST_MESSAGES - 1
    window.taken(1)
    assert numbers(window) == [9]


def test_sound_waits_and_of_too_much_the_oldest_goes() -> None:
    window = Window("audio")
    for count in range(250):
        window.offer(chunk(count))
    assert numbers(window) == list(range(150, 250))
    assert window.dropped == 150
    window.offer(chunk(250))
    assert numbers(window) == []
    window.taken(100)
    assert numbers(window) == [250]


def test_an_end_finds_its_way_at_once() -> None:
    window = Window("video")
    for count in range(NEWEST_MESSAGES):
        window.offer(frame(count))
    window.due()
    window.offer(end("video", 9))
    assert numbers(window) == [9]


def test_an_end_is_never_the_one_that_is_dropped_for() -> None:
    window = Window("video")
    for count in range(NEWEST_MESSAGES + 1):
        window.offer(frame(count))
        window.due()
    window.offer(end("video", 9))
    window.taken(1)
    assert numbers(window) == [NEWEST_MESSAGES, 9]
    assert window.dropped == 0


def test_a_cut_forgets_pictures_and_keeps_what_the_user_asked_for() -> None:
    pictures, wishes = Window("video"), Window("control")
    for count in range(6):
        pictures.offer(frame(count))
        pictures.due()
    for count in range(15):
        wishes.offer(Control(stream="s", sequence=count, kind="unsolo"))
        if count == 9:
            assert len(wishes.due()) == 10
    pictures.cut()
    wishes.cut()
    assert numbers(pictures) == []
    assert numbers(wishes) == [10, 11, 12, 13, 14]
    pictures.offer(frame(7))
    assert numbers(pictures) == [7]


def test_what_did_not_get_away_makes_room_and_is_counted() -> None:
    window = Window("video")
    for count in range(NEWEST_MESSAGES):
        window.offer(frame(count))
        window.due()
    window.lost()
    window.offer(frame(5))
    assert numbers(window) == [5]
    assert window.dropped == 1


def test_more_that_was_taken_than_sent_gives_no_more_room() -> None:
    window = Window("video")
    window.taken(1000)
    for count in range(10):
        window.offer(frame(count))
        window.due()
    window.offer(frame(10))
    assert numbers(window) == []
