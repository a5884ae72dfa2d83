from __future__ import annotations

import dataclasses
import tempfile
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest

from realtime.errors import UsageError
from realtime.graph import WhenFull
from realtime.messages import AudioChunk, AudioGap, End, Message, VideoFrame
from realtime.picks import Picks
from realtime.transport import (
    Context,
    Inbox,
    Listen,
    Outbox,
    Scheme,
    Stopped,
    Way,
    check_address,
    local_address,
    new_context,
)
from tests.fakes.messages import chunk, end, frame

SCHEMES: tuple[Scheme, ...] = ("inproc", "ipc", "tcp")


@pytest.fixture
def context() -> Iterator[Context]:
    made = new_context()
    yield made
    made.term()


@pytest.fixture
def folder() -> Iterator[Path]:
    # pytest's own folders have names too long for a socket
    with tempfile.TemporaryDirectory(prefix="pp-") as name:
        yield Path(name)


def always(consumer: str) -> bool:
    return True


def inbox(context: Context, address: str, topic: str, rule: WhenFull, depth: int) -> Inbox:
    listen = Listen(addresses=(address,), when_full=rule, depth=depth)
    return Inbox(context, "sight", {topic: listen})


def way(address: str, topic: str, rule: WhenFull, depth: int) -> Way:
    return Way(topic=topic, consumer="sight", address=address, when_full=rule, depth=depth)


def receive_until_end(box: Inbox, topic: str) -> list[Message]:
    messages: list[Message] = []
    for _ in range(200):
        messages += box.receive(50).get(topic, [])
        if messages and isinstance(messages[-1], End):
            return messages
    raise AssertionError(f"no End in {messages}")


