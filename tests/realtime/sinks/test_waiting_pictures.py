import numpy as np

from realtime.sinks.waiting_pictures import WaitingPictures


def picture(level):
    return np.full((90, 160, 3), level, np.uint8)


def test_pictures_come_out_in_the_order_in_which_they_came():
    waiting = WaitingPictures()
    for number in range(5):
        waiting.append(number, picture(number))
    waiting.drop()
    assert len(waiting) == 4
    assert waiting.first_ns == 1
    taken = [waiting.pop() for _ in range(4)]
    assert [time for time, _ in taken] == [1, 2, 3, 4]
    for time, plain in taken:
        np.testing.assert_array_equal(plain, picture(time))


def test_where_many_wait_they_take_little_room():
    one = picture(0).nbytes
    waiting = WaitingPictures(most_plain_bytes=3 * one)
    for number in range(100):
        waiting.append(number, picture(number))
    assert len(waiting) == 100
    assert waiting.taken_bytes < 10 * one
    for number in range(100):
        time, shown = waiting.pop()
        assert time == number
        assert abs(shown.astype(int) - number).max() <= 2
    assert waiting.taken_bytes == 0


def test_room_that_is_free_again_is_for_pictures_as_they_are():
    waiting = WaitingPictures(most_plain_bytes=picture(0).nbytes)
    noise = np.random.default_rng(0).integers(0, 256, (90, 160, 3), dtype=np.uint8)
    for number in range(10):
        waiting.append(number, noise)
        np.testing.assert_array_equal(waiting.pop()[1], noise)


def test_what_is_too_late_is_left_out_and_its_room_is_free():
    waiting = WaitingPictures()
    for number in range(5):
        waiting.append(number, picture(number))
    waiting.drop_from(3)
    assert [waiting.pop()[0] for _ in range(len(waiting))] == [0, 1, 2]
    assert waiting.taken_bytes == 0
