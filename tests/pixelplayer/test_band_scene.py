"""Scenes of the band: true stems, true places, and pictures that follow the sound."""

from __future__ import annotations

import itertools

import numpy as np
import pytest

from pixelplayer.band import INSTRUMENTS, Scene, backdrop, demo_scene, scene
from pixelplayer.band.motion import envelope, motion
from pixelplayer.band.score import Note

RATE_HZ = 16000


@pytest.fixture(scope="module")
def duet() -> Scene:
    return scene(5, 3.0, RATE_HZ)


@pytest.fixture(scope="module")
def demo() -> Scene:
    return demo_scene(RATE_HZ)


def test_a_seed_is_a_scene(duet: Scene) -> None:
    again = scene(5, 3.0, RATE_HZ)
    assert again.objects == duet.objects
    np.testing.assert_array_equal(again.stems, duet.stems)
    np.testing.assert_array_equal(again.frame(1.0, 90, 160), duet.frame(1.0, 90, 160))
    assert scene(6, 3.0, RATE_HZ).objects != duet.objects


def test_stems_add_up_to_the_mixture(duet: Scene) -> None:
    assert duet.stems.shape == (2, 3 * RATE_HZ)
    assert duet.stems.dtype == duet.mixture.dtype == np.float32
    np.testing.assert_array_equal(duet.stems[0] + duet.stems[1], duet.mixture)
    assert np.abs(duet.mixture).max() <= 0.95
    assert duet.duration_s == 3.0


def test_random_scenes_are_of_two_different_instruments() -> None:
    names = [tuple(o.name for o in scene(seed, 0.2, 8000).objects) for seed in range(6)]
    assert all(one != other for one, other in names)
    assert {name for pair in names for name in pair} == set(INSTRUMENTS)


@pytest.mark.parametrize("count", [1, 2, 3, 5])
def test_instruments_stand_side_by_side_at_nearly_one_level(count: int) -> None:
    played = scene(count, 1.0, RATE_HZ, INSTRUMENTS[:count])
    assert [o.name for o in played.objects] == list(INSTRUMENTS[:count])
    for left, right in itertools.pairwise(played.objects):
        assert left.box[2] <= right.box[0]
    for thing in played.objects:
        x0, y0, x1, y1 = thing.box
        assert 0.0 <= x0 < x1 <= 1.0
        assert 0.0 <= y0 < y1 <= 1.0
    level_db = 10.0 * np.log10(np.mean(played.stems.astype(float) ** 2, axis=1))
    assert np.ptp(level_db) <= 6.0
    assert np.abs(played.stems).max() <= 0.5


def test_what_moves_is_inside_the_boxes(duet: Scene) -> None:
    height, width = 180, 320
    changed = np.zeros((height, width), dtype=bool)
    empty = backdrop(height, width, duet.stage)
    for t_s in np.arange(0.0, 3.0, 0.2):
        picture = duet.frame(float(t_s), height, width)
        assert picture.shape == (height, width, 3)
        assert picture.dtype == np.uint8
        changed |= (picture != empty).any(axis=-1)
    inside = np.zeros_like(changed)
    for thing in duet.objects:
        x0, y0, x1, y1 = np.array(thing.box) * (width, height, width, height)
        part = np.s_[int(y0) : int(np.ceil(y1)) + 1, int(x0) : int(np.ceil(x1)) + 1]
        inside[part] = True
        assert changed[part].mean() > 0.12
    assert not (changed & ~inside).any()


def test_frames_belong_to_the_caller_and_repeat(duet: Scene) -> None:
    first = duet.frame(0.5, 90, 160)
    kept = first.copy()
    first[:] = 0
    np.testing.assert_array_equal(duet.frame(0.5, 90, 160), kept)
    np.testing.assert_array_equal(duet.frame(0.5 + duet.duration_s, 90, 160), kept)


def test_rehearsed_scenes_look_the_same() -> None:
    rehearsed, fresh = scene(9, 0.5, 8000), scene(9, 0.5, 8000)
    rehearsed.rehearse(72, 128)
    for index in range(15):
        t_s = index / rehearsed.fps
        np.testing.assert_array_equal(rehearsed.frame(t_s, 72, 128), fresh.frame(t_s, 72, 128))


def test_silence_is_stillness_and_sound_is_motion() -> None:
    """Notes in the first and the last second only; between them nothing moves."""
    notes = [Note(0.0, 0.4, 60, 0.8), Note(0.5, 0.4, 62, 0.8), Note(2.0, 0.4, 64, 0.8)]
    samples = np.zeros(3 * RATE_HZ, dtype=np.float32)
    samples[: int(0.9 * RATE_HZ)] = 0.1
    samples[2 * RATE_HZ : int(2.4 * RATE_HZ)] = 0.1
    moved = motion(notes, samples, RATE_HZ)
    assert moved.phase.shape == moved.loudness.shape == (90,)
    assert len(set(moved.phase[:27])) > 8
    assert len(set(moved.phase[28:56])) == 1
    np.testing.assert_array_equal(moved.loudness[28:59], 0.0)
    np.testing.assert_array_equal(moved.loudness[:26], 1.0)


def test_the_picture_follows_the_envelope(demo: Scene) -> None:
    for act, stem in zip(demo.acts, demo.stems, strict=True):
        level = envelope(stem, RATE_HZ, act.motion.loudness.size)
        loud = act.motion.loudness == 1.0
        assert level[loud].min() > level[act.motion.loudness == 0.0].max(initial=0.0)
        assert np.corrcoef(act.motion.loudness, np.log(level + 1e-4))[0, 1] > 0.6


def test_the_demo_is_a_balanced_duet_that_loops(demo: Scene) -> None:
    assert [o.name for o in demo.objects] == ["guitar", "flute"]
    assert demo.duration_s == 20.0
    np.testing.assert_array_equal(demo.stems.sum(axis=0), demo.mixture)
    first = np.sqrt(np.mean(demo.stems[:, :RATE_HZ] ** 2, axis=1))
    assert first.min() > 0.01
    level_db = 10.0 * np.log10(np.mean(demo.stems.astype(float) ** 2, axis=1))
    assert np.ptp(level_db) <= 6.0
    steps = np.abs(np.diff(demo.mixture))
    assert abs(demo.mixture[0] - demo.mixture[-1]) < 0.1 * steps.max()


def test_the_demo_has_solos_and_tutti(demo: Scene) -> None:
    blocks = demo.stems.reshape(2, 80, -1)
    sounding = np.sqrt(np.mean(blocks**2, axis=2)) > 0.01
    together = sounding.all(axis=0).mean()
    alone = (sounding.sum(axis=0) == 1).mean()
    assert together > 0.4
    assert alone > 0.1


def test_an_empty_stage_is_refused() -> None:
    with pytest.raises(ValueError, match="at least one"):
        scene(1, 1.0, RATE_HZ, [])
