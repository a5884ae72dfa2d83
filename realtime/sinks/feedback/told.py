"""The loop from speaker to microphone, in numbers and in words. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from realtime.sinks.feedback.guard import FeedbackGuard

_LEAST_TOLD_DB = -15.0  # a loop gain that nobody need mind
_LEAST_TAMED_DB = 0.5


def feedback_values(guard: FeedbackGuard | None) -> dict[str, float]:
    """What the speaker tells of it; nothing where nothing guards it."""
    if guard is None:
        return {}
    now = guard.feedback
    gains_db = {"loop_gain_db": now.loop_gain_db, "highest_loop_gain_db": now.highest_gain_db}
    return {
        "tamed_db": now.tamed_db,
        "notches": now.notches,
        "howls": now.howls,
        **{name: value for name, value in gains_db.items() if value is not None},
    }


def warning(speaker: Mapping[str, float]) -> str:
    """One line for the user, of what the speaker told; empty while there is nothing to mind."""
    gain_db = speaker.get("loop_gain_db")
    tamed_db, notches = speaker.get("tamed_db", 0.0), round(speaker.get("notches", 0.0))
    is_told = gain_db is not None and gain_db >= _LEAST_TOLD_DB
    if not (is_told or tamed_db >= _LEAST_TAMED_DB or notches):
        return ""
    parts = [f"loop gain {gain_db:+.0f} dB"] if gain_db is not None else []
    if tamed_db >= _LEAST_TAMED_DB:
        parts.append(f"turned down {tamed_db:.0f} dB")
    if notches:
        parts.append(f"{notches} notch{'es' if notches > 1 else ''}")
    return f"the microphone hears the speaker ({', '.join(parts)}): use headphones"


def at_the_end(speaker: Mapping[str, float]) -> str:
    """The same of a whole run."""
    gain_db, howls = speaker.get("highest_loop_gain_db"), round(speaker.get("howls", 0.0))
    if (gain_db is None or gain_db < _LEAST_TOLD_DB) and not howls:
        return ""
    parts = [f"loop gain up to {gain_db:+.0f} dB"] if gain_db is not None else []
    if howls:
        parts.append(f"{howls} howl{'s' if howls > 1 else ''} cut")
    return f"the microphone heard the speaker ({', '.join(parts)}): use headphones"
