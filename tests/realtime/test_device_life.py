"""The life of a device, on a device that the test plays."""

from __future__ import annotations

import threading

import pytest

from realtime import device_life
from realtime.attempt import Attempt
from realtime.clock import NS_PER_MS
from realtime.device_life import DeviceLife
from realtime.device_search import Way
from realtime.errors import DeviceError
from tests.fakes.attempts import AtOnce


class Played:
    name = "USB Headset"
    patience_s = 1.0

    def __init__(self) -> None:
        self.active = True
        self.beats = 0
        self.ill: str | None = None
        self.closed = False

    def trouble(self) -> str | None:
        return self.ill

    def close(self) -> None:
        self.closed = True


class Bench:
    """A life, what it may open, and a clock."""

    def __init__(self, *ready: Played | str) -> None:
        self.ready = list(ready)
        self.now_ms = 0
        self.asked_ms: list[int] = []
        self.life = DeviceLife("speaker", self._connect, AtOnce)

    def _connect(self) -> Played:
        self.asked_ms.append(self.now_ms)
        found = self.ready.pop(0) if self.ready else "none is there"
        if isinstance(found, str):
            raise DeviceError(found)
        return found

    def poll(self, by_ms: int, *, beating: bool = True) -> Played | None:
        """At every 20 ms of so many."""
        for _ in range(by_ms // 20):
            self.now_ms += 20
            if beating and self.life.device is not None:
                self.life.device.beats += 1
            self.life.poll(self.now_ms * NS_PER_MS)
        return self.life.device


def test_a_device_that_is_well_stays() -> None:
    device = Played()
    bench = Bench(device)
    assert bench.life.begin() is device
    assert bench.poll(20_000) is device
    assert bench.life.stats() == {
        "device_lost": 0.0,
        "device_losses": 0,
        "device_reopened": 0,
        "device_exchanges": 0,
    }
    bench.life.close()
    assert device.closed


def test_no_device_at_first_is_an_error() -> None:
    with pytest.raises(DeviceError, match="none is there"):
        Bench().life.begin()


def test_a_lost_device_is_looked_for_at_once_and_then_less_often(
    caplog: pytest.LogCaptureFixture,
) -> None:
    first, second = Played(), Played()
    bench = Bench(first, "x; y", "x; y", "another thing", "another thing", second)
    bench.life.begin()
    bench.poll(12_000)
    first.active = False
    assert bench.poll(20) is None
    assert first.closed
    bench.poll(4_000)
    waits = [b - a for a, b in zip(bench.asked_ms[1:], bench.asked_ms[2:], strict=False)]
    assert bench.asked_ms[1] == 12_020
    assert waits == sorted(waits)
    assert waits[-1] == pytest.approx(1000 * device_life.LAST_RETRY_S, abs=60)
    assert bench.life.device is second
    assert bench.life.stats()["device_reopened"] == 1
    said = [record.getMessage() for record in caplog.records]
    assert said[0] == ("speaker 'USB Headset' has gone; all else goes on, waiting for it by name")
    assert said[1:3] == [  # each reason once
        "still waiting for speaker 'USB Headset' by name: x; y",
        "still waiting for speaker 'USB Headset' by name: another thing",
    ]
    assert said[3].startswith("speaker 'USB Headset' is back after ")
    assert len(said) == 4


def test_a_silent_device_is_given_up(caplog: pytest.LogCaptureFixture) -> None:
    first, second = Played(), Played()
    bench = Bench(first, second)
    bench.life.begin()
    bench.poll(2_000)
    assert bench.poll(900, beating=False) is first
    assert bench.poll(200, beating=False) is second
    assert first.closed
    assert "speaker 'USB Headset' has been silent for 1.0 s" in caplog.text


def test_who_was_held_up_himself_blames_nobody() -> None:
    device = Played()
    bench = Bench(device)
    bench.life.begin()
    bench.poll(200)
    bench.now_ms += 60_000  # this process did not run
    assert bench.poll(20, beating=False) is device
    assert bench.poll(20_000) is device


def test_a_device_in_trouble_is_opened_anew(caplog: pytest.LogCaptureFixture) -> None:
    first, second = Played(), Played()
    bench = Bench(first, second)
    bench.life.begin()
    bench.poll(200)
    first.ill = "got late: a delay of 37 ms became 337 ms"
    bench.poll(100)
    assert first.closed
    assert bench.life.device is second
    assert "'USB Headset' got late: a delay of 37 ms became 337 ms; all else" in caplog.text


def test_a_device_in_trouble_is_not_opened_anew_all_the_time() -> None:
    ill = [Played() for _ in range(50)]
    for device in ill:
        device.ill = "got late"
    bench = Bench(*ill)
    bench.life.begin()
    bench.poll(130_000)
    assert len(bench.asked_ms) == 4  # at first, and once a minute
    assert bench.life.device is not None


def test_a_device_that_dies_young_is_not_opened_in_a_loop() -> None:
    bench = Bench(*[Played() for _ in range(50)])
    bench.life.begin()
    for _ in range(500):
        device = bench.poll(20)
        if device is not None:
            device.active = False
    assert len(bench.asked_ms) < 20


def test_nobody_waits_for_a_device_that_is_being_opened() -> None:
    release = threading.Event()
    opened: list[Played] = [Played()]

    def connect() -> Played:
        if len(opened) > 1:
            release.wait(10)
        opened.append(Played())
        return opened[-1]

    life = DeviceLife("camera", connect, Attempt)
    device = life.begin()
    device.active = False
    for number in range(1, 50):
        assert life.poll(number * NS_PER_MS) is None
    life.close()
    release.set()
    for thread in threading.enumerate():
        if thread.name == "find camera":
            thread.join(10)
    assert opened[-1] is not device
    assert opened[-1].closed  # nobody wants it any more


def test_an_attempt_hands_on_what_was_raised() -> None:
    def fail() -> None:
        raise DeviceError("gone")

    attempt = Attempt(fail, "find nothing")
    while not attempt.is_over:
        pass
    with pytest.raises(DeviceError, match="gone"):
        attempt.outcome()


class Other:
    """A way to another device, or to a refusal."""

    def __init__(self, found: Played | str) -> None:
        self.found = found
        self.closed = False
        self.asked = 0

    def connect(self) -> Played:
        self.asked += 1
        if isinstance(self.found, str):
            raise DeviceError(self.found)
        return self.found

    def close(self) -> None:
        self.closed = True


def exchange(bench: Bench, name: str, other: Other) -> None:
    bench.life.exchange(bench.now_ms * NS_PER_MS, name, Way(other.connect, other.close))


def test_another_device_takes_the_place_and_is_the_one_that_is_looked_for_then() -> None:
    first, second, third = Played(), Played(), Played()
    second.name = third.name = "Loudspeaker"
    bench, other = Bench(first), Other(second)
    bench.life.begin()
    bench.poll(200)
    exchange(bench, "Loudspeaker", other)
    assert bench.life.device is first  # until the next look
    assert bench.poll(20) is second
    assert first.closed
    assert bench.life.remark.said == "speaker is 'Loudspeaker' now"
    assert not bench.life.remark.is_refusal
    other.found, second.active = third, False
    bench.poll(1000)
    assert bench.life.device is third
    assert other.asked == 2
    assert len(bench.asked_ms) == 1  # the first is not looked for any more
    bench.life.close()
    assert other.closed


def test_where_another_cannot_be_opened_the_present_one_goes_on() -> None:
    first = Played()
    bench, other = Bench(first), Other("'Loudspeaker' is taken")
    bench.life.begin()
    exchange(bench, "Loudspeaker", other)
    assert bench.poll(200) is first
    assert not first.closed
    assert other.closed
    remark = bench.life.remark
    assert (remark.said, remark.is_refusal) == (
        "'Loudspeaker' is taken; 'USB Headset' goes on",
        True,
    )


def test_a_flood_of_wishes_opens_one_device_a_second() -> None:
    bench = Bench(Played())
    bench.life.begin()
    others = [Other(Played()) for _ in range(500)]
    for number, other in enumerate(others):  # 10 s
        exchange(bench, f"number {number}", other)
        bench.poll(20)
    asked = [other for other in others if other.asked]
    assert 1 < len(asked) <= 11
    assert sum(not other.closed for other in others) == 1  # the one that is used
    assert bench.life.remark.is_refusal


def test_the_lost_one_is_not_looked_for_once_another_is_there() -> None:
    first, second = Played(), Played()
    bench = Bench(first)
    bench.life.begin()
    bench.poll(200)
    first.active = False
    bench.poll(2000)
    asked = len(bench.asked_ms)
    exchange(bench, "Loudspeaker", Other(second))
    bench.poll(60)
    assert bench.poll(60) is second
    assert bench.poll(5000) is second
    assert len(bench.asked_ms) <= asked + 1


def test_a_device_that_opens_after_the_end_is_closed() -> None:
    release = threading.Event()
    late = Played()

    def connect() -> Played:
        release.wait(10)
        return late

    life = DeviceLife("camera", Played, Attempt)
    life.begin()
    life.exchange(0, "another", Way(connect))
    life.close()
    release.set()
    for thread in threading.enumerate():
        if thread.name == "open camera":
            thread.join(10)
    assert late.closed
