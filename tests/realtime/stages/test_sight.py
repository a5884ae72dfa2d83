from __future__ import annotations

import numpy as np
import pytest

from realtime.messages import End, SightMap, VideoFrame
from realtime.stages.sight import Sight
from tests.fakes.pixel_model import SPEC, ColourVision, picture


def frame(sequence: int, capture_ns: int, pixels: np.ndarray) -> VideoFrame:
    return VideoFrame(stream="t", sequence=sequence, capture_ns=capture_ns, pixels=pixels)


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
    assert found.features.shape == (SPEC.channels, 14, 14)
    if min(shape) >= 16:
        assert found.features[0, 13, 0] > 0.9
        assert found.features[0, 0, 13] < 0.1


def test_the_end_follows_the_end(sight: Sight) -> None:
    outputs = sight.step(0, {"video": [End(stream="t", sequence=0, topic="video")]})
    assert [(topic, type(message)) for topic, message in outputs] == [("sight", End)]
    assert sight.finished


def test_close_closes_the_engine() -> None:
    engine = ColourVision()
    stage = Sight(lambda: engine, SPEC.vision)
    stage.close()
    stage.open()
    assert not engine.closed
    stage.close()
    assert engine.closed
