from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pytest

from pixelplayer.stft import low_delay, stft
from pixelplayer.warp import LogFrequencyWarp
from realtime.errors import UsageError
from realtime.messages import AudioChunk, AudioGap, End, Message, SoundColumns
from realtime.stages.hearing import Hearing
from realtime.stages.listener import Pace
from tests.fakes.pixel_model import LOUDNESS, SPEC, BandSound, band_noise

FAST = Pace(columns_per_step=3, lookahead_columns=4, most_columns_per_step=3)


def chunk(samples: np.ndarray, first_sample: int, rate_hz: int = 8000) -> AudioChunk:
    return AudioChunk(
        stream="t",
        sequence=0,
        capture_ns=round(first_sample * 1e9 / rate_hz),
        first_sample=first_sample,
        rate_hz=rate_hz,
        samples=samples,
    )


def cut(samples: np.ndarray, sizes: Sequence[int], rate_hz: int = 8000) -> list[Message]:
    """Chunks of the sizes given, over and over, and the end."""
    chunks: list[Message] = []
    start = 0
    while start < len(samples):
        size = sizes[len(chunks) % len(sizes)]
        chunks.append(chunk(samples[start : start + size], start, rate_hz))
        start += size
    return [*chunks, End(stream="t", sequence=len(chunks), topic="audio")]


def hear(
    messages: Sequence[Message], pace: Pace = FAST, at_once: int = 1
) -> tuple[list[SoundColumns], Hearing]:
    stage = Hearing(BandSound, SPEC, pace)
    stage.open()
    outputs: list[Message] = []
    for start in range(0, len(messages), at_once):
        step = stage.step(0, {"audio": messages[start : start + at_once]})
        outputs += [message for topic, message in step if topic == "sound"]
    assert stage.finished == isinstance(outputs[-1], End)
    return [message for message in outputs if isinstance(message, SoundColumns)], stage


def whole(columns: Sequence[SoundColumns]) -> tuple[np.ndarray, np.ndarray]:
    return (
        np.concatenate([item.features for item in columns], axis=2),
        np.concatenate([item.spectrum for item in columns], axis=1),
    )


@pytest.mark.parametrize("rate_hz", [8000, 11025, 6000])
@pytest.mark.parametrize("length", [1, 127, 4096, 9001])
def test_every_column_comes_out_once_with_the_features_of_its_own(
    rate_hz: int, length: int
) -> None:
    samples = band_noise("red", 3, 9001)[:length] + np.float32(0.001)
    columns, _ = hear(cut(samples, [1000], rate_hz))
    analysis = SPEC.audio.at_rate(rate_hz)
    features, spectrum = whole(columns)
    divided = stft(samples, analysis, low_delay(analysis))
    np.testing.assert_array_equal(spectrum, divided)
    expected = stft(samples, analysis)
    assert [item.first_column for item in columns] == list(range(0, expected.shape[1], 3))
    loudness = LogFrequencyWarp(SPEC.audio, analysis).log_magnitude(expected)
    audible = [c for c in range(expected.shape[1]) if divided[:, c - c % 3 : c - c % 3 + 3].any()]
    np.testing.assert_allclose(features[LOUDNESS][:, audible], loudness[:, audible], rtol=1e-5)


@pytest.mark.parametrize("columns_per_step", [1, 2])
def test_without_lookahead_a_column_is_divided_as_the_one_before_it_sounds(
    columns_per_step: int,
) -> None:
    samples = band_noise("red", 3, 9001)
    pace = Pace(
        columns_per_step=columns_per_step,
        lookahead_columns=-1,
        most_columns_per_step=columns_per_step,
    )
    columns, _ = hear(cut(samples, [37]), pace)
    analysis = SPEC.audio.at_rate(8000)
    loudness = LogFrequencyWarp(SPEC.audio, analysis).log_magnitude(stft(samples, analysis))
    features, spectrum = whole(columns)
    assert spectrum.shape[1] == loudness.shape[1]
    for column in range(1, loudness.shape[1]):
        is_last = column % columns_per_step == columns_per_step - 1
        heard = column - 1 if is_last else column
        np.testing.assert_allclose(features[LOUDNESS][:, column], loudness[:, heard], rtol=1e-5)


