import numpy as np
import pytest

from realtime.messages import Streams
from realtime.sinks.mixer import Mixer, centred, equal_power

RATE_HZ = 44_100


def streams(samples, gains, pans=None, first_sample=0, object_ids=None):
    rows = len(samples)
    return Streams(
        stream="test",
        sequence=0,
        capture_ns=0,
        first_sample=first_sample,
        rate_hz=RATE_HZ,
        object_ids=tuple(range(1, rows)) if object_ids is None else object_ids,
        samples=np.asarray(samples, dtype=np.float32),
        gains=tuple(gains),
        pans=tuple(pans or [0.0] * rows),
    )


def noise(rows, samples=3000, level=0.1):
    return np.random.default_rng(rows).normal(0, level, (rows, samples)).astype(np.float32)


@pytest.mark.parametrize("pan_law", [centred, equal_power])
def test_gain_one_is_a_transparent_wire(pan_law):
    rows = noise(3)
    mix = Mixer(RATE_HZ, pan_law).feed(streams(rows, [1.0] * 3))
    expected = rows.astype(np.float64).sum(axis=0).astype(np.float32)
    np.testing.assert_allclose(mix[0], expected, atol=1e-7)
    np.testing.assert_array_equal(mix[0], mix[1])


def test_pan_off_ignores_where_objects_stand():
    rows = noise(2)
    mix = Mixer(RATE_HZ, centred).feed(streams(rows, [1.0, 1.0], [-1.0, 1.0]))
    np.testing.assert_array_equal(mix[0], mix[1])


@pytest.mark.parametrize("pan", [-1.0, -0.4, 0.0, 0.7, 1.0])
def test_pan_keeps_the_power(pan):
    left, right = equal_power(pan)
    assert left**2 + right**2 == pytest.approx(2.0)
    assert (left > right + 1e-9) == (pan < 0)


def test_hard_pan_is_heard_on_one_ear_only():
    mix = Mixer(RATE_HZ).feed(streams(noise(2), [1.0, 0.0], [-1.0, 0.0]))
    assert np.abs(mix[1]).max() < 1e-6
    assert np.abs(mix[0]).max() > 0.1


def test_a_muted_object_is_silent():
    rows = noise(2)
    mix = Mixer(RATE_HZ, centred).feed(streams(rows, [0.0, 1.0]))
    np.testing.assert_array_equal(mix[0], rows[1])


def test_a_gain_change_makes_no_click():
    """On a constant input the output is the gain: its slope and bend must stay small."""
    mixer = Mixer(RATE_HZ, centred)
    rows = np.full((1, 1000), 0.5, dtype=np.float32)
    gains = [1.0, 0.0, 0.0, 1.0, 0.3, 0.3]
    out = np.concatenate([mixer.feed(streams(rows, [gain]))[0] for gain in gains])
    ramp = 0.020 * RATE_HZ
    assert np.abs(np.diff(out)).max() <= 0.5 * 1.6 / ramp
    # Bounded by smoothstep's bend, 6 / ramp^2, and float32 rounding of the samples.
    assert np.abs(np.diff(out.astype(np.float64), 2)).max() < 0.5 * 2 * 6 / ramp**2 + 2e-7
    assert out[-1] == pytest.approx(0.15)


def test_a_change_in_the_middle_of_a_ramp_goes_on_from_there():
    mixer = Mixer(RATE_HZ, centred)
    rows = np.full((1, 300), 0.5, dtype=np.float32)
    out = [mixer.feed(streams(rows, [gain]))[0] for gain in (1.0, 0.0, 1.0, 1.0, 1.0, 1.0)]
    jumps = np.abs(np.diff(np.concatenate(out)))
    assert jumps.max() < 0.5 * 1.6 / (0.020 * RATE_HZ)
    assert out[-1][-1] == 0.5


def test_chunks_do_not_matter():
    rows = noise(2, 4000)
    whole_mixer, mixer = Mixer(RATE_HZ), Mixer(RATE_HZ)
    for each in (whole_mixer, mixer):
        each.feed(streams(rows, [1.0, 1.0], [0.5, 0.0]))
    whole = whole_mixer.feed(streams(rows, [0.2, 0.5], [-0.5, 0.0]))
    cuts = np.sort(np.random.default_rng(3).choice(np.arange(1, 4000), 12, replace=False))
    parts = [
        mixer.feed(streams(part, [0.2, 0.5], [-0.5, 0.0])) for part in np.split(rows, cuts, axis=1)
    ]
    np.testing.assert_allclose(np.concatenate(parts, axis=1), whole, atol=1e-6)


def test_a_new_object_takes_over_from_the_residual_without_a_hole():
    mixer = Mixer(RATE_HZ, centred)
    samples = noise(1, 500)
    first = mixer.feed(streams(samples, [1.0]))
    second = mixer.feed(streams(np.vstack([samples, samples * 0]), [1.0, 1.0]))
    np.testing.assert_array_equal(first, second)


def test_the_limiter_guards_the_output():
    mix = Mixer(RATE_HZ, centred).feed(streams(noise(2, level=1.0), [3.0, 3.0]))
    assert np.abs(mix).max() <= 1.0
