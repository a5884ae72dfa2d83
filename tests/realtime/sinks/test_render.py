import numpy as np
import pytest

from realtime.picture import SEMIBOLD, text_width
from realtime.sinks.hud import Hud
from realtime.sinks.layout import HINTS, lay_out, natural_size
from realtime.sinks.paint import RESIDUAL_COLOUR
from realtime.sinks.panel import KEY_HINTS, decibels
from realtime.sinks.render import draw_view
from realtime.sinks.rows import row_of
from realtime.sinks.scene_layer import draw_scene, scene_layer

from .examples import BLUE, ORANGE, scene, scene_object

GREY = np.full((360, 640, 3), 60, dtype=np.uint8)
HOT = [(row, column) for row in (3, 4) for column in (5, 6)]


def count(picture, colour, tolerance=12):
    near = np.abs(picture.astype(int) - np.asarray(colour)).max(axis=2) <= tolerance
    return int(near.sum())


def test_silence_stays_as_the_camera_saw_it():
    np.testing.assert_array_equal(draw_scene(GREY, scene(objects=[])), GREY)
    np.testing.assert_array_equal(draw_scene(GREY, None), GREY)


def test_heat_glows_where_it_sounds_and_nowhere_else():
    shown = draw_scene(GREY, scene(objects=[], hot=HOT))
    # The hot cells span columns 5..6 and rows 3..4 of an 8 x 8 grid.
    inside = shown[150:210, 420:540].reshape(-1, 3).mean(axis=0)
    blue, green, red = inside
    assert red > 180
    assert red > green > blue
    np.testing.assert_array_equal(shown[:, :200], GREY[:, :200])
    np.testing.assert_array_equal(shown[:60], GREY[:60])


def test_more_heat_is_brighter():
    some = scene(objects=[], hot=HOT)
    less = scene(objects=[], hot=HOT)
    cooler = less.heatmap_db.copy()
    cooler[cooler > -60] = -14.0
    object.__setattr__(less, "heatmap_db", cooler)
    bright, dim = draw_scene(GREY, some), draw_scene(GREY, less)
    assert bright[180, 480].sum() > dim[180, 480].sum() > GREY[180, 480].sum()


def test_nonsense_in_the_heat_is_not_drawn():
    strange = scene(objects=[], hot=HOT)
    object.__setattr__(strange, "heatmap_db", np.full((8, 8), np.nan, dtype=np.float32))
    np.testing.assert_array_equal(draw_scene(GREY, strange), GREY)


def test_the_picture_given_is_left_alone():
    given = GREY.copy()
    draw_scene(given, scene(hot=HOT))
    np.testing.assert_array_equal(given, GREY)


def test_each_object_has_an_outline_in_its_colour_at_its_place():
    objects = [
        scene_object(1, ORANGE, (0.05, 0.25, 0.3, 0.75)),
        scene_object(2, BLUE, (0.6, 0.25, 0.95, 0.75)),
    ]
    shown = draw_scene(GREY, scene(objects))
    assert count(shown[:, :320], ORANGE) > 300
    assert count(shown[:, 320:], BLUE) > 300
    assert count(shown[:, :320], BLUE) == count(shown[:, 320:], ORANGE) == 0
    # The box itself: its left edge, half way down.
    assert count(shown[175:185, 28:38], ORANGE) > 5


def test_an_outline_follows_the_cells_of_the_object():
    cells = {1: [(row, column) for row in range(2, 6) for column in (6, 7)]}
    shown = draw_scene(GREY, scene([scene_object(1, ORANGE, (0, 0, 1, 1))], cells=cells))
    assert count(shown[170:190, 460:490], ORANGE) > 5  # where column 6 begins
    assert count(shown[100:, 100:420], ORANGE) == 0


def test_muted_and_soloed_objects_look_different():
    plain = draw_scene(GREY, scene([scene_object(gain=1.0)]))
    muted = draw_scene(GREY, scene([scene_object(gain=0.0)]))
    soloed = draw_scene(GREY, scene([scene_object(gain=1.0)], soloed=(1,)))
    assert count(muted, ORANGE) == 0
    assert count(soloed, ORANGE) > count(plain, ORANGE)


@pytest.mark.parametrize("size", [(1, 1), (16, 16), (640, 360), (361, 643), (1080, 1920)])
def test_any_size_of_picture_can_be_drawn(size):
    picture = np.full((size[1], size[0], 3), 60, dtype=np.uint8)
    edges = [scene_object(1, ORANGE, (0, 0, 0, 0)), scene_object(2, BLUE, (0, 0, 1, 1))]
    shown = draw_scene(picture, scene(edges, hot=HOT, cells={1: [(0, 0)]}))
    assert shown.shape == picture.shape
    view = draw_view(picture, scene(edges), Hud(), lay_out(640, 360, *size), 1)
    assert view.shape == (360, 640, 3)


