from __future__ import annotations

import socket
import struct
from collections.abc import Iterator
from dataclasses import replace
from uuid import UUID

import numpy as np
import pytest

from realtime.errors import DeviceError
from realtime.keepsake import packed, unpacked
from realtime.sinks.outputs.ports import ADDRESS, MOST_LISTENERS, QUEUE_S, Ports
from realtime.sinks.outputs.stage import LONGEST_DRAIN_S
from tests.realtime.sinks.examples import NS_PER_S, RATE_HZ, end, streams

from .rig import SLOTS, Rig, opened, read_all


@pytest.fixture
def rig() -> Iterator[Rig]:
    made = Rig()
    yield made
    made.close()


def noise(rows: int, samples: int) -> np.ndarray:
    return np.random.default_rng(rows).standard_normal((rows, samples)).astype(np.float32)


def test_every_port_has_its_channel_and_all_sum_to_the_mixture(rig: Rig) -> None:
    clients = [rig.connect(place) for place in range(SLOTS + 2)]
    rows, first = noise(3, 20_000), 0
    random = np.random.default_rng(1)
    while first < rows.shape[1]:
        size = int(random.integers(1, 900))
        rig.step(streams(rows[:, first : first + size], first, gains=[0.0, 2.0, 1.0]))
        first += size
    rig.step(end("streams"))
    assert rig.stage.finished
    rig.stage.close()
    (rate_hz, whole), *each = [opened(read_all(client)) for client in clients]
    assert rate_hz == RATE_HZ
    np.testing.assert_array_equal(whole, [rows[0], rows[1], np.zeros(20_000), rows[2]])
    np.testing.assert_allclose(whole.sum(axis=0), rows.sum(axis=0), atol=1e-5)
    for (_, channel), expected in zip(each, whole, strict=True):
        np.testing.assert_array_equal(channel[0], expected)


def test_who_comes_later_hears_what_is_now(rig: Rig) -> None:
    rows = noise(2, 300)
    rig.step(streams(rows[:, :100], 0))
    client = rig.connect(1)
    rig.step(streams(rows[:, 100:], 100))
    rig.stage.close()
    np.testing.assert_array_equal(opened(read_all(client))[1][0], rows[0, 100:])


def test_who_stalls_holds_nobody_up_and_then_hears_what_is_now(rig: Rig) -> None:
    stalled = socket.socket()
    stalled.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
    stalled.connect((ADDRESS, rig.port + 1))
    stalled.settimeout(10)
    prompt = rig.connect(1)
    piece = RATE_HZ // 10
    steps = round(QUEUE_S * 10 * 4)
    counted = np.arange(steps * piece, dtype=np.float32)
    got = b""
    with stalled:
        for number in range(steps):
            part = counted[number * piece : (number + 1) * piece]
            rig.step(streams([part, np.zeros_like(part)], number * piece))
            got += prompt.recv(piece * 4, socket.MSG_WAITALL)
        assert rig.stage.stats()["lost_samples"] > 0
        taken = stalled.recv(RATE_HZ * 4, socket.MSG_WAITALL)  # it goes on
        for _ in range(200):
            rig.step()
            taken += stalled.recv(4 * piece)
            if rig.stage._ports.has_given_all:
                break
        rig.stage.close()
        heard = opened(taken + read_all(stalled))[1][0]
    got += read_all(prompt)
    np.testing.assert_array_equal(opened(got)[1][0], counted)
    assert heard[-1] == counted[-1]
    steps_ahead = np.diff(heard)
    jumps = steps_ahead[steps_ahead != 1]
    assert jumps.size
    assert np.all(jumps > QUEUE_S / 2 * RATE_HZ)  # few, forward, and no sample was cut
    assert jumps.sum() - jumps.size == rig.stage.stats()["lost_samples"]


def test_a_stalled_listener_does_not_hold_the_end_up(rig: Rig) -> None:
    rig.connect(1)
    for number in range(8):
        rig.step(streams(noise(2, 60_000), number * 60_000))
    rig.step(end("streams"), now_ns=0)
    assert not rig.stage.finished
    rig.step(now_ns=round(LONGEST_DRAIN_S * NS_PER_S))
    assert rig.stage.finished


