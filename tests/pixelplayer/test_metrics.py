import warnings

import numpy as np
import pytest

from pixelplayer.metrics import bss_eval, bss_eval_in_order, nsdr, overlap


def coloured(sources, length, seed=0):
    """Noises with a spectrum each, as instruments have."""
    rng = np.random.default_rng(seed)
    noises = rng.standard_normal((sources, length))
    filters = rng.standard_normal((sources, 20))
    return np.stack([np.convolve(n, f)[:length] for n, f in zip(noises, filters, strict=True)])


def leaky(reference, leak, noise, seed=1):
    """Every source with some of the mixture and some noise."""
    rng = np.random.default_rng(seed)
    return reference + leak * reference.sum(axis=0) + noise * rng.standard_normal(reference.shape)


def judged(reference, estimate, compute_permutation):
    """What mir_eval says."""
    separation = pytest.importorskip("mir_eval.separation")
    with warnings.catch_warnings():
        warnings.filterwarnings("ignore", message=".*mir_eval", category=FutureWarning)
        return separation.bss_eval_sources(
            reference, estimate, compute_permutation=compute_permutation
        )


def assert_agrees(scores, judgement):
    sdr, sir, sar, permutation = judgement
    np.testing.assert_allclose(scores.sdr, sdr, atol=0.01)
    np.testing.assert_allclose(scores.sir, sir, atol=0.01)
    np.testing.assert_allclose(scores.sar, sar, atol=0.01)
    np.testing.assert_array_equal(scores.permutation, permutation)


@pytest.mark.parametrize(("sources", "leak", "noise"), [(1, 0, 0.5), (2, 0.3, 0.1)])
def test_agrees_with_mir_eval_in_order(sources, leak, noise):
    reference = coloured(sources, 4000)
    estimate = leaky(reference, leak, noise)
    scores = bss_eval_in_order(reference, estimate)
    assert_agrees(scores, judged(reference, estimate, compute_permutation=False))


def test_agrees_with_mir_eval_on_the_order():
    reference = coloured(2, 4000)
    estimate = leaky(reference, 0.2, 0.1)[::-1]
    scores = bss_eval(reference, estimate)
    assert_agrees(scores, judged(reference, estimate, compute_permutation=True))


@pytest.mark.parametrize("order", [(0, 1, 2), (1, 2, 0), (2, 1, 0)])
def test_any_order_is_found(order):
    reference = coloured(3, 3000)
    estimate = leaky(reference, 0.3, 0.1)
    shuffled = bss_eval(reference, estimate[list(order)], filter_taps=32)
    np.testing.assert_array_equal(np.array(order)[shuffled.permutation], [0, 1, 2])
    in_order = bss_eval_in_order(reference, estimate, filter_taps=32)
    np.testing.assert_allclose(shuffled.sdr, in_order.sdr)
    np.testing.assert_allclose(shuffled.sir, in_order.sir)
    np.testing.assert_allclose(shuffled.sar, in_order.sar)


def test_agrees_with_mir_eval_on_hard_material():
    """Band-limited tones, float32, a source far quieter than the other, few artefacts."""
    at = np.arange(8000) / 8000
    chord = sum(np.sin(2 * np.pi * 110 * k * at) / k for k in range(1, 8))
    reference = np.stack([chord, 0.01 * coloured(1, 8000)[0]]).astype(np.float32)
    estimate = leaky(reference, 0.05, 1e-4).astype(np.float32)
    scores = bss_eval_in_order(reference, estimate)
    assert_agrees(scores, judged(reference, estimate, compute_permutation=False))


def test_filtered_and_scaled_references_are_nearly_perfect():
    reference = coloured(2, 4000)
    estimate = np.stack([3 * reference[0], -np.convolve(reference[1], [1, 0.5])[:4000]])
    scores = bss_eval_in_order(reference, estimate, filter_taps=32)
    assert scores.sdr[0] > 200
    assert scores.sdr[1] > 30  # the filter's tail is cut with the signal


def test_single_source_has_no_interference():
    reference = coloured(1, 3000)
    assert bss_eval_in_order(reference, leaky(reference, 0, 0.5)).sir[0] == np.inf


def test_estimates_of_a_swapped_picture_are_not_put_right():
    reference = coloured(2, 4000)
    scores = bss_eval_in_order(reference, leaky(reference, 0, 0.1)[::-1], filter_taps=64)
    assert scores.sdr.max() < 0
    np.testing.assert_array_equal(scores.permutation, [0, 1])


def test_references_that_depend_on_each_other_still_score():
    source = coloured(1, 3000)
    reference = np.concatenate([source, source])
    scores = bss_eval_in_order(reference, leaky(reference, 0, 0.5), filter_taps=16)
    assert np.isfinite(scores.sdr).all()


def test_nsdr_is_gain_over_the_mixture():
    reference = coloured(2, 5000)
    mixture = reference.sum(axis=0)
    estimate = leaky(reference, 0.1, 0.05)
    before = judged(reference, np.stack([mixture, mixture]), compute_permutation=False)[0]
    after = judged(reference, estimate, compute_permutation=False)[0]
    np.testing.assert_allclose(nsdr(reference, estimate, mixture), after - before, atol=0.01)


def test_nsdr_of_the_mixture_is_zero():
    reference = coloured(2, 3000)
    mixture = reference.sum(axis=0)
    gained = nsdr(reference, np.stack([mixture, mixture]), mixture, filter_taps=64)
    np.testing.assert_allclose(gained, 0, atol=1e-6)


def test_silence_is_refused_by_name():
    sounding = coloured(2, 1000)
    silent = sounding.copy()
    silent[1] = 0
    with pytest.raises(ValueError, match="reference 1 is silent"):
        bss_eval(silent, sounding)
    with pytest.raises(ValueError, match="estimate 1 is silent"):
        bss_eval_in_order(sounding, silent)
    with pytest.raises(ValueError, match="mixture 0 is silent"):
        nsdr(sounding, sounding, np.zeros(1000))


def test_wrong_shapes_and_values_are_refused():
    sounding = coloured(2, 1000)
    with pytest.raises(ValueError, match=r"estimate.shape = \(2, 999\)"):
        bss_eval(sounding, sounding[:, :999])
    with pytest.raises(ValueError, match="must both be"):
        bss_eval(sounding[0], sounding[0])
    with pytest.raises(ValueError, match="must both be"):
        bss_eval(sounding[:0], sounding[:0])
    with pytest.raises(ValueError, match="mixture must be"):
        nsdr(sounding, sounding, sounding)
    broken = sounding.copy()
    broken[0, 3] = np.nan
    with pytest.raises(ValueError, match="estimate has samples that are not finite"):
        bss_eval(sounding, broken)


@pytest.mark.parametrize(
    ("second", "expected"),
    [
        ((0.0, 0.0, 0.5, 0.5), 1.0),
        ((0.25, 0.0, 0.75, 0.5), 1 / 3),
        ((0.0, 0.0, 0.25, 0.25), 0.25),
        ((0.5, 0.5, 1.0, 1.0), 0.0),
        ((0.7, 0.7, 0.7, 0.7), 0.0),
    ],
)
def test_overlap_is_intersection_over_union(
    second: tuple[float, float, float, float], expected: float
) -> None:
    first = (0.0, 0.0, 0.5, 0.5)
    assert overlap(first, second) == pytest.approx(expected)
    assert overlap(second, first) == pytest.approx(expected)