@pytest.mark.parametrize("size", [(320, 180), (640, 360), (1280, 720), (600, 900), (3840, 2160)])
def test_the_view_shows_picture_panel_and_status(size):
    layout = lay_out(*size, 640, 360)
    hud = Hud(latency_ms=150.0, masks_per_s=14.4, frames_per_s=30.0, engines="openvino/int8")
    view = draw_view(GREY, scene([scene_object(level_db=-6.0)]), hud, layout, None)
    assert view.shape == (size[1], size[0], 3)
    x0, y0, x1, y1 = layout.panel
    assert count(view[y0:y1, x0:x1], ORANGE) > 100  # the level bar
    x0, y0, x1, y1 = layout.status
    assert (view[y0:y1, x0:x1].max(axis=2) > 200).sum() > 30  # words


def test_a_louder_object_has_a_longer_bar():
    layout = lay_out(1280, 720, 640, 360)
    x0, y0, x1, y1 = layout.panel
    counts = [
        count(
            draw_view(GREY, scene([scene_object(level_db=level)]), Hud(), layout, None)[
                y0:y1, x0:x1
            ],
            ORANGE,
        )
        for level in (-200.0, -40.0, -20.0, 0.0, 20.0)
    ]
    assert counts[0] < counts[1] < counts[2] < counts[3] == counts[4]


def test_before_the_first_picture_something_is_said():
    layout = lay_out(640, 360, 640, 360)
    view = draw_view(None, None, Hud(), layout, None)
    x0, y0, x1, y1 = layout.picture
    assert view[y0:y1, x0:x1].max() > 100


def test_warnings_are_seen():
    layout = lay_out(1280, 720, 640, 360)
    calm = draw_view(GREY, scene(), Hud(), layout, None)
    warned = draw_view(GREY, scene(), Hud(warnings=("hearing is late",)), layout, None)
    x0, y0, x1, y1 = layout.status
    amber = (70, 176, 250)
    assert count(calm[y0:y1, x0:x1], amber) == 0
    assert count(warned[y0:y1, x0:x1], amber) > 20


def test_many_objects_stay_inside_the_panel():
    layout = lay_out(640, 360, 640, 360)
    objects = [scene_object(number, ORANGE) for number in range(1, 13)]
    draw_view(GREY, scene(objects), Hud(), layout, 3)


