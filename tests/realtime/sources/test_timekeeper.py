"""Samples and time, through losses of a microphone."""

from __future__ import annotations

import pytest

from realtime.clock import NS_PER_MS, NS_PER_S
from realtime.sources.timekeeper import Timekeeper

RATE_HZ = 48_000
BLOCK = 480


def spoken(keeper: Timekeeper, first_block: int, blocks: int, *, at_ms: int) -> None:
    """The device gives blocks of 10 ms, the first captured at ``at_ms``."""
    for number in range(blocks):
        sample = (first_block + number) * BLOCK
        keeper.observe(sample, (at_ms + 10 * number) * NS_PER_MS)
        if keeper.is_away:
            keeper.find(sample, (at_ms + 10 * number) * NS_PER_MS)
        elif not keeper.has_begun:
            keeper.begin(sample)
        keeper.position = keeper.number(sample) + BLOCK


def test_numbers_go_on_with_time_while_the_microphone_is_gone() -> None:
    keeper = Timekeeper(RATE_HZ)
    spoken(keeper, 7, 100, at_ms=5_000)
    assert keeper.position == 100 * BLOCK
    keeper.lose()
    assert keeper.is_away
    assert keeper.at(16_000 * NS_PER_MS) == pytest.approx(11 * RATE_HZ, abs=2)
    keeper.lose()  # the next one goes before it has said anything
    spoken(keeper, 0, 1, at_ms=20_000)
    assert keeper.number(0) == pytest.approx(15 * RATE_HZ, abs=2)
    assert not keeper.is_away


def test_a_sleep_just_before_the_loss_counts() -> None:
    keeper = Timekeeper(RATE_HZ)
    spoken(keeper, 0, 100, at_ms=0)
    # Then the machine stood still for 4 s; what the server had kept came late, with wrong times.
    spoken(keeper, 100, 10, at_ms=5_000)
    spoken(keeper, 110, 10, at_ms=4_500)
    assert keeper.jumps == 2
    keeper.lose()
    spoken(keeper, 0, 1, at_ms=6_000)
    assert keeper.number(0) == pytest.approx(6 * RATE_HZ, abs=2)


def test_a_jump_of_long_ago_does_not() -> None:
    keeper = Timekeeper(RATE_HZ)
    spoken(keeper, 0, 100, at_ms=0)
    spoken(keeper, 100, 2000, at_ms=1_100)  # 100 ms were lost, and nobody told
    keeper.lose()
    assert keeper.at(22 * NS_PER_S) == pytest.approx(2100 * BLOCK + 0.9 * RATE_HZ, abs=2)
