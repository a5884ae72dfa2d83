from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

import numpy as np
import pytest

from pixelplayer.energy import Heat
from pixelplayer.objects import ObjectSettings, TrackedObject
from pixelplayer.tracking import ObjectTracker

SIDE, CHANNELS, STEP_S = 14, 6, 0.07
KINDS = {
    name: np.eye(CHANNELS, dtype=np.float32)[channel]
    for channel, name in enumerate(("guitar", "flute", "drum", "voice"))
}
KINDS["mandolin"] = 0.75 * KINDS["guitar"] + np.float32(0.45) * KINDS["flute"]
BANDS = len(KINDS)
Players = Mapping[str, tuple[float, float]]


class Stage:
    """Players on a grid; those in ``sounding`` are heard where they stand."""

    def __init__(self, settings: ObjectSettings | None = None, seed: int = 1) -> None:
        scale = np.ones(CHANNELS, np.float32)
        self.tracker = ObjectTracker(settings or ObjectSettings(), scale, SIDE, SIDE)
        self.random = np.random.default_rng(seed)
        self.objects: tuple[TrackedObject, ...] = ()

    def show(
        self, players: Players, sounding: set[str] | None = None, leak: float = 0.0
    ) -> tuple[np.ndarray, Heat]:
        """A player covers about 3 by 3 cells, blending into the stage; each kind has its band.

        Those who do not sound let ``leak`` of everything through.
        """
        rows, columns = np.mgrid[:SIDE, :SIDE]
        features = self.random.uniform(0.1, 0.16, (CHANNELS, SIDE, SIDE))
        masks = self.random.uniform(0, 0.03, (SIDE, SIDE, BANDS))
        for name, (x, y) in players.items():
            distance = np.maximum(abs(columns + 0.5 - x * SIDE), abs(rows + 0.5 - y * SIDE))
            cover = np.clip(2.2 - distance, 0, 1)
            kind = KINDS[name.split("-")[0]][:, np.newaxis, np.newaxis]
            features = features * (1 - cover) + 0.9 * kind * cover
            band = np.full(BANDS, leak)
            if sounding is None or name in sounding:
                band[list(KINDS).index(name.split("-")[0])] = 0.9
            masks = np.maximum(masks, cover[:, :, np.newaxis] * band)
        playing = {name.split("-")[0] for name in players if sounding is None or name in sounding}
        amplitude = np.array([float(kind in playing) for kind in KINDS], np.float32)
        amplitude /= max(amplitude.sum(), 1)
        masks = masks.astype(np.float32)
        # OpenBLAS's kernels also compute on what lies behind an array, and now and then leave the
        # flag of an invalid operation though every operand and result is finite.
        with np.errstate(invalid="ignore"):
            salience = masks @ amplitude
        assert np.isfinite(salience).all()
        heat_db = 10 * np.log10(np.maximum(salience, 1e-6))
        flat = masks.reshape(-1, BANDS)
        heat = Heat(heat_db=heat_db, salience=salience, masks=flat, amplitude=amplitude)
        return features.astype(np.float32), heat

    def play(
        self,
        players: Players,
        duration_s: float,
        sounding: set[str] | None = None,
        leak: float = 0.0,
    ) -> tuple[TrackedObject, ...]:
        for _ in range(round(duration_s / STEP_S)):
            features, heat = self.show(players, sounding, leak)
            self.objects = self.tracker.step(features, heat, STEP_S)
        return self.live

    def play_in_noise(
        self, players: Players, duration_s: float, sounding: set[str], noise: float
    ) -> tuple[TrackedObject, ...]:
        """A part ``noise`` of what sounds is spread over all bands: every player passes some."""
        for _ in range(round(duration_s / STEP_S)):
            features, heat = self.show(players)
            _, playing = self.show(players, sounding)
            amplitude = (1 - noise) * playing.amplitude + np.float32(noise / BANDS)
            salience = heat.masks @ amplitude
            heard = replace(heat, amplitude=amplitude, salience=salience.reshape(SIDE, SIDE))
            self.objects = self.tracker.step(features, heard, STEP_S)
        return self.live

    @property
    def live(self) -> tuple[TrackedObject, ...]:
        return tuple(item for item in self.objects if item.live)

    def id_at(self, x: float, y: float) -> int:
        """The id of the object whose centroid is here."""
        at = [
            item.id
            for item in self.live
            if np.hypot(item.centroid[0] - x, item.centroid[1] - y) < 0.12
        ]
        assert len(at) == 1, self.live
        return at[0]


