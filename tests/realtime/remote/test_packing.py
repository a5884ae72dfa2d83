from __future__ import annotations

import dataclasses
import random

import numpy as np
import pytest

from pixelplayer import band
from pixelplayer.spec import VisionSpec
from realtime import picture
from realtime.graph import TOPICS
from realtime.messages import End, Message, SightMap, SoundColumns, VideoFrame
from realtime.remote.lighter import Lighter
from realtime.remote.packing import pack, unpack
from realtime.wire import WireError
from tests.fakes.messages import chunk, end, frame, one_of_each


def topic_of(message: Message) -> str:
    if isinstance(message, End):
        return message.topic
    return next(topic for topic, entry in TOPICS.items() if type(message) in entry.messages)


def photo(height: int = 120, width: int = 200) -> VideoFrame:
    pixels = band.scene(3, 1.0, 44_100).frame(0.5, height, width)
    return dataclasses.replace(frame(), pixels=pixels)


@pytest.mark.parametrize("message", one_of_each(), ids=lambda item: type(item).__name__)
def test_every_message_arrives_with_all_its_fields(message: Message) -> None:
    topic = topic_of(message)
    got = unpack(topic, pack(topic, message))
    assert type(got) is type(message)
    for field in dataclasses.fields(message):
        sent, come = getattr(message, field.name), getattr(got, field.name)
        if isinstance(sent, np.ndarray):
            assert come.dtype == sent.dtype
            np.testing.assert_allclose(come, sent, atol=2.0 if sent.dtype == np.uint8 else 1e-3)
        else:
            assert come == sent


def test_pictures_are_small_on_the_way_and_nearly_the_same() -> None:
    sent = photo()
    parts = pack("video", sent)
    assert sum(map(len, parts)) < sent.pixels.nbytes / 4
    got = unpack("video", parts)
    assert isinstance(got, VideoFrame)
    assert np.abs(got.pixels.astype(int) - sent.pixels).mean() < 4


def test_features_are_halved_and_what_is_heard_is_exact() -> None:
    rng = np.random.default_rng(2)
    features = rng.random((4, 8, 2), np.float32)
    spectrum = (rng.standard_normal((9, 2)) + 1j).astype(np.complex64)
    sent = SoundColumns(
        stream="s", sequence=0, capture_ns=1, first_column=2, known_samples=3, rate_hz=44100,
        features=features, spectrum=spectrum,
    )  # fmt: skip
    parts = pack("sound", sent)
    assert len(parts[1]) == features.nbytes / 2
    got = unpack("sound", parts)
    assert isinstance(got, SoundColumns)
    np.testing.assert_array_equal(got.spectrum, spectrum)
    np.testing.assert_allclose(got.features, features, rtol=5e-4)
    samples = rng.standard_normal(100).astype(np.float32)
    audio = unpack("audio", pack("audio", dataclasses.replace(chunk(), samples=samples)))
    np.testing.assert_array_equal(audio.samples, samples)  # type: ignore[attr-defined]


def test_a_number_that_is_too_large_for_half_arrives_as_the_largest() -> None:
    features = np.full((1, 1, 1, 1), 1e9, np.float32)
    sent = SightMap(
        stream="s", sequence=0, capture_ns=0, frame_sequence=0, shot=0, features=features
    )
    got = unpack("sight", pack("sight", sent))
    assert isinstance(got, SightMap)
    assert got.features[0, 0, 0, 0] == 65504


def test_a_picture_that_claims_to_be_huge_is_refused_unseen() -> None:
    header, jpeg = pack("video", photo())
    place = bytes(jpeg).index(b"\xff\xc0")
    bomb = bytearray(jpeg)
    bomb[place + 5 : place + 9] = b"\xff\xff\xff\xff"
    with pytest.raises(WireError, match="of at most"):
        unpack("video", [header, bytes(bomb)])


@pytest.mark.parametrize(
    "parts",
    [
        [],
        [b""],
        [b"{}"],
        [pack("video", photo())[0]],
        [pack("video", photo())[0], b""],
        [pack("video", photo())[0], b"no picture"],
        [pack("video", photo())[0], bytes(pack("video", photo())[1])[:200]],
        [pack("video", photo(60, 60))[0], pack("video", photo())[1]],
        [*pack("video", photo()), b"more"],
        pack("audio", chunk()),
        [pack("video", photo())[0], picture.to_jpeg(np.zeros((9, 9), np.uint8), 90)],
    ],
    ids=range(11),
)
def test_what_is_no_picture_is_refused(parts: list[bytes]) -> None:
    with pytest.raises(WireError):
        unpack("video", parts)


def test_halves_of_numbers_are_refused() -> None:
    header, features = pack("sight", one_of_each()[3])
    with pytest.raises(WireError):
        unpack("sight", [header, bytes(features)[:-1]])
    with pytest.raises(WireError, match="finite"):
        unpack("sight", [header, b"\xff\x7f" * (len(features) // 2)])


def test_parcels_with_changed_bytes_are_messages_or_refused() -> None:
    chance, count = random.Random(1), 0
    originals = [(topic_of(item), pack(topic_of(item), item)) for item in one_of_each()]
    originals.append(("video", pack("video", photo(40, 60))))
    for _ in range(2000):
        topic, parts = chance.choice(originals)
        changed = [bytearray(part) for part in parts]
        for _ in range(chance.randint(1, 6)):
            part = chance.choice(changed)
            if part:
                part[chance.randrange(len(part))] = chance.randrange(256)
        try:
            unpack(topic, [bytes(part) for part in changed])
        except WireError:
            count += 1
    assert count > 500


@pytest.mark.parametrize(("height", "width"), [(720, 1280), (480, 640), (1080, 1920), (90, 160)])
def test_sight_sees_the_same_in_a_lighter_picture(height: int, width: int) -> None:
    spec = VisionSpec(
        width=32, frame_px=224, grid=14, frames=3, rate_hz=9.0, picture="unit", looks=2
    )
    sent = photo(height, width)
    light = Lighter(spec).of(sent)
    assert isinstance(light, VideoFrame)
    assert light.pixels.nbytes <= sent.pixels.nbytes / (4 if height >= 704 else 1)
    rows, columns = spec.grid_for(height, width)
    for finer in (1, 2):
        size = (rows * spec.stride_px * finer, columns * spec.stride_px * finer)
        np.testing.assert_array_equal(
            picture.shrunk(light.pixels, size), picture.shrunk(sent.pixels, size)
        )


def test_only_pictures_that_sight_would_pick_are_sent() -> None:
    spec = VisionSpec(
        width=32, frame_px=224, grid=14, frames=3, rate_hz=9.0, picture="unit", looks=2
    )
    lighter = Lighter(spec)
    kept = [
        lighter.of(dataclasses.replace(frame(count), capture_ns=count * 1_000_000_000 // 30))
        for count in range(300)
    ]
    assert sum(message is not None for message in kept) == 90
    assert lighter.of(end("video")) is not None


def test_jpeg_size_is_what_the_file_says() -> None:
    assert picture.jpeg_size(picture.to_jpeg(np.zeros((37, 91, 3), np.uint8), 80)) == (37, 91)
    for data in (b"", b"\xff\xd8", b"\xff\xd8\xff", b"GIF89a" + bytes(50), b"\xff\xd8" * 30):
        assert picture.jpeg_size(data) == (0, 0)
    assert picture.from_jpeg(b"").shape == picture.from_jpeg(b"none").shape == (0, 0, 3)
