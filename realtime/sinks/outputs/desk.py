"""A mixing desk far away: OSC over UDP, on this machine alone."""

from __future__ import annotations

import socket
from contextlib import suppress
from itertools import count

from realtime.clock import NS_PER_S
from realtime.errors import DeviceError
from realtime.messages import Control, Scene
from realtime.sinks.outputs.addresses import control, told
from realtime.sinks.outputs.osc import LARGEST_PACKET_BYTES, Call, OscError, bundle, decode
from realtime.sinks.outputs.ports import ADDRESS
from realtime.sinks.outputs.slots import Slots
from realtime.sinks.requests import RequestError

MOST_PACKETS = 64  # at a time; the system keeps the others for the next, or loses them
MOST_CONTROLS = 64  # at a time
MOST_SUBSCRIBERS = 8
SUBSCRIBED_S = 60.0
_FADERS = ("gain", "lookahead")  # of these only the last of each counts
_LOWEST_PORT = 1024


class Desk:
    """Takes calls, and tells those who have subscribed what there is. It never waits."""

    def __init__(self, port: int, slots: Slots, stream: str) -> None:
        self._port = port
        self._slots = slots
        self._stream = stream
        self._socket: socket.socket | None = None
        self._subscribers: dict[tuple[str, int], int] = {}  # until when, ns
        self._numbers = count()
        self._refused = 0

    def open(self) -> None:
        """Listen.

        Raises:
            DeviceError: the port is in use.
        """
        self._socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self._socket.setblocking(False)
        try:
            self._socket.bind((ADDRESS, self._port))
        except OSError as error:
            raise DeviceError(
                f"--osc: port {self._port} of {ADDRESS} cannot be had ({error.strerror}); "
                "give another, udp:PORT"
            ) from error

    def poll(self, now_ns: int) -> list[Control]:
        """What was asked for since the last time; what is wrong is refused and counted."""
        controls: dict[object, Control] = {}
        for _ in range(MOST_PACKETS):
            received = self._receive()
            if received is None:
                break
            packet, sender = received
            try:
                calls = decode(packet)
            except OscError:
                self._refused += 1
                continue
            for call in calls:
                try:
                    self._take(call, sender, now_ns, controls)
                except RequestError:
                    self._refused += 1
        return list(controls.values())

    def tell(self, now_ns: int, scene: Scene) -> None:
        """Tell the subscribers of a scene; who is not there any more loses it."""
        self._subscribers = {to: until for to, until in self._subscribers.items() if until > now_ns}
        if not self._subscribers or self._socket is None:
            return
        packet = bundle(told(scene, self._slots))
        for subscriber in self._subscribers:
            with suppress(OSError):
                self._socket.sendto(packet, subscriber)

    def stats(self) -> dict[str, float]:
        """Who is told, and what was refused: packets and calls."""
        return {"osc_subscribers": len(self._subscribers), "osc_refused": self._refused}

    def close(self) -> None:
        """Listen no more."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _receive(self) -> tuple[bytes, tuple[str, int]] | None:
        if self._socket is None:
            return None
        try:
            return self._socket.recvfrom(LARGEST_PACKET_BYTES + 1)
        except OSError:
            return None  # nothing is there

    def _take(
        self, call: Call, sender: tuple[str, int], now_ns: int, controls: dict[object, Control]
    ) -> None:
        if call.address in ("/subscribe", "/unsubscribe"):
            self._subscribe(call, sender, now_ns)
            return
        asked = control(call, self._slots, self._stream, next(self._numbers))
        is_fader = asked.kind in _FADERS
        key: object = (asked.kind, asked.object_id) if is_fader else asked.sequence
        if len(controls) >= MOST_CONTROLS and key not in controls:
            raise RequestError("too many requests at once")
        controls.pop(key, None)  # the last is the last also among the others
        controls[key] = asked

    def _subscribe(self, call: Call, sender: tuple[str, int], now_ns: int) -> None:
        """To be told at the port that is given, else at the one the call came from."""
        port = call.arguments[0] if call.arguments else sender[1]
        if type(port) is not int or not _LOWEST_PORT <= port < 65_536 or len(call.arguments) > 1:
            raise RequestError(f"{call.address} wants a port")
        subscriber = (sender[0], port)
        if call.address == "/unsubscribe":
            self._subscribers.pop(subscriber, None)
            return
        if subscriber not in self._subscribers and len(self._subscribers) >= MOST_SUBSCRIBERS:
            raise RequestError("too many subscribers")
        self._subscribers[subscriber] = now_ns + round(SUBSCRIBED_S * NS_PER_S)
