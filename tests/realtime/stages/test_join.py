from __future__ import annotations

import numpy as np

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


def test_in_realtime_what_others_wait_behind_is_late() -> None:
    join = NewestSight(2)
    for ms in (0, 50, 100):
        join.add_columns(sound(ms))
    assert [one.is_late for one in join.ready()] == [True, True, False]
    join.add_columns(sound(150))
    assert [one.is_late for one in join.ready()] == [False]
    patient = WaitForSight(2)
    for ms in (0, 50, 100):
        patient.add_columns(sound(ms))
    patient.end_maps()
    assert not any(one.is_late for one in patient.ready())
