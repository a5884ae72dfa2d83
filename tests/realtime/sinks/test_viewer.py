import numpy as np
import pytest

from realtime.messages import Stats
from realtime.sinks.layout import lay_out
from realtime.sinks.viewer import MOST_WAITING_FRAMES, Viewer, object_at, with_set_gains

from .examples import BLUE, NS_PER_S, ORANGE, end, frame, scene, scene_object

MS = 1_000_000


def latency(value_ms):
    return Stats(stream="test", sequence=0, stage="speaker", values={"latency_ms": value_ms})


def test_without_a_speaker_a_picture_is_shown_at_once():
    viewer = Viewer({})
    assert viewer.picture_size is None
    viewer.take({"video": [frame(0), frame(1)]})
    assert viewer.turn(NS_PER_S)
    assert viewer.picture_size == (160, 90)
    assert not viewer.turn(NS_PER_S)


def test_a_picture_waits_until_its_sound_is_heard():
    viewer = Viewer({})
    viewer.take({"stats": [latency(200.0)], "video": [frame(number) for number in range(10)]})
    assert not viewer.turn(199 * MS)
    assert viewer.turn(201 * MS)
    # At 300 ms the pictures up to 100 ms are due: numbers 0 to 3.
    assert viewer.turn(301 * MS)
    assert viewer._shown.sequence == 3


def test_what_is_no_picture_is_drawn_with_the_next_or_after_a_while():
    viewer = Viewer({})
    viewer.take({"video": [frame(0)]})
    assert viewer.turn(0)
    viewer.take({"scene": [scene([])]})
    assert not viewer.turn(10 * MS)
    viewer.take({"video": [frame(1)]})
    assert viewer.turn(40 * MS)
    assert not viewer.turn(200 * MS)  # nothing has come since
    viewer.take({"scene": [scene([])]})
    assert not viewer.turn(210 * MS)
    assert not viewer.turn(309 * MS)
    assert viewer.turn(310 * MS)
    assert not viewer.turn(500 * MS)


def test_the_delay_follows_the_sound_softly():
    viewer = Viewer({})
    viewer.take({"stats": [latency(100.0), latency(200.0)], "video": [frame(0)]})
    assert not viewer.turn(119 * MS)
    assert viewer.turn(121 * MS)


def test_what_waits_is_bounded():
    viewer = Viewer({})
    viewer.take({"stats": [latency(5000.0)]})
    viewer.take({"video": [frame(number) for number in range(100)]})
    assert len(viewer._waiting) == MOST_WAITING_FRAMES


def test_a_picture_is_shown_with_the_scene_of_its_time():
    viewer = Viewer({})
    scenes = [scene([], capture_ns=at * MS) for at in (10, 50, 90)]
    viewer.take({"scene": scenes})
    assert viewer.scene is scenes[-1]
    viewer.take({"video": [frame(2)]})  # taken at 67 ms
    viewer.turn(NS_PER_S)
    assert viewer.scene is scenes[1]
    assert viewer.newest_scene is scenes[-1]


def test_it_draws_at_every_stage_of_a_run():
    viewer = Viewer({"vision": "openvino/int8"})
    layout = lay_out(640, 360, 160, 90)
    assert viewer.draw(layout, None, "objects").shape == (360, 640, 3)
    viewer.take({"video": [frame(0, grey=90)], "scene": [scene()]})
    viewer.turn(NS_PER_S)
    picture = viewer.draw(layout, 1, "objects")
    assert np.abs(picture.astype(int) - ORANGE).max(axis=2).min() < 12


def test_it_ends_with_pictures_and_scenes():
    viewer = Viewer({})
    viewer.take({"video": [end("video")]})
    assert not viewer.ended
    viewer.take({"scene": [end("scene")]})
    assert viewer.ended


OBJECTS = [
    scene_object(1, ORANGE, (0.0, 0.0, 0.6, 1.0)),
    scene_object(2, BLUE, (0.4, 0.0, 1.0, 1.0)),
]


@pytest.mark.parametrize(
    ("point", "expected"),
    [((0.1, 0.5), 1), ((0.45, 0.5), 1), ((0.55, 0.5), 2), ((1.0, 1.0), 2)],
)
def test_a_point_belongs_to_the_nearest_object_around_it(point, expected):
    assert object_at(scene(OBJECTS), *point) == expected


def test_cells_win_over_boxes():
    cells = {2: [(4, 0)]}
    assert object_at(scene(OBJECTS, cells=cells), 0.05, 0.55) == 2
    assert object_at(scene([OBJECTS[0]], cells=cells), 0.05, 0.55) == 1


def test_nothing_is_where_nothing_sounds():
    assert object_at(scene([scene_object(1, box=(0.0, 0.0, 0.2, 0.2))]), 0.5, 0.5) is None


def test_a_fader_stands_where_it_was_put_before_the_scene_says_so():
    viewer = Viewer({})
    viewer.take({"video": [frame(0)], "scene": [scene(OBJECTS)]})
    viewer.turn(NS_PER_S)
    layout = lay_out(1280, 720, 160, 90)
    before, after = (viewer.draw(layout, None, "objects", gains) for gains in ({}, {2: 0.25}))
    _, top, _, bottom = layout.strips(3)[1]
    rows = np.argwhere((before != after).any(axis=2))[:, 0]
    assert top < rows.min() <= rows.max() < bottom
    shown = with_set_gains(scene(OBJECTS), {2: 0.25, 0: 2.0, 7: 3.0})
    assert [item.set_gain for item in shown.objects] == [1.0, 0.25]
    assert shown.residual_set_gain == 2.0


def test_how_early_the_sound_is_is_told_once_it_is_known():
    viewer = Viewer({})
    viewer.take({"video": [frame(0)]})
    viewer.turn(NS_PER_S)
    assert viewer.stats() == {}
    viewer.take({"stats": [latency(200.0)], "video": [frame(3)]})
    assert viewer.turn(320 * MS)  # it was due at 300
    assert viewer.stats() == {"sound_early_ms": pytest.approx(20.0)}
