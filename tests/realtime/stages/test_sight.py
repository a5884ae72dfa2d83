from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace

import numpy as np
import pytest

from realtime.keepsake import packed, unpacked
from realtime.messages import End, SightMap, VideoFrame
from realtime.stages.sight import Sight
from tests.fakes.pixel_model import SPEC, ColourVision, picture


def frame(sequence: int, capture_ns: int, pixels: np.ndarray) -> VideoFrame:
    return VideoFrame(stream="t", sequence=sequence, capture_ns=capture_ns, pixels=pixels)


def watched_engines() -> tuple[list[ColourVision], Callable[[tuple[int, int]], ColourVision]]:
    """Those that were opened so far, and what opens them."""
    opened: list[ColourVision] = []

    def open_engine(grid: tuple[int, int]) -> ColourVision:
        opened.append(ColourVision(grid))
        return opened[-1]

    return opened, open_engine


@pytest.fixture
def sight() -> Sight:
    stage = Sight(ColourVision, SPEC.vision)
    stage.open()
    return stage


@pytest.mark.parametrize("fps", [24, 25, 30, 60])
def test_looks_at_no_more_than_its_rate_whatever_the_grouping(sight: Sight, fps: int) -> None:
    pixels = picture({}, 28, 28)
    frames = [frame(i, round(i * 1e9 / fps), pixels) for i in range(4 * fps)]
    random = np.random.default_rng(fps)
    maps: list[SightMap] = []
    while frames:
        count = int(random.integers(1, 9))
        outputs = sight.step(0, {"video": frames[:count]})
        maps += [message for _, message in outputs if isinstance(message, SightMap)]
        frames = frames[count:]
    assert len(maps) == 60
    assert [item.sequence for item in maps] == list(range(60))
    times = [(item.capture_ns + 10**6) * 15 // 10**9 for item in maps]
    if fps % 15 == 0:
        assert {item.frame_sequence % (fps // 15) for item in maps} == {0}
    assert len(set(times)) == 60


@pytest.mark.parametrize("shape", [(16, 16), (1, 1), (64, 16), (480, 270), (1080, 1920)])
def test_a_picture_of_any_shape_is_seen_whole(sight: Sight, shape: tuple[int, int]) -> None:
    pixels = picture({"red": (0.125, 0.875)}, *shape)
    ((_, found),) = sight.step(0, {"video": [frame(0, 0, pixels)]})
    assert isinstance(found, SightMap)
    rows, columns = found.features.shape[2:]
    assert (rows, columns) == SPEC.vision.grid_for(*shape)
    assert abs(rows * columns - 14 * 14) < 20
    if min(shape) >= 64:
        assert found.features[0, 0, -1, 0] > 0.9
        assert found.features[0, 0, 0, -1] < 0.1


def test_an_engine_is_opened_for_every_shape_of_picture() -> None:
    opened, open_engine = watched_engines()
    stage = Sight(open_engine, SPEC.vision)
    stage.open()
    assert [engine.outputs[0].shape[2:] for engine in opened] == [(10, 19)]
    shapes = [(90, 160), (1080, 1920), (120, 160), (120, 160), (90, 160)]
    frames = [
        frame(number, number * 10**9, picture({"blue": (0.5, 0.5)}, *shape))
        for number, shape in enumerate(shapes)
    ]
    maps = [message for _, message in stage.step(0, {"video": frames})]
    grids = [item.features.shape[2:] for item in maps if isinstance(item, SightMap)]
    assert grids == [(10, 19), (10, 19), (12, 16), (12, 16), (10, 19)]
    # Other proportions are another camera, or the same one turned.
    assert [item.shot for item in maps if isinstance(item, SightMap)] == [0, 0, 1, 1, 2]
    assert [engine.calls for engine in opened] == [2, 2, 1]
    assert [engine.closed for engine in opened] == [True, True, False]
    stage.close()
    assert opened[-1].closed


def test_a_second_look_has_twice_the_pixels_a_side_and_the_same_cells() -> None:
    opened, open_engine = watched_engines()
    stage = Sight(open_engine, replace(SPEC.vision, looks=2))
    stage.open()
    assert [engine.outputs[0].shape[2:] for engine in opened] == [(10, 19), (20, 38)]
    pixels = picture({"blue": (0.25, 0.5)}, 360, 640)
    ((_, found),) = stage.step(0, {"video": [frame(0, 0, pixels)]})
    assert isinstance(found, SightMap)
    assert found.features.shape == (2, SPEC.channels, 10, 19)
    near, far = found.features
    assert far.max() > 0.5
    np.testing.assert_allclose(far[:, 5, 4], near[:, 5, 4], atol=0.2)  # the blue one's place
    np.testing.assert_allclose(far[:, 0, 0], near[:, 0, 0], atol=0.01)
    stage.close()
    assert all(engine.closed for engine in opened)


def test_the_closer_look_is_taken_at_every_fourth_picture_and_after_a_cut() -> None:
    opened, open_engine = watched_engines()
    stage = Sight(open_engine, replace(SPEC.vision, looks=2))
    stage.open()
    left, right = ({"blue": (x, 0.5)} for x in (0.2, 0.8))
    shown = [left] * 6 + [right] * 2
    looks, maps = [], []
    for number, places in enumerate(shown):
        pixels = picture(places, 360, 640)
        ((_, found),) = stage.step(0, {"video": [frame(number, number * 10**9, pixels)]})
        assert isinstance(found, SightMap)
        maps.append(found)
        looks.append(opened[1].calls)
    assert opened[0].calls == 8
    assert looks == [1, 1, 1, 1, 2, 2, 3, 3]
    assert [item.shot for item in maps] == [0] * 6 + [1] * 2
    np.testing.assert_array_equal(maps[1].features[1], maps[0].features[1])
    assert maps[6].features[1, 2, 5, 15] > 0.5  # nothing of the shot before


def test_one_that_takes_its_place_counts_the_cuts_on(sight: Sight) -> None:
    left, right = (picture({"blue": (x, 0.5)}, 360, 640) for x in (0.2, 0.8))
    sight.step(0, {"video": [frame(0, 0, left), frame(1, 10**9, right)]})
    heir = Sight(ColourVision, SPEC.vision)
    heir.open()
    heir.resume(unpacked(packed(sight.state())))
    frames = [frame(2, 2 * 10**9, right), frame(3, 3 * 10**9, left)]
    outputs = heir.step(0, {"video": frames})
    assert [item.shot for _, item in outputs if isinstance(item, SightMap)] == [1, 2]


def test_the_end_follows_the_end(sight: Sight) -> None:
    outputs = sight.step(0, {"video": [End(stream="t", sequence=0, topic="video")]})
    assert [(topic, type(message)) for topic, message in outputs] == [("sight", End)]
    assert sight.finished


def test_close_closes_the_engine() -> None:
    engine = ColourVision((10, 19))
    stage = Sight(lambda _grid: engine, SPEC.vision)
    stage.close()
    stage.open()
    assert not engine.closed
    stage.close()
    assert engine.closed
