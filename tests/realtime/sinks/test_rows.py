import pytest

from realtime.sinks.layout import lay_out
from realtime.sinks.rows import fader_of, gain_at, in_db, in_linear, knob_x, row_at, row_of

from .examples import BLUE, ORANGE, scene, scene_object

OBJECTS = [
    scene_object(1, ORANGE, (0.0, 0.0, 0.6, 1.0)),
    scene_object(2, BLUE, (0.4, 0.0, 1.0, 1.0)),
]


def middle(box):
    return (box[0] + box[2]) // 2, (box[1] + box[3]) // 2


@pytest.mark.parametrize("size", [(640, 360), (1280, 720), (1920, 1080)])
def test_rows_are_objects_then_the_residual_and_have_parts(size):
    layout, shown = lay_out(*size, 640, 360), scene(OBJECTS)
    rows = [row_of(box, layout) for box in layout.strips(3)]
    for object_id, row in zip((1, 2, 0), rows, strict=True):
        assert row_at(shown, layout, *middle(row.chip)) == (object_id, "chip")
        assert row_at(shown, layout, *middle(row.fader)) == (object_id, "fader")
        assert row_at(shown, layout, row.box[2] - 2, row.baseline - 2) == (object_id, "name")
    assert row_at(shown, layout, 10, 10) is None


def test_a_low_row_has_no_fader():
    layout = lay_out(640, 360, 640, 360)
    shown = scene([scene_object(number) for number in range(1, 9)])
    boxes = layout.strips(9)
    assert {row_of(box, layout).fader for box in boxes} == {None}
    assert fader_of(shown, layout, 1) is None
    x, y = middle(boxes[3])
    assert row_at(shown, layout, x, y) == (4, "name")


def test_an_object_that_has_gone_has_no_fader():
    layout = lay_out(1280, 720, 640, 360)
    assert fader_of(scene(OBJECTS), layout, 2) is not None
    assert fader_of(scene(OBJECTS), layout, 3) is None


def test_where_the_knob_is_the_gain_is():
    fader = (100, 10, 240, 20)
    assert (knob_x(fader, 0.0), knob_x(fader, 0.001), knob_x(fader, 100.0)) == (100, 100, 240)
    for gain in (0.1, 0.5, 1.0, 4.0):
        assert in_db(gain_at(fader, knob_x(fader, gain))) == pytest.approx(in_db(gain), abs=0.25)
    assert gain_at(fader, knob_x(fader, 1.0) + 1) == 1.0  # it keeps to what changes nothing
    assert (gain_at(fader, 0), gain_at(fader, 999)) == (0.0, pytest.approx(7.94, abs=0.01))


def test_gains_in_db():
    assert (in_db(0.0), in_db(1.0)) == (-40.0, 0.0)
    assert (in_linear(-40.0), in_linear(0.0), in_linear(30.0)) == (0.0, 1.0, 8.0)
