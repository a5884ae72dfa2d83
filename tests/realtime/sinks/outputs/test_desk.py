from __future__ import annotations

import socket
from collections.abc import Iterator

import numpy as np
import pytest

from realtime.errors import DeviceError
from realtime.messages import Control
from realtime.sinks.outputs.desk import (
    MOST_CONTROLS,
    MOST_SUBSCRIBERS,
    SUBSCRIBED_S,
    Desk,
)
from realtime.sinks.outputs.osc import Argument, Call, bundle, decode, encode
from realtime.sinks.outputs.ports import ADDRESS
from realtime.sinks.outputs.slots import Slots
from realtime.sinks.outputs.stage import ObjectOutputs
from realtime.sinks.outputs.track import Track
from tests.realtime.sinks.examples import NS_PER_S, end, scene, scene_object, streams

SLOTS = 3


class Room:
    """An open stage with a desk, objects 7 and 9 in slots 1 and 2, and a program that calls it."""

    def __init__(self) -> None:
        self.client = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.client.bind((ADDRESS, 0))
        self.client.settimeout(10)
        with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as free:
            free.bind((ADDRESS, 0))
            self.port: int = free.getsockname()[1]
        slots = Slots(SLOTS)
        self.stage = ObjectOutputs(Track(slots), slots, desk=Desk(self.port, slots, "test"))
        self.stage.open()
        self.stage.step(0, {"streams": [streams(np.zeros((3, 10)), object_ids=(7, 9))]})

    def send(self, packet: bytes) -> None:
        self.client.sendto(packet, (ADDRESS, self.port))

    def asked(self, now_ns: int = 0) -> list[Control]:
        outputs = self.stage.step(now_ns, {})
        assert all(topic == "control" for topic, _ in outputs)
        return [message for _, message in outputs if isinstance(message, Control)]

    def call(self, address: str, *arguments: Argument, now_ns: int = 0) -> list[Control]:
        self.send(encode(Call(address, arguments)))
        return self.asked(now_ns)

    def show(self, now_ns: int = 0) -> None:
        objects = [scene_object(7, name="guitar", level_db=-21.5), scene_object(9, gain=0.0)]
        self.stage.step(now_ns, {"scene": [scene(objects, soloed=(7,))]})

    def told(self) -> dict[str, tuple[Argument, ...]]:
        return {call.address: call.arguments for call in decode(self.client.recv(1 << 16))}

    @property
    def refused(self) -> float:
        return self.stage.stats()["osc_refused"]

    def close(self) -> None:
        self.stage.close()
        self.client.close()


@pytest.fixture
def room() -> Iterator[Room]:
    made = Room()
    yield made
    made.close()


@pytest.mark.parametrize(
    ("address", "arguments", "wanted"),
    [
        ("/object/1/gain", (0.5,), ("gain", 7, 0.5)),
        ("/object/2/gain", (2,), ("gain", 9, 2.0)),
        ("/object/1/mute", (), ("mute", 7, None)),
        ("/object/1/mute", (1,), ("mute", 7, 1.0)),
        ("/object/1/mute", (0.0,), ("mute", 7, 0.0)),
        ("/object/2/solo", (True,), ("solo", 9, 1.0)),
        ("/residual/gain", (0.0,), ("gain", 0, 0.0)),
        ("/residual/mute", (False,), ("mute", 0, 0.0)),
        ("/unsolo", (), ("unsolo", None, None)),
        ("/unsolo", (1.0,), ("unsolo", None, None)),
        ("/lookahead", (93.0,), ("lookahead", None, 93.0)),
    ],
)
def test_what_is_right_is_asked_for(
    room: Room, address: str, arguments: tuple[Argument, ...], wanted: tuple[object, ...]
) -> None:
    (control,) = room.call(address, *arguments)
    assert (control.kind, control.object_id, control.value) == wanted
    assert (control.stream, room.refused) == ("test", 0)


