"""The columns of Table 1: what is asked, how wrong an answer is, and what it sounds like."""

from __future__ import annotations

import numpy as np
import pytest
import torch

from pixelplayer.masks import binary_target, loss_weight, ratio_target
from pixelplayer.metrics import bss_eval_in_order
from pixelplayer.spec import AudioSpec
from pixelplayer.stft import stft
from training import paper
from training.variants import VARIANTS, Variant, View

AUDIO = AudioSpec(rate_hz=8000, n_fft=254, hop=64, columns=64, frequency_bins=64, warp_base=11.0)


def stems() -> np.ndarray:
    """(2, n): a low and a high tone whose loudness comes and goes."""
    time_s = np.arange((AUDIO.columns - 1) * AUDIO.hop) / AUDIO.rate_hz
    swell = 0.5 + 0.4 * np.sin(2 * np.pi * 3 * time_s)
    tones = np.stack([np.sin(2 * np.pi * hz * time_s) for hz in (300, 2100)])
    return (tones * np.stack([swell, 1 - swell]) * 0.4).astype(np.float32)


def right_answers(variant: Variant, view: View, sources: np.ndarray, mixture: np.ndarray):
    """What a network that knows everything would answer."""
    targets = variant.targets(
        torch.from_numpy(sources)[None], torch.from_numpy(mixture)[None, None]
    )
    target = targets[0].numpy()
    if variant.answer == "spectral":
        return np.log(np.expm1(np.log1p(target)) + 1e-6).astype(np.float32)  # softplus backwards
    return np.log((target + 1e-4) / (1 + 1e-4 - np.minimum(target, 1))).astype(np.float32)


@pytest.mark.parametrize("name", VARIANTS)
def test_the_right_answers_separate(name: str) -> None:
    variant = VARIANTS[name]
    view = View(AUDIO, variant.scale)
    assert view.bins == (64 if variant.scale == "log" else 128)
    spectrum = view.spectrum(stems().sum(axis=0))
    sources = view.magnitude(view.spectrum(stems()))
    assert sources.shape == (2, view.bins, AUDIO.columns)
    answers = right_answers(variant, view, sources, view.magnitude(spectrum))
    found = view.sound(variant, answers, spectrum)
    assert found.shape == stems().shape
    scores = bss_eval_in_order(stems(), found, filter_taps=64)
    assert scores.sdr.min() > 12


@pytest.mark.parametrize("name", VARIANTS)
def test_the_right_answers_cost_least(name: str) -> None:
    variant = VARIANTS[name]
    view = View(AUDIO, variant.scale)
    sources = view.magnitude(view.spectrum(stems()))
    mixture = view.magnitude(view.spectrum(stems().sum(axis=0)))
    answers = torch.from_numpy(right_answers(variant, view, sources, mixture))[None]
    whole = torch.from_numpy(mixture)[None, None]
    targets = variant.targets(torch.from_numpy(sources)[None], whole)
    best = variant.loss(answers, targets, whole)
    assert best < 0.25 * variant.loss(answers.flip(1), targets, whole)
    shifted = (answers + 1.0).requires_grad_()
    worse = variant.loss(shifted, targets, whole)
    assert worse > best
    worse.backward()
    assert torch.isfinite(shifted.grad).all()


def test_targets_and_weight_are_the_papers() -> None:
    rng = np.random.default_rng(0)
    sources = rng.uniform(0, 12, (2, 8, 8)).astype(np.float32)
    mixture = rng.uniform(0, 3, (8, 8)).astype(np.float32)
    mixture[0, 0] = 0  # sources may cancel

    def targets(name: str) -> np.ndarray:
        whole = torch.from_numpy(mixture)[None, None]
        return VARIANTS[name].targets(torch.from_numpy(sources)[None], whole)[0].numpy()

    np.testing.assert_array_equal(targets("binary-log"), binary_target(sources, mixture))
    np.testing.assert_allclose(targets("ratio-log"), ratio_target(sources, mixture), rtol=1e-6)
    np.testing.assert_array_equal(targets("spectral-log"), sources)
    loud = torch.full((1, 1, 8, 8), 1e6)
    ones, zeros = torch.ones(1, 1, 8, 8), torch.zeros(1, 1, 8, 8)
    heaviest = VARIANTS["ratio-log"].loss(zeros, ones, loud)
    assert heaviest == pytest.approx(10 * 0.5)
    lightest = VARIANTS["ratio-log"].loss(zeros, ones, zeros)
    assert lightest == pytest.approx(1e-3 * 0.5)
    assert loss_weight(np.float32([1e6]))[0] == 10


def test_a_binary_mask_lets_through_all_or_nothing() -> None:
    variant = VARIANTS["binary-linear"]
    mixture = np.ones((4, 4), np.float32)
    answers = np.linspace(-3, 3, 16, dtype=np.float32).reshape(1, 4, 4)
    assert set(np.unique(variant.magnitudes(answers, mixture))) == {0.0, 1.0}


def test_a_views_transform_is_the_players() -> None:
    for audio in (AUDIO, paper.AUDIO):
        view = View(audio, "linear")
        noise = np.random.default_rng(0).normal(0, 0.1, (2, view.samples)).astype(np.float32)
        own, players = view.spectrum(noise), stft(noise, audio.at_rate(audio.rate_hz))
        assert own.dtype == players.dtype == np.complex64
        largest = np.abs(players).max()
        np.testing.assert_allclose(own, players[..., : audio.columns], atol=1e-6 * largest)
