"""Keys that take the next device of the list in the place of the present one. No clock in here."""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from realtime.desk import Choice, Part
from realtime.scout import Scout
from realtime.sinks.console import Console

KEYS: Mapping[str, Part] = MappingProxyType({"c": "camera", "m": "microphone", "l": "speaker"})


class NextDevice:
    """Looks up what there is at a press, and asks for the one behind the last that was asked for.

    So devices that cannot be opened are passed over by the next press.
    """

    def __init__(self, stream: str, console: Console, scout: Scout) -> None:
        self._stream = stream
        self._console = console
        self._scout = scout
        self._wanted: Part | None = None
        self._last: dict[Part, str] = {}
        self._count = 0

    def key(self, key: int) -> None:
        """A key as OpenCV numbers it."""
        part = KEYS.get(chr(key).lower() if 0 <= key < 127 else "")
        if part is not None and part in self._console.parts:
            self._wanted = part
            self._scout.ask()

    def turn(self, now_ns: int) -> list[Choice]:
        """What is asked for, once it is known what there is."""
        if not self._scout.turn(now_ns):
            return []
        self._console.listed = self._scout.listed
        part, self._wanted = self._wanted, None
        if part is None:
            return []
        names = self._console.offered(part)
        before = self._last.get(part, self._console.present(part).name)
        place = names.index(before) + 1 if before in names else 0
        name = self._last[part] = names[place % len(names)]
        self._count += 1
        return [Choice(stream=self._stream, sequence=self._count - 1, part=part, name=name)]

    def close(self) -> None:
        """Look no more."""
        self._scout.close()
