"""A shipped model can be taught further."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from pixelplayer.networks.vision import FrameNet
from pixelplayer.spec import ModelSpec
from tests.fakes.tiny_model import write_tiny_model
from training.commands import UnusableError
from training.reopen import reopen, reopen_in_code
from training.ship import read_weights
from training.sight import read_vectors
from training.told import ClassSeparator
from training.turned import turned

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


def said(sight: dict[str, torch.Tensor], pictures: torch.Tensor, width: int) -> torch.Tensor:
    eyes = FrameNet(width, sight["frame_net.fc.bias"].shape[0]).eval()
    eyes.load_state_dict({name.removeprefix("frame_net."): one for name, one in sight.items()})
    with torch.inference_mode():
        return eyes(pictures)


def test_turned_eyes_say_the_other_words() -> None:
    torch.manual_seed(0)
    former, code = torch.rand(5, 8) * 0.8 + 0.1, torch.rand(5, 8) * 0.8 + 0.1
    eyes = FrameNet(16, 8).eval()
    sight = {f"frame_net.{name}": value for name, value in eyes.state_dict().items()}
    weight, bias = "frame_net.fc.weight", "frame_net.fc.bias"
    for words, wanted in zip(former, code, strict=True):
        sight[weight], sight[bias] = torch.zeros_like(sight[weight]), torch.logit(words)
        turn = turned(sight, former, code)
        answers = torch.sigmoid(said(turn, torch.rand(1, 3, 64, 64), 16))
        torch.testing.assert_close(answers, wanted[None, :, None, None].expand_as(answers))


def test_words_that_are_alike_cannot_be_told_apart() -> None:
    sight = {"frame_net.fc.weight": torch.zeros(4, 2, 3, 3), "frame_net.fc.bias": torch.zeros(4)}
    with pytest.raises(ValueError, match="no linear change"):
        turned(sight, torch.full((2, 4), 0.5), torch.tensor([[0.2] * 4, [0.8] * 4]))


def test_ears_begin_anew_in_the_code_and_the_eyes_still_see(tmp_path: Path) -> None:
    reopen(MODEL, tmp_path / "as_it_is")
    reopen_in_code(MODEL, tmp_path / "in_code")
    classes, vectors = read_vectors(tmp_path / "in_code")
    width = ModelSpec.load(MODEL).vision.width
    code = ClassSeparator(4, vectors.shape[1], classes).vectors()
    torch.testing.assert_close(vectors, code)
    torch.manual_seed(0)
    pictures = torch.rand(4, 3, 224, 224)
    before, after = (
        said(torch.load(tmp_path / work / "sight.pt", weights_only=True), pictures, width)
        for work in ("as_it_is", "in_code")
    )
    assert float((torch.sigmoid(before) - torch.sigmoid(after)).abs().max()) < 0.1
    ears = [
        torch.load(tmp_path / work / "sound.pt", weights_only=True)["model"]["sound.first.weight"]
        for work in ("as_it_is", "in_code")
    ]
    assert not torch.equal(*ears)
