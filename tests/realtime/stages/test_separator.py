from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pytest

from pixelplayer.energy import PixelEnergy
from pixelplayer.stft import fade_samples
from realtime.errors import UsageError
from realtime.messages import (
    End,
    SoundColumns,
    Streams,
)
from realtime.stages.join import NewestSight
from realtime.stages.scene import PALETTE
from tests.fakes.pixel_model import (
    band_noise,
)
from tests.realtime.stages.separating import (
    PLACES,
    RATE_HZ,
    Result,
    db,
    hear,
    see,
    separate,
    separator,
    show,
    stepped,
)
from tests.realtime.stages.test_hearing import cut


@pytest.fixture(scope="module")
def duet() -> tuple[Mapping[str, np.ndarray], Result]:
    sounds = {
        "red": band_noise("red", 1, 4 * RATE_HZ + 77),
        "green": 0.3 * band_noise("green", 2, 4 * RATE_HZ + 77),
    }
    return sounds, separate(sounds)


def test_two_sources_are_found_and_told_apart(
    duet: tuple[Mapping[str, np.ndarray], Result],
) -> None:
    sounds, result = duet
    rows = result.rows()
    assert len(rows) == 3
    last = result.scenes[-1]
    assert len(last.objects) == 2
    for item in last.objects:
        colour, place = min(PLACES.items(), key=lambda pair: abs(pair[1][0] - item.centroid[0]))
        np.testing.assert_allclose(item.centroid, place, atol=0.05)
        x0, y0, x1, y1 = item.box
        assert x0 < place[0] < x1
        assert y0 < place[1] < y1
        assert 0.2 < x1 - x0 < 0.45
        truth = sounds[colour][RATE_HZ:-RATE_HZ]
        found = rows[item.id - 1, RATE_HZ : RATE_HZ + len(truth)]
        assert db(truth, found - truth) > 20
        np.testing.assert_allclose(item.level_db, 10 * np.log10(np.mean(truth**2)), atol=2)
        assert item.colour == PALETTE[item.id - 1]


def test_streams_and_residual_are_the_mixture_to_rounding(
    duet: tuple[Mapping[str, np.ndarray], Result],
) -> None:
    sounds, result = duet
    mixture = np.sum(list(sounds.values()), axis=0)
    total = result.rows().sum(axis=0)
    assert len(total) == len(mixture)
    np.testing.assert_allclose(total, mixture, atol=3e-6)


def test_both_objects_are_known_within_a_second(
    duet: tuple[Mapping[str, np.ndarray], Result],
) -> None:
    _, result = duet
    found = next(scene for scene in result.scenes if len(scene.objects) == 2)
    assert found.capture_ns < 1_000_000_000


def test_the_heat_is_where_the_sound_is(duet: tuple[Mapping[str, np.ndarray], Result]) -> None:
    scene = duet[1].scenes[-1]
    x, y = (round(14 * fraction) for fraction in PLACES["red"])
    assert scene.heatmap_db[y, x] > -3
    x, y = (round(14 * fraction) for fraction in PLACES["green"])
    assert -15 < scene.heatmap_db[y, x] < -8
    assert scene.heatmap_db[0, 0] < -30
    assert set(np.unique(scene.clusters)) == {0, 1, 2}


