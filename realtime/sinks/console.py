"""What viewers show of recordings, devices and engines, and what may be chosen there. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, get_args

from realtime.clock import NS_PER_S
from realtime.desk import Part, Present, Recording
from realtime.messages import Message


class Console:
    """Folds what the desk tells into its newest state."""

    def __init__(self) -> None:
        self.recording: Recording | None = None
        self._present: dict[Part, Present] = {}
        self._first: dict[Part, str] = {}  # what was used at the start may be chosen again
        self.listed: Mapping[Part, Sequence[str]] = {}  # what there is, as was found last

    def take(self, message: Message) -> None:
        """Take what the desk tells."""
        if isinstance(message, Recording):
            self.recording = message
        elif isinstance(message, Present):
            self._present[message.part] = message
            self._first.setdefault(message.part, message.name)

    @property
    def parts(self) -> list[Part]:
        """What can be exchanged in this run, in the order of a list."""
        return [part for part in get_args(Part) if part in self._present]

    def present(self, part: Part) -> Present:
        """What is used as ``part``; one of ``parts``."""
        return self._present[part]

    def offered(self, part: Part) -> list[str]:
        """What may be chosen: what there is, what is used, and what was used at the start."""
        if part not in self._present:
            return []
        used = [self._present[part].name, self._first[part]]
        return [name for name in dict.fromkeys([*self.listed.get(part, ()), *used]) if name]

    def elapsed_s(self, now_ns: int) -> float | None:
        """How long there has been a recording; None while there is none."""
        if self.recording is None or not self.recording.is_on:
            return None
        return max(now_ns - self.recording.began_ns, 0) / NS_PER_S

    def plain(self, now_ns: int) -> dict[str, Any]:
        """All of it, as the page is told."""
        elapsed_s = self.elapsed_s(now_ns)
        return {
            "recording": self.recording
            and {
                "elapsed_s": None if elapsed_s is None else int(elapsed_s),
                **_remark(self.recording),
            },
            "parts": [
                {
                    "part": part,
                    "name": self._present[part].name,
                    "offered": self.offered(part),
                    **_remark(self._present[part]),
                }
                for part in self.parts
            ],
        }


def _remark(told: Present | Recording) -> dict[str, Any]:
    return {"said": told.said, "number": told.number, "refused": told.is_refusal}
