"""Which object has which output: slots that stay what they are while objects come and go. Pure."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any


class Slots:
    """``count`` numbered places, 1..count, each for one object at a time.

    An object keeps its slot for as long as it is there, and afterwards until it is needed: a new
    object takes a slot that nobody has had, else the one whose object has been gone longest. Where
    all are taken, an object has none.
    """

    def __init__(self, count: int) -> None:
        self.count = count
        self._slots: dict[int, int] = {}  # by object id; who left first is first
        self._present: tuple[int, ...] = ()

    def settle(self, object_ids: Sequence[int]) -> None:
        """These are there now, and no others."""
        staying = {one: self._slots.pop(one) for one in object_ids if one in self._slots}
        for object_id in object_ids:
            if object_id not in staying and (slot := self._free(staying)) is not None:
                staying[object_id] = slot
        self._slots |= staying
        self._present = tuple(object_ids)

    def slot_of(self, object_id: int) -> int | None:
        """The slot of an object that is there; None where it has none."""
        return self._slots.get(object_id) if object_id in self._present else None

    def object_in(self, slot: int) -> int | None:
        """The object that is there, in this slot."""
        return next((one for one in self._present if self._slots.get(one) == slot), None)

    @property
    def without(self) -> tuple[int, ...]:
        """Objects that are there and have no slot."""
        return tuple(one for one in self._present if one not in self._slots)

    def state(self) -> dict[str, Any]:
        """See :meth:`resume`."""
        return {"slots": list(self._slots.items()), "present": list(self._present)}

    def resume(self, state: dict[str, Any]) -> None:
        """Go on with what :meth:`state` gave."""
        self._slots = {int(one): int(slot) for one, slot in state["slots"]}
        self._present = tuple(state["present"])

    def _free(self, staying: dict[int, int]) -> int | None:
        taken = {*self._slots.values(), *staying.values()}
        for slot in range(1, self.count + 1):
            if slot not in taken:
                return slot
        gone = next(iter(self._slots), None)
        return None if gone is None else self._slots.pop(gone)
