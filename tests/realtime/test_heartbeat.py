"""What a callback counts, and what follows from it."""

from __future__ import annotations

import numpy as np
import pytest

from realtime.clock import NS_PER_S, unbroken_ns
from realtime.heartbeat import DelayWatch, Health, Heartbeat


def looked(watch: DelayWatch, delays_s: list[tuple[float, float]], every_s: float = 0.02) -> float:
    """Let it look while each delay holds for so long; the time at the end, s."""
    now_s = 0.0
    for delay_s, for_s in delays_s:
        for _ in range(round(for_s / every_s)):
            now_s += every_s
            watch.look(delay_s, round(now_s * NS_PER_S))
    return now_s


def test_a_delay_that_grows_and_stays_is_seen() -> None:
    watch = DelayWatch()
    looked(watch, [(0.037, 10.0), (0.337, 4.0)])
    assert watch.has_grown
    assert watch.usual_s == 0.037
    assert watch.newest_s == 0.337


@pytest.mark.parametrize(
    "delays_s",
    [
        [(0.037, 10.0), (0.337, 2.0), (0.037, 5.0)],  # it came back by itself
        [(0.037, 10.0), (0.060, 30.0)],  # nobody hears that
        [(0.300, 0.5), (0.037, 10.0), (0.060, 10.0)],  # as it began
        [(0.001, 0.5), (0.100, 20.0)],  # as it begins on others
        [(0.037, 10.0), (0.0, 10.0), (-3.0, 10.0)],  # drivers that tell nonsense
    ],
)
def test_other_delays_are_left_alone(delays_s: list[tuple[float, float]]) -> None:
    watch = DelayWatch()
    looked(watch, delays_s)
    assert not watch.has_grown


def test_one_look_after_a_pause_is_not_enough() -> None:
    watch = DelayWatch()
    now_s = looked(watch, [(0.037, 10.0)])
    watch.look(0.5, round((now_s + 1) * NS_PER_S))
    watch.look(0.5, round((now_s + 60) * NS_PER_S))
    assert not watch.has_grown


def test_a_jump_between_two_callbacks_is_a_sleep() -> None:
    heartbeat = Heartbeat()
    health = Health(heartbeat)
    start_ns = unbroken_ns()
    for number in range(100):
        heartbeat.beat(0.03, start_ns + number * NS_PER_S // 100)
        assert health.trouble() is None
    assert heartbeat.beats == 100
    assert heartbeat.delay_s == pytest.approx(0.03)
    heartbeat.beat(0.03, start_ns + 1000 * NS_PER_S)
    assert health.trouble() == "stood still for 999.0 s, as after a sleep"


def test_what_is_counted_lies_in_the_memory_given() -> None:
    made: list[np.ndarray] = []

    def allocate(shape: tuple[int, ...], dtype: type) -> np.ndarray:
        made.append(np.zeros(shape, dtype))
        return made[-1]

    heartbeat = Heartbeat(allocate)
    heartbeat.beat(0.01, 5)
    assert len(made) == 1
    assert made[0].any()
