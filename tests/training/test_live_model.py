"""A model folder in the table: it says what it says of whole recordings, at the table's rate."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import pytest
import torch

from pixelplayer.networks.checkpoint import Networks, save
from pixelplayer.offline import separate_offline
from pixelplayer.pictures import exposed
from pixelplayer.spec import ModelSpec
from pixelplayer.vocabulary import Vocabulary
from tests.fakes.clips import ToneClips
from tests.fakes.tiny_model import tiny_networks, tiny_spec, tiny_streaming_spec
from training.clips import ClipError
from training.contenders import methods_of
from training.live_model import LiveModel
from training.material import Material
from training.methods import Problem
from training.mixing import Mixtures
from training.paper import AUDIO
from training.variants import View

WORDS = {
    "bell": [0.9, 0.1, 0.1, 0.1],
    "drone": [0.1, 0.9, 0.1, 0.1],
    "pipe": [0.1, 0.1, 0.9, 0.1],
}


@pytest.fixture(scope="module")
def problem() -> Problem:
    return Problem.of(Mixtures(ToneClips(), View(AUDIO, "log"), count=2, seed=5).solos(0))


def write(folder: Path, words: Mapping[str, Sequence[float]], spec: ModelSpec) -> Networks:
    """A folder without graphs: training has no use for them."""
    networks = tiny_networks(spec)
    save(folder / "weights.safetensors", networks)
    said = {"classes": list(words), "class_vectors": list(words.values())}
    (folder / "model.json").write_text(json.dumps(spec.to_dict() | said))
    return networks


def offline(
    networks: Networks, problem: Problem, vectors: np.ndarray, **more: object
) -> np.ndarray:
    spec = tiny_spec()

    def infer(window: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            return networks.sound(torch.from_numpy(window.copy())).numpy()

    return separate_offline(
        infer,
        spec,
        networks.synthesizer.scale.detach().numpy(),
        float(networks.synthesizer.bias.detach()),
        samples=problem.mixture,
        rate_hz=AUDIO.rate_hz,
        vectors=np.asarray(vectors, np.float32),
        **more,
    )[:-1]


def test_told_it_separates_as_the_whole_recording_is_separated(
    tmp_path: Path, problem: Problem
) -> None:
    networks = write(tmp_path, WORDS, tiny_spec())
    model = LiveModel(tmp_path, AUDIO.rate_hz)
    words = np.array([WORDS[clip.label] for clip in problem.clips])
    np.testing.assert_allclose(model.told(problem), offline(networks, problem, words), atol=1e-5)


def test_shown_it_goes_by_what_is_seen_and_heard(tmp_path: Path, problem: Problem) -> None:
    networks = write(tmp_path, WORDS, tiny_spec())
    spec = tiny_spec()
    seen = []
    for clip in problem.clips:
        # Areas of 3.5 pixels a side have no exact mean here; the tones' pictures are flat.
        shown = clip.frames[:, 1::7, 1::7].repeat(2, axis=1).repeat(2, axis=2)
        planes = np.ascontiguousarray(shown.transpose(0, 3, 1, 2), np.float32) / 255
        with torch.inference_mode():
            maps = torch.sigmoid(networks.frame(torch.from_numpy(exposed(planes)))).numpy()
        seen.append(maps.max(axis=(0, 2, 3)))
    vocabulary = Vocabulary.read(tmp_path, spec.channels)
    expected = offline(networks, problem, np.stack(seen), vocabulary=vocabulary)
    found = LiveModel(tmp_path, AUDIO.rate_hz).shown(problem)
    assert found.shape == problem.stems.shape
    assert np.abs(found - expected).max() < 0.1 * np.abs(problem.mixture).max()


@pytest.mark.parametrize("spec", [tiny_spec(), tiny_streaming_spec()], ids=["windows", "stream"])
def test_it_watches_any_length_of_sound(tmp_path: Path, problem: Problem, spec) -> None:
    write(tmp_path, {}, spec)
    model = LiveModel(tmp_path, AUDIO.rate_hz)
    for samples in (problem.mixture, problem.mixture[: len(problem.mixture) // 2 + 100]):
        (watched,) = model.watch(samples, [problem.clips[0].middle])
        power = model.power(samples)
        assert watched.features.shape == (4, 4, 4)
        assert watched.gains(0, 3).shape == (16, spec.audio.frequency_bins, 3)
        assert power.shape == model.magnitude(samples).shape
        whole = watched.gains(0, power.shape[1])
        np.testing.assert_allclose(whole[..., 5:8], watched.gains(5, 8), atol=1e-5)
        assert 0 <= whole.min() < whole.max() <= 1
        assert power.sum(axis=0).mean() == pytest.approx(np.square(samples).mean(), rel=0.1)
    assert model.shown(problem).shape == problem.stems.shape


def test_it_is_told_only_what_it_has_words_for(tmp_path: Path) -> None:
    write(tmp_path, {}, tiny_spec())
    assert not LiveModel(tmp_path, AUDIO.rate_hz).knows(["bell"])
    write(tmp_path, WORDS, tiny_spec())
    assert LiveModel(tmp_path, AUDIO.rate_hz).knows(["bell", "pipe"])
    assert not LiveModel(tmp_path, AUDIO.rate_hz).knows(["bell", "gong"])


def test_it_stands_in_the_table_below_the_oracles(tmp_path: Path) -> None:
    write(tmp_path, WORDS, tiny_spec())
    found = methods_of(Material(AUDIO, ToneClips(), ToneClips()), models=[tmp_path])
    assert list(found)[2:] == [
        f"{tmp_path}, shown",
        f"{tmp_path}, told the class",
        "oracle binary-log",
        "oracle ratio-linear",
    ]


def test_what_is_no_model_is_told(tmp_path: Path) -> None:
    with pytest.raises(ClipError, match=r"--model .* cannot be used: no model at"):
        LiveModel(tmp_path, AUDIO.rate_hz)
    write(tmp_path, WORDS, tiny_spec())
    (tmp_path / "weights.safetensors").write_bytes(b"nothing")
    with pytest.raises(ClipError, match=r"weights.safetensors cannot be read"):
        LiveModel(tmp_path, AUDIO.rate_hz)
