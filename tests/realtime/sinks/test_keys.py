import pytest

from realtime.mouse import MouseEvent
from realtime.sinks.hand import Hand
from realtime.sinks.keys import Commands
from realtime.sinks.layout import lay_out
from realtime.sinks.rows import row_of

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


def mouse(commands, *places, shown=None, is_shifted=False):
    """Press at the first place, go to the others, and let go there."""
    shown = scene(OBJECTS) if shown is None else shown
    events = [MouseEvent("press", *places[0])]
    events += [MouseEvent("move", *place, is_held=True) for place in places[1:]]
    events += [MouseEvent("release", *places[-1], is_shifted=is_shifted)]
    return obeyed(commands, events, shown)


def obeyed(commands, events, shown):
    gestures = Hand().turn(events)
    return [one for gesture in gestures for one in commands.obey(gesture, shown, LAYOUT)]


def row(number):
    """The parts of one of the three rows."""
    return row_of(LAYOUT.strips(3)[number], LAYOUT)


def middle(box):
    return (box[0] + box[2]) // 2, (box[1] + box[3]) // 2


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
    _, y0, x1, _ = LAYOUT.strips(3)[1]
    (control,) = commands.click(scene(OBJECTS), LAYOUT, x1 - 5, y0 + 5)
    assert (control.kind, control.object_id) == ("solo", 2)


def test_a_click_beside_everything_does_nothing(commands):
    assert commands.click(scene(OBJECTS), LAYOUT, 5, 715) == []


def test_a_press_alone_does_nothing(commands):
    assert obeyed(commands, [MouseEvent("press", *pixel(0.75, 0.25))], scene(OBJECTS)) == []


def test_a_click_in_place_clicks_where_it_is_let_go(commands):
    x, y = pixel(0.75, 0.25)
    (control,) = mouse(commands, (x, y), (x + 5, y))
    assert (control.kind, control.object_id) == ("click", None)
    assert control.x == pytest.approx(LAYOUT.fraction(x + 5, y)[0])


def test_what_is_dragged_in_the_picture_is_pinned_where_it_is_let_go(commands):
    (control,) = mouse(commands, pixel(0.2, 0.5), pixel(0.4, 0.5), pixel(0.75, 0.25))
    assert control.kind == "pin"
    assert (control.x, control.y) == pytest.approx((0.75, 0.25), abs=0.002)


def test_what_is_dragged_off_the_picture_is_not(commands):
    assert mouse(commands, pixel(0.5, 0.5), middle(row(0).chip)) == []
    assert mouse(commands, middle(row(0).chip), pixel(0.5, 0.5)) == []
    assert mouse(commands, pixel(0.5, 0.5), (5, 715)) == []


def test_shift_and_a_click_pin_and_so_does_p(commands):
    (shifted,) = mouse(commands, pixel(0.3, 0.5), is_shifted=True)
    (typed,) = press(commands, "p", pointer=pixel(0.3, 0.5))
    assert shifted.kind == typed.kind == "pin"
    assert (shifted.x, shifted.y) == (typed.x, typed.y)
    assert press(commands, "p", pointer=(-1, -1)) == []


def test_u_lets_go_of_what_is_selected_or_else_of_what_is_pointed_at(commands):
    assert press(commands, "u") == []
    pinned = [
        scene_object(1, ORANGE, (0.0, 0.0, 0.4, 1.0), is_pinned=True),
        scene_object(2, BLUE, (0.6, 0.0, 1.0, 1.0), is_pinned=True),
        scene_object(3, BLUE, (0.45, 0.0, 0.55, 1.0)),
    ]
    shown = scene(pinned)
    assert press(commands, "u", shown=shown) == []  # nothing is selected, and nothing pointed at
    (pointed,) = press(commands, "u", shown=shown, pointer=pixel(0.8, 0.5))
    assert (pointed.kind, pointed.object_id) == ("unpin", 2)
    commands.selected = 1
    (selected,) = press(commands, "u", shown=shown, pointer=pixel(0.8, 0.5))
    assert (selected.kind, selected.object_id) == ("unpin", 1)
    commands.selected = 3  # it is not pinned
    assert press(commands, "u", shown=shown, pointer=pixel(0.5, 0.5)) == []


