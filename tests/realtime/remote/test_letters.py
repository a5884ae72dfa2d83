from __future__ import annotations

import os
import random

import pytest

from realtime.remote.letters import (
    MOST_JSON_BYTES,
    Letter,
    Numbers,
    OtherProtocol,
    Parcel,
    Refused,
    Worked,
    read,
    write,
)
from realtime.telemetry import EngineSlice
from realtime.wire import WireError
from tests.fakes.letters import ONE_OF_EACH

LETTERS = (*ONE_OF_EACH, Parcel(topic="video", parts=(b"one", b"two")))


@pytest.mark.parametrize("letter", LETTERS, ids=lambda letter: type(letter).__name__)
def test_what_is_written_is_read(letter: Letter) -> None:
    assert read(write(letter)) == letter


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [b"pixelplayer/2", b"bye"],
        [b"pixelplayer/", b"bye", b"{}"],
        [b"pixelplayer/1x", b"bye", b"{}"],
        [b"pixelplayer/12345", b"bye", b"{}"],
        [b"another/1", b"bye", b"{}"],
        [b"pixelplayer/2", b"exec", b"{}"],
        [b"pixelplayer/2", b"Bye", b"{}"],
        [b"pixelplayer/2", b"bye", b"{}", b"{}"],
        [b"pixelplayer/2", b"bye", b'{"more": 1}'],
        [b"pixelplayer/2", b"bye", b"\xff"],
        [b"pixelplayer/2", b"ping", b'{"sent_ns": 1.5, "offset_ns": null}'],
        [b"pixelplayer/2", b"ping", b'{"sent_ns": 99999999999999999999, "offset_ns": null}'],
        [b"pixelplayer/2", b"welcome", b'{"version": "' + b"x" * MOST_JSON_BYTES + b'"}'],
        [b"pixelplayer/2", b"taken", b'{"topic": "nothing", "count": 1}'],
        [b"pixelplayer/2", b"taken", b'{"topic": "video", "count": -1}'],
        [b"pixelplayer/2", b"numbers", b'{"values": {"x": NaN}}'],
        [b"pixelplayer/2", b"parcel", b"nothing", b"{}"],
        [b"x" * 100, b"bye", b"{}"],
        [b"pixelplayer/2"] * 40,
    ],
    ids=lambda parts: b" ".join(parts)[:50].decode("ascii", "replace"),
)
def test_what_is_no_letter_is_refused(parts: list[bytes]) -> None:
    with pytest.raises(WireError):
        read(parts)


def test_too_many_numbers_are_refused() -> None:
    with pytest.raises(WireError, match="at most"):
        read(write(Numbers(values={str(count): 0.0 for count in range(101)})))


@pytest.mark.parametrize(
    "one",
    [
        ("x" * 61, "", 1, 2),
        ("a\x1b[2J", "", 1, 2),
        ("vision", "run\n", 1, 2),
        ("vision", "run", 3, 2),
    ],
)
def test_what_no_engine_did_is_refused(one: EngineSlice) -> None:
    with pytest.raises(WireError, match="Worked"):
        read(write(Worked(slices=(one,))))


def test_too_much_work_in_one_letter_is_refused() -> None:
    with pytest.raises(WireError, match="at most 100"):
        read(write(Worked(slices=(("vision", "", 1, 2),) * 101)))


def test_another_version_is_told_and_only_its_refusal_is_read() -> None:
    with pytest.raises(OtherProtocol) as caught:
        read([b"pixelplayer/7", b"hello", b"whatever"])
    assert caught.value.spoken == 7
    text = b'{"text": "this host speaks 7", "exit_code": 2}'
    found = read([b"pixelplayer/7", b"refused", text])
    assert found == Refused(text="this host speaks 7", exit_code=2)


def test_what_is_shown_on_a_terminal_cannot_command_it() -> None:
    letter = read(write(Refused(text="a\x1b[2Jb\n" + "c" * 1000, exit_code=2)))
    assert isinstance(letter, Refused)
    assert letter.text.startswith("a [2Jb c")
    assert len(letter.text) == 500


def test_letters_with_changed_bytes_are_letters_or_refused() -> None:
    chance = random.Random(4)
    refused = 0
    for _ in range(3000):
        parts = [bytearray(part) for part in write(chance.choice(LETTERS))]
        for _ in range(chance.randint(1, 4)):
            part = chance.choice(parts)
            if part:
                part[chance.randrange(len(part))] = os.urandom(1)[0]
        try:
            read([bytes(part) for part in parts])
        except WireError:
            refused += 1
    assert refused > 500
