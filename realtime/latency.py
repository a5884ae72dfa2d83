"""What the delay from capture to ear is made of, from what the stages tell. Pure."""

from __future__ import annotations

from collections.abc import Mapping


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
