from __future__ import annotations

from realtime.clock import SystemClock
from tests.fakes.clock import FakeClock


def test_the_systems_clock_does_not_go_back() -> None:
    clock = SystemClock()
    first_ns = clock.now_ns()
    clock.sleep_s(-1.0)
    clock.sleep_s(0.001)
    assert clock.now_ns() >= first_ns + 1_000_000


def test_the_fake_moves_when_told() -> None:
    clock = FakeClock(5)
    assert clock.now_ns() == 5
    clock.sleep_s(1.5)
    clock.sleep_s(-1.0)
    clock.advance_s(0.5)
    assert clock.now_ns() == 2_000_000_005
