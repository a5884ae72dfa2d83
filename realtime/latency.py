"""What the delay from capture to ear is made of, from what the stages tell. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from realtime.clock import NS_PER_MS
from realtime.telemetry import Histogram


def causes_ms(values: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """Parts of the delay, in the order of the way; empty until all of it is known.

    Of what the algorithm waits for, the lookahead is heard ahead, the rest is the transform's. What
    is not told by anybody is computing, and the way from stage to stage and out of the microphone.

    Args:
        values: the newest numbers of each stage.
    """
    hearing, speaker = values.get("hearing", {}), values.get("speaker", {})
    try:
        ahead = max(hearing["lookahead_ms"], 0.0)
        algorithm = hearing["algorithm_ms"]
        whole = speaker["latency_ms"]
        queue, device = speaker["queued_ms"], speaker["device_ms"]
    except KeyError:
        return {}
    return {
        "ahead": ahead,
        "transform": algorithm - ahead,
        "computing": max(whole - algorithm - queue - device, 0.0),
        "queue": queue,
        "device": device,
    }


class Budget:
    """What the delay was made of over a whole run: :func:`causes_ms`, told now and then."""

    def __init__(self) -> None:
        self._sums_ms: dict[str, float] = {}
        self._taken: dict[str, Histogram] = {}
        self.whole = Histogram()

    def add(self, values: Mapping[str, Mapping[str, float]]) -> None:
        """The newest numbers of each stage; nothing counts until all of it is known."""
        causes = causes_ms(values)
        if causes:
            self.whole.add(round(sum(causes.values()) * NS_PER_MS))
        for cause, ms in causes.items():
            self._taken.setdefault(cause, Histogram()).add(round(ms * NS_PER_MS))
            self._sums_ms[cause] = self._sums_ms.get(cause, 0.0) + ms

    @property
    def shares(self) -> Mapping[str, float]:
        """Of the mean delay, by cause; they sum to 1."""
        whole_ms = sum(self._sums_ms.values())
        return {cause: ms / whole_ms for cause, ms in self._sums_ms.items()} if whole_ms else {}

    @property
    def taken(self) -> Mapping[str, Histogram]:
        """How long each cause took, as often as it was told."""
        return self._taken
