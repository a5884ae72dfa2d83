"""Sockets. The only module that imports zmq.

One context per process; one PUSH → PULL pair per (topic, consumer); the consumer binds. A high
water mark counts whole messages, half of an edge's depth on either side. Linger is 0 everywhere:
what must arrive is waited for by the consumer's end of run, not by a dying socket.

An :class:`Inbox` and an :class:`Outbox` belong to one thread each.
"""

from __future__ import annotations

import ipaddress
import sys
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from types import TracebackType
from typing import Literal, TypeAlias
from urllib.parse import urlsplit

import zmq

from realtime.errors import UsageError
from realtime.graph import TOPICS, WhenFull
from realtime.messages import AudioChunk, AudioGap, End, Message, Streams, VideoFrame
from realtime.picks import Picks
from realtime.wire import ARRAY_BYTES, WireError, decode, encode

RECONNECT_MS = 20  # a consumer that was replaced listens again under its address
WAIT_MS = 20  # how often a waiting producer looks whether it is still wanted
# Handed over at once, at most; of what comes more often than that, a second's: who is behind must
# see how far.
BATCH_MESSAGES = 32
ZERO_COPY_BYTES = 100_000  # below, copying is cheaper than keeping track

Scheme: TypeAlias = Literal["inproc", "ipc", "tcp"]
Context: TypeAlias = "zmq.Context[zmq.Socket[bytes]]"
Still: TypeAlias = Callable[[str], bool]


class Stopped(Exception):  # noqa: N818 - no error: the run is over
    """The run ends while a producer waits for room."""


def version() -> str:
    """The version of pyzmq and of the library under it."""
    return f"pyzmq {zmq.pyzmq_version()}, libzmq {zmq.zmq_version()}"


def new_context() -> Context:
    """The process's one context; its owner calls ``term`` when all its threads are done."""
    made = zmq.Context()
    made.setsockopt(zmq.LINGER, 0)
    return made


def local_address(scheme: Scheme, folder: Path, topic: str, consumer: str) -> str:
    """Where ``consumer`` listens for ``topic`` on this machine; ``folder`` is private (0700).

    For tcp the port is the system's choice, so it is asked for once, here.
    """
    if scheme == "inproc":
        return f"inproc://{consumer}.{topic}"
    if scheme == "ipc":
        return f"ipc://{folder}/{consumer}.{topic}"
    with zmq.Context() as probe_context, probe_context.socket(zmq.PULL) as probe:
        return f"tcp://127.0.0.1:{probe.bind_to_random_port('tcp://127.0.0.1')}"


def between_processes() -> Scheme:
    """The scheme between processes of one machine: files where the system has such sockets."""
    return "tcp" if sys.platform == "win32" else "ipc"


def check_address(address: str) -> None:
    """Refuse an address that others could reach: the wire is neither hidden nor signed.

    Raises:
        UsageError: tcp beyond this machine, or an unknown scheme.
    """
    parts = urlsplit(address)
    if parts.scheme in ("inproc", "ipc"):
        return
    if parts.scheme == "tcp":
        try:
            is_loopback = ipaddress.ip_address(parts.hostname or "").is_loopback
        except ValueError:
            is_loopback = parts.hostname == "localhost"
        if is_loopback:
            return
        raise UsageError(f"{address} is reachable from other machines; use tcp://127.0.0.1:PORT")
    raise UsageError(f"{address}: wanted inproc://, ipc:// or tcp://")


@dataclass(slots=True)
class Traffic:
    """What went over one stage's edges, and what was lost: by (topic, consumer)."""

    messages: dict[str, int] = field(default_factory=dict)  # by topic
    dropped: dict[tuple[str, str], int] = field(default_factory=dict)
    dropped_samples: dict[tuple[str, str], int] = field(default_factory=dict)
    refused: int = 0  # parts that were no message of the topic

    def count(self, topic: str) -> None:
        """One more message went through."""
        self.messages[topic] = self.messages.get(topic, 0) + 1

    def drop(self, topic: str, consumer: str, message: Message) -> None:
        """One message less."""
        edge = (topic, consumer)
        self.dropped[edge] = self.dropped.get(edge, 0) + 1
        lost = _samples(message)
        if lost is not None:
            length = self.dropped_samples.get(edge, 0) + lost.length_samples
            self.dropped_samples[edge] = length


