"""Sockets between hosts: encrypted, and open to known keys alone (CurveZMQ).

Beside ``realtime.transport``, which has the sockets of one run, the only module that imports zmq.
A :class:`Line` calls one host; a :class:`Door` is where a host is called. Each belongs to one
thread; others hand it what is to be sent through a :class:`Slot`.
"""

from __future__ import annotations

import struct
import uuid
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal, TypeAlias

import zmq
from zmq.utils import z85

from realtime.transport import new_context

MOST_PARTS = 8
# Of a monitor's event, its number and value. zmq.utils.monitor reads it too, but brings asyncio.
_EVENT = struct.Struct("=Hi")
MOST_PART_BYTES = 4 * 1024 * 1024  # ten times the largest picture that sight has a use for
HANDSHAKE_MS = 3000  # for a peer to show its key
CONNECT_MS = 400  # then again: the system itself would wait a second, then two, then four
RECONNECT_MS = 50
QUEUE_MESSAGES = 200  # on their way to one peer; what comes then is dropped
TOS_LOW_DELAY = 0x10

_ZAP = "inproc://zeromq.zap.01"  # ZeroMQ's own name for who says which keys are let in
_DOMAIN = b"pixelplayer"

Buffer: TypeAlias = "bytes | memoryview"
Parts: TypeAlias = Sequence[Buffer]
News: TypeAlias = Literal["connected", "up", "refused", "unlike", "dropped"]
"""Of a line: somebody is there; it is who was expected; this host's key is not known there; there
is another key than expected, or no player; it was up and is not any more."""


def new_pair() -> tuple[bytes, bytes]:
    """A new public and private key, 32 bytes each."""
    public, private = zmq.curve_keypair()
    return z85.decode(public), z85.decode(private)


def public_of(private: bytes) -> bytes:
    """The public key that belongs to a private one."""
    return z85.decode(zmq.curve_public(z85.encode(private)))


class Slot:
    """Where one other thread leaves what is to be sent."""

    def __init__(self, owner: zmq.Context[zmq.Socket[bytes]], address: str) -> None:
        self._socket = owner.socket(zmq.PUSH)
        self._socket.setsockopt(zmq.SNDHWM, QUEUE_MESSAGES)
        self._socket.connect(address)

    def put(self, parts: Parts) -> bool:
        """Hand over; False where too much waits already."""
        try:
            self._socket.send_multipart(list(parts), zmq.NOBLOCK)
        except zmq.Again:
            return False
        return True

    def close(self) -> None:
        """Give it back."""
        self._socket.close()


@dataclass(slots=True)
class Heard:
    """What one poll of a line found."""

    letters: list[list[memoryview]] = field(default_factory=list)
    posted: list[list[bytes]] = field(default_factory=list)
    news: list[News] = field(default_factory=list)