@pytest.mark.parametrize(
    ("address", "arguments"),
    [
        ("/object/3/gain", (0.5,)),  # nobody is there
        ("/object/7/gain", (0.5,)),  # an id is no slot
        ("/object/-1/gain", (0.5,)),
        ("/object/1e9/gain", (0.5,)),
        ("/object/*/gain", (0.5,)),
        ("/object/0/gain", (0.5,)),
        ("/object/1/gain", ()),
        ("/object/1/gain", (0.5, 0.5)),
        ("/object/1/gain", ("0.5",)),
        ("/object/1/gain", (True,)),
        ("/object/1/gain", (-0.1,)),
        ("/object/1/gain", (8.5,)),
        ("/object/1/gain", (float("nan"),)),
        ("/object/1/gain", (float("inf"),)),
        ("/object/1/mute", (0.5,)),
        ("/object/1/mute", ("1",)),
        ("/object/1", (1,)),
        ("/object/1/gain/x", (1,)),
        ("/lookahead", ()),
        ("/lookahead", (1e9,)),
        ("/unsolo", (0,)),
        ("/quit", ()),
        ("/", ()),
        ("/subscribe", (80,)),
        ("/subscribe", ("9000",)),
        ("/subscribe", (9000, 9001)),
    ],
)
def test_what_is_wrong_is_refused_and_counted(
    room: Room, address: str, arguments: tuple[Argument, ...]
) -> None:
    assert room.call(address, *arguments) == []
    assert room.refused == 1


def test_noise_is_refused_and_what_comes_with_it_is_not(room: Room) -> None:
    for packet in (b"", b"\0", b"/object/1/gain", b"x" * 60_000):
        room.send(packet)
    assert [control.kind for control in room.call("/unsolo")] == ["unsolo"]
    assert room.refused == 4


def test_of_a_fader_only_the_last_place_counts(room: Room) -> None:
    for number in range(40):
        room.send(encode(Call("/object/1/gain", (number / 40,))))
    room.send(encode(Call("/object/1/mute")))
    room.send(encode(Call("/object/1/mute")))
    asked = [(control.kind, control.value) for control in room.asked()]
    assert asked == [("gain", pytest.approx(39 / 40)), ("mute", None), ("mute", None)]


def test_a_flood_is_bounded(room: Room) -> None:
    packet = bundle([Call("/object/1/mute")] * 60)
    for _ in range(10):
        room.send(packet)
    assert len(room.asked()) == MOST_CONTROLS
    assert room.refused == 600 - MOST_CONTROLS


def test_who_subscribes_is_told_of_every_slot(room: Room) -> None:
    room.call("/subscribe")
    room.show()
    told = room.told()
    assert told["/object/1/there"] == (1,)
    assert told["/object/1/name"] == ("guitar",)
    assert told["/object/1/level"] == (-21.5,)
    assert told["/object/1/position"] == pytest.approx((0.125, 0.5))
    assert (told["/object/1/heard"], told["/object/1/solo"]) == ((1.0,), (1,))
    assert (told["/object/2/heard"], told["/object/2/solo"]) == ((0.0,), (0,))
    assert (told["/object/3/there"], told["/object/3/level"]) == ((0,), (-120.0,))
    assert told["/residual/level"] == (-50.0,)


def test_another_port_can_be_given_and_left(room: Room) -> None:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as other:
        other.bind((ADDRESS, 0))
        other.settimeout(10)
        port = other.getsockname()[1]
        room.call("/subscribe", port)
        room.show()
        assert decode(other.recv(1 << 16))
        room.call("/unsubscribe", port)
        assert room.stage.stats()["osc_subscribers"] == 0


def test_a_subscription_ends_unless_it_is_renewed(room: Room) -> None:
    most_ns = round(SUBSCRIBED_S * NS_PER_S)
    room.call("/subscribe")
    room.call("/subscribe", now_ns=most_ns // 2)
    room.show(most_ns)
    assert room.stage.stats()["osc_subscribers"] == 1
    room.show(2 * most_ns)
    assert room.stage.stats()["osc_subscribers"] == 0


def test_there_are_not_too_many_subscribers(room: Room) -> None:
    for number in range(MOST_SUBSCRIBERS + 1):
        room.call("/subscribe", 20_000 + number)
    assert room.stage.stats()["osc_subscribers"] == MOST_SUBSCRIBERS
    assert room.refused == 1
    room.show()  # nobody listens at most of these: that harms nobody


def test_a_port_in_use_is_told_with_what_to_do(room: Room) -> None:
    second = Desk(room.port, Slots(1), "test")
    with pytest.raises(DeviceError, match=rf"--osc: port {room.port} .*give another, udp:PORT"):
        second.open()
    second.close()


def test_it_ends_with_the_streams(room: Room) -> None:
    room.stage.step(0, {"streams": [end("streams")]})
    assert room.stage.finished
