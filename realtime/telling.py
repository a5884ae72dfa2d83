"""When to tell the desk where something stands, and the last remark on it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from realtime.desk import TELL_NS, Part, Present, as_line


@dataclass(frozen=True, slots=True)
class Remark:
    """What the user should know; each has another number."""

    said: str = ""
    number: int = 0
    is_refusal: bool = False

    def after(self, said: str, *, is_refusal: bool) -> Remark:
        """The next one."""
        return Remark(as_line(said), self.number + 1, is_refusal)


class Telling:
    """Counts what was told, and knows when it is time to tell again."""

    def __init__(self) -> None:
        self.sequence = 0
        self._told: object = None
        self._due_ns: int | None = None

    def is_due(self, now_ns: int, state: object) -> bool:
        """Whether ``state`` is another, or was told a second ago; if so it counts as told."""
        if state == self._told and self._due_ns is not None and now_ns < self._due_ns:
            return False
        self.sequence += self._due_ns is not None
        self._told, self._due_ns = state, now_ns + TELL_NS
        return True

    def present(
        self, now_ns: int, stream: str, part: Part, name: str, remark: Remark
    ) -> Present | None:
        """What is used as ``part``, when that is due."""
        if not self.is_due(now_ns, (name, remark)):
            return None
        return Present(
            stream=stream,
            sequence=self.sequence,
            part=part,
            name=as_line(name),
            said=remark.said,
            number=remark.number,
            is_refusal=remark.is_refusal,
        )