DUET = {"guitar": (0.25, 0.5), "flute": (0.75, 0.4)}


def test_finds_what_sounds_after_a_little_evidence() -> None:
    stage = Stage()
    assert stage.play(DUET, 0.28) == ()
    found = stage.play(DUET, 0.25)
    assert [item.id for item in found] == [1, 2]
    for item in stage.play(DUET, 2.0):
        name, place = min(DUET.items(), key=lambda pair: abs(pair[1][0] - item.centroid[0]))
        np.testing.assert_allclose(item.centroid, place, atol=0.04)
        assert int(np.argmax(item.vector)) == int(np.argmax(KINDS[name]))
        assert item.vector.max() > 0.7
        assert item.presence == 1
        assert item.energy_db > -10
        assert item.cells.shape == (SIDE, SIDE)
        assert 0.15 < item.box[2] - item.box[0] < 0.4
        assert not item.pinned


@pytest.mark.parametrize("seed", range(8))
def test_four_players_are_four_objects(seed: int) -> None:
    quartet = {
        "guitar": (0.2, 0.25),
        "flute": (0.8, 0.2),
        "drum": (0.25, 0.8),
        "voice": (0.75, 0.75),
    }
    stage = Stage(seed=seed)
    stage.play(quartet, 3.0)
    assert {stage.id_at(*place) for place in quartet.values()} == {1, 2, 3, 4}


def test_who_does_not_sound_is_no_object() -> None:
    assert len(Stage().play(DUET, 2.0, {"guitar"})) == 1


def test_a_bystander_that_lets_a_bit_of_everything_through_is_no_object() -> None:
    stage = Stage()
    trio = DUET | {"drum": (0.5, 0.8)}
    assert len(stage.play(trio, 3.0, {"guitar", "flute"}, leak=0.35)) == 2


def test_an_object_that_turns_out_a_bystander_goes() -> None:
    stage = Stage()
    stage.play(DUET, 1.0, {"guitar"})
    stage.play(DUET, 8.0, {"flute"}, leak=0.35)
    assert stage.id_at(*DUET["flute"]) == 2
    assert len(stage.live) == 1


def test_a_short_noise_is_no_object() -> None:
    stage = Stage()
    stage.play(DUET, 0.21)
    stage.play(DUET, 1.0, set())
    stage.play(DUET, 0.21)
    assert stage.play(DUET, 1.0, set()) == ()


def test_what_a_room_noise_sounds_a_little_like_is_no_object() -> None:
    alone = {"guitar": (0.25, 0.5)}
    stage = Stage()
    # It passes nearly a fifth of the noise: far more than it takes for its cells to be heard.
    assert stage.play_in_noise(alone, 6.0, set(), noise=1.0) == ()
    assert stage.tracker.settings.salience_floor < 0.9 / BANDS < 0.2
    (guitar,) = stage.play_in_noise(alone, 0.5, {"guitar"}, noise=0.6)
    assert guitar.centroid == pytest.approx((0.25, 0.5), abs=0.05)
    assert guitar.age_s < 1.0  # what was a candidate in the noise alone has been dropped


def test_who_was_found_may_fall_silent_in_the_noise() -> None:
    stage = Stage()
    stage.play_in_noise({"guitar": (0.25, 0.5)}, 1.0, {"guitar"}, noise=0.5)
    assert len(stage.play_in_noise({"guitar": (0.25, 0.5)}, 4.0, set(), noise=1.0)) == 1


