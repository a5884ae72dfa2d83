import pytest

from realtime.sinks.keys import Commands
from realtime.sinks.layout import lay_out

from .examples import BLUE, NS_PER_S, ORANGE, scene, scene_object

LAYOUT = lay_out(1280, 720, 640, 360)
UP, DOWN, ESCAPE = 65362, 65364, 27
OBJECTS = [
    scene_object(1, ORANGE, (0.0, 0.0, 0.4, 1.0)),
    scene_object(2, BLUE, (0.6, 0.0, 1.0, 1.0), gain=0.5),
]


def pixel(x, y):
    x0, y0, x1, y1 = LAYOUT.picture
    return round(x0 + x * (x1 - x0)), round(y0 + y * (y1 - y0))


def press(commands, *keys, shown=None, pointer=(-1, -1)):
    shown = scene(OBJECTS) if shown is None else shown
    return [
        control
        for key in keys
        for control in commands.key(
            ord(key) if isinstance(key, str) else key, shown, LAYOUT, pointer
        )
    ]


@pytest.fixture
def commands():
    return Commands("test")


def test_a_key_goes_from_view_to_view_and_asks_for_nothing(commands):
    seen = []
    for _ in range(5):
        seen.append(commands.view)
        assert press(commands, "v") == []
    assert seen == ["objects", "sounds", "energy", "clusters", "objects"]


def test_a_click_on_the_picture_tells_where(commands):
    (control,) = commands.click(scene(OBJECTS), LAYOUT, *pixel(0.75, 0.25))
    assert control.kind == "click"
    assert (control.x, control.y) == pytest.approx((0.75, 0.25), abs=0.002)
    assert commands.selected == 2


def test_a_click_works_before_the_first_scene(commands):
    (control,) = commands.click(None, LAYOUT, *pixel(0.5, 0.5))
    assert control.kind == "click"


def test_a_click_on_a_row_solos_the_object(commands):
    x0, y0, _, _ = LAYOUT.strips(3)[1]
    (control,) = commands.click(scene(OBJECTS), LAYOUT, x0 + 5, y0 + 5)
    assert (control.kind, control.object_id) == ("solo", 2)


def test_a_click_beside_everything_does_nothing(commands):
    assert commands.click(scene(OBJECTS), LAYOUT, 5, 715) == []


def test_s_solos_what_sounds_under_the_mouse(commands):
    (control,) = press(commands, "s", pointer=pixel(0.2, 0.5))
    assert control.kind == "click"
    assert press(commands, "s", pointer=(-1, -1)) == []


def test_numbers_mute(commands):
    controls = press(commands, "1", "2", "0", "7")
    assert [(control.kind, control.object_id) for control in controls] == [
        ("mute", 1),
        ("mute", 2),
        ("mute", 0),
    ]
    assert commands.selected == 0


def test_all_again_and_quit(commands):
    kinds = [control.kind for control in press(commands, "r", ESCAPE, "q", "Q")]
    assert kinds == ["unsolo", "unsolo", "quit", "quit"]


def test_the_arrows_turn_the_selected_object_up_and_down(commands):
    assert press(commands, UP) == []  # nothing is selected
    commands.click(scene(OBJECTS), LAYOUT, *pixel(0.8, 0.5))
    up, again, down = press(commands, UP, UP, DOWN)
    assert (up.kind, up.object_id) == ("gain", 2)
    step = 10 ** (1.5 / 20)
    assert up.value == pytest.approx(0.5 * step)
    assert again.value == pytest.approx(0.5 * step**2)
    assert down.value == pytest.approx(0.5 * step)


def test_a_gain_that_somebody_else_has_changed_is_where_it_goes_on(commands):
    commands.click(scene(OBJECTS), LAYOUT, *pixel(0.8, 0.5))
    press(commands, UP)
    later = scene([scene_object(2, gain=2.0)], capture_ns=2 * NS_PER_S)
    (control,) = press(commands, DOWN, shown=later)
    assert control.value == pytest.approx(2.0 / 10 ** (1.5 / 20))


def test_the_gain_has_an_upper_end(commands):
    commands.click(scene(OBJECTS), LAYOUT, *pixel(0.8, 0.5))
    assert press(commands, *[UP] * 60)[-1].value == 8.0


def test_a_muted_object_can_be_turned_too(commands):
    commands.click(scene(OBJECTS), LAYOUT, *pixel(0.2, 0.5))
    muted = scene([scene_object(1, gain=0.0)])
    assert press(commands, DOWN, shown=muted)[0].value < 1.0


def test_an_object_that_has_gone_is_left_alone(commands):
    commands.click(scene(OBJECTS), LAYOUT, *pixel(0.2, 0.5))
    assert press(commands, UP, shown=scene([])) == []


def test_brackets_go_from_one_position_of_the_dial_to_the_next():
    commands = Commands("test", (-23.2, 0.0, 92.9))
    assert press(commands, "[", "]") == []  # where it stands is not known yet
    commands.lookahead_ms = 92.88
    asked = press(commands, "]", "[", "[", "[", "]")
    assert [(control.kind, control.value) for control in asked] == [
        ("lookahead", 0.0),
        ("lookahead", -23.2),
        ("lookahead", 0.0),
    ]
    fixed = Commands("test", lookahead_ms=92.9)
    assert press(fixed, "[", "]") == []


@pytest.mark.parametrize("key", [-1, 0, 9, 200, 65505, 10**7, "x", "-"])
def test_other_keys_do_nothing(commands, key):
    assert press(commands, key) == []


def test_controls_are_counted(commands):
    sequences = [control.sequence for control in press(commands, "r", "1", "0")]
    assert sequences == [0, 1, 2]


def test_t_begins_and_ends_a_recording(commands):
    (control,) = press(commands, "t")
    assert (control.kind, control.value) == ("record", None)
