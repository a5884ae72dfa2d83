"""What browsers send to be the source: taken, bounded, or refused."""

from __future__ import annotations

import json
import struct

import numpy as np
import pytest

from realtime.clock import NS_PER_MS, NS_PER_S
from realtime.messages import CapturedPicture, CapturedSound
from realtime.sinks.requests import RequestError
from realtime.sinks.web_capture import (
    MOST_PACKET_BYTES,
    MOST_SAMPLES,
    MOST_WAITING,
    PICTURE,
    SILENT_S,
    SOUND,
    Stand,
    clock_answer,
    greeting,
)

NOW_NS = 100 * NS_PER_S
JPEG = b"\xff\xd8 and so on"
_HEADER = struct.Struct("<BBHIqQ")


def header(kind, channels=0, nothing=0, rate_hz=0, *, capture_ns=NOW_NS, first=0):
    return _HEADER.pack(kind, channels, nothing, rate_hz, capture_ns, first)


def sound(first=0, samples=(1, -2, 3), rate_hz=48_000, capture_ns=NOW_NS):
    body = np.array(samples, "<i2").tobytes()
    return header(SOUND, 1, 0, rate_hz, capture_ns=capture_ns, first=first) + body


def entered(hang_up=lambda: None):
    stand = Stand("live")
    return stand, stand.enter(hang_up, NOW_NS)


def test_sound_and_the_newest_picture_are_handed_on():
    stand, visit = entered()
    stand.take(visit, sound(5, (7, -8)), NOW_NS)
    stand.take(visit, header(PICTURE) + JPEG + b"1", NOW_NS)
    stand.take(visit, header(PICTURE) + JPEG + b"2", NOW_NS)
    heard, seen = stand.taken()
    assert isinstance(heard, CapturedSound)
    assert (heard.first_sample, heard.rate_hz, heard.visit) == (5, 48_000, visit)
    assert heard.samples.tolist() == [7, -8]
    assert isinstance(seen, CapturedPicture)
    assert seen.jpeg.tobytes() == JPEG + b"2"
    assert stand.taken() == []
    assert stand.stats()["passed_source_pictures"] == 1
    assert stand.rate_hz == 48_000


@pytest.mark.parametrize(
    "packet",
    [
        b"",
        header(SOUND, 1, 0, 48_000),
        header(PICTURE) + b"no picture",
        header(PICTURE, first=1) + JPEG,
        header(PICTURE, channels=1) + JPEG,
        header(7) + JPEG,
        header(SOUND, 2, 0, 48_000) + b"\0\0",
        header(SOUND, 1, 1, 48_000) + b"\0\0",
        header(SOUND, 1, 0, 48_000) + b"\0",
        sound(rate_hz=0),
        sound(rate_hz=7_999),
        sound(rate_hz=192_001),
        sound(samples=[0] * (MOST_SAMPLES + 1)),
        sound(first=2**63),
        sound(capture_ns=NOW_NS + NS_PER_S),
        sound(capture_ns=NOW_NS - 11 * NS_PER_S),
        sound(capture_ns=-(2**63)),
        header(PICTURE) + JPEG + bytes(MOST_PACKET_BYTES),
    ],
)
def test_what_is_no_packet_is_refused_and_counted(packet):
    stand, visit = entered()
    with pytest.raises(RequestError):
        stand.take(visit, packet, NOW_NS)
    assert stand.taken() == []
    assert stand.stats()["refused_packets"] == 1
    assert stand.rate_hz is None


def test_all_browsers_have_the_rate_of_the_run():
    stand, visit = entered()
    stand.expect(44_100)
    with pytest.raises(RequestError, match="44100"):
        stand.take(visit, sound(), NOW_NS)
    stand.take(visit, sound(rate_hz=44_100), NOW_NS)
    assert json.loads(greeting(stand.rate_hz)) == {"kind": "go", "rate_hz": 44_100}


def test_one_browser_at_a_time():
    stand, visit = entered()
    assert stand.enter(lambda: None, NOW_NS) is None
    stand.leave(visit + 1)  # somebody else's
    assert stand.is_taken
    stand.leave(visit)
    another = stand.enter(lambda: None, NOW_NS)
    assert another is not None
    assert another > visit
    stand.take(visit, sound(), NOW_NS)  # was on its way
    assert stand.taken() == []
    assert stand.stats()["sources_turned_away"] == 1


def test_visits_grow_over_another_stand():
    _, visit = entered()
    assert Stand("live").enter(lambda: None, NOW_NS + NS_PER_S) > visit


def test_who_sends_nothing_loses_the_place():
    hung_up = []
    stand, visit = entered(lambda: hung_up.append(1))
    later_ns = NOW_NS + NS_PER_S
    stand.take(visit, sound(capture_ns=later_ns), later_ns)
    stand.release_silent(later_ns + round(SILENT_S * NS_PER_S))
    assert stand.is_taken
    stand.release_silent(later_ns + round(SILENT_S * NS_PER_S) + 1)
    assert not stand.is_taken
    assert hung_up == [1]
    assert stand.stats()["silent_sources"] == 1


def test_of_what_nobody_takes_the_oldest_goes():
    stand, visit = entered()
    for number in range(MOST_WAITING + 3):
        stand.take(visit, sound(number), NOW_NS)
    assert [one.first_sample for one in stand.taken()] == list(range(3, MOST_WAITING + 3))


def test_the_time_is_told():
    answer = json.loads(clock_answer('{"kind": "clock", "sent": 12.5}', 3 * NS_PER_MS))
    assert answer == {"kind": "clock", "sent": 12.5, "at_ms": 3.0}


@pytest.mark.parametrize(
    "asked",
    [
        "",
        "{",
        "[]",
        '{"kind": "clock"}',
        '{"kind": "quit", "sent": 1}',
        '{"kind": "clock", "sent": true}',
        '{"kind": "clock", "sent": NaN}',
        '{"kind": "clock", "sent": 1e300}',
        " " * 600,
    ],
)
def test_nothing_else_is_answered(asked):
    with pytest.raises(RequestError):
        clock_answer(asked, 0)
