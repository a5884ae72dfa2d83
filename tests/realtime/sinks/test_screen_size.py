import pytest

from realtime.sinks.screen_size import screen_size, told_by, within

XRANDR = """Screen 0: minimum 320 x 200, current 1920 x 1080, maximum 16384 x 16384
HDMI-1 connected primary 1920x1080+0+0 (normal left inverted right) 527mm x 296mm
"""
XDPYINFO = "screen #0:\n  dimensions:    640x360 pixels (163x91 millimeters)\n"
AT = {"DISPLAY": ":0"}


def told(**answers):
    return lambda command: answers.get(command[0], "")


def test_whoever_is_there_tells():
    assert screen_size(AT, told(xrandr=XRANDR)) == (1920, 1080)
    assert screen_size(AT, told(xdpyinfo=XDPYINFO)) == (640, 360)
    assert screen_size(AT, told(xrandr="Can't open display", xdpyinfo=XDPYINFO)) == (640, 360)
    assert screen_size(AT, told()) is None


def test_without_a_display_nobody_is_asked():
    def nobody(command):
        raise AssertionError(command)

    assert screen_size({}, nobody) is None


@pytest.mark.parametrize(
    ("scale", "size"), [("2", (960, 540)), ("x", (1920, 1080)), ("0", (1920, 1080))]
)
def test_where_all_is_larger_a_screen_has_room_for_less(scale, size):
    assert screen_size({**AT, "QT_SCALE_FACTOR": scale}, told(xrandr=XRANDR)) == size


def test_a_window_is_no_larger_than_the_screen():
    assert within((1280, 613), (640, 360)) == (640, 360)
    assert within((1280, 613), (1024, 768)) == (1024, 613)
    assert within((1280, 613), (1920, 1080)) == within((1280, 613), None) == (1280, 613)


def test_programs_that_are_not_there_or_fail_tell_nothing():
    assert told_by(["there-is-no-such-program"]) == ""
    assert told_by(["false"]) == ""
    assert told_by(["echo", "1"]) == "1\n"