class Line:
    """The way to one host, which is tried again until it is there.

    ``own`` is this host's public and private key, ``there`` the public key expected.
    """

    def __init__(self, address: str, own: tuple[bytes, bytes], there: bytes) -> None:
        self._context = new_context()
        self._address = address
        self._own = own
        self._there = there
        self._post_address = f"inproc://post-{uuid.uuid4().hex}"
        self._post = self._context.socket(zmq.PULL)
        self._post.bind(self._post_address)
        self._poller = zmq.Poller()
        self._poller.register(self._post, zmq.POLLIN)
        self._is_up = False
        self._socket: zmq.Socket[bytes] | None = None
        self._monitor: zmq.Socket[bytes] | None = None
        self.reopen()

    def slot(self) -> Slot:
        """For one other thread."""
        return Slot(self._context, self._post_address)

    def reopen(self) -> None:
        """Begin anew; what had not been sent is forgotten."""
        self._hang_up()
        socket = self._context.socket(zmq.DEALER)
        _bound(socket)
        socket.setsockopt(zmq.CONNECT_TIMEOUT, CONNECT_MS)
        socket.setsockopt(zmq.RECONNECT_IVL, RECONNECT_MS)
        socket.curve_publickey, socket.curve_secretkey = self._own
        socket.curve_serverkey = self._there
        monitor = socket.get_monitor_socket(_OF_A_CALL)
        self._poller.register(socket, zmq.POLLIN)
        self._poller.register(monitor, zmq.POLLIN)
        self._socket, self._monitor = socket, monitor
        socket.setsockopt(zmq.IPV6, "[" in self._address)
        socket.connect(self._address)

    def send(self, parts: Parts) -> bool:
        """Send; False where too much waits already."""
        assert self._socket is not None
        try:
            self._socket.send_multipart(list(parts), zmq.NOBLOCK)
        except zmq.Again:
            return False
        return True

    def poll(self, timeout_ms: int) -> Heard:
        """What has come from there, from other threads here, and of the line itself."""
        heard = Heard()
        for socket, _ in self._poller.poll(timeout_ms):
            if socket is self._post:
                heard.posted += _drained(self._post)
            elif socket is self._socket:
                heard.letters += (
                    [frame.buffer for frame in frames] for frames in _frames(self._socket)
                )
            else:
                heard.news += self._news(socket)
        return heard

    def _news(self, monitor: zmq.Socket[bytes]) -> list[News]:
        found: list[News] = []
        for event, _ in _events(monitor):
            if event == zmq.EVENT_CONNECTED:
                found.append("connected")
            elif event == zmq.EVENT_HANDSHAKE_SUCCEEDED:
                self._is_up = True
                found.append("up")
            elif event == zmq.EVENT_DISCONNECTED:
                if self._is_up:
                    found.append("dropped")
                self._is_up = False
            elif event == zmq.EVENT_HANDSHAKE_FAILED_AUTH:
                found.append("refused")
            else:
                found.append("unlike")
        return found

    def _hang_up(self) -> None:
        self._is_up = False
        if self._socket is not None and self._monitor is not None:
            self._poller.unregister(self._socket)
            self._poller.unregister(self._monitor)
            self._socket.disable_monitor()
            self._monitor.close()
            self._socket.close()
            self._socket = self._monitor = None

    def close(self) -> None:
        """Give everything back; all slots must be closed."""
        self._hang_up()
        self._post.close()
        self._context.term()


@dataclass(frozen=True, slots=True)
class Visit:
    """One message of a peer that was let in. ``caller`` is its connection, ``name`` who it is."""

    caller: bytes
    name: str
    parts: list[memoryview]


@dataclass(slots=True)
class Refusals:
    """Connections that nothing was let in of: no key, noise, another protocol, or not a word."""

    strangers: int = 0
    keys: int = 0  # of these: with a key that is not among the peers


