import numpy as np
import pytest

from calibration.av_offset import LEAST_EVENTS, av_offset
from calibration.collection import CalibrationError

MS = 1_000_000


def told(
    seed: int,
    later_ms: float,
    *,
    picture_ms: float = 1000 / 30,
    jitter_ms: float = 0.0,
    events: int = 20,
    gaps_ms: tuple[float, float] = (500.0, 1300.0),
    missed: float = 0.0,
    strange: int = 0,
) -> tuple[np.ndarray, np.ndarray]:
    """What is seen, between pictures, and what is heard, of the same events."""
    rng = np.random.default_rng(seed)
    events_ms = 1000 + np.cumsum(rng.uniform(*gaps_ms, events))
    taken_ms = np.arange(0, events_ms[-1] + 2000, picture_ms) + rng.uniform(0, picture_ms)
    firsts = np.searchsorted(taken_ms, events_ms + later_ms)
    stamped_ms = np.sort(taken_ms + rng.normal(0, jitter_ms, taken_ms.size))
    seen_ms = np.stack([stamped_ms[firsts - 1], stamped_ms[firsts]], axis=1)
    heard_ms = events_ms + rng.normal(0, 0.5, events)
    seen_ms = seen_ms[rng.random(events) >= missed]
    heard_ms = np.append(
        heard_ms[rng.random(events) >= missed], rng.uniform(0, events_ms[-1], strange)
    )
    return (seen_ms * MS).astype(np.int64), (np.sort(heard_ms) * MS).astype(np.int64)


@pytest.mark.parametrize("seed", range(24))
def test_the_truth_is_found_within_10_ms(seed: int) -> None:
    rng = np.random.default_rng(1000 + seed)
    later_ms = float(rng.uniform(-300, 300))
    found = av_offset(
        *told(
            seed,
            later_ms,
            picture_ms=1000 / (15.0, 24.0, 25.0, 29.97, 30.0, 60.0)[seed % 6],
            jitter_ms=(0.0, 1.0, 3.0, 5.0)[seed % 4],
            events=26,
            missed=0.1,
            strange=3,
        )
    )
    assert abs(found.ms - later_ms) <= 10
    assert found.uncertain_ms <= 10
    assert found.events >= 12


def test_many_events_tell_far_more_than_one_picture() -> None:
    """Of pictures 67 ms apart, to a few milliseconds."""
    errors_ms = [
        av_offset(*told(seed, 83.0, picture_ms=1000 / 15, events=40)).ms - 83.0
        for seed in range(10)
    ]
    assert max(abs(error) for error in errors_ms) < 8


def test_the_uncertainty_is_what_it_says() -> None:
    """A probability of 95 % that the truth is within it: of 100, not many are beyond."""
    beyond = 0
    for seed in range(100):
        later_ms = float(np.random.default_rng(seed).uniform(-200, 200))
        found = av_offset(*told(seed, later_ms, jitter_ms=2.0))
        beyond += abs(found.ms - later_ms) > found.uncertain_ms
    assert 0 < beyond <= 15


def problem(seen: np.ndarray, heard: np.ndarray) -> str:
    with pytest.raises(CalibrationError) as caught:
        av_offset(seen, heard)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def test_nothing_is_said_to_be_nothing() -> None:
    seen, heard = told(0, 50.0)
    nothing_seen, nothing_heard = np.zeros((0, 2), np.int64), np.zeros(0, np.int64)
    assert problem(nothing_seen, nothing_heard).startswith("nothing was seen and nothing was heard")
    assert "no flash and no clap was seen" in problem(nothing_seen, heard)
    assert "no sharp sound was heard" in problem(seen, nothing_heard)


@pytest.mark.parametrize("events", range(1, LEAST_EVENTS))
def test_few_events_are_too_few(events: int) -> None:
    seen, heard = told(3, 50.0, events=events)
    text = problem(seen, heard)
    assert text.startswith("only one event was" if events == 1 else f"only {events} events were")
    assert "--duration 60" in text


def test_a_regular_beat_is_ambiguous() -> None:
    text = problem(*told(1, 50.0, gaps_ms=(400.0, 400.0)))
    assert "fits as well as" in text
    assert "irregular" in text


def test_what_does_not_belong_together_is_refused() -> None:
    seen, _ = told(1, 0.0)
    _, heard = told(2, 0.0)
    assert "belong together" in problem(seen, heard)


def test_events_at_one_place_between_the_pictures_tell_too_little() -> None:
    """Events in step with the pictures: each says the same."""
    heard_ms = np.cumsum(np.random.default_rng(0).integers(8, 20, 20)) * 66.0
    seen_ms = np.stack([heard_ms, heard_ms + 66.0], axis=1)
    text = problem((seen_ms * MS).astype(np.int64), (heard_ms * MS).astype(np.int64))
    assert "uncertain by" in text