def test_many_who_each_make_a_small_part_of_what_sounds_are_found() -> None:
    quartet = {
        "guitar": (0.2, 0.25),
        "flute": (0.8, 0.2),
        "drum": (0.25, 0.8),
        "voice": (0.75, 0.75),
    }
    stage = Stage()
    assert len(stage.play_in_noise(quartet, 2.0, set(quartet), noise=0.2)) == 4


def test_a_fixed_count_is_found_whatever_the_noise() -> None:
    stage = Stage(ObjectSettings(count=1))
    assert len(stage.play_in_noise({"guitar": (0.25, 0.5)}, 2.0, set(), noise=1.0)) == 1


def test_two_that_look_the_same_and_stand_apart_are_two() -> None:
    stage = Stage()
    stage.play({"guitar-1": (0.2, 0.5), "guitar-2": (0.8, 0.5)}, 2.0)
    assert stage.id_at(0.2, 0.5) != stage.id_at(0.8, 0.5)


def test_neighbours_that_differ_are_two() -> None:
    stage = Stage()
    stage.play({"guitar": (0.36, 0.5), "flute": (0.64, 0.5)}, 3.0)
    assert len(stage.live) == 2


def test_moving_objects_keep_their_ids_and_so_do_crossing_ones() -> None:
    stage = Stage()
    stage.play(DUET, 1.0)
    guitar, flute = stage.id_at(*DUET["guitar"]), stage.id_at(*DUET["flute"])
    for part in np.linspace(0, 1, 60):
        x = 0.25 + 0.5 * part
        stage.play({"guitar": (x, 0.5), "flute": (1 - x, 0.45)}, STEP_S)
        assert len(stage.live) == 2
    stage.play({"guitar": (0.75, 0.5), "flute": (0.25, 0.45)}, 0.7)
    assert stage.id_at(0.75, 0.5) == guitar
    assert stage.id_at(0.25, 0.45) == flute


def test_twins_that_move_keep_their_ids() -> None:
    stage = Stage()
    stage.play({"guitar-1": (0.2, 0.2), "guitar-2": (0.8, 0.8)}, 1.0)
    first, second = stage.id_at(0.2, 0.2), stage.id_at(0.8, 0.8)
    for part in np.linspace(0, 1, 40):
        stage.play({"guitar-1": (0.2, 0.2 + 0.6 * part), "guitar-2": (0.8, 0.8 - 0.6 * part)}, 0.07)
    stage.play({"guitar-1": (0.2, 0.8), "guitar-2": (0.8, 0.2)}, 0.7)
    assert (stage.id_at(0.2, 0.8), stage.id_at(0.8, 0.2)) == (first, second)


def test_a_silent_object_stays_for_a_while_and_returns_as_itself() -> None:
    stage = Stage()
    stage.play(DUET, 1.0)
    flute = stage.id_at(*DUET["flute"])
    assert len(stage.play(DUET, 4.0, {"guitar"})) == 2
    silent = next(item for item in stage.live if item.id == flute)
    assert silent.silent_s == pytest.approx(4.0, abs=0.1)
    assert silent.energy_db < -15
    assert len(stage.play(DUET, 4.0, {"guitar"})) == 1
    stage.play(DUET, 1.0)
    assert stage.id_at(*DUET["flute"]) == flute
    assert all(item.silent_s == 0 for item in stage.live)


def test_one_that_moved_while_silent_is_known_again() -> None:
    stage = Stage()
    stage.play(DUET, 1.0)
    flute = stage.id_at(*DUET["flute"])
    moved = DUET | {"flute": (0.6, 0.85)}
    stage.play(moved, 3.0, {"guitar"})
    stage.play(moved, 1.0)
    assert stage.id_at(0.6, 0.85) == flute


