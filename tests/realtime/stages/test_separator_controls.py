"""What the user asks of the separator, and what another picture or shot changes."""

from __future__ import annotations

import dataclasses

import numpy as np
import pytest

from pixelplayer.objects import ObjectSettings
from realtime.messages import ControlKind, Scene, SightMap, Streams, VideoFrame
from realtime.stages.join import NewestSight
from realtime.stages.scene import PALETTE
from tests.fakes.pixel_model import band_noise
from tests.realtime.stages.separating import (
    PLACES,
    RATE_HZ,
    Result,
    control,
    db,
    hear,
    see,
    separator,
    show,
    stepped,
)
from tests.realtime.stages.test_hearing import cut


class Live:
    """A separator in the middle of a duet, with both objects known."""

    def __init__(self, settings: ObjectSettings | None = None) -> None:
        mixture = band_noise("red", 1, 4 * RATE_HZ) + band_noise("green", 2, 4 * RATE_HZ)
        self.stage = separator(settings, join=NewestSight)
        stepped(self.stage, {"sight": see(show(PLACES | {"blue": (0.5, 0.8)}, 1))[:-1]})
        self.sound = hear(cut(mixture, [800]))
        self.play(20)

    def play(self, steps: int) -> Result:
        outputs = stepped(self.stage, {"sound": self.sound[:steps]})
        del self.sound[:steps]
        return Result(outputs)

    def ask(self, kind: ControlKind, **values: float | int) -> tuple[Streams, Scene]:
        stepped(self.stage, {"control": [control(kind, **values)]})
        result = self.play(4)
        return result.streams[-1], result.scenes[-1]


def test_a_click_hears_what_is_there_alone() -> None:
    live = Live()
    streams, scene = live.ask("click", x=0.25, y=0.5)
    left = min(scene.objects, key=lambda item: item.centroid[0]).id
    right = 3 - left
    assert streams.gains == ((1, 0, 0) if left == 1 else (0, 1, 0))
    assert scene.soloed == (left,)
    assert scene.residual_gain == 0
    assert {item.id: item.gain for item in scene.objects} == {left: 1, right: 0}
    streams, _ = live.ask("click", x=0.25, y=0.5)
    assert streams.gains == (1, 1, 1)
    streams, scene = live.ask("click", x=0.5, y=0.8)  # blue: seen, not sounding
    assert streams.object_ids == (1, 2, 3)
    assert streams.gains == (0, 0, 1, 0)
    assert streams.pans[2] == pytest.approx(0, abs=0.1)
    made = next(item for item in scene.objects if item.id == 3)
    assert made.colour == PALETTE[2]
    assert made.is_pinned
    streams, scene = live.ask("click", x=0.75, y=0.4)  # that one alone, and nothing lasts of blue
    assert streams.gains == ((1, 0, 0, 0) if right == 1 else (0, 1, 0, 0))
    assert {item.id for item in scene.objects} == {1, 2}
    streams, _ = live.ask("unsolo")
    assert streams.gains == (1, 1, 1, 1)


def test_what_is_pinned_stays_until_it_is_let_go() -> None:
    live = Live()
    _, scene = live.ask("click", x=0.5, y=0.8)  # blue: seen, not sounding
    assert [item.id for item in scene.objects if item.is_pinned] == [3]
    live.ask("pin", x=0.5, y=0.8)
    _, scene = live.ask("unsolo")
    assert [item.id for item in scene.objects if item.is_pinned] == [3]
    live.ask("solo", object_id=3)
    streams, scene = live.ask("unpin", object_id=3)
    assert {item.id for item in scene.objects} == {1, 2}
    assert scene.soloed == ()  # else nothing would be heard of anything
    assert streams.gains[:2] == (1, 1)
    assert streams.gains[-1] == 1
    for object_id in (1, 9):  # not pinned; not there
        _, scene = live.ask("unpin", object_id=object_id)
        assert {item.id for item in scene.objects} == {1, 2}


def test_a_click_beside_all_objects_takes_the_place_of_none() -> None:
    live = Live(ObjectSettings(count=2))
    before = live.ask("unsolo")[1]
    streams, scene = live.ask("click", x=0.5, y=0.95)
    assert streams.gains == (1, 1, 1)
    for item, former in zip(scene.objects, before.objects, strict=True):
        assert item.centroid == pytest.approx(former.centroid, abs=0.02)


def test_what_is_soloed_is_not_muted_and_what_is_muted_not_soloed() -> None:
    live = Live()
    live.ask("gain", object_id=1, value=0.5)
    _, scene = live.ask("mute", object_id=1)
    assert (scene.muted, scene.soloed) == ((1,), ())
    assert {item.id: (item.gain, item.set_gain) for item in scene.objects}[1] == (0, 0.5)
    streams, scene = live.ask("solo", object_id=1)
    assert (scene.muted, scene.soloed) == ((), (1,))
    assert streams.gains == (0.5, 0, 0)
    streams, scene = live.ask("mute", object_id=1)
    assert (scene.muted, scene.soloed) == ((1,), ())
    assert streams.gains == (0, 1, 1)


