import numpy as np

from calibration.av_offset import LONGEST_MS, av_offset
from calibration.pattern import EVENTS, Pattern


def test_light_and_sound_begin_together() -> None:
    pattern = Pattern()
    sound = np.abs(pattern.sound(48_000))
    assert len(pattern.instants_s) == EVENTS
    for instant_s in pattern.instants_s:
        assert not pattern.is_lit(instant_s - 1e-6)
        assert pattern.is_lit(instant_s)
        assert pattern.is_lit(instant_s + 0.15)
        start = round(instant_s * 48_000)
        assert sound[start - 480 : start].max() == 0
        assert sound[start : start + 480].max() > 0.3
    assert not pattern.is_lit(0.0)
    assert not pattern.is_lit(pattern.duration_s)


def test_only_one_offset_fits() -> None:
    """In pictures of any usual rate, also near the furthest offset that is looked for."""
    events_ns = Pattern().instants_s * 1e9
    for pictures_per_s in (10.0, 15.0, 24.0, 25.0, 30.0, 50.0, 60.0):
        for later_ms in (-0.9 * LONGEST_MS, 0.0, 0.9 * LONGEST_MS):
            period_ns = 1e9 / pictures_per_s
            after = np.floor((events_ns + later_ms * 1e6) / period_ns) * period_ns
            seen = np.stack([after, after + period_ns], axis=1).astype(np.int64)
            found = av_offset(seen, events_ns.astype(np.int64))
            assert abs(found.ms - later_ms) <= 10
