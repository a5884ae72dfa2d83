"""What a browser takes with its camera and microphone, on its way to the source of the run.

A packet has a header of 24 bytes, little endian: its kind (uint8), the channels (uint8), 0
(uint16), the samples' rate in Hz (uint32; 0 of a picture), the instant of capture (int64, ns, on
the player's clock, which the page has asked for), and the number of the first sample (uint64; 0
of a picture). After it a JPEG, or samples (int16).
"""

from __future__ import annotations

import json
import struct
from collections import deque
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from threading import Lock

import numpy as np

from realtime.clock import NS_PER_MS, NS_PER_S
from realtime.messages import CapturedPicture, CapturedSound
from realtime.sinks.requests import LARGEST_REQUEST_BYTES, RequestError

PICTURE, SOUND = 3, 4
MOST_PACKET_BYTES = 1 << 18
LOWEST_RATE_HZ, HIGHEST_RATE_HZ = 8_000, 192_000
MOST_SAMPLES = 8192  # of a packet
SILENT_S = 3.0  # who sends nothing for so long gives its place to others
OLDEST_S, NEWEST_S = 10.0, 0.1  # of what comes; more is a clock that was never asked for
MOST_WAITING = 256  # pieces of sound, some 3 s; then the oldest is left out
_HEADER = struct.Struct("<BBHIqQ")

HangUp = Callable[[], None]
Captured = CapturedPicture | CapturedSound


@dataclass(slots=True)
class _Visitor:
    """The browser that is the source."""

    visit: int
    hang_up: HangUp
    heard_ns: int


