"""A shipped model can be taught further."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from pixelplayer.spec import ModelSpec
from tests.fakes.tiny_model import write_tiny_model
from training.commands import UnusableError
from training.reopen import reopen
from training.ship import read_weights
from training.sight import read_vectors

MODEL = Path(__file__).parents[2] / "models" / "live"


def test_the_shipped_model_is_what_is_shipped_again(tmp_path: Path) -> None:
    reopen(MODEL, tmp_path)
    weights, classes = read_weights(tmp_path)
    described = json.loads((MODEL / "model.json").read_text())
    assert classes == described["classes"]
    spec = ModelSpec.load(MODEL)
    assert weights["naming.frame_net.features.0.weight"].shape[0] == spec.vision.width
    assert weights["separator.synthesizer.scale"].shape == (spec.channels,)
    _, vectors = read_vectors(tmp_path)
    np.testing.assert_allclose(vectors, described["class_vectors"], atol=1e-5)


def test_a_sound_training_can_go_on_from_it(tmp_path: Path) -> None:
    reopen(MODEL, tmp_path)
    state = torch.load(tmp_path / "sound.pt", weights_only=True)
    assert state["used_s"] == state["step"] == 0
    assert state["network"] == ModelSpec.load(MODEL).sound.network
    assert len(state["optimisers"]) == 2


def test_another_network_is_refused(tmp_path: Path) -> None:
    described = json.loads((MODEL / "model.json").read_text())
    described["sound"]["lookaheads"] = [0, 2]
    (tmp_path / "model.json").write_text(json.dumps(described))
    with pytest.raises(UnusableError, match=r"the streaming network, lookaheads \(0, 2\)"):
        reopen(tmp_path, tmp_path)


def test_a_model_without_class_vectors_is_refused(tmp_path: Path) -> None:
    write_tiny_model(tmp_path / "model")
    with pytest.raises(UnusableError, match="no class_vectors"):
        reopen(tmp_path / "model", tmp_path)
