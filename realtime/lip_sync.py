"""How far sound and picture may be apart: the limits of ITU-R BT.1359-1. Pure."""

from __future__ import annotations

NOT_SEEN, SEEN, NOT_ACCEPTABLE = "not seen", "seen", "not acceptable"
DETECTABLE_MS = (-125.0, 45.0)  # sound late, sound early
ACCEPTABLE_MS = (-185.0, 90.0)


def verdict(sound_early_ms: float) -> str:
    """``NOT_SEEN``, ``SEEN`` or ``NOT_ACCEPTABLE``, for sound that comes so much too early."""
    if DETECTABLE_MS[0] <= sound_early_ms <= DETECTABLE_MS[1]:
        return NOT_SEEN
    if ACCEPTABLE_MS[0] <= sound_early_ms <= ACCEPTABLE_MS[1]:
        return SEEN
    return NOT_ACCEPTABLE