def test_who_leaves_is_let_go_and_may_come_again(rig: Rig) -> None:
    rows = noise(2, 100)
    first = rig.connect(2)
    rig.step(streams(rows, 0))
    assert rig.stage.stats()["listeners"] == 1
    first.close()
    for number in range(1, 200):
        rig.step(streams(rows, number * 100))
        if not rig.stage.stats()["listeners"]:
            break
    assert rig.stage.stats()["listeners"] == 0
    again = rig.connect(2)
    rig.step(streams(rows, 20_000))
    rig.stage.close()
    assert opened(read_all(again))[1].shape[1] >= 100


def test_what_a_listener_says_is_ignored(rig: Rig) -> None:
    client = rig.connect(1)
    client.sendall(b"GET / HTTP/1.1\r\n\r\n" * 100)
    rig.step(streams(noise(2, 100), 0))
    rig.step(streams(noise(2, 100), 100))
    assert client.recv(4) == b"RIFF"
    assert rig.stage.stats()["listeners"] == 1


def test_there_are_not_too_many(rig: Rig) -> None:
    for number in range(MOST_LISTENERS):
        rig.connect(number % (SLOTS + 2))
    rig.step(streams(noise(2, 10), 0))
    over = rig.connect(1)
    rig.step(streams(noise(2, 10), 10))
    assert read_all(over) == b""
    assert (rig.stage.stats()["listeners"], rig.stage.stats()["refused"]) == (MOST_LISTENERS, 1)


def test_another_rate_is_another_wav(rig: Rig) -> None:
    client = rig.connect(1)
    rig.step(streams(noise(2, 100), 0))
    rig.step(replace(streams(noise(2, 100), 100), rate_hz=2 * RATE_HZ))
    assert opened(read_all(client))[1].shape == (1, 100)
    again = rig.connect(1)
    rig.step(replace(streams(noise(2, 50), 200), rate_hz=2 * RATE_HZ))
    rig.stage.close()
    rate_hz, samples = opened(read_all(again))
    assert (rate_hz, samples.shape) == (2 * RATE_HZ, (1, 50))


def test_who_takes_its_place_keeps_the_slots(rig: Rig) -> None:
    rig.step(streams(noise(3, 10), 0, object_ids=(5, 8)))
    rig.step(streams(noise(2, 10), 10, object_ids=(8,)))
    told = packed(rig.stage.state())
    rig.stage.close()
    rig.stage = rig.another()
    rig.stage.open()
    rig.stage.resume(unpacked(told))
    client = rig.connect(2)
    rows = noise(2, 50)
    rig.step(streams(rows, 20, object_ids=(8,)))
    rig.stage.close()
    np.testing.assert_array_equal(opened(read_all(client))[1][0], rows[0])


def test_many_channels_are_of_no_loudspeaker(rig: Rig) -> None:
    client = rig.connect(0)
    rig.step(streams(noise(2, 10), 0))
    rig.stage.close()
    form = read_all(client)[20:60]
    assert struct.unpack_from("<H", form)[0] == 0xFFFE
    extra, bits, mask = struct.unpack_from("<HHI", form, 16)
    assert (extra, bits, mask) == (22, 32, 0)
    assert UUID(bytes_le=form[24:40]) == UUID("00000003-0000-0010-8000-00aa00389b71")


def test_a_port_in_use_is_told_with_what_to_do(rig: Rig) -> None:
    second = Ports(rig.port, SLOTS + 1)
    with pytest.raises(DeviceError, match=rf"--outputs: port {rig.port} .*give another"):
        second.open()
    second.close()


def test_it_listens_on_this_machine_alone(rig: Rig) -> None:
    with pytest.raises(OSError, match="refused"):
        socket.create_connection(("127.0.0.2", rig.port), 5)  # a wildcard would answer there too
