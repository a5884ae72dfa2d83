"""Media files of many kinds, read as the live system reads them."""

from __future__ import annotations

import logging
import struct
from pathlib import Path

import numpy as np
import pytest

from realtime.clock import NS_PER_MS, NS_PER_S
from realtime.errors import UsageError
from realtime.messages import AudioChunk, End, Message, VideoFrame
from realtime.sources.media import MediaSource
from realtime.sources.pacing import FastPace, RealtimePace
from realtime.sources.tracks import Complaints, open_file_pictures
from tests.fakes.clock import FakeClock
from tests.realtime.sources.media_files import FPS, noise, write_media, write_wav


def messages(source: MediaSource) -> list[tuple[str, Message]]:
    """All that a fast source gives."""
    source.open()
    out: list[tuple[str, Message]] = []
    for _ in range(10_000):
        out += source.step(0, {})
        if source.finished:
            break
    else:
        pytest.fail("the source does not end")
    source.close()
    return out


def fast(path: Path, **options: object) -> MediaSource:
    return MediaSource(str(path), stream="clip", pace=FastPace(), **options)  # type: ignore[arg-type]


def sound_of(out: list[tuple[str, Message]]) -> np.ndarray:
    """All samples, after checking that they are numbered without a hole."""
    chunks = [message for _, message in out if isinstance(message, AudioChunk)]
    position = 0
    for sequence, chunk in enumerate(chunks):
        assert chunk.sequence == sequence
        assert chunk.first_sample == position
        assert chunk.capture_ns == position * NS_PER_S // chunk.rate_hz
        position += chunk.samples.size
    return np.concatenate([chunk.samples for chunk in chunks])


def frames_of(out: list[tuple[str, Message]]) -> list[VideoFrame]:
    return [message for _, message in out if isinstance(message, VideoFrame)]


def ends_of(out: list[tuple[str, Message]]) -> list[str]:
    ends = [(topic, message) for topic, message in out if isinstance(message, End)]
    assert all(topic == message.topic for topic, message in ends)
    return [topic for topic, _ in ends]


