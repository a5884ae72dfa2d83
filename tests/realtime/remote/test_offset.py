"""The other host's clock, found through simulated networks."""

from __future__ import annotations

from collections.abc import Callable, Iterator

import numpy as np
import pytest

from realtime.clock import NS_PER_MS, NS_PER_S
from realtime.remote.offset import OffsetEstimator

YEAR_NS = 365 * 24 * 3600 * NS_PER_S


class Network:
    """Pings of a player over a way that takes ``way_ms`` there or back; clocks differ."""

    def __init__(self, ahead_ns: int, ppm: float, way_ms: Callable[[], float]) -> None:
        self.ahead_ns = ahead_ns
        self.ppm = ppm
        self.way_ms = way_ms

    def there_ns(self, here_ns: int) -> int:
        return here_ns + self.ahead_ns + round(here_ns * self.ppm * 1e-6)

    def pings(self, begin_s: float, end_s: float, every_s: float = 0.25) -> Iterator[list[int]]:
        for at_s in np.arange(begin_s, end_s, every_s):
            sent = round(at_s * NS_PER_S)
            arrives = sent + round(self.way_ms() * NS_PER_MS)
            leaves = arrives + 30_000
            back = leaves + round(self.way_ms() * NS_PER_MS)
            yield [sent, self.there_ns(arrives), self.there_ns(leaves), back]


def errors_ms(network: Network, until_s: float, from_s: float) -> np.ndarray:
    """How wrong the estimate is, after each ping from ``from_s`` on."""
    estimator, wrong = OffsetEstimator(), []
    for sent, received, answered, back in network.pings(0.0, until_s):
        estimator.feed(sent, received, answered, back)
        found = estimator.offset_ns(back)
        assert found is not None
        if sent >= from_s * NS_PER_S:
            wrong.append((found - (network.there_ns(back) - back)) / NS_PER_MS)
    return np.array(wrong)


@pytest.mark.parametrize("ahead_ns", [0, -3 * NS_PER_S, YEAR_NS, -YEAR_NS])
def test_a_quiet_way_of_equal_delays_tells_the_offset(ahead_ns: int) -> None:
    wrong = errors_ms(Network(ahead_ns, 0.0, lambda: 0.2), 5.0, 0.0)
    assert np.abs(wrong).max() < 0.001


@pytest.mark.parametrize("ppm", [-200.0, -20.0, 0.0, 20.0, 200.0])
def test_jitter_and_drift(ppm: float) -> None:
    """20 ms with a deviation of 5 a way, one ping in fifty 300 ms late, as after a lost packet."""
    rng = np.random.default_rng(3)

    def way_ms() -> float:
        late_ms = 300.0 if rng.random() < 0.02 else 0.0
        return max(rng.normal(20.0, 5.0), 1.0) + late_ms

    wrong = errors_ms(Network(YEAR_NS, ppm, way_ms), 300.0, 2.0)
    assert np.abs(wrong).max() < 8.0
    settled = wrong[120:]
    assert np.abs(settled).max() < 4.0
    assert np.sqrt(np.mean(settled**2)) < 1.5


def test_the_mean_of_all_pings_would_be_worse() -> None:
    """Of a way on which one direction stalls, only the quick pings tell the truth."""
    rng = np.random.default_rng(5)
    estimator, all_ms = OffsetEstimator(), []
    network = Network(0, 0.0, lambda: 10.0)
    for sent, received, answered, back in network.pings(0.0, 30.0):
        late = round(rng.exponential(60.0) * NS_PER_MS) if rng.random() < 0.6 else 0
        estimator.feed(sent, received + late, answered + late, back + late)
        all_ms.append(late / 2 / NS_PER_MS)
    found = estimator.offset_ns(30 * NS_PER_S)
    assert found is not None
    assert abs(found) < NS_PER_MS
    assert np.mean(all_ms) > 10.0


def test_it_is_wrong_by_at_most_half_of_the_time_under_way() -> None:
    estimator = OffsetEstimator()
    network = Network(0, 0.0, lambda: 0.0)
    for sent, received, answered, back in network.pings(0.0, 5.0):
        there = 40 * NS_PER_MS  # and back in no time
        estimator.feed(sent, received + there, answered + there, back + there)
    found = estimator.offset_ns(5 * NS_PER_S)
    assert found == 20 * NS_PER_MS
    assert estimator.round_trip_ns == 40 * NS_PER_MS


def test_a_host_that_began_to_count_anew_is_believed_at_once() -> None:
    estimator = OffsetEstimator()
    for ping in Network(YEAR_NS, 50.0, lambda: 5.0).pings(0.0, 60.0):
        estimator.feed(*ping)
    for ping in Network(-NS_PER_S, 0.0, lambda: 5.0).pings(60.0, 60.2):
        estimator.feed(*ping)
    assert estimator.offset_ns(61 * NS_PER_S) == -NS_PER_S


@pytest.mark.parametrize("answer", [(100, 0, 0, 50), (0, 50, 20, 100), (0, 0, 200, 100)], ids=str)
def test_answers_that_cannot_be_are_none(answer: tuple[int, int, int, int]) -> None:
    estimator = OffsetEstimator()
    estimator.feed(*answer)
    assert estimator.offset_ns(0) is None
    assert estimator.round_trip_ns is None


def test_memory_is_bounded() -> None:
    estimator = OffsetEstimator()
    for ping in Network(0, 0.0, lambda: 1.0).pings(0.0, 200.0, 0.01):
        estimator.feed(*ping)
    assert len(estimator._answers) <= 256