class Stand:
    """Where one browser at a time is the source. Asked from any thread; no socket is in here."""

    def __init__(self, stream: str) -> None:
        self._stream = stream
        self._lock = Lock()
        self._visitor: _Visitor | None = None
        self._visits = 0
        self._rate_hz: int | None = None
        self._sequence = 0
        self._sounds: deque[CapturedSound] = deque(maxlen=MOST_WAITING)
        self._picture: CapturedPicture | None = None
        self._turned_away = self._refused = self._silent = self._passed = 0

    @property
    def is_taken(self) -> bool:
        """Whether somebody is the source."""
        return self._visitor is not None

    @property
    def rate_hz(self) -> int | None:
        """The rate of the run; None before there is any sound."""
        return self._rate_hz

    def expect(self, rate_hz: int) -> None:
        """The run has this rate, whoever began it."""
        self._rate_hz = rate_hz

    def enter(self, hang_up: HangUp, now_ns: int) -> int | None:
        """The number of a visit, which ``hang_up`` can end; None: another browser is here."""
        with self._lock:
            if self._visitor is not None:
                self._turned_away += 1
                return None
            # Numbers grow with time, so that they grow over a stand that takes this one's place.
            self._visits = max(self._visits + 1, now_ns // NS_PER_MS)
            self._visitor = _Visitor(self._visits, hang_up, now_ns)
            return self._visits

    def leave(self, visit: int) -> None:
        """The place is free."""
        with self._lock:
            if self._visitor is not None and self._visitor.visit == visit:
                self._visitor = None

    def take(self, visit: int, data: bytes, now_ns: int) -> None:
        """A packet of the visit.

        Raises:
            RequestError: it is none, or not from here and now.
        """
        try:
            captured = self._read(visit, data, now_ns)
        except RequestError:
            self._refused += 1
            raise
        with self._lock:
            visitor = self._visitor
            if visitor is None or visitor.visit != visit:
                return
            visitor.heard_ns = now_ns
            if isinstance(captured, CapturedSound):
                self._rate_hz = self._rate_hz or captured.rate_hz
                self._sounds.append(captured)
            else:
                self._passed += self._picture is not None
                self._picture = captured

    def taken(self) -> list[Captured]:
        """All that came since the last call: sound, and the newest picture."""
        with self._lock:
            found: list[Captured] = list(self._sounds)
            self._sounds.clear()
            if self._picture is not None:
                found.append(self._picture)
                self._picture = None
            return found

    def release_silent(self, now_ns: int) -> None:
        """Let go who sends nothing any more; to be called at every step."""
        with self._lock:
            visitor = self._visitor
            if visitor is None or now_ns - visitor.heard_ns <= SILENT_S * NS_PER_S:
                return
            self._visitor = None
            self._silent += 1
        visitor.hang_up()

    def stats(self) -> Mapping[str, float]:
        """Who was here, and what was not taken."""
        return {
            "has_source": float(self.is_taken),
            "sources_turned_away": self._turned_away,
            "silent_sources": self._silent,
            "refused_packets": self._refused,
            "passed_source_pictures": self._passed,
        }

    def _read(self, visit: int, data: bytes, now_ns: int) -> Captured:
        if not _HEADER.size < len(data) <= MOST_PACKET_BYTES:
            raise RequestError(f"a packet wants {_HEADER.size + 1}..{MOST_PACKET_BYTES} bytes")
        kind, channels, nothing, rate_hz, capture_ns, first_sample = _HEADER.unpack_from(data)
        age_s = (now_ns - capture_ns) / NS_PER_S
        if not -NEWEST_S <= age_s <= OLDEST_S:
            raise RequestError("a packet is from another time")
        body = data[_HEADER.size :]
        if (kind, channels, nothing, rate_hz, first_sample) == (PICTURE, 0, 0, 0, 0):
            if not body.startswith(b"\xff\xd8"):
                raise RequestError("a picture wants to be a JPEG file")
            return CapturedPicture(
                stream=self._stream,
                sequence=self._next_sequence(),
                capture_ns=capture_ns,
                visit=visit,
                jpeg=np.frombuffer(body, np.uint8),
            )
        if (kind, channels, nothing) != (SOUND, 1, 0) or first_sample >= 2**62:
            raise RequestError("a packet is a picture or mono sound")
        wanted_hz = self._rate_hz
        if wanted_hz not in (None, rate_hz):
            raise RequestError(f"this run has {wanted_hz} samples per second")
        if not LOWEST_RATE_HZ <= rate_hz <= HIGHEST_RATE_HZ:
            raise RequestError(f"sound wants {LOWEST_RATE_HZ}..{HIGHEST_RATE_HZ} Hz")
        if len(body) % 2 or len(body) > 2 * MOST_SAMPLES:
            raise RequestError(f"sound wants 1..{MOST_SAMPLES} samples of two bytes")
        return CapturedSound(
            stream=self._stream,
            sequence=self._next_sequence(),
            capture_ns=capture_ns,
            visit=visit,
            first_sample=first_sample,
            rate_hz=rate_hz,
            samples=np.frombuffer(body, "<i2").astype(np.int16),
        )

    def _next_sequence(self) -> int:
        with self._lock:
            self._sequence += 1
            return self._sequence - 1


def greeting(rate_hz: int | None) -> str:
    """What a browser is told first: it is the source, at the rate of the run if that is known."""
    return json.dumps({"kind": "go", "rate_hz": rate_hz})


def clock_answer(message: str, now_ns: int) -> str:
    """The player's time, and the page's own as it asked: ``{"kind": "clock", "sent": number}``.

    Raises:
        RequestError: it asked something else.
    """
    asked: object = None
    if len(message) <= LARGEST_REQUEST_BYTES:
        try:
            asked = json.loads(message)
        except (ValueError, RecursionError):
            asked = None
    if not isinstance(asked, dict) or asked.keys() != {"kind", "sent"} or asked["kind"] != "clock":
        raise RequestError("wanted the question for the time")
    sent = asked["sent"]
    if isinstance(sent, bool) or not isinstance(sent, int | float) or not abs(sent) < 2**53:
        raise RequestError("'sent' wants a number")
    return json.dumps({"kind": "clock", "sent": sent, "at_ms": now_ns / NS_PER_MS})
