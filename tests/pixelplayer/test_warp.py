import numpy as np
import pytest

from pixelplayer.spec import AudioSpec
from pixelplayer.warp import LogFrequencyWarp

PAPER = AudioSpec(
    rate_hz=11025, n_fft=1022, hop=256, columns=256, frequency_bins=256, warp_base=21.0
)
FULL_BAND = AudioSpec(
    rate_hz=44100, n_fft=4088, hop=1024, columns=256, frequency_bins=256, warp_base=121.0
)


def warp_at(spec, rate_hz):
    return LogFrequencyWarp(spec, spec.at_rate(rate_hz))


def grid_sampled(values, rows):
    """``values (height, width)`` at ``rows`` in [-1, 1], as the paper's code samples them.

    In float64: grid_sample's own coordinates cost 1e-4 in float32.
    """
    torch = pytest.importorskip("torch")
    columns = torch.linspace(-1, 1, values.shape[1], dtype=torch.float64)
    x, y = torch.meshgrid(columns, torch.from_numpy(rows), indexing="xy")
    sampled = torch.nn.functional.grid_sample(
        torch.from_numpy(values.astype(np.float64))[None, None],
        torch.stack([x, y], -1)[None],
        align_corners=True,
    )
    return sampled[0, 0].numpy()


def test_paper_geometry_equals_grid_sample():
    warp = warp_at(PAPER, 11025)
    rng = np.random.default_rng(0)
    magnitude = rng.random((512, 8), np.float32)
    to_log = grid_sampled(magnitude, (21 ** np.linspace(0, 1, 256) - 11) / 10)
    np.testing.assert_allclose(warp.to_log(magnitude), to_log, atol=1e-5)
    mask = rng.random((256, 8), np.float32)
    to_linear = grid_sampled(mask, 2 * np.log(10 * np.linspace(-1, 1, 512) + 11) / np.log(21) - 1)
    np.testing.assert_allclose(warp.to_linear(mask), to_linear, atol=1e-5)


@pytest.mark.parametrize("spec", [PAPER, FULL_BAND])
def test_corners_stay_in_place(spec):
    warp = warp_at(spec, spec.rate_hz)
    analysis = spec.at_rate(spec.rate_hz)
    ramp = np.arange(analysis.bins, dtype=np.float32)[:, None]
    log = warp.to_log(ramp)
    assert log.dtype == np.float32
    assert log[0, 0] == 0
    assert log[-1, 0] == analysis.bins - 1
    assert np.all(np.diff(log[:, 0]) > 0)
    linear = warp.to_linear(np.arange(spec.frequency_bins, dtype=np.float32)[:, None])
    assert linear.shape == ramp.shape
    assert linear[0, 0] == 0
    assert linear[-1, 0] == spec.frequency_bins - 1


@pytest.mark.parametrize("rate_hz", [8000, 11025, 44100, 48000, 96000])
def test_grid_stays_in_hz_at_every_rate(rate_hz):
    """A spectrum that is its own frequency, in Hz, shows the grid's frequencies."""
    warp, analysis = warp_at(FULL_BAND, rate_hz), FULL_BAND.at_rate(rate_hz)
    hz = (np.arange(analysis.bins) * rate_hz / analysis.n_fft).astype(np.float32)[:, None]
    grid_hz = 22050 * (121 ** np.linspace(0, 1, 256) - 1) / 120
    heard = warp.to_log(hz)[:, 0]
    inside = grid_hz <= rate_hz / 2 + 1e-3
    np.testing.assert_allclose(heard[inside], grid_hz[inside], rtol=1e-5)
    assert not heard[~inside].any()


@pytest.mark.parametrize("rate_hz", [8000, 11025, 44100, 48000, 96000])
def test_masks_beyond_the_checkpoints_nyquist_repeat_the_last_bin(rate_hz):
    warp, analysis = warp_at(FULL_BAND, rate_hz), FULL_BAND.at_rate(rate_hz)
    mask = np.random.default_rng(1).random((256, 2), np.float32)
    linear = warp.to_linear(mask)
    hz = np.arange(analysis.bins) * rate_hz / analysis.n_fft
    beyond = hz >= 22050
    np.testing.assert_array_equal(linear[beyond], np.broadcast_to(mask[-1], (beyond.sum(), 2)))
    assert linear.min() >= mask.min()
    assert linear.max() <= mask.max()


def test_masks_that_sum_to_one_still_do():
    masks = np.random.default_rng(2).random((4, 256, 3), np.float32)
    masks /= masks.sum(axis=0)
    linear = warp_at(FULL_BAND, 48000).to_linear(masks)
    assert linear.shape == (4, FULL_BAND.at_rate(48000).bins, 3)
    np.testing.assert_allclose(linear.sum(axis=0), 1.0, atol=1e-6)


def test_leading_axes_and_empty_widths():
    warp = warp_at(PAPER, 11025)
    magnitude = np.random.default_rng(3).random((2, 3, 512, 5), np.float32)
    log = warp.to_log(magnitude)
    np.testing.assert_array_equal(log[1, 2], warp.to_log(magnitude[1, 2]))
    assert warp.to_log(magnitude[0, 0, :, :0]).shape == (256, 0)
    assert warp.to_linear(np.zeros((0, 256, 3), np.float32)).shape == (0, 512, 3)


def test_inputs_are_left_alone():
    warp = warp_at(PAPER, 11025)
    mask = np.random.default_rng(4).random((256, 3), np.float32)
    copy = mask.copy()
    warp.to_linear(mask)
    np.testing.assert_array_equal(mask, copy)


def heard_tone(rate_hz):
    analysis = FULL_BAND.at_rate(rate_hz)
    at = np.arange(analysis.n_fft)
    window = np.sin(np.pi * at / analysis.n_fft) ** 2
    tone = np.sin(2 * np.pi * 97.0 * at / rate_hz)
    spectrum = np.fft.rfft(tone * window).astype(np.complex64)[:, None]
    return warp_at(FULL_BAND, rate_hz).log_magnitude(spectrum)[:, 0]


@pytest.mark.parametrize("rate_hz", [8000, 11025, 22050, 48000, 96000])
def test_log_magnitude_of_a_tone_is_the_same_at_every_rate(rate_hz):
    heard, own = heard_tone(rate_hz), heard_tone(44100)
    assert heard.dtype == np.float32
    assert heard.argmax() == own.argmax()
    assert heard.max() == pytest.approx(own.max(), abs=0.01)


def test_log_magnitude_of_silence_is_finite():
    silence = np.zeros((512, 3), np.complex64)
    heard = warp_at(PAPER, 11025).log_magnitude(silence)
    np.testing.assert_allclose(heard, np.log(1e-10), rtol=1e-6)