def test_who_looks_at_some_pictures_is_sent_no_others(context: Context) -> None:
    address = "inproc://sight.video"
    looked_at = dataclasses.replace(way(address, "video", "wait", 64), looks_hz=9.0)
    pictures = [
        dataclasses.replace(frame(number), capture_ns=number * 10**9 // 30) for number in range(30)
    ]
    with (
        inbox(context, address, "video", "wait", 64) as there,
        Outbox(context, [looked_at], always) as here,
    ):
        for picture in pictures:
            here.send("video", picture)
        here.send("video", end("video"))
        arrived = receive_until_end(there, "video")
    picks = Picks(9.0)
    wanted = [picture.sequence for picture in pictures if picks.picks(picture.capture_ns)]
    assert [message.sequence for message in arrived[:-1]] == wanted
    assert len(wanted) == 9
    again = Picks(9.0)  # sight picks as well: of those that were sent, all
    assert all(again.picks(m.capture_ns) for m in arrived[:-1] if isinstance(m, VideoFrame))


@pytest.mark.parametrize("scheme", SCHEMES)
def test_messages_arrive_in_order_and_whole(scheme: Scheme, context: Context, folder: Path) -> None:
    address = local_address(scheme, folder, "video", "sight")
    with (
        inbox(context, address, "video", "wait", 16) as there,
        Outbox(context, [way(address, "video", "wait", 16)], always) as here,
    ):
        for count in range(5):
            here.send("video", frame(count, height=240, width=320))
        here.send("video", end("video", 5))
        got = receive_until_end(there, "video")
    assert [message.sequence for message in got] == [0, 1, 2, 3, 4, 5]
    last = got[4]
    assert isinstance(last, VideoFrame)
    np.testing.assert_array_equal(last.pixels, np.full((240, 320, 3), 4, np.uint8))
    assert not last.pixels.flags.writeable


@pytest.mark.parametrize("rule", ["newest", "drop"])
def test_a_full_edge_drops_and_counts(rule: WhenFull, context: Context) -> None:
    address = "inproc://full"
    with (
        inbox(context, address, "video", rule, 4) as there,
        Outbox(context, [way(address, "video", rule, 4)], always) as here,
    ):
        for count in range(20):
            here.send("video", frame(count))
        arrived = there.receive(100)["video"]
        sent = here.traffic.dropped[("video", "sight")]
        assert sent == 16
        assert here.traffic.messages["video"] == 20
        if rule == "newest":
            assert [message.sequence for message in arrived] == [3]
            assert there.traffic.dropped == {("video", "sight"): 3}
        else:
            assert [message.sequence for message in arrived] == [0, 1, 2, 3]
            assert there.traffic.dropped == {}


def test_the_newest_is_kept_with_the_end(context: Context) -> None:
    address = "inproc://newest"
    with (
        inbox(context, address, "video", "newest", 8) as there,
        Outbox(context, [way(address, "video", "newest", 8)], always) as here,
    ):
        here.send("video", frame(0))
        here.send("video", frame(1))
        here.send("video", end("video", 2))
        assert [item.sequence for item in there.receive(100)["video"]] == [1, 2]


def test_lost_sound_becomes_one_gap_of_its_length(context: Context) -> None:
    address = "inproc://gap"
    with (
        inbox(context, address, "audio", "gap", 4) as there,
        Outbox(context, [way(address, "audio", "gap", 4)], always) as here,
    ):
        for count in range(10):
            here.send("audio", chunk(count, samples=5))
        first = there.receive(100)["audio"]
        here.send("audio", chunk(10, samples=5))
        here.send("audio", end("audio", 11))
        rest = receive_until_end(there, "audio")
        assert here.traffic.dropped_samples == {("audio", "sight"): 30}
    assert [message.sequence for message in first] == [0, 1, 2, 3]
    gap, after, last = rest
    assert isinstance(gap, AudioGap)
    assert (gap.first_sample, gap.length_samples, gap.rate_hz) == (20, 30, 8000)
    assert isinstance(after, AudioChunk)
    assert after.first_sample == 50
    assert isinstance(last, End)


def test_what_nobody_takes_any_more_is_not_lost(context: Context) -> None:
    address = "inproc://deaf"
    deaf: set[str] = set()
    ways = [way(address, "audio", "gap", 2)]
    with (
        inbox(context, address, "audio", "gap", 2),
        Outbox(context, ways, lambda consumer: consumer not in deaf) as here,
    ):
        for count in range(4):
            here.send("audio", chunk(count))
        assert here.traffic.dropped == {("audio", "sight"): 2}
        deaf.add("sight")  # it has ended
        for count in range(4, 9):
            here.send("audio", chunk(count))
        assert here.traffic.dropped == {("audio", "sight"): 2}


def test_a_gap_comes_before_the_end(context: Context) -> None:
    address = "inproc://gap-end"
    asked = []
    is_ending = False
    with inbox(context, address, "audio", "gap", 2) as there:

        def drain_when_asked(consumer: str) -> bool:
            if is_ending:
                asked.extend(there.receive(0).get("audio", []))
            return True

        with Outbox(context, [way(address, "audio", "gap", 2)], drain_when_asked) as here:
            for count in range(4):
                here.send("audio", chunk(count))
            is_ending = True
            here.send("audio", end("audio", 4))
            asked += receive_until_end(there, "audio")
    assert [type(item).__name__ for item in asked] == [
        "AudioChunk", "AudioChunk", "AudioGap", "End",
    ]  # fmt: skip


def test_back_pressure_waits_until_there_is_room(context: Context) -> None:
    address = "inproc://wait"
    asked: list[Message] = []
    with inbox(context, address, "audio", "wait", 2) as there:

        def drain_when_asked(consumer: str) -> bool:
            assert consumer == "sight"
            asked.extend(there.receive(0).get("audio", []))
            return True

        with Outbox(context, [way(address, "audio", "wait", 2)], drain_when_asked) as here:
            for count in range(50):
                here.send("audio", chunk(count))
            here.send("audio", end("audio", 50))
            asked += receive_until_end(there, "audio")
            assert here.traffic.dropped == {}
    assert [message.sequence for message in asked] == list(range(51))


def test_a_waiting_producer_leaves_when_the_run_is_over(context: Context) -> None:
    def stopped(consumer: str) -> bool:
        raise Stopped

    with (
        inbox(context, "inproc://over", "audio", "wait", 2),
        Outbox(context, [way("inproc://over", "audio", "wait", 2)], stopped) as here,
        pytest.raises(Stopped),
    ):
        for count in range(10):
            here.send("audio", chunk(count))


def test_nobody_waits_for_a_consumer_that_is_gone(context: Context) -> None:
    with Outbox(context, [way("inproc://gone", "audio", "wait", 2)], lambda name: False) as here:
        for count in range(10):
            here.send("audio", chunk(count))


def test_two_producers_reach_one_consumer(context: Context, folder: Path) -> None:
    addresses = tuple(local_address(name, folder, "control", "sight") for name in SCHEMES)
    listen = Listen(addresses=addresses, when_full="wait", depth=10)
    with Inbox(context, "separator", {"audio": listen}) as there:
        boxes = [Outbox(context, [way(item, "audio", "wait", 10)], always) for item in addresses]
        for number, box in enumerate(boxes):
            box.send("audio", chunk(number))
        got: list[int] = []
        for _ in range(100):
            got += [item.sequence for item in there.receive(50).get("audio", [])]
            if len(got) == 3:
                break
        for box in boxes:
            box.close()
    assert sorted(got) == [0, 1, 2]


def test_what_the_topic_does_not_carry_is_refused(context: Context) -> None:
    address = "inproc://refused"
    with (
        inbox(context, address, "video", "wait", 8) as there,
        Outbox(context, [way(address, "audio", "wait", 8)], always) as here,
    ):
        with pytest.raises(TypeError, match="topic audio does not carry VideoFrame"):
            here.send("audio", frame())
        here.send("audio", chunk())
        assert there.receive(100) == {}
        assert there.traffic.refused == 1


def test_noise_on_a_socket_is_refused(context: Context) -> None:
    with inbox(context, "inproc://noise", "video", "wait", 8) as there:
        noise = context.socket(8)  # zmq.PUSH
        noise.connect("inproc://noise")
        noise.send_multipart([b"no", b"message"])
        assert there.receive(100) == {}
        assert there.traffic.refused == 1
        noise.close()


@pytest.mark.parametrize(
    "address", ["tcp://0.0.0.0:5555", "tcp://*:5555", "tcp://192.168.1.5:1", "udp://127.0.0.1:1",
                "tcp://example.org:5555"]
)  # fmt: skip
def test_addresses_that_others_could_reach_are_refused(address: str) -> None:
    with pytest.raises(UsageError):
        check_address(address)


@pytest.mark.parametrize(
    "address", ["tcp://127.0.0.1:5555", "tcp://[::1]:5555", "tcp://localhost:1", "ipc:///tmp/x",
                "inproc://x"]
)  # fmt: skip
def test_addresses_of_this_machine_are_fine(address: str) -> None:
    check_address(address)


def test_a_failed_bind_leaves_nothing_open(context: Context) -> None:
    listen = Listen(addresses=("ipc:///no/such/folder/x",), when_full="wait", depth=2)
    with pytest.raises(Exception, match="No such file"):
        Inbox(context, "sight", {"video": listen})