def test_the_scene_comes_ten_times_a_second(
    duet: tuple[Mapping[str, np.ndarray], Result],
) -> None:
    periods = [scene.capture_ns // 100_000_000 for scene in duet[1].scenes]
    assert periods == sorted(set(periods))
    assert len(periods) == 40
    assert [scene.sequence for scene in duet[1].scenes] == list(range(40))
    assert duet[1].ends == ["streams", "scene"]


def test_arrival_makes_no_difference_to_the_last_bit(
    duet: tuple[Mapping[str, np.ndarray], Result],
) -> None:
    sounds, expected = duet
    mixture = np.sum(list(sounds.values()), axis=0)
    random = np.random.default_rng(8)
    for _ in range(3):
        sizes = [int(n) for n in random.integers(1, 1500, 50)]
        waiting = {"sight": see(show(PLACES, 4.01)), "sound": hear(cut(mixture, sizes))}
        stage, outputs = separator(), []
        while any(waiting.values()):
            topic = random.choice([name for name, messages in waiting.items() if messages])
            count = int(random.integers(1, 12))
            outputs += stepped(stage, {topic: waiting[topic][:count]})
            del waiting[topic][:count]
        found = Result(outputs)
        np.testing.assert_array_equal(found.rows(), expected.rows())
        assert [scene.objects for scene in found.scenes] == [
            scene.objects for scene in expected.scenes
        ]


def test_in_realtime_nothing_waits_and_nothing_is_lost() -> None:
    mixture = band_noise("red", 1, 2 * RATE_HZ)
    stage, outputs = separator(join=NewestSight), []
    sight = see(show(PLACES, 2))
    for message in hear(cut(mixture, [800])):
        step = stepped(stage, {"sound": [message]})
        assert step or not outputs
        outputs += step
        if isinstance(message, SoundColumns) and message.first_column > 40 and sight:
            stepped(stage, {"sight": [sight.pop(0)]})
    rows = Result(outputs).rows()
    np.testing.assert_allclose(rows.sum(axis=0), mixture, atol=3e-6)
    assert len(rows) == 2
    assert np.abs(rows[0, : 40 * 128 - 512]).max() == 0  # nothing was seen till then


def test_sound_goes_out_before_what_was_heard_is_looked_at(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    looked = 0
    update = PixelEnergy.update

    def counted(self: PixelEnergy, masks: Any, power: Any, duration_s: float) -> Any:
        nonlocal looked
        looked += 1
        return update(self, masks, power, duration_s)

    monkeypatch.setattr(PixelEnergy, "update", counted)
    stage = separator(join=NewestSight)
    stage.step(0, {"sight": see(show(PLACES, 2))[:2]})
    first, *sound = hear(cut(band_noise("red", 1, 2 * RATE_HZ), [800]))
    stage.step(0, {"sound": [first]})
    assert (looked, stage.has_more) == (1, True)  # the very first is looked at before
    later = 0
    for message in sound[:-1]:
        stage.step(0, {})
        before = looked
        topics = {topic for topic, _ in stage.step(0, {"sound": [message]})}
        assert (topics, looked, stage.has_more) == ({"streams"}, before, True)
        later += stage.step(0, {}) != []
        assert not stage.has_more
    assert looked > 20
    assert later > 10


def test_behind_it_looks_for_objects_less_often_and_separates_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    watched: list[float] = []
    update = PixelEnergy.update

    def counted(self: PixelEnergy, masks: Any, power: Any, duration_s: float) -> Any:
        watched.append(duration_s)
        return update(self, masks, power, duration_s)

    monkeypatch.setattr(PixelEnergy, "update", counted)
    mixture = band_noise("red", 1, 2 * RATE_HZ)
    sound, outputs = hear(cut(mixture, [800])), []
    stage = separator(join=NewestSight)
    stepped(stage, {"sight": see(show(PLACES, 2))[:2]})
    for start in range(0, len(sound), 12):
        outputs += stepped(stage, {"sound": sound[start : start + 12]})
    assert len(watched) <= len(sound) // 4
    assert sum(watched) == pytest.approx(2.0, abs=0.3)  # no time is left out
    rows = Result(outputs).rows()
    np.testing.assert_allclose(rows.sum(axis=0), mixture, atol=3e-6)
    assert np.abs(rows[0]).max() > 0


def test_an_end_that_comes_too_soon_or_from_a_new_ear_does_no_harm() -> None:
    mixture = band_noise("red", 1, RATE_HZ)
    *columns, end = hear(cut(mixture, [800]))
    for last, kept in ((end, columns[:-4]), (End(stream="t", sequence=0, topic="sound"), columns)):
        stage = separator(join=NewestSight)
        total = Result(stepped(stage, {"sound": [*kept, last]})).rows().sum(axis=0)
        assert RATE_HZ - 14 * 128 < len(total) <= RATE_HZ + 128
        count = min(len(total), RATE_HZ) - 512
        np.testing.assert_allclose(total[:count], mixture[:count], atol=3e-6)


def test_without_a_picture_everything_is_residual() -> None:
    mixture = band_noise("red", 1, RATE_HZ)
    stage = separator()
    end = End(stream="t", sequence=0, topic="sight")
    result = Result(stepped(stage, {"sight": [end], "sound": hear(cut(mixture, [800]))}))
    assert result.scenes == []
    assert result.rows().shape[0] == 1


def test_without_sound_the_end_comes_at_once() -> None:
    stage = separator()
    end = End(stream="t", sequence=0, topic="sound")
    assert Result(stepped(stage, {"sight": see(show({}, 1)), "sound": [end]})).ends == [
        "streams",
        "scene",
    ]
    assert stage.finished


def test_silence_has_no_heat_and_no_objects() -> None:
    result = separate({"red": np.full(RATE_HZ, 1e-4, np.float32)})
    assert all(not scene.objects for scene in result.scenes)
    assert result.scenes[-1].heatmap_db.max() == -60


def test_what_sounds_out_of_the_picture_is_residual() -> None:
    sounds = {"red": band_noise("red", 1, 3 * RATE_HZ), "blue": band_noise("blue", 2, 3 * RATE_HZ)}
    rows = separate(sounds).rows()
    assert len(rows) == 2
    part = slice(RATE_HZ, 2 * RATE_HZ)
    assert db(sounds["blue"][part], rows[-1, part] - sounds["blue"][part]) > 18


def test_lost_columns_are_missing_and_the_rest_is_the_mixture_in_its_place() -> None:
    mixture = band_noise("red", 1, 3 * RATE_HZ)
    messages = hear(cut(mixture, [800]))
    kept = [m for m in messages if not isinstance(m, SoundColumns) or m.sequence not in (20, 21)]
    stage = separator()
    outputs = stepped(stage, {"sight": see(show(PLACES, 3)), "sound": [*kept[:30], *kept[28:]]})
    streams = [message for _, message in outputs if isinstance(message, Streams)]
    assert {message.object_ids for message in streams[40:]} == {(1,)}
    holes = []
    place = 0
    for message in streams:
        if message.first_sample != place:
            holes.append((place, message.first_sample))
        place = message.first_sample + message.samples.shape[1]
        np.testing.assert_allclose(
            message.samples.sum(axis=0), mixture[message.first_sample : place], atol=3e-6
        )
    # Six columns of 128 samples, and the fade that only the next column would have completed.
    assert holes == [(60 * 128 - fade_samples(128), 66 * 128)]
    assert place == len(mixture)
    assert stage.stats()["lost_columns"] == 6


def test_a_change_of_rate_is_an_error() -> None:
    first, *_ = hear(cut(band_noise("red", 1, 4000), [800]))
    other, *_ = hear(cut(band_noise("red", 1, 4000), [800], rate_hz=16000))
    with pytest.raises(UsageError, match="from 8000 Hz to 16000 Hz"):
        stepped(separator(join=NewestSight), {"sound": [first, other]})
