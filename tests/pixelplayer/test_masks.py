import numpy as np
import pytest

from pixelplayer.masks import (
    binary_target,
    loss_weight,
    mask_logits,
    ratio_target,
    share,
    sigmoid,
)


def floats(*values):
    return np.array(values, np.float32)


def test_logits_are_the_synthesizers_sum():
    rng = np.random.default_rng(0)
    vectors, sound = rng.random((3, 4), np.float32), rng.random((4, 5, 6), np.float32)
    scale = rng.random(4, np.float32)
    logits = mask_logits(vectors, sound, scale, -0.25)
    expected = np.einsum("nk,k,kft->nft", vectors, scale, sound) - 0.25
    assert logits.dtype == np.float32
    np.testing.assert_allclose(logits, expected, atol=1e-5)


def test_no_object_has_no_logits():
    logits = mask_logits(
        np.zeros((0, 4), np.float32), np.ones((4, 5, 6), np.float32), np.ones(4, np.float32), 0.0
    )
    assert logits.shape == (0, 5, 6)


@pytest.mark.parametrize("bad", [np.nan, np.inf, -np.inf])
def test_broken_sound_gives_quiet_logits_and_a_whole_mixture(bad):
    sound = np.ones((2, 3, 4), np.float32)
    sound[0, 1, 2] = bad
    masks = sigmoid(mask_logits(floats([0, 1], [1, 1]), sound, np.ones(2, np.float32), 0.0))
    shares = share(masks, 1.5, 0.2)
    assert np.isfinite(shares).all()
    np.testing.assert_allclose(shares.sum(axis=0), 1.0, atol=1e-6)


def test_sigmoid_is_exact_and_safe_everywhere():
    logits = floats(-np.inf, -1e38, -100, -20, -1, -0.0, 0, 1, 20, 100, 1e38, np.inf)
    with np.errstate(over="raise", divide="raise", invalid="raise"):
        values = sigmoid(logits)
    assert values.dtype == np.float32
    expected = 1 / (1 + np.exp(-np.clip(logits.astype(np.float64), -700, 700)))
    np.testing.assert_allclose(values, expected, rtol=1e-6, atol=1e-37)
    assert np.isnan(sigmoid(floats(np.nan)))[0]


@pytest.mark.parametrize("objects", [0, 1, 2, 7])
def test_shares_sum_to_one(objects):
    masks = np.random.default_rng(objects).random((objects, 16, 3), np.float32)
    before = masks.copy()
    shares = share(masks, 1.5, 0.2)
    assert shares.shape == (objects + 1, 16, 3)
    assert shares.dtype == np.float32
    assert shares.min() >= 0
    np.testing.assert_allclose(shares.sum(axis=0), 1.0, atol=1e-6)
    np.testing.assert_array_equal(masks, before)


def test_without_objects_the_residual_is_everything():
    shares = share(np.zeros((0, 4, 5), np.float32), 1.5, 0.2)
    np.testing.assert_array_equal(shares, np.ones((1, 4, 5), np.float32))


def test_shares_follow_the_formula():
    shares = share(floats(0.9, 0.3).reshape(2, 1, 1), 1.5, 0.2)[:, 0, 0]
    claims = np.array([0.9, 0.3, 0.2]) ** 1.5
    np.testing.assert_allclose(shares, claims / claims.sum(), rtol=1e-6)


def test_what_no_object_claims_is_residual():
    shares = share(np.zeros((3, 2, 2), np.float32), 1.5, 0.2)
    np.testing.assert_array_equal(shares[-1], 1.0)


def test_masks_outside_their_range_are_kept_within_it():
    odd = floats(np.nan, np.inf, -np.inf, -0.5, 2.0).reshape(1, 5, 1)
    even = floats(0, 1, 0, 0, 1).reshape(1, 5, 1)
    np.testing.assert_array_equal(share(odd, 1.5, 0.2), share(even, 1.5, 0.2))


def test_binary_target_is_more_than_half():
    mixture = floats([2.0, 2.0, 2.0, 0.0])
    sources = floats([[0.9, 1.0, 1.1, 0.0]])
    np.testing.assert_array_equal(binary_target(sources, mixture), floats([[0, 0, 1, 0]]))


def test_ratio_target_is_bounded():
    mixture = floats([2.0, 0.1, 0.0, 0.0])
    sources = floats([[1.0, 10.0, 1.0, 0.0]])
    target = ratio_target(sources, mixture)
    assert target.dtype == np.float32
    np.testing.assert_allclose(target, floats([[0.5, 5.0, 5.0, 0.0]]), rtol=1e-6)


def test_loss_weight_is_bounded_log_loudness():
    weight = loss_weight(floats([0.0, 1.0, 1e6]))
    assert weight.dtype == np.float32
    np.testing.assert_allclose(weight, floats([1e-3, np.log(2), 10.0]), rtol=1e-6)