def test_after_a_cut_the_old_ones_go_and_the_new_ones_come() -> None:
    stage = Stage()
    stage.play(DUET, 2.0)
    stage.play({"drum": (0.5, 0.5)}, 3.0)
    assert stage.id_at(0.5, 0.5) == 3
    assert len(stage.live) == 1
    stage.play(DUET, 3.0)
    assert {item.id for item in stage.live} == {1, 2}


def test_masks_come_and_go_softly() -> None:
    stage = Stage(ObjectSettings(presence_s=0.28, unseen_s=0.5))
    seen = []
    for scene in (DUET, {"drum": (0.5, 0.5)}):
        for _ in range(30):
            stage.play(scene, STEP_S)
            seen.append({item.id: item.presence for item in stage.objects})
    presence = [step.get(1, 0.0) for step in seen]
    assert max(presence) == 1
    assert presence[-1] == 0
    assert np.abs(np.diff(presence)).max() < 0.26


@pytest.mark.parametrize("count", [1, 2, 3])
def test_a_fixed_count_is_kept(count: int) -> None:
    trio = DUET | {"drum": (0.5, 0.8)}
    stage = Stage(ObjectSettings(count=count))
    assert len(stage.play(trio, 4.0)) == count
    assert len(stage.play(trio, 10.0, {"guitar"})) == count


def test_a_fixed_count_splits_what_looks_almost_the_same() -> None:
    pair = {"guitar": (0.36, 0.5), "mandolin": (0.64, 0.5)}
    stage = Stage(ObjectSettings(count=2))
    assert len(stage.play(pair, 6.0)) == 2


def test_too_large_a_count_is_refused() -> None:
    with pytest.raises(ValueError, match=r"wanted 1\.\.8 or auto, got 9"):
        ObjectSettings(count=9)


def test_identities_are_bounded_and_taken_over_from_the_longest_gone() -> None:
    stage = Stage(ObjectSettings(most_objects=2, unseen_s=0.5, persist_s=1.0))
    stage.play({"guitar": (0.2, 0.5)}, 1.0)
    stage.play({"flute": (0.8, 0.5)}, 2.0)
    stage.play({"drum": (0.5, 0.5)}, 2.0)
    assert stage.id_at(0.5, 0.5) == 1


def test_a_pin_makes_an_object_of_what_is_seen_and_stays() -> None:
    stage = Stage()
    assert stage.tracker.pin(0.5, 0.5) is None
    stage.play(DUET, 1.0, {"guitar"})
    pinned = stage.tracker.pin(*DUET["flute"])
    assert pinned == 2
    found = stage.play(DUET, 10.0, {"guitar"})
    assert [item.id for item in found] == [1, 2]
    assert found[1].pinned
    assert int(np.argmax(found[1].vector)) == int(np.argmax(KINDS["flute"]))
    stage.play(DUET, 1.0)
    assert stage.id_at(*DUET["flute"]) == 2
    assert len(stage.live) == 2


def test_a_pin_on_nothing_stays_there_and_takes_from_nobody() -> None:
    stage = Stage()
    before = stage.play(DUET, 2.0)
    pinned = stage.tracker.pin(0.95, 0.05)
    found = {item.id: item for item in stage.play(DUET, 6.0)}
    assert found[pinned].centroid == pytest.approx((0.95, 0.05), abs=0.05)
    assert found[pinned].cells.sum() == 1
    assert not found[pinned].was_heard
    assert all(found[item.id].was_heard for item in before)
    for item in before:
        assert (found[item.id].cells & item.cells).sum() >= 0.8 * item.cells.sum()


def test_of_two_alike_the_pinned_one_is_the_one_at_its_place() -> None:
    stage = Stage()
    twins = {"guitar-1": (0.2, 0.5), "guitar-2": (0.8, 0.5)}
    stage.play(twins, 1.0)
    pinned = stage.tracker.pin(0.8, 0.5)
    stage.play(twins | {"guitar-2": (0.5, 0.9)}, 4.0)  # who was there walks away
    (item,) = [item for item in stage.live if item.id == pinned]
    assert item.centroid == pytest.approx((0.8, 0.5), abs=0.06)


