from __future__ import annotations

import numpy as np
import pytest

from realtime.clock import NS_PER_MS, NS_PER_S
from realtime.telemetry import SPANS_KEPT, Board, Histogram, Meter
from realtime.transport import Traffic
from tests.fakes.messages import chunk, frame


@pytest.mark.parametrize("percent", [1, 50, 90, 99, 100])
def test_percentiles_agree_with_sorting(percent: int) -> None:
    durations = np.random.default_rng(1).lognormal(14, 2, 5000).astype(int)
    histogram = Histogram()
    for duration in durations:
        histogram.add(int(duration))
    exact_ms = np.sort(durations)[int(np.ceil(len(durations) * percent / 100)) - 1] / NS_PER_MS
    assert histogram.percentile_ms(percent) == pytest.approx(exact_ms, rel=0.07)


def test_histogram_of_nothing_and_of_extremes() -> None:
    histogram = Histogram()
    assert histogram.percentile_ms(99) == 0.0
    for duration_ns in (-5, 0, 10**15):
        histogram.add(duration_ns)
    assert histogram.max_ns == 10**15
    assert histogram.percentile_ms(1) <= 0.0011


def test_meter_counts_steps_rates_and_lateness() -> None:
    meter = Meter(50 * NS_PER_MS)
    for count in range(11):
        start_ns = count * NS_PER_S // 10
        meter.step(start_ns, start_ns + (10 if count else 60) * NS_PER_MS)
    meter.blocked(3 * NS_PER_MS)
    values = meter.values([])
    assert (values["steps"], values["late"], values["blocked_ms"]) == (11, 1, 3)
    assert values["rate_hz"] == pytest.approx(10)
    assert values["max_ms"] == 60
    assert values["p50_ms"] == pytest.approx(10, rel=0.07)
    assert "age_p50_ms" not in values
    meter.age(5 * NS_PER_MS)
    assert meter.values([])["age_max_ms"] == 5


def test_losses_are_told_by_topic_and_viewers_apart() -> None:
    arrived, sent = Traffic(), Traffic()
    sent.drop("audio", "hearing", chunk(samples=80))
    sent.drop("video", "sight", frame())
    arrived.drop("video", "sight", frame())
    sent.drop("video", "window", frame())
    sent.refused = 2
    values = Meter(0).values([arrived, sent])
    assert values["dropped_audio"] == 1
    assert values["dropped_audio_samples"] == 80
    assert values["dropped_video"] == 2
    assert values["skipped_video"] == 1
    assert values["refused"] == 2


def test_spans_are_taken_once_and_bounded() -> None:
    meter = Meter(0)
    for count in range(SPANS_KEPT + 5):
        meter.step(count, count + 1)
    assert len(meter.take_spans()) == SPANS_KEPT
    assert meter.take_spans() == []


def test_board_makes_a_table() -> None:
    board = Board()
    meter = Meter(0)
    meter.step(0, NS_PER_MS)
    board.update("sight", {**meter.values([]), "dropped_video": 3})
    board.update("recorder", {"dropped_video": 2})
    lines = board.table(["recorder", "sight", "web"]).splitlines()
    assert [line.split()[0] for line in lines] == ["stage", "recorder", "sight"]
    assert len({len(line) for line in lines}) == 1
    assert board.total("dropped_video") == 5
    assert board.get("sight", "max_ms") == 1
    assert board.get("web", "max_ms") is None
