"""How far sound and picture may be apart: the limits of ITU-R BT.1359-1. Pure."""

from __future__ import annotations

DETECTABLE_MS = (-125.0, 45.0)  # sound late, sound early
ACCEPTABLE_MS = (-185.0, 90.0)


def verdict(sound_early_ms: float) -> str:
    """``not seen``, ``seen`` or ``not acceptable``, for sound that comes so much too early."""
    if DETECTABLE_MS[0] <= sound_early_ms <= DETECTABLE_MS[1]:
        return "not seen"
    if ACCEPTABLE_MS[0] <= sound_early_ms <= ACCEPTABLE_MS[1]:
        return "seen"
    return "not acceptable"