def test_a_step_comes_as_soon_as_its_last_column_is_in() -> None:
    hop, n_fft = SPEC.audio.hop, SPEC.audio.n_fft
    samples = band_noise("red", 3, 9001)
    for lookahead in (-1, 0, 4):
        pace = Pace(columns_per_step=2, lookahead_columns=lookahead, most_columns_per_step=2)
        stage = Hearing(BandSound, SPEC, pace)
        stage.open()
        came: list[int] = []
        for start in range(0, 4000, 20):
            for _ in stage.step(0, {"audio": [chunk(samples[start : start + 20], start)]}):
                came.append(start + 20)
        newest = [hop * (2 * step + 1 + lookahead) for step in range(len(came))]
        needed = [max(centre + n_fft // 2, 0) for centre in newest]
        late = [when - need for when, need in zip(came, needed, strict=True)]
        assert len(came) > 10
        assert all(0 <= samples_late < 20 for samples_late in late[1:])
        out = hop * 2 * len(came) - hop  # given back once a step is taken, about
        assert came[-1] - out <= pace.delay_columns * hop + 20


def test_chunks_make_no_difference_to_the_last_bit() -> None:
    samples = band_noise("green", 4, 12345)
    reference = whole(hear(cut(samples, [12345]))[0])
    random = np.random.default_rng(5)
    for _ in range(4):
        sizes = [int(n) for n in random.integers(1, 1500, 50)]
        columns, _ = hear(cut(samples, sizes), at_once=int(random.integers(1, 5)))
        for found, expected in zip(whole(columns), reference, strict=True):
            np.testing.assert_array_equal(found, expected)
        assert [item.capture_ns for item in columns] == [
            round(item.first_column * 128 * 1e9 / 8000) for item in columns
        ]


def test_one_inference_serves_many_columns_when_they_wait() -> None:
    samples = band_noise("green", 4, 12345)
    eager = Pace(columns_per_step=3, lookahead_columns=4, most_columns_per_step=100)
    found, _ = hear(cut(samples, [12345]), eager)
    expected, _ = hear(cut(samples, [100]))
    assert len(found) < len(expected) / 4
    assert max(item.features.shape[2] for item in found) == (32 - 4) // 3 * 3
    for one, other in zip(whole(found), whole(expected), strict=True):
        np.testing.assert_allclose(one, other, rtol=1e-6)


def test_chunks_that_wait_are_heard_together() -> None:
    samples = band_noise("green", 4, 12345)
    engine = BandSound()
    eager = Pace(columns_per_step=2, lookahead_columns=4, most_columns_per_step=8)
    stage = Hearing(lambda _newest: engine, SPEC, eager)
    stage.open()
    messages = cut(samples, [80])  # 10 ms
    stage.step(0, {"audio": messages[:20]})
    engine.calls = 0
    outputs = stage.step(0, {"audio": messages[20:120]})
    columns = sum(item.features.shape[2] for _, item in outputs if isinstance(item, SoundColumns))
    assert columns > 60
    assert engine.calls <= columns / 8 + 1


@pytest.mark.parametrize("is_told", [True, False])
def test_lost_samples_are_silence(is_told: bool) -> None:
    lost = 18001 if is_told else 7001
    samples = band_noise("blue", 6, 30000)
    zeroed = samples.copy()
    zeroed[4000 : 4000 + lost] = 0
    expected, _ = hear(cut(zeroed, [1000]))
    gap = AudioGap(stream="t", sequence=1, first_sample=4000, length_samples=lost, rate_hz=8000)
    end = End(stream="t", sequence=3, topic="audio")
    after = chunk(samples[4000 + lost :], 4000 + lost)
    told: list[Message] = [gap] if is_told else []
    found, stage = hear([chunk(samples[:4000], 0), *told, after, end])
    for one, other in zip(whole(found), whole(expected), strict=True):
        np.testing.assert_array_equal(one, other)
    assert stage.stats()["lost_samples"] == lost


def test_behind_many_that_never_came_it_begins_anew() -> None:
    """Of what is missing there are no columns: what plays has the mixture there."""
    samples = band_noise("blue", 6, 40000)
    end = End(stream="t", sequence=3, topic="audio")
    before, after = chunk(samples[:4000], 0), chunk(samples[20000:], 20000)
    found, stage = hear([before, after, end])
    parts = [hear([before, end])[0], hear([after, end])[0]]
    assert [one.first_column for one in found] == [
        one.first_column for part in parts for one in part
    ]
    for one, other in zip(whole(found), whole([*parts[0], *parts[1]]), strict=True):
        np.testing.assert_array_equal(one, other)
    first = parts[1][0].first_column
    assert first == -(-20000 // 128)
    assert stage.stats()["lost_samples"] == first * 128 - 4000


def test_samples_that_come_twice_count_once() -> None:
    samples = band_noise("blue", 6, 5000)
    end = End(stream="t", sequence=3, topic="audio")
    found, _ = hear([chunk(samples[:3000], 0), chunk(samples[2000:], 2000), end])
    expected, _ = hear(cut(samples, [1000]))
    np.testing.assert_array_equal(whole(found)[1], whole(expected)[1])


def test_columns_keep_their_numbers_after_a_restart() -> None:
    samples = band_noise("red", 7, 9000)
    end = End(stream="t", sequence=3, topic="audio")
    found, _ = hear([chunk(samples[1000:], 1000), end])
    assert found[0].first_column == 8
    assert found[0].capture_ns == 8 * 128 * 10**9 // 8000
    analysis = SPEC.audio.at_rate(8000)
    expected = stft(samples, analysis, low_delay(analysis))
    after_start = whole(found)[1][:, 3:]
    np.testing.assert_allclose(after_start, expected[:, 11:], atol=1e-4)


def test_capture_times_follow_the_device_clock() -> None:
    samples = band_noise("red", 7, 8000)
    late = AudioChunk(
        stream="t",
        sequence=1,
        capture_ns=600_000_000,
        first_sample=4000,
        rate_hz=8000,
        samples=samples[4000:],
    )
    found, _ = hear([chunk(samples[:4000], 0), late])
    assert found[-1].capture_ns == round(found[-1].first_column * 128e9 / 8000) + 100_000_000


def test_a_change_of_rate_is_an_error_that_names_both() -> None:
    samples = np.zeros(100, np.float32)
    with pytest.raises(UsageError, match="from 8000 Hz to 11025 Hz"):
        hear([chunk(samples, 0), chunk(samples, 100, 11025)])


def test_silence_costs_no_inference_and_no_sound_ends_at_once() -> None:
    engine = BandSound()
    stage = Hearing(lambda _newest: engine, SPEC, FAST)
    stage.open()
    stage.step(0, {"audio": [chunk(np.zeros(8000, np.float32), 0)]})
    assert engine.calls == 0
    stage.close()
    assert engine.closed
    assert hear([End(stream="t", sequence=0, topic="audio")])[0] == []


def test_no_more_columns_are_computed_than_a_step_needs() -> None:
    opened: dict[int, BandSound] = {}

    def open_sound(newest: int) -> BandSound:
        opened[newest] = BandSound(newest)
        return opened[newest]

    pace = Pace(columns_per_step=2, lookahead_columns=3, most_columns_per_step=8)
    stage = Hearing(open_sound, SPEC, pace)
    stage.open()
    assert set(opened) == {5, 11}
    samples = band_noise("red", 3, 9001)
    few = 2 * SPEC.audio.at_rate(8000).hop
    for start in range(0, 20 * few, few):
        stage.step(0, {"audio": [chunk(samples[start : start + few], start)]})
    assert opened[5].calls > 10
    assert opened[11].calls == 0
    stage.step(0, {"audio": [chunk(samples[20 * few : 26 * few], 20 * few)]})
    assert opened[11].calls > 0
    stage.close()
    assert all(engine.closed for engine in opened.values())
