"""The folder as a live run sees it, without any inference runtime."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import load_file, save_file

from engines.errors import EngineError
from engines.model import open_model
from tests.fakes.tiny_model import tiny_networks, tiny_spec


def test_description_and_synthesizer_are_read(tiny_model: Path):
    model = open_model(tiny_model)
    expected = tiny_networks(tiny_spec()).synthesizer
    assert (model.spec, model.folder) == (tiny_spec(), tiny_model)
    assert model.scale.dtype == np.float32
    np.testing.assert_array_equal(model.scale, expected.scale.detach().numpy())
    assert model.bias == expected.bias.item()


def test_a_missing_file_is_named(own_model: Path):
    (own_model / "weights.safetensors").unlink()
    with pytest.raises(EngineError, match=r"weights\.safetensors is missing"):
        open_model(own_model)
    (own_model / "model.json").unlink()
    with pytest.raises(EngineError, match=r"model\.json is missing"):
        open_model(own_model)


@pytest.mark.parametrize("kept", [0, 7, 500, -1])
def test_a_truncated_file_is_named(kept: int, own_model: Path):
    path = own_model / "weights.safetensors"
    path.write_bytes(path.read_bytes()[:kept])
    with pytest.raises(EngineError, match=r"weights\.safetensors cannot be read"):
        open_model(own_model)


@pytest.mark.parametrize(
    ("name", "array", "message"),
    [
        ("scale", np.ones(5, np.float32), r"scale is \(5,\), but model\.json asks for \(4,\)"),
        ("scale", np.full(4, np.nan, np.float32), "scale has values that are not finite"),
        ("bias", np.full(1, np.inf, np.float32), "bias has values that are not finite"),
    ],
)
def test_a_broken_synthesizer_is_named(name: str, array: np.ndarray, message: str, own_model: Path):
    path = own_model / "weights.safetensors"
    save_file({**load_file(path), f"synthesizer.{name}": array}, path)
    with pytest.raises(EngineError, match=message):
        open_model(own_model)


def test_a_file_without_synthesizer_is_named(own_model: Path):
    path = own_model / "weights.safetensors"
    save_file({"sound.bn0.weight": np.ones(1, np.float32)}, path)
    with pytest.raises(EngineError, match=r"synthesizer\.scale"):
        open_model(own_model)
