"""What the listener wants to hear: gain, mute and solo of every object and of the residual.

Nothing is muted and soloed at once: of the two, what was asked for last holds.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from realtime.messages import RESIDUAL_ID

MOST_GAIN = 8.0  # +18 dB; more is only noise


@dataclass(slots=True)
class Gains:
    """By object id, ``RESIDUAL_ID`` for the residual. Everything starts at gain 1."""

    levels: dict[int, float] = field(default_factory=dict)
    muted: set[int] = field(default_factory=set)
    soloed: set[int] = field(default_factory=set)

    def state(self) -> dict[str, Any]:
        """All that was set; see :meth:`of`."""
        return {
            "levels": sorted(self.levels.items()),
            "muted": sorted(self.muted),
            "soloed": sorted(self.soloed),
        }

    @classmethod
    def of(cls, state: Mapping[str, Any]) -> Gains:
        """As :meth:`state` says."""
        return cls(dict(state["levels"]), set(state["muted"]), set(state["soloed"]))

    def effective(self, object_id: int = RESIDUAL_ID) -> float:
        """What the stream is multiplied with: 0 when muted, or when only others are soloed."""
        if object_id in self.muted or (self.soloed and object_id not in self.soloed):
            return 0.0
        return self.level(object_id)

    def level(self, object_id: int = RESIDUAL_ID) -> float:
        """What was set, heard or not."""
        return self.levels.get(object_id, 1.0)

    def set_level(self, object_id: int, gain: float) -> None:
        """Set a linear gain; it is kept within 0..``MOST_GAIN``."""
        self.levels[object_id] = min(max(gain, 0.0), MOST_GAIN)

    def mute(self, object_id: int, value: float | None = None) -> None:
        """Mute where ``value`` is 1, no longer where it is 0; None: the other of the two."""
        if _switch(self.muted, object_id, value):
            self.soloed.discard(object_id)

    def solo(self, object_id: int, value: float | None = None) -> None:
        """Hear only this and other soloed ones, or no longer; ``value`` as for :meth:`mute`."""
        if _switch(self.soloed, object_id, value):
            self.muted.discard(object_id)

    def hear_alone(self, object_id: int) -> None:
        """Hear only this one; everything again, where that is so already."""
        is_alone = self.soloed == {object_id}
        self.soloed.clear()
        if not is_alone:
            self.solo(object_id, 1)

    def clear_solo(self) -> None:
        """Hear everything again that is not muted."""
        self.soloed.clear()


def _switch(members: set[int], object_id: int, value: float | None) -> bool:
    """Add or take away; whether it is a member now."""
    is_wanted = object_id not in members if value is None else bool(value)
    if is_wanted:
        members.add(object_id)
    else:
        members.discard(object_id)
    return is_wanted