def test_what_is_let_go_is_followed_where_it_sounds_and_else_is_gone() -> None:
    stage = Stage()
    stage.play(DUET, 1.0)
    flute, wall = stage.tracker.pin(*DUET["flute"]), stage.tracker.pin(0.95, 0.05)
    assert flute is not None
    assert wall is not None
    stage.play(DUET, 1.0)
    for object_id in (flute, wall, 99):
        stage.tracker.unpin(object_id)
    stage.play(DUET | {"flute": (0.75, 0.5)}, 2.0)
    assert flute in {item.id for item in stage.live}
    assert wall not in {item.id for item in stage.live}
    assert not any(item.pinned for item in stage.live)
    assert stage.id_at(0.75, 0.5) == flute


def test_a_pin_on_an_object_pins_that_object() -> None:
    stage = Stage()
    stage.play(DUET, 1.0)
    assert stage.tracker.pin(*DUET["flute"]) == stage.id_at(*DUET["flute"])
    assert len(stage.play(DUET, 8.0, set())) == 1


def test_a_pin_beyond_the_count_moves_the_nearest_object() -> None:
    stage = Stage(ObjectSettings(count=2))
    trio = DUET | {"drum": (0.7, 0.85)}
    stage.play(trio, 1.0, {"guitar", "flute"})
    flute = stage.id_at(*DUET["flute"])
    assert stage.tracker.pin(0.7, 0.85) == flute
    stage.play(trio, 2.0)
    assert stage.id_at(0.7, 0.85) == flute
    assert len(stage.live) == 2


def test_find_prefers_cells_then_boxes() -> None:
    stage = Stage()
    stage.play(DUET, 2.0)
    for place in DUET.values():
        assert stage.tracker.find(*place) == stage.id_at(*place)
    assert stage.tracker.find(0.02, 0.98) is None
    assert stage.tracker.find(1.0, 1.0) is None


def test_the_same_input_gives_the_same_objects() -> None:
    results = []
    for _ in range(2):
        stage = Stage(seed=3)
        stage.play(DUET, 2.0)
        results.append([(item.id, item.box, item.vector.tobytes()) for item in stage.live])
    assert results[0] == results[1]


def test_a_cut_ends_all_but_what_is_pinned() -> None:
    stage = Stage()
    before = stage.play({"guitar": (0.25, 0.5), "flute": (0.75, 0.5)}, 2.0)
    assert len(before) == 2
    pinned = stage.tracker.pin(0.75, 0.5)
    stage.tracker.cut()
    assert [item.id for item in stage.tracker.objects() if item.live] == [pinned]


def test_on_another_grid_a_pin_keeps_its_place_and_the_rest_begins_anew() -> None:
    stage = Stage()
    stage.play({"guitar": (0.25, 0.5), "flute": (0.75, 0.25)}, 2.0)
    pinned = stage.tracker.pin(0.75, 0.25)
    stage.tracker.regrid(6, 24)
    (kept,) = [item for item in stage.tracker.objects() if item.live]
    assert kept.id == pinned
    assert kept.cells.shape == (6, 24)
    assert kept.cells.sum() == 1
    assert kept.cells[1, 18]
    assert kept.pinned
    assert stage.tracker.pin(0.2, 0.2) is None  # nothing is seen yet on the new one
    assert stage.tracker.find(0.77, 0.25) == pinned


def test_after_a_cut_the_same_instrument_is_known_elsewhere_and_others_are_new() -> None:
    stage = Stage()
    before = stage.play({"guitar": (0.25, 0.5), "flute": (0.75, 0.5)}, 2.0)
    guitar = min(before, key=lambda item: item.centroid[0])
    stage.tracker.cut()
    after = stage.play({"guitar": (0.8, 0.3), "drum": (0.2, 0.7)}, 2.0)
    assert len(after) == 2
    ids = {item.id: item.centroid for item in after}
    assert ids[guitar.id][0] > 0.6
    assert len(stage.objects) >= 2
