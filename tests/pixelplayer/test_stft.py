import numpy as np
import pytest

from pixelplayer.spec import Analysis, AudioSpec
from pixelplayer.stft import (
    StreamingIstft,
    StreamingStft,
    columns_of,
    istft,
    low_delay,
    stft,
    symmetric,
)

RATES_HZ = (8000, 11025, 44100, 48000, 96000)
SMALL = Analysis(rate_hz=8000, n_fft=46, hop=12, magnitude_scale=1.0)


def analysis_at(rate_hz):
    spec = AudioSpec(
        rate_hz=44100, n_fft=4088, hop=1024, columns=256, frequency_bins=256, warp_base=121.0
    )
    return spec.at_rate(rate_hz)


def noise(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape).astype(np.float32)


def pieces(array, seed, largest):
    """Cut the last axis at random, empty pieces included."""
    rng = np.random.default_rng(seed)
    start = 0
    while start < array.shape[-1]:
        stop = start + int(rng.integers(0, largest + 1))
        yield array[..., start:stop]
        start = stop


def stream_forward(streaming, samples, seed, largest):
    parts = [streaming.feed(piece) for piece in pieces(samples, seed, largest)]
    return np.concatenate([*parts, streaming.flush()], axis=-1)


def stream_inverse(streaming, spectrum, length, seed, largest):
    parts = [streaming.feed(piece) for piece in pieces(spectrum, seed, largest)]
    return np.concatenate([*parts, streaming.flush(length)], axis=-1)