def test_gain_mute_and_solo_by_id_and_for_the_residual() -> None:
    live = Live()
    assert live.ask("gain", object_id=1, value=0.5)[0].gains == (0.5, 1, 1)
    assert live.ask("mute", object_id=2)[0].gains == (0.5, 0, 1)
    assert live.ask("mute", object_id=2)[0].gains == (0.5, 1, 1)
    streams, scene = live.ask("solo", object_id=0)
    assert streams.gains == (0, 0, 1)
    assert scene.soloed == (0,)
    assert live.ask("solo", object_id=1)[0].gains == (0.5, 0, 1)
    assert live.ask("unsolo")[0].gains == (0.5, 1, 1)
    assert live.ask("gain", object_id=0, value=99)[0].gains[-1] == 8


def test_requests_without_a_target_change_nothing() -> None:
    live = Live()
    for kind in ("solo", "mute", "gain", "click", "pin", "unpin", "quit"):
        assert live.ask(kind)[0].gains == (1, 1, 1)


def test_the_number_of_objects_can_be_set() -> None:
    live = Live()
    _, scene = live.ask("objects", value=1)
    assert len(scene.objects) == 1
    gone = ({1, 2} - {scene.objects[0].id}).pop()
    for _ in range(3):
        streams, scene = live.ask("unsolo")
        assert len(scene.objects) == 1
    assert np.abs(streams.samples[gone - 1]).max() == 0
    stepped(live.stage, {"control": [control("objects", value=0)]})
    scene = live.play(15).scenes[-1]
    assert {item.id for item in scene.objects} == {1, 2}


def test_a_cut_ends_what_was_seen_before_it() -> None:
    """After two seconds red and green stand elsewhere."""
    length = 4 * RATE_HZ
    sounds = {"red": band_noise("red", 1, length), "green": band_noise("green", 2, length)}
    mixture = sounds["red"] + sounds["green"]
    before = show(PLACES, 2.0)[:-1]
    after = show({"red": (0.8, 0.8), "green": (0.2, 0.15)}, 2.0)
    frames = [
        dataclasses.replace(
            message, sequence=message.sequence + 30, capture_ns=message.capture_ns + 2 * 10**9
        )
        if isinstance(message, VideoFrame)
        else dataclasses.replace(message, sequence=60)
        for message in after
    ]
    stage = separator()
    sight = see([*before, *frames])
    assert [item.shot for item in sight if isinstance(item, SightMap)] == [0] * 30 + [1] * 30
    result = Result(stepped(stage, {"sight": sight, "sound": hear(cut(mixture, [800]))}))
    rows = result.rows()
    assert db(mixture[: rows.shape[1]], mixture[: rows.shape[1]] - rows.sum(axis=0)) > 80
    then = [scene for scene in result.scenes if scene.capture_ns < 1.9e9][-1]
    now = result.scenes[-1]
    places = {item.id: item.centroid for item in then.objects}
    assert set(places) == {item.id for item in now.objects}  # they are known again
    for item in now.objects:
        assert np.hypot(*(np.array(item.centroid) - places[item.id])) > 0.4
    first = next(scene for scene in result.scenes if scene.capture_ns > 2.05e9)
    assert first.heatmap_db[11, 11] > first.heatmap_db[7, 3] + 20  # red is only where it is now


def test_pictures_of_other_proportions_go_on_with_the_same_sound() -> None:
    """After two seconds the camera is turned: what was wide is high."""
    length = 4 * RATE_HZ
    sounds = {"red": band_noise("red", 1, length), "green": band_noise("green", 2, length)}
    mixture = sounds["red"] + sounds["green"]
    before = show(PLACES, 2.0, (54, 96))[:-1]
    frames = [
        dataclasses.replace(
            message, sequence=message.sequence + 30, capture_ns=message.capture_ns + 2 * 10**9
        )
        if isinstance(message, VideoFrame)
        else dataclasses.replace(message, sequence=60)
        for message in show({"red": (0.5, 0.8), "green": (0.5, 0.2)}, 2.0, (96, 54))
    ]
    stage = separator()
    result = Result(
        stepped(stage, {"sight": see([*before, *frames]), "sound": hear(cut(mixture, [800]))})
    )
    rows = result.rows()
    assert db(mixture[: rows.shape[1]], mixture[: rows.shape[1]] - rows.sum(axis=0)) > 80
    grids = [scene.heatmap_db.shape for scene in result.scenes]
    assert set(grids) == {(10, 19), (19, 10)}
    then = [scene for scene in result.scenes if scene.capture_ns < 1.9e9][-1]
    now = result.scenes[-1]
    assert {item.id for item in then.objects} == {item.id for item in now.objects} == {1, 2}
    red = max(now.objects, key=lambda item: item.centroid[1])
    np.testing.assert_allclose(red.centroid, (0.5, 0.8), atol=0.08)