class Door:
    """Where a host is called. ``name_of`` says who has a key, "" for nobody who is known."""

    def __init__(self, own: tuple[bytes, bytes], name_of: Callable[[bytes], str]) -> None:
        self.refusals = Refusals()
        self._name_of = name_of
        self._context = new_context()
        self._zap = self._context.socket(zmq.REP)
        self._zap.bind(_ZAP)
        self._post_address = f"inproc://post-{uuid.uuid4().hex}"
        self._post = self._context.socket(zmq.PULL)
        self._post.bind(self._post_address)
        self._socket = self._context.socket(zmq.ROUTER)
        _bound(self._socket)
        self._socket.setsockopt(zmq.ROUTER_MANDATORY, 1)
        self._socket.curve_server = True
        self._socket.curve_publickey, self._socket.curve_secretkey = own
        self._socket.zap_domain = _DOMAIN
        self._monitor = self._socket.get_monitor_socket(_FROM_OUTSIDE)
        self._strangers: set[int] = set()  # connections that nothing was let in of
        self._poller = zmq.Poller()
        for socket in (self._zap, self._post, self._socket, self._monitor):
            self._poller.register(socket, zmq.POLLIN)

    def listen(self, address: str) -> str:
        """Bind; the address with the port that it became (``tcp://HOST:0`` is any).

        Raises:
            OSError: it cannot be bound.
        """
        self._socket.setsockopt(zmq.IPV6, "[" in address)
        try:
            self._socket.bind(address)
        except zmq.ZMQError as error:
            raise OSError(error.errno, error.strerror) from None
        return bytes(self._socket.getsockopt(zmq.LAST_ENDPOINT)).rstrip(b"\0").decode()

    def slot(self) -> Slot:
        """For one other thread; the first part that it puts is the caller."""
        return Slot(self._context, self._post_address)

    def send(self, caller: bytes, parts: Parts) -> bool:
        """Send; False where the caller is gone, or too much waits for it already."""
        try:
            self._socket.send_multipart([caller, *parts], zmq.NOBLOCK)
        except (zmq.Again, zmq.ZMQError):
            return False
        return True

    def poll(self, timeout_ms: int) -> tuple[list[Visit], list[list[bytes]]]:
        """What has come from peers, and from other threads here."""
        visits: list[Visit] = []
        posted: list[list[bytes]] = []
        ready = {socket for socket, _ in self._poller.poll(timeout_ms)}
        if self._zap in ready:
            self._let_in()
        if self._socket in ready:  # before what is told of connections, which may be over again
            visits += self._visits()
        if self._monitor in ready:
            self._count()
        if self._post in ready:
            posted += _drained(self._post)
        return visits, posted

    def _visits(self) -> Iterator[Visit]:
        for caller, *frames in _frames(self._socket):
            if frames:
                self._strangers.discard(int(frames[0].get(zmq.SRCFD)))
                name = str(frames[0].get("User-Id"))
                yield Visit(caller.bytes, name, [frame.buffer for frame in frames])

    def _let_in(self) -> None:
        """Answer one question of ZeroMQ's: may this key come in? (ZAP, RFC 27)"""
        asked = self._zap.recv_multipart()
        version, number, keys = asked[0], asked[1], asked[6:]  # between: where from, and how
        name = self._name_of(keys[0]) if keys else ""
        self.refusals.keys += not name
        code = b"200" if name else b"400"
        self._zap.send_multipart([version, number, code, b"", name.encode(), b""])

    def _count(self) -> None:
        for event, descriptor in _events(self._monitor):
            if event == zmq.EVENT_ACCEPTED:
                self._strangers.add(descriptor)
            elif descriptor in self._strangers:
                self._strangers.discard(descriptor)
                self.refusals.strangers += 1

    def close(self) -> None:
        """Give everything back; all slots must be closed."""
        self._socket.disable_monitor()
        for socket in (self._socket, self._monitor, self._post, self._zap):
            socket.close()
        self._context.term()


_FROM_OUTSIDE = zmq.EVENT_ACCEPTED | zmq.EVENT_DISCONNECTED
_OF_A_CALL = (
    zmq.EVENT_CONNECTED
    | zmq.EVENT_HANDSHAKE_SUCCEEDED
    | zmq.EVENT_DISCONNECTED
    | zmq.EVENT_HANDSHAKE_FAILED_AUTH
    | zmq.EVENT_HANDSHAKE_FAILED_NO_DETAIL
    | zmq.EVENT_HANDSHAKE_FAILED_PROTOCOL
)


def _bound(socket: zmq.Socket[bytes]) -> None:
    """Every limit, explicitly."""
    socket.setsockopt(zmq.LINGER, 0)
    socket.setsockopt(zmq.SNDHWM, QUEUE_MESSAGES)
    socket.setsockopt(zmq.RCVHWM, QUEUE_MESSAGES)
    socket.setsockopt(zmq.MAXMSGSIZE, MOST_PART_BYTES)
    socket.setsockopt(zmq.HANDSHAKE_IVL, HANDSHAKE_MS)
    socket.setsockopt(zmq.TOS, TOS_LOW_DELAY)


def _events(monitor: zmq.Socket[bytes]) -> Iterator[tuple[int, int]]:
    """What a monitor tells: which event, and its value."""
    while monitor.poll(0):
        event, _address = monitor.recv_multipart()
        yield _EVENT.unpack(event)


def _drained(post: zmq.Socket[bytes]) -> Iterator[list[bytes]]:
    """All that other threads have put, as far as it has come."""
    for _ in range(QUEUE_MESSAGES):
        try:
            yield post.recv_multipart(zmq.NOBLOCK)
        except zmq.Again:
            return


def _frames(socket: zmq.Socket[bytes]) -> Iterator[list[zmq.Frame]]:
    """All that has come, as far as it has; of what has too many parts, the first ones."""
    for _ in range(QUEUE_MESSAGES):
        try:
            frames = socket.recv_multipart(zmq.NOBLOCK, copy=False)
        except zmq.Again:
            return
        yield frames[: MOST_PARTS + 1]