def test_a_row_is_soloed_by_its_name_and_muted_by_its_chip_or_the_right_button(commands):
    parts = row(1)
    name = (parts.box[2] - 5, parts.baseline - 3)
    (solo,) = mouse(commands, name)
    (chip,) = mouse(commands, middle(parts.chip))
    (right,) = obeyed(commands, [MouseEvent("right", *name)], scene(OBJECTS))
    assert [(one.kind, one.object_id) for one in (solo, chip, right)] == [
        ("solo", 2),
        ("mute", 2),
        ("mute", 2),
    ]
    assert obeyed(commands, [MouseEvent("right", *pixel(0.5, 0.5))], scene(OBJECTS)) == []
    assert mouse(commands, name, middle(row(0).chip)) == []  # let go elsewhere
    (rest,) = mouse(commands, middle(row(2).chip))
    assert (rest.kind, rest.object_id) == ("mute", 0)


def test_the_wheel_turns_a_row_up_and_down(commands):
    at = middle(row(1).box)
    events = [MouseEvent("wheel", *at, steps=1.0), MouseEvent("wheel", *at, steps=-2.0)]
    up, down = obeyed(commands, events, scene(OBJECTS))
    step = 10 ** (1.5 / 20)
    assert (up.kind, up.object_id, up.value) == ("gain", 2, pytest.approx(0.5 * step))
    assert down.value == pytest.approx(0.5 / step)
    assert commands.selected == 2
    wild = obeyed(commands, [MouseEvent("wheel", *at, steps=1e9)], scene(OBJECTS))
    assert wild[0].value <= 8.0
    beside = [MouseEvent("wheel", *pixel(0.5, 0.5), steps=1.0)]
    assert obeyed(commands, beside, scene(OBJECTS)) == []


def test_a_fader_is_pulled_and_follows_the_mouse_beyond_its_row(commands):
    left, top, right, bottom = row(0).fader
    y = (top + bottom) // 2
    places = (left, y), ((left + right) // 2, y), (right + 300, y - 300)
    controls = mouse(commands, *places)
    assert {(one.kind, one.object_id) for one in controls} == {("gain", 1)}
    assert [one.value for one in controls] == [
        0.0,
        pytest.approx(10 ** (-11 / 20), rel=0.05),
        pytest.approx(7.94, abs=0.01),
    ]
    assert commands.selected == 1
    # What comes later is free again.
    assert mouse(commands, pixel(0.5, 0.5))[0].kind == "click"


def test_a_fader_whose_object_goes_is_let_go(commands):
    at = middle(row(0).fader)
    grabbed = Hand().turn([MouseEvent("press", *at)])[0]
    commands.obey(grabbed, scene(OBJECTS), LAYOUT)
    pull = Hand().turn([MouseEvent("press", *at), MouseEvent("move", *at, is_held=True)])[1]
    assert commands.obey(pull, scene([OBJECTS[1]]), LAYOUT) == []


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


def test_what_was_set_is_known_until_the_scene_shows_it(commands):
    commands.selected = 2
    (up,) = press(commands, UP)
    assert commands.set_gains(scene(OBJECTS)) == {2: up.value}
    assert commands.set_gains(scene(OBJECTS, capture_ns=2 * NS_PER_S)) == {}
    assert commands.set_gains(None) == {}


def test_the_gain_has_an_upper_end(commands):
    commands.click(scene(OBJECTS), LAYOUT, *pixel(0.8, 0.5))
    assert press(commands, *[UP] * 60)[-1].value == 8.0


def test_a_muted_object_is_turned_from_where_it_was_set(commands):
    commands.click(scene(OBJECTS), LAYOUT, *pixel(0.2, 0.5))
    muted = scene([scene_object(1, gain=0.0, set_gain=0.25)], muted=(1,))
    assert press(commands, DOWN, shown=muted)[0].value == pytest.approx(0.25 / 10 ** (1.5 / 20))


def test_what_was_turned_to_nothing_can_be_turned_up_again(commands):
    commands.selected = 1
    silent = scene([scene_object(1, gain=0.0, set_gain=0.0)])
    (up,) = press(commands, UP, shown=silent)
    assert up.value == pytest.approx(10 ** (-38.5 / 20))
    assert press(Commands("test", selected=1), DOWN, shown=silent) == []


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
