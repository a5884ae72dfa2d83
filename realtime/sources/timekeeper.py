"""Which sample of the run a microphone's sample is, through losses of the microphone. Pure."""

from __future__ import annotations

from realtime.clock import NS_PER_S
from realtime.sources.sample_clock import SampleClock

RECENT_S = 10.0


class Timekeeper:
    """Numbers a microphone's samples for the run: sample 0 is the first that is wanted.

    While the microphone is gone the numbers go on with time, so that what it says when it is back
    stands where it belongs.
    """

    def __init__(self, rate_hz: int) -> None:
        self.rate_hz = rate_hz
        self.position = 0  # of the next sample that is not told yet
        self.jumps = 0
        self._clock = SampleClock(rate_hz)
        self._start: int | None = None  # the device's number of our sample 0
        self._anchor: tuple[int, int] | None = None  # a sample of ours, and its instant
        self._has_observed = False
        self._jumped_ns = 0
        # A sample of the device where time was lost, and its instant if none had been.
        self._jump: tuple[int, int] | None = None

    @property
    def has_begun(self) -> bool:
        """Whether it is known where the device's samples lie."""
        return self._start is not None

    @property
    def is_away(self) -> bool:
        """Whether the numbers go on with time alone."""
        return self._start is None and self._anchor is not None

    def observe(self, device_sample: int, capture_ns: int) -> None:
        """The device's sample was captured at about this instant."""
        before = self._clock.jumps
        expected_ns = self._clock.time_ns(device_sample) if self._has_observed else capture_ns
        self._clock.observe(device_sample, capture_ns)
        self._has_observed = True
        if self._clock.jumps == before:
            return
        self.jumps += 1
        if self._jump is None or not self._is_recent(capture_ns):
            self._jump, self._jumped_ns = (device_sample, expected_ns), capture_ns

    def _is_recent(self, now_ns: int) -> bool:
        return now_ns - self._jumped_ns < RECENT_S * NS_PER_S

    def begin(self, device_sample: int) -> None:
        """The device's sample is our sample 0."""
        self._start = device_sample

    def lose(self) -> None:
        """The device has gone; what it said was told up to ``position``.

        If time was lost just before it went (the machine slept), that counts as well.
        """
        if self._start is not None:
            device_sample = self.position + self._start
            instant_ns = self._clock.time_ns(device_sample)
            if self._jump is not None and self._is_recent(instant_ns):
                device_sample, instant_ns = self._jump
            self._anchor = device_sample - self._start, instant_ns
        self._start = self._jump = None
        self._clock = SampleClock(self.rate_hz)
        self._has_observed = False

    def find(self, device_sample: int, capture_ns: int) -> None:
        """Another device, or the same again: its sample lies where its instant is."""
        self._start = device_sample - self.at(capture_ns)

    def at(self, now_ns: int) -> int:
        """The sample of an instant, while the device is gone."""
        assert self._anchor is not None
        sample, instant_ns = self._anchor
        return sample + (now_ns - instant_ns) * self.rate_hz // NS_PER_S

    def number(self, device_sample: int) -> int:
        """Ours, of the device's sample."""
        assert self._start is not None
        return device_sample - self._start

    def told_until_ns(self) -> int:
        """The instant of ``position``, while the device is there."""
        assert self._start is not None
        return self._clock.time_ns(self.position + self._start)

    def time_ns(self, device_sample: int) -> int:
        """When the device's sample was captured."""
        return self._clock.time_ns(device_sample)
