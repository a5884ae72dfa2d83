"""What was heard where, over a whole run."""

from __future__ import annotations

import math
from dataclasses import dataclass

from realtime.messages import Scene

SILENT_DB = -120.0


@dataclass(slots=True)
class Heard:
    """One object so far: sums weighted by its power; levels in dBFS."""

    power: float = 0.0
    x: float = 0.0
    y: float = 0.0
    scenes: int = 0
    level_db: float = SILENT_DB  # in the newest scene

    @property
    def place(self) -> tuple[float, float]:
        """Mean centroid, fractions of the picture."""
        return (self.x / self.power, self.y / self.power) if self.power else (0.5, 0.5)


class Summary:
    """Follows the scenes of a run."""

    def __init__(self) -> None:
        self._heard: dict[int, Heard] = {}
        self._present: tuple[int, ...] = ()

    def follow(self, scene: Scene) -> None:
        """One more scene."""
        self._present = tuple(item.id for item in scene.objects)
        for item in scene.objects:
            heard = self._heard.setdefault(item.id, Heard())
            power = 10.0 ** (max(item.level_db, SILENT_DB) / 10)
            heard.power += power
            heard.x += power * item.centroid[0]
            heard.y += power * item.centroid[1]
            heard.scenes += 1
            heard.level_db = max(item.level_db, SILENT_DB)

    @property
    def present(self) -> dict[int, Heard]:
        """The objects of the newest scene."""
        return {number: self._heard[number] for number in self._present}

    def lines(self) -> list[str]:
        """One line per object of the whole run: place and mean level."""
        found = []
        for number, heard in sorted(self._heard.items()):
            x, y = heard.place
            level_db = _db(heard.power / heard.scenes)
            found.append(f"object {number}: at ({x:.2f}, {y:.2f}), {level_db:.1f} dB")
        return found


def _db(power: float) -> float:
    return 10 * math.log10(power) if power > 0 else SILENT_DB