@pytest.mark.parametrize("rate_hz", RATES_HZ)
@pytest.mark.parametrize("seconds", [0.013, 0.31])
def test_inverse_of_transform_is_the_signal(rate_hz, seconds):
    analysis = analysis_at(rate_hz)
    samples = noise(round(rate_hz * seconds))
    spectrum = stft(samples, analysis)
    assert spectrum.dtype == np.complex64
    assert spectrum.flags.c_contiguous
    assert spectrum.shape == (analysis.bins, columns_of(len(samples), analysis.hop))
    again = istft(spectrum, analysis, len(samples))
    assert again.dtype == np.float32
    np.testing.assert_allclose(again, samples, atol=3e-6)


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_streamed_there_and_back_is_the_signal(rate_hz):
    analysis = analysis_at(rate_hz)
    samples = noise(rate_hz // 4)
    forward, inverse = StreamingStft(analysis), StreamingIstft(analysis, streams=1)
    parts = [inverse.feed(forward.feed(p)[None]) for p in pieces(samples, 3, rate_hz // 50)]
    parts.append(inverse.feed(forward.flush()[None]))
    parts.append(inverse.flush(len(samples)))
    np.testing.assert_allclose(np.concatenate(parts, axis=-1)[0], samples, atol=3e-6)


def test_columns_are_centred_on_multiples_of_the_hop():
    samples = np.zeros(100, np.float32)
    samples[5 * SMALL.hop] = 1.0
    np.testing.assert_allclose(np.abs(stft(samples, SMALL)[:, 5]), 1.0, atol=1e-6)


def test_column_is_the_windowed_fourier_sum():
    samples = noise(200)
    half = SMALL.n_fft // 2
    at = np.arange(SMALL.n_fft)
    window = np.sin(np.pi * at / SMALL.n_fft) ** 2
    segment = samples[7 * SMALL.hop - half : 7 * SMALL.hop + half] * window
    waves = np.exp(-2j * np.pi * np.outer(np.arange(SMALL.bins), at) / SMALL.n_fft)
    np.testing.assert_allclose(stft(samples, SMALL)[:, 7], waves @ segment, atol=1e-4)


def test_leading_axes_are_signals_of_their_own():
    samples = noise(2, 3, 150)
    spectrum = stft(samples, SMALL)
    assert spectrum.shape[:2] == (2, 3)
    np.testing.assert_array_equal(spectrum[1, 2], stft(samples[1, 2], SMALL))
    np.testing.assert_allclose(istft(spectrum, SMALL, 150), samples, atol=3e-6)


@pytest.mark.parametrize("windows", [symmetric(SMALL), low_delay(SMALL)], ids=["both", "low"])
@pytest.mark.parametrize("length", [0, 1, 11, 12, 13, 23, 46, 47, 600])
@pytest.mark.parametrize("largest", [1, 30, 700])
def test_streamed_transform_equals_whole(length, largest, windows):
    samples = noise(length)
    streaming = StreamingStft(SMALL, windows)
    streamed = stream_forward(streaming, samples, length, largest)
    np.testing.assert_array_equal(streamed, stft(samples, SMALL, windows))


@pytest.mark.parametrize("windows", [symmetric(SMALL), low_delay(SMALL)], ids=["both", "low"])
@pytest.mark.parametrize("length", [0, 1, 11, 12, 13, 23, 46, 47, 600])
@pytest.mark.parametrize("largest", [1, 3, 60])
def test_streamed_inverse_equals_whole(length, largest, windows):
    spectrum = stft(noise(3, length), SMALL, windows)
    spectrum *= np.random.default_rng(9).random(spectrum.shape, np.float32)
    streaming = StreamingIstft(SMALL, streams=3, windows=windows)
    streamed = stream_inverse(streaming, spectrum, length, length, largest)
    np.testing.assert_array_equal(streamed, istft(spectrum, SMALL, length, windows))


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_with_low_delay_the_signal_comes_back_within_a_hop_and_its_fade(rate_hz):
    analysis = analysis_at(rate_hz)
    windows = low_delay(analysis)
    samples = noise(rate_hz // 2)
    forward = StreamingStft(analysis, windows)
    inverse = StreamingIstft(analysis, streams=1, windows=windows)
    given, latest, parts = 0, 0, []
    for piece in pieces(samples, 3, analysis.hop):
        given += len(piece)
        parts.append(inverse.feed(forward.feed(piece)[None], given))
        latest = max(latest, given - sum(part.shape[1] for part in parts))
    parts.append(inverse.feed(forward.flush()[None], len(samples)))
    parts.append(inverse.flush(len(samples)))
    again = np.concatenate(parts, axis=1)[0]
    assert len(again) == len(samples)
    assert latest <= 1.7 * analysis.hop + 1
    error_db = 20 * np.log10(np.abs(again - samples).max() / np.abs(samples).max())
    assert error_db < -110


def test_no_more_is_given_than_the_signal_is_known_to_have():
    windows = low_delay(SMALL)
    spectrum = stft(noise(100), SMALL, windows)[None]
    assert spectrum.shape[2] == 10
    of_whole = StreamingIstft(SMALL, streams=1, windows=windows).feed(spectrum, 100)
    assert of_whole.shape[1] == 100
    of_shorter = StreamingIstft(SMALL, streams=1, windows=windows)
    assert of_shorter.feed(spectrum, 98).shape[1] == 98
    assert of_shorter.flush(98).shape[1] == 0
    unknown = StreamingIstft(SMALL, streams=1, windows=windows)
    assert unknown.feed(spectrum).shape[1] == 97  # the shortest of ten columns
    assert unknown.flush(100).shape[1] == 3


def test_too_short_a_transform_has_no_low_delay():
    with pytest.raises(ValueError, match="more than two hops"):
        low_delay(Analysis(rate_hz=8000, n_fft=24, hop=12, magnitude_scale=1.0))


@pytest.mark.parametrize("rate_hz", RATES_HZ)
def test_streams_equal_whole_at_every_rate(rate_hz):
    analysis = analysis_at(rate_hz)
    samples = noise(rate_hz // 3)
    spectrum = stream_forward(StreamingStft(analysis), samples, 1, rate_hz // 20)
    np.testing.assert_array_equal(spectrum, stft(samples, analysis))
    inverse = StreamingIstft(analysis, streams=1)
    streamed = stream_inverse(inverse, spectrum[None], len(samples), 2, 4)
    np.testing.assert_array_equal(streamed[0], istft(spectrum, analysis, len(samples)))


@pytest.mark.parametrize("hop", [5, 12, 15, 23])
def test_every_length_can_be_flushed_whatever_the_overlap(hop):
    analysis = Analysis(rate_hz=8000, n_fft=46, hop=hop, magnitude_scale=1.0)
    for length in range(1, 3 * hop):
        samples = noise(length, seed=length)
        inverse = StreamingIstft(analysis, streams=1)
        first = inverse.feed(stft(samples, analysis)[None])
        again = np.concatenate([first, inverse.flush(length)], axis=-1)[0]
        np.testing.assert_allclose(again, samples, atol=2e-5)


def test_column_comes_with_the_last_sample_under_it():
    streaming = StreamingStft(SMALL)
    assert streaming.feed(noise(SMALL.n_fft // 2 - 1)).shape == (SMALL.bins, 0)
    assert streaming.feed(noise(1)).shape == (SMALL.bins, 1)


def test_reset_and_flush_begin_a_new_signal():
    samples = noise(300)
    forward, inverse = StreamingStft(SMALL), StreamingIstft(SMALL, streams=2)
    forward.feed(noise(77, seed=5))
    forward.reset()
    inverse.feed(stft(noise(2, 77, seed=5), SMALL))
    inverse.reset()
    for _ in range(2):
        spectrum = stream_forward(forward, samples, 1, 50)
        np.testing.assert_array_equal(spectrum, stft(samples, SMALL))
        both = np.stack([spectrum, 2 * spectrum])
        again = stream_inverse(inverse, both, 300, 1, 5)
        np.testing.assert_allclose(again, np.stack([samples, 2 * samples]), atol=3e-6)


def test_grown_stream_fades_in_and_leaves_the_others_alone():
    samples = noise(600)
    spectrum = stft(samples, SMALL)
    inverse = StreamingIstft(SMALL, streams=1)
    before = inverse.feed(spectrum[None, :, :20])
    inverse.grow(2)
    assert inverse.streams == 3
    parts = np.concatenate([spectrum[None]] * 3)[:, :, 20:] * np.float32(1 / 3)
    after = np.concatenate([inverse.feed(parts), inverse.flush(600)], axis=-1)
    # Three thirds, with the past of the one that was there, are the signal.
    np.testing.assert_allclose(after.sum(axis=0), samples[before.shape[1] :], atol=3e-6)
    np.testing.assert_allclose(after[1], after[2])
    assert np.abs(after[1, 0]) < np.abs(after[0, 0])
    np.testing.assert_allclose(after[1, -100:], samples[-100:] / 3, atol=3e-6)


def test_streams_of_a_divided_spectrum_sum_to_the_signal():
    samples = noise(500)
    spectrum = stft(samples, SMALL)
    share = np.random.default_rng(1).random(spectrum.shape, np.float32)
    parts = istft(np.stack([share * spectrum, (1 - share) * spectrum]), SMALL, 500)
    np.testing.assert_allclose(parts.sum(axis=0), samples, atol=3e-6)


def test_no_streams_are_possible():
    inverse = StreamingIstft(SMALL, streams=0)
    assert inverse.feed(np.zeros((0, SMALL.bins, 9), np.complex64)).shape[0] == 0
    inverse.grow(1)
    assert inverse.feed(stft(noise(100), SMALL)[None]).shape[0] == 1


def test_wrong_spectrum_and_length_are_refused():
    inverse = StreamingIstft(SMALL, streams=2)
    with pytest.raises(ValueError, match=r"\(2, 24, 'm'\).*got spectrum.shape = \(1, 24, 3\)"):
        inverse.feed(np.zeros((1, 24, 3), np.complex64))
    inverse.feed(np.zeros((2, 24, 10), np.complex64))
    for length in (50, 121):
        with pytest.raises(ValueError, match=f"got {length}"):
            inverse.flush(length)
    assert inverse.flush(120).shape[0] == 2
