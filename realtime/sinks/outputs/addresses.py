"""What OSC addresses mean: calls to controls, scenes to what is told. Pure.

Objects are addressed by their slots, which are also their outputs' numbers.
"""

from __future__ import annotations

from typing import Any

from realtime.messages import RESIDUAL_ID, Control, Scene, SceneObject
from realtime.sinks.outputs.osc import Argument, Call
from realtime.sinks.outputs.slots import Slots
from realtime.sinks.requests import RequestError, control_of

LOWEST_DB = -120.0  # silence, for programs that know no infinity
_SWITCHES = ("mute", "solo")
_BUTTONS = ("unsolo",)  # desks tell that they are pressed with a 1


def control(call: Call, slots: Slots, stream: str, sequence: int) -> Control:
    """The control that a call asks for; a switch without an argument is turned over.

    Raises:
        RequestError: no such address, no object there, or not the arguments that it wants.
    """
    match call.address.split("/")[1:]:
        case ["object", slot, ("gain" | "mute" | "solo") as kind]:
            target = {"object_id": _object(slot, slots)}
        case ["residual", ("gain" | "mute" | "solo") as kind]:
            target = {"object_id": RESIDUAL_ID}
        case [("unsolo" | "lookahead") as kind]:
            target = {}
        case _:
            raise RequestError(f"nothing is at {call.address}")
    asked = {"kind": kind, **target, **_value(kind, call.arguments)}
    return control_of(asked, stream, sequence)


def told(scene: Scene, slots: Slots) -> list[Call]:
    """All that can be told of a scene: every slot, also those that nobody is in."""
    by_id = {item.id: item for item in scene.objects}
    calls = []
    for slot in range(1, slots.count + 1):
        item = by_id.get(slots.object_in(slot) or RESIDUAL_ID)
        calls += [
            Call(f"/object/{slot}/{name}", values) for name, values in _object_told(item, scene)
        ]
    residual = (
        ("level", (_db(scene.residual_level_db),)),
        ("heard", (float(scene.residual_gain),)),
        ("solo", (int(RESIDUAL_ID in scene.soloed),)),
    )
    return calls + [Call(f"/residual/{name}", values) for name, values in residual]


def _object_told(
    item: SceneObject | None, scene: Scene
) -> tuple[tuple[str, tuple[Argument, ...]], ...]:
    if item is None:
        return (("there", (0,)), ("name", ("",)), ("level", (LOWEST_DB,)))
    x, y = item.centroid
    return (
        ("there", (1,)),
        ("name", (item.name,)),
        ("level", (_db(item.level_db),)),
        ("position", (float(x), float(y))),
        ("heard", (float(item.gain),)),
        ("solo", (int(item.id in scene.soloed),)),
    )


def _db(level_db: float) -> float:
    return max(float(level_db), LOWEST_DB)


def _object(slot: str, slots: Slots) -> int:
    if not (slot.isascii() and slot.isdecimal() and len(slot) < 3):
        raise RequestError(f"there is no slot {slot!r}")
    object_id = slots.object_in(int(slot))
    if object_id is None:
        raise RequestError(f"nobody is in slot {slot}")
    return object_id


def _value(kind: str, arguments: tuple[Argument, ...]) -> dict[str, Any]:
    if not arguments:
        return {}
    value = arguments[0]
    if len(arguments) > 1:
        raise RequestError(f"'{kind}' wants one value")
    if kind in _BUTTONS:
        if value != 1:
            raise RequestError(f"'{kind}' wants nothing, or 1")
        return {}
    if kind in _SWITCHES:
        if value not in (0, 1):
            raise RequestError(f"'{kind}' wants 0 or 1, or nothing")
        return {"value": int(value)}
    return {"value": value}