@dataclass(frozen=True, slots=True, kw_only=True)
class Listen:
    """All edges of one topic as their consumer sees them; it binds every address."""

    addresses: tuple[str, ...]
    when_full: WhenFull
    depth: int


class Inbox:
    """All that one consumer reads, by topic."""

    def __init__(self, owner: Context, consumer: str, listens: Mapping[str, Listen]) -> None:
        self.traffic = Traffic()
        self._consumer = consumer
        self._poller = zmq.Poller()
        self._sockets: dict[zmq.Socket[bytes], str] = {}
        self._newest = {name for name, listen in listens.items() if listen.when_full == "newest"}
        try:
            for topic, listen in listens.items():
                self._bind(owner, topic, listen)
        except BaseException:
            self.close()
            raise

    def _bind(self, owner: Context, topic: str, listen: Listen) -> None:
        socket = owner.socket(zmq.PULL)
        self._sockets[socket] = topic
        socket.setsockopt(zmq.RCVHWM, max(listen.depth // 2, 1))
        socket.setsockopt(zmq.LINGER, 0)
        socket.setsockopt(zmq.MAXMSGSIZE, ARRAY_BYTES)
        for address in listen.addresses:
            check_address(address)
            socket.bind(address)
        self._poller.register(socket, zmq.POLLIN)

    def receive(self, timeout_ms: int) -> dict[str, list[Message]]:
        """What has arrived, oldest first; waits up to ``timeout_ms`` for the first."""
        arrived: dict[str, list[Message]] = {}
        for socket, _ in self._poller.poll(timeout_ms):
            topic = self._sockets[socket]
            messages = self._drain(socket, topic)
            if messages:
                arrived[topic] = messages
        return arrived

    def _drain(self, socket: zmq.Socket[bytes], topic: str) -> list[Message]:
        messages: list[Message] = []
        batch = max(BATCH_MESSAGES, round(TOPICS[topic].rate_hz))
        for _ in range(max(TOPICS[topic].depth, batch)):
            if topic not in self._newest and len(messages) == batch:
                break
            try:
                frames = socket.recv_multipart(zmq.NOBLOCK, copy=False)
            except zmq.Again:
                break
            message = self._decode(topic, [frame.buffer for frame in frames])
            if message is None:
                continue
            self.traffic.count(topic)
            if topic in self._newest and messages and not isinstance(message, End):
                self.traffic.drop(topic, self._consumer, messages.pop())
            messages.append(message)
        return messages

    def _decode(self, topic: str, parts: Sequence[memoryview]) -> Message | None:
        try:
            message = decode(parts)
        except WireError:
            self.traffic.refused += 1
            return None
        if isinstance(message, (*TOPICS[topic].messages, End)):
            return message
        self.traffic.refused += 1
        return None

    def close(self) -> None:
        """Give the sockets back; what had arrived is lost."""
        for socket in self._sockets:
            socket.close()
        self._sockets.clear()

    def __enter__(self) -> Inbox:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


@dataclass(frozen=True, slots=True, kw_only=True)
class Way:
    """One edge as its producer sees it; of pictures, ``looks_hz`` a second are sent, or all."""

    topic: str
    consumer: str
    address: str
    when_full: WhenFull
    depth: int
    looks_hz: float | None = None


class Outbox:
    """All that one producer writes, to everyone who reads it.

    ``still`` says whether a consumer is still there; a waiting producer asks it every 20 ms. It
    raises :class:`Stopped` when the run is over.
    """

    def __init__(self, owner: Context, ways: Sequence[Way], still: Still) -> None:
        self.traffic = Traffic()
        self._still = still
        self._ways: dict[str, list[_Lane]] = {}
        try:
            for way in ways:
                self._ways.setdefault(way.topic, []).append(_Lane(owner, way, self.traffic))
        except BaseException:
            self.close()
            raise

    def send(self, topic: str, message: Message) -> None:
        """Send on ``topic`` by each edge's rule; an ``End`` always waits for its place.

        Raises:
            Stopped: the run ended while waiting.
            TypeError: the topic does not carry such a message.
        """
        if not isinstance(message, (*TOPICS[topic].messages, End)):
            raise TypeError(f"topic {topic} does not carry {type(message).__name__}")
        self.traffic.count(topic)
        lanes = self._ways.get(topic, ())
        parts = encode(message) if lanes else []
        for lane in lanes:
            lane.send(message, parts, self._still)

    def close(self) -> None:
        """Give the sockets back; what had not been taken yet is lost."""
        for lanes in self._ways.values():
            for lane in lanes:
                lane.close()
        self._ways.clear()

    def __enter__(self) -> Outbox:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self.close()


class _Lane:
    """One PUSH socket and its rule."""

    def __init__(self, owner: Context, way: Way, traffic: Traffic) -> None:
        self._way = way
        self._traffic = traffic
        self._gap: AudioGap | None = None
        self._picks = None if way.looks_hz is None else Picks(way.looks_hz)
        self._socket = owner.socket(zmq.PUSH)
        self._socket.setsockopt(zmq.SNDHWM, max(way.depth - way.depth // 2, 1))
        self._socket.setsockopt(zmq.LINGER, 0)
        self._socket.setsockopt(zmq.RECONNECT_IVL, RECONNECT_MS)
        check_address(way.address)
        self._socket.connect(way.address)

    def send(self, message: Message, parts: Sequence[bytes | memoryview], still: Still) -> None:
        if (
            self._picks is not None
            and isinstance(message, VideoFrame)
            and not self._picks.picks(message.capture_ns)
        ):
            return
        if self._way.when_full == "wait" or isinstance(message, End):
            if self._gap is not None:
                self._wait(encode(self._gap), still)
                self._gap = None
            self._wait(parts, still)
            return
        if self._gap is not None and self._try(encode(self._gap)):
            self._gap = None
        if self._gap is None and self._try(parts):
            return
        if not still(self._way.consumer):
            return  # it takes nothing more: nothing is lost
        self._traffic.drop(self._way.topic, self._way.consumer, message)
        if self._way.when_full == "gap":
            self._gap = _joined(self._gap, _samples(message))

    def _wait(self, parts: Sequence[bytes | memoryview], still: Still) -> None:
        while still(self._way.consumer):
            if self._try(parts):
                return
            self._socket.poll(WAIT_MS, zmq.POLLOUT)

    def _try(self, parts: Sequence[bytes | memoryview]) -> bool:
        is_small = sum(map(len, parts)) < ZERO_COPY_BYTES
        # A refused send may not have looked at what the consumer has taken since; polling does.
        for _ in range(2):
            try:
                self._socket.send_multipart(parts, zmq.NOBLOCK, copy=is_small)
            except zmq.Again:
                if not self._socket.poll(0, zmq.POLLOUT):
                    return False
            else:
                return True
        return False

    def close(self) -> None:
        self._socket.close()


def _samples(message: Message) -> AudioGap | None:
    """The samples that are missing when this message is; None when it carries none."""
    if isinstance(message, AudioGap):
        return message
    if isinstance(message, AudioChunk | Streams):
        return AudioGap(
            stream=message.stream,
            sequence=message.sequence,
            first_sample=message.first_sample,
            length_samples=message.samples.shape[-1],
            rate_hz=message.rate_hz,
        )
    return None


def _joined(first: AudioGap | None, second: AudioGap | None) -> AudioGap | None:
    if first is None or second is None:
        return first or second
    stop = second.first_sample + second.length_samples
    return AudioGap(
        stream=first.stream,
        sequence=first.sequence,
        first_sample=first.first_sample,
        length_samples=stop - first.first_sample,
        rate_hz=first.rate_hz,
    )