def test_clicks_are_fractions_of_the_picture():
    layout = lay_out(1280, 720, 640, 480)
    x0, y0, x1, y1 = layout.picture
    assert layout.fraction(x0, y0) == pytest.approx((0.0, 0.0), abs=0.002)
    assert layout.fraction(x1 - 1, y1 - 1) == pytest.approx((1.0, 1.0), abs=0.002)
    assert layout.fraction((x0 + x1) // 2, (y0 + y1) // 2) == pytest.approx((0.5, 0.5), abs=0.002)
    assert layout.fraction(x1, y0) is None
    assert layout.fraction(-1, 0) is None


@pytest.mark.parametrize("picture", [(1280, 720), (640, 480), (480, 640), (1920, 800)])
def test_pictures_keep_their_shape(picture):
    for size in ((1280, 720), (600, 900), natural_size(*picture)):
        x0, y0, x1, y1 = lay_out(*size, *picture).picture
        assert (x1 - x0) / (y1 - y0) == pytest.approx(picture[0] / picture[1], rel=0.01)


@pytest.mark.parametrize("picture", [(1280, 720), (640, 480)])
def test_a_picture_fills_a_view_of_its_natural_size(picture):
    layout = lay_out(*natural_size(*picture), *picture)
    x0, y0, x1, y1 = layout.picture
    assert x1 - x0 >= 0.97 * layout.panel[0]
    assert y1 - y0 >= 0.97 * layout.status[1]


def test_there_is_room_for_every_hint():
    assert len(KEY_HINTS) == HINTS


@pytest.mark.parametrize("size", [(640, 360), (1280, 720)])
def test_a_long_name_leaves_room_for_what_is_heard_of_it(size):
    layout = lay_out(*size, 640, 360)
    views = [
        panel_of(layout, "acoustic guitar in the back row", **states) for states in ({}, SOLOED)
    ]
    row = row_of(layout.strips(2)[0], layout)
    changed = np.argwhere((views[0] != views[1]).any(axis=2)[: row.box[3]])
    assert changed.size  # "solo" stands where nothing stood
    assert changed[:, 1].max() < row.box[2]
    assert row.box[1] < changed[:, 0].min() <= changed[:, 0].max() <= row.baseline + 1
    assert changed[:, 1].min() > row.chip[2]


SOLOED = {"soloed": (1,)}


def panel_of(layout, name="", *, soloed=(), muted=(), **sounding):
    """The view with one object, and nothing in the picture."""
    shown = scene([scene_object(1, ORANGE, name=name, **sounding)], soloed=soloed, muted=muted)
    view = draw_view(None, shown, Hud(), layout, None)
    x0, y0, x1, y1 = layout.picture
    view[y0:y1, x0:x1] = 0
    return view


@pytest.mark.parametrize("size", [(640, 360), (1280, 720)])
@pytest.mark.parametrize(
    "heard",
    [{}, {"soloed": (1,)}, {"gain": 0.0, "muted": (1,)}, {"gain": 0.0, "soloed": (0,)}],
    ids=["heard", "solo", "muted", "off"],
)
def test_the_set_gain_is_seen_whatever_is_heard(size, heard):
    layout = lay_out(*size, 640, 360)
    row = row_of(layout.strips(2)[0], layout)
    one, other = (panel_of(layout, set_gain=gain, **heard) for gain in (1.0, 4.0))
    changed = np.argwhere((one != other).any(axis=2))
    assert (changed[:, 0] > row.baseline).all()
    assert (changed[:, 1] < row.fader[2] + 4).any()  # the knob
    assert (changed[:, 1] > row.fader[2] + 4).any()  # the number
    assert changed[:, 1].max() < row.box[2]


def test_without_room_for_a_fader_the_number_is_beside_the_state():
    layout = lay_out(640, 360, 640, 360)
    views = []
    for gain in (1.0, 4.0):
        objects = [scene_object(number, set_gain=gain) for number in range(1, 9)]
        views.append(draw_view(None, scene(objects, soloed=(1,)), Hud(), layout, None))
    for box in layout.strips(9)[:8]:
        x0, y0, x1, y1 = box
        assert (views[0][y0:y1, x0:x1] != views[1][y0:y1, x0:x1]).any()


def test_what_is_pinned_is_marked_in_its_row():
    layout = lay_out(1280, 720, 640, 360)
    changed = np.argwhere((panel_of(layout) != panel_of(layout, is_pinned=True)).any(axis=2))
    x0, y0, x1, _ = layout.strips(2)[0]
    assert changed.size
    assert (x0 + x1) / 2 < changed[:, 1].min() <= changed[:, 1].max() < x1
    assert y0 < changed[:, 0].min()


def test_the_chip_of_what_is_muted_is_crossed_out():
    layout = lay_out(1280, 720, 640, 360)
    x0, y0, x1, y1 = row_of(layout.strips(2)[0], layout).chip
    muted, off = (
        panel_of(layout, gain=0.0, **state)[y0:y1, x0:x1]
        for state in ({"muted": (1,)}, {"soloed": (0,)})
    )
    assert muted.max() > off.max()


@pytest.mark.parametrize(
    ("gain", "text"), [(1.0, "0 dB"), (2.0, "+6.0 dB"), (0.5, "-6.0 dB"), (0.0, "-inf dB")]
)
def test_gains_are_said_in_db(gain, text):
    assert decibels(gain) == text


def test_hints_do_not_run_into_each_other():
    for size in ((640, 360), (1280, 720), (600, 900)):
        layout = lay_out(*size, 640, 360)
        left, _, right, _ = layout.hints
        text_px = max(11, layout.px(16))
        key = max(text_width(one, text_px, SEMIBOLD) for one, _ in KEY_HINTS)
        meaning = max(text_width(one, text_px) for _, one in KEY_HINTS)
        assert key + meaning < (right - left) // layout.hint_columns


def test_the_residual_is_no_grey_object():
    layout = lay_out(1280, 720, 640, 360)
    alike = [scene_object(1, RESIDUAL_COLOUR, name="cello", level_db=-60.0)]
    view = draw_view(GREY, scene(alike), Hud(), layout, None)
    cello, residual = (
        count(view[top : top + layout.px(22), left : left + layout.px(16)], RESIDUAL_COLOUR)
        for left, top, _, _ in layout.strips(2)
    )
    assert 0 < residual < 0.8 * cello


@pytest.mark.parametrize("picture", [(640, 360), (480, 640)])
def test_upright_the_panel_has_what_the_picture_leaves(picture):
    layout = lay_out(480, 800, *picture)
    x0, y0, x1, y1 = layout.picture
    assert x1 - x0 == 480 or y1 - y0 == layout.panel[1]
    assert layout.panel[1] - y1 <= 1
    assert layout.panel[3] - layout.panel[1] >= round(0.3 * layout.status[1])


def test_a_layer_over_a_picture_is_as_if_the_scene_was_drawn_there():
    rng = np.random.default_rng(0)
    picture = rng.integers(0, 256, (360, 640, 3), dtype=np.uint8)
    objects = [
        scene_object(1, ORANGE, (0.05, 0.25, 0.3, 0.75)),
        scene_object(2, BLUE, (0.6, 0.25, 0.95, 0.75), gain=0.0),
    ]
    shown = scene(objects, hot=HOT, cells={1: [(3, 4), (3, 5), (4, 5)]}, soloed=(1,))
    drawn = draw_scene(picture, shown).astype(int)
    laid = scene_layer(shown, 640, 360).over(picture).astype(int)
    different = np.abs(laid - drawn).max(axis=2)
    assert different.max() < 10  # rounded once more for all that lies there on top of each other
    assert (different > 3).sum() < 50
    assert np.abs(drawn - picture).max() > 100
