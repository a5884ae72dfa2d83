from __future__ import annotations

import numpy as np
import pytest

from realtime.messages import SightMap, SoundColumns
from realtime.stages.join import NewestSight, WaitForSight


def sight(ms: int) -> SightMap:
    features = np.zeros((1, 1, 2, 2), np.float32)
    return SightMap(
        stream="t", sequence=ms, capture_ns=ms * 10**6, frame_sequence=ms, shot=0, features=features
    )


def sound(ms: int) -> SoundColumns:
    return SoundColumns(
        stream="t",
        sequence=ms,
        capture_ns=ms * 10**6,
        first_column=ms,
        known_samples=1_000_000,
        rate_hz=8000,
        features=np.zeros((1, 2, 1), np.float32),
        spectrum=np.zeros((3, 1), np.complex64),
    )


def joined(join: WaitForSight | NewestSight) -> list[tuple[int, list[int]]]:
    return [(one.columns.sequence, [m.sequence for m in one.maps]) for one in join.ready()]


def test_in_fast_pace_columns_wait_for_the_maps_of_their_time() -> None:
    join = WaitForSight(2)
    for ms in (0, 50, 100):
        join.add_columns(sound(ms))
    assert joined(join) == []
    assert join.waiting == 3
    join.add_map(sight(0))
    assert joined(join) == []  # another map of time 0 could follow
    join.add_map(sight(60))
    assert joined(join) == [(0, [0]), (50, [0])]
    join.add_map(sight(100))
    join.add_map(sight(101))
    assert joined(join) == [(100, [60, 100])]
    join.add_columns(sound(400))
    assert joined(join) == []
    join.end_maps()
    assert joined(join) == [(400, [100, 101])]


def test_in_fast_pace_columns_before_the_first_map_have_none() -> None:
    join = WaitForSight(3)
    join.add_columns(sound(0))
    join.add_map(sight(500))
    assert joined(join) == [(0, [])]


def test_in_realtime_columns_take_the_newest_maps_and_never_wait() -> None:
    join = NewestSight(2)
    join.add_columns(sound(10))
    assert joined(join) == [(10, [])]
    for ms in (0, 60, 120):
        join.add_map(sight(ms))
    join.add_columns(sound(20))
    join.end_maps()
    join.add_columns(sound(80))
    assert join.waiting == 2
    assert joined(join) == [(20, [60, 120]), (80, [60, 120])]
    assert join.waiting == 0


def test_in_realtime_all_that_wait_are_late_and_some_that_follow() -> None:
    join = NewestSight(2)
    join.add_columns(sound(0))
    assert [one.is_late for one in join.ready()] == [False]
    for ms in (50, 100, 150):
        join.add_columns(sound(ms))
    assert [one.is_late for one in join.ready()] == [True, True, True]
    late = []
    for ms in range(200, 700, 50):
        join.add_columns(sound(ms))
        late += [one.is_late for one in join.ready()]
    assert late == [True] * 8 + [False] * 2


def test_in_fast_pace_nothing_is_late() -> None:
    patient = WaitForSight(2)
    for ms in (0, 50, 100):
        patient.add_columns(sound(ms))
    patient.end_maps()
    assert not any(one.is_late for one in patient.ready())


@pytest.mark.parametrize("look_ms", [50, 60, 90])
def test_a_stage_that_is_always_one_behind_looks_less_often(look_ms: int) -> None:
    """Columns come every 46 ms; a step with a look takes longer than that, one without 5 ms."""
    join, now_ms, came, late, looked = NewestSight(2), 0, 0, 0, -8
    for _ in range(1000):
        now_ms = max(now_ms, came * 46)  # until the next are there
        while came * 46 <= now_ms:
            join.add_columns(sound(came * 46))
            came += 1
        for one in join.ready():
            late += now_ms - one.columns.sequence > 23
            number = one.columns.sequence // 46
            is_due = number - looked >= (8 if one.is_late else 1)
            looked = number if is_due else looked
            now_ms += look_ms if is_due else 5
    assert late < 0.4 * came