@pytest.mark.parametrize("rate_hz", [8_000, 11_025, 44_100, 192_000])
@pytest.mark.parametrize("channels", [1, 2])
def test_a_wav_file_keeps_its_rate_and_every_sample(
    tmp_path: Path, rate_hz: int, channels: int
) -> None:
    samples = noise(rate_hz // 4 + 7, channels)
    out = messages(fast(write_wav(tmp_path / "a.wav", samples, rate_hz)))
    expected = (samples.astype(np.float32) / 32768).mean(axis=1)
    np.testing.assert_allclose(sound_of(out), expected, atol=1e-7)
    assert {m.rate_hz for _, m in out if isinstance(m, AudioChunk)} == {rate_hz}
    assert ends_of(out) == ["video", "audio"]  # no picture: its end comes at once
    assert out[0][0] == "video"


def test_picture_and_sound_are_interleaved_by_time(tmp_path: Path) -> None:
    path = write_media(tmp_path / "a.mov", frames=12, samples=noise(44_100))
    out = messages(fast(path))
    assert sound_of(out).size == 44_100
    assert [frame.capture_ns for frame in frames_of(out)] == [
        index * NS_PER_S // FPS for index in range(12)
    ]
    due = [
        message.capture_ns + message.samples.size * NS_PER_S // message.rate_hz
        if isinstance(message, AudioChunk)
        else message.capture_ns
        for _, message in out
        if isinstance(message, AudioChunk | VideoFrame)
    ]
    assert due == sorted(due)
    assert ends_of(out) == ["audio", "video"]


def test_six_channels_become_their_mean(tmp_path: Path) -> None:
    samples = noise(3_000, 6)
    path = write_media(tmp_path / "a.mkv", samples=samples, layout="5.1")
    expected = (samples.astype(np.float32) / 32768).mean(axis=1)
    np.testing.assert_allclose(sound_of(messages(fast(path))), expected, atol=1e-6)


@pytest.mark.parametrize(
    ("name", "codec"), [("a.flac", "flac"), ("a.mp3", "libmp3lame"), ("a.mkv", "aac")]
)
def test_coded_sound(tmp_path: Path, name: str, codec: str) -> None:
    path = write_media(
        tmp_path / name, samples=noise(44_100, 2), layout="stereo", audio_codec=codec
    )
    size = sound_of(messages(fast(path))).size
    assert 44_100 <= size < 44_100 + 2_048  # a coder may add up to a block


@pytest.mark.parametrize(("offset_s", "first"), [(0.5, "silence"), (-0.25, "cut")])
def test_sound_is_aligned_to_the_start_of_the_file(
    tmp_path: Path, offset_s: float, first: str
) -> None:
    samples = noise(22_050)
    path = write_media(tmp_path / "a.mov", frames=9, samples=samples, audio_start_s=offset_s)
    got = sound_of(messages(fast(path)))
    plain = samples[:, 0].astype(np.float32) / 32768
    shift = round(abs(offset_s) * 44_100)
    if first == "silence":
        expected = np.concatenate([np.zeros(shift, np.float32), plain])
    else:
        expected = plain[shift:]
    np.testing.assert_array_equal(got, expected)


def test_a_file_that_starts_late_as_a_whole_starts_at_0(tmp_path: Path) -> None:
    path = write_media(
        tmp_path / "a.ts", frames=5, samples=noise(22_050), audio_codec="mp2", audio_start_s=0.2
    )  # the container adds 1.4 s to all times
    out = messages(fast(path))
    assert frames_of(out)[0].capture_ns == 0
    silent = int(np.argmax(np.abs(sound_of(out)) > 1e-3))
    assert abs(silent / 44_100 - 0.2) < 0.030  # the coder's own delay included


def test_a_hole_in_the_sound_is_filled_with_silence(tmp_path: Path) -> None:
    path = write_media(tmp_path / "a.mkv", frames=9, samples=noise(22_050), audio_hole_s=0.4)
    source = fast(path)
    got = sound_of(messages(source))
    hole = round(0.4 * 44_100)
    assert abs(got.size - 22_050 - hole) < 100  # this container rounds times to 1 ms
    assert not got[12_100 : 11_900 + hole].any()
    assert source.stats()["padded_samples"] == got.size - 22_050


def test_a_tiny_picture(tmp_path: Path) -> None:
    path = write_media(tmp_path / "a.mov", frames=3, size=(16, 16), samples=noise(9_000))
    assert [frame.pixels.shape for frame in frames_of(messages(fast(path)))] == [(16, 16, 3)] * 3


def test_a_large_picture_is_reduced(tmp_path: Path) -> None:
    path = write_media(tmp_path / "a.mov", frames=2, size=(200, 400), samples=noise(9_000))
    frames = frames_of(messages(fast(path, longest_side_px=100)))
    assert [frame.pixels.shape for frame in frames] == [(50, 100, 3)] * 2
    blue, _, red = frames[0].pixels[5, 5]
    assert red > 200 > blue


def test_pictures_that_come_much_too_late_are_left_out(tmp_path: Path) -> None:
    path = write_media(tmp_path / "a.mov", frames=40)  # from 12 on every twelfth is a key picture
    pictures = open_file_pictures(str(path), 100, Complaints(str(path)))
    assert pictures is not None
    for _ in range(14):
        pictures.take()
    pictures.hurry(2 * NS_PER_S)
    pictures.take()  # was ready already
    assert pictures.peek_ns() == 24 * NS_PER_S // FPS
    pictures.hurry(0)
    pictures.take()
    assert pictures.peek_ns() == 25 * NS_PER_S // FPS
    pictures.close()


def turn_clockwise(path: Path) -> None:
    """Make players show the file's pictures turned by a quarter, as telephones write them."""
    data = bytearray(path.read_bytes())
    upright = struct.pack(">9i", 0x10000, 0, 0, 0, 0x10000, 0, 0, 0, 0x40000000)
    clockwise = struct.pack(">9i", 0, 0x10000, 0, -0x10000, 0, 0, 0, 0, 0x40000000)
    at = data.index(upright, data.index(b"tkhd"))
    data[at : at + len(upright)] = clockwise
    path.write_bytes(data)


def test_a_portrait_recording_stands_upright(tmp_path: Path) -> None:
    path = write_media(tmp_path / "a.mp4", frames=2, size=(64, 96))
    turn_clockwise(path)
    frame = frames_of(messages(fast(path, want="video")))[0]
    assert frame.pixels.shape == (96, 64, 3)
    assert frame.pixels[5, 60, 2] > 200  # what was at the top left is at the top right
    assert frame.pixels[5, 5, 2] < 100


def test_only_what_is_wanted(tmp_path: Path) -> None:
    path = write_media(tmp_path / "a.mov", frames=3, samples=noise(9_000))
    assert {topic for topic, _ in messages(fast(path, want="video"))} == {"video"}
    assert {topic for topic, _ in messages(fast(path, want="audio"))} == {"audio"}


def test_a_truncated_file_gives_what_is_there_and_says_so_once(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    path = write_media(tmp_path / "a.mkv", frames=20, samples=noise(88_200))
    data = path.read_bytes()
    path.write_bytes(data[: len(data) // 2])
    source = fast(path)
    with caplog.at_level(logging.WARNING):
        out = messages(source)
    assert 30_000 < sound_of(out).size < 60_000
    assert len(frames_of(out)) > 5
    assert sorted(ends_of(out)) == ["audio", "video"]
    assert len(caplog.records) == 1
    assert "a.mkv: it is cut short" in caplog.text
    assert source.stats()["broken_parts"] >= 1


def test_broken_parts_are_left_out(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = write_media(tmp_path / "a.mkv", frames=10, samples=noise(44_100), audio_codec="aac")
    data = bytearray(path.read_bytes())
    data[len(data) // 2 :: 61] = bytes(len(range(len(data) // 2, len(data), 61)))
    path.write_bytes(data)
    source = fast(path)
    out = messages(source)
    assert sound_of(out).size > 20_000
    assert sorted(ends_of(out)) == ["audio", "video"]
    assert len(caplog.records) == 1


def float_wav(path: Path, samples: np.ndarray) -> Path:
    data = samples.astype("<f4").tobytes()
    header = struct.pack("<4sI4s4sIHHIIHH", b"RIFF", 36 + len(data), b"WAVE", b"fmt ", 16, 3, 1,
                         8_000, 32_000, 4, 32)  # fmt: skip
    path.write_bytes(header + struct.pack("<4sI", b"data", len(data)) + data)
    return path


def test_samples_that_are_no_numbers_become_silence(tmp_path: Path) -> None:
    samples = np.full(1_000, 0.25, np.float32)
    samples[[10, 500, 999]] = np.nan, np.inf, -np.inf
    source = fast(float_wav(tmp_path / "a.wav", samples))
    got = sound_of(messages(source))
    np.testing.assert_array_equal(got, np.where(np.isfinite(samples), samples, 0))
    assert source.stats()["silenced_samples"] == 3


@pytest.mark.parametrize(
    ("name", "content", "message"),
    [
        ("none.mp4", None, "there is no file"),
        ("text.mp4", b"just text", "text.mp4 cannot be opened as a media file"),
        ("empty.mp4", b"", "empty.mp4 cannot be opened as a media file"),
    ],
)
def test_files_that_are_none(
    tmp_path: Path, name: str, content: bytes | None, message: str
) -> None:
    if content is not None:
        (tmp_path / name).write_bytes(content)
    with pytest.raises(UsageError, match=message):
        fast(tmp_path / name).open()


def test_files_without_what_is_needed(tmp_path: Path) -> None:
    silent = write_media(tmp_path / "silent.mov", frames=3)
    with pytest.raises(UsageError, match=r"silent\.mov has no sound, "):
        fast(silent).open()
    with pytest.raises(UsageError, match=r"nothing\.wav has a sound track of zero length"):
        fast(write_wav(tmp_path / "nothing.wav", noise(0), 8_000)).open()
    strange = write_wav(tmp_path / "strange.wav", noise(800), 8_000)
    strange.write_bytes(strange.read_bytes().replace(b"\x10\0\0\0\1\0", b"\x10\0\0\0\x77\x77"))
    with pytest.raises(UsageError, match=r"strange\.wav has sound that cannot be decoded"):
        fast(strange).open()
    hasty = write_wav(tmp_path / "hasty.wav", noise(800), 4_202_304)
    with pytest.raises(UsageError, match=r"hasty\.wav says that its sound has 4202304 samples a"):
        fast(hasty).open()
    dark = write_wav(tmp_path / "dark.wav", noise(800), 8_000)
    with pytest.raises(UsageError, match=r"dark\.wav has no picture"):
        fast(dark, want="video").open()


def test_pictures_that_no_decoder_knows_leave_the_sound(
    tmp_path: Path, caplog: pytest.LogCaptureFixture
) -> None:
    clip = write_media(tmp_path / "clip.mkv", frames=3, samples=noise(4_410))
    clip.write_bytes(clip.read_bytes().replace(b"V_MPEG4/ISO/ASP", b"V_MPEG4/ISO/ABC"))
    out = messages(fast(clip))
    assert sound_of(out).size == 4_410
    assert frames_of(out) == []
    assert "its video is of a kind that no decoder knows" in caplog.text
    with pytest.raises(UsageError, match=r"clip\.mkv has no picture"):
        fast(clip, want="video").open()


def test_in_real_time_nothing_comes_before_it_is_due(tmp_path: Path) -> None:
    clock = FakeClock(now_ns=5 * NS_PER_S)
    path = write_media(tmp_path / "a.mov", frames=10, samples=noise(44_100))
    source = MediaSource(str(path), stream="clip", pace=RealtimePace(clock))
    source.open()
    out: list[tuple[str, Message]] = []
    for _ in range(1_000):
        before_ns = clock.now_ns()
        for topic, message in source.step(before_ns, {}):
            out.append((topic, message))
            if isinstance(message, VideoFrame):
                assert 0 <= clock.now_ns() - message.capture_ns < 20 * NS_PER_MS
            if isinstance(message, AudioChunk):
                late_ns = clock.now_ns() - message.capture_ns
                assert 9 * NS_PER_MS < late_ns < 30 * NS_PER_MS  # its last sample has passed
        assert clock.now_ns() - before_ns <= 20 * NS_PER_MS
        if source.finished:
            break
    source.close()
    assert sum(m.samples.size for _, m in out if isinstance(m, AudioChunk)) == 44_100
    assert len(frames_of(out)) == 10
    assert abs(clock.now_ns() - 6 * NS_PER_S) < 30 * NS_PER_MS


def test_after_a_pause_sound_comes_first(tmp_path: Path) -> None:
    clock = FakeClock()
    path = write_media(tmp_path / "a.mov", frames=10, samples=noise(44_100))
    source = MediaSource(str(path), stream="clip", pace=RealtimePace(clock))
    source.open()
    source.step(0, {})
    clock.advance_s(0.5)
    topics = [topic for _ in range(8) for topic, _ in source.step(clock.now_ns(), {})]
    sound, picture = topics.index("audio"), topics.index("video")
    assert topics[sound:picture].count("audio") >= 45
    source.close()


def test_position_and_length_are_told(tmp_path: Path) -> None:
    path = write_media(tmp_path / "clip.mkv", frames=10, samples=noise(44_100))
    source = fast(path)
    source.open()
    assert source.stats()["position_s"] == 0
    assert source.stats()["duration_s"] == pytest.approx(1.0, abs=0.05)
    source.close()
    ended = fast(path)
    messages(ended)
    assert ended.stats()["position_s"] == pytest.approx(1.0, abs=0.05)
