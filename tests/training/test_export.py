"""A model folder is written whole, or not at all."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import onnx
import pytest
import torch

from pixelplayer.spec import ModelSpec
from tests.fakes.disk import room_for
from tests.fakes.tiny_model import tiny_networks, tiny_spec, write_tiny_model
from training.export import ExportError, write_model
from training.whole import TrainingError


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("export") / "model"
    write_tiny_model(folder)
    return folder


def test_the_folder_holds_four_files_and_nothing_else(folder: Path):
    names = ["model.json", "sound.onnx", "vision.onnx", "weights.safetensors"]
    assert sorted(path.name for path in folder.iterdir()) == names
    assert ModelSpec.load(folder) == tiny_spec()
    assert json.loads((folder / "model.json").read_text())["provenance"] == "random weights"


@pytest.mark.parametrize(
    ("name", "given", "result"),
    [
        (
            "vision.onnx",
            ("picture", [3, "height", "width"]),
            ("features", [4, "rows", "columns"]),
        ),
        ("sound.onnx", ("log_magnitude", [1, 48, 32]), ("sound", [4, 48, "columns"])),
    ],
)
def test_graphs_are_valid_and_free_where_they_should_be(
    folder: Path, name: str, given: tuple, result: tuple
):
    model = onnx.load(folder / name)
    onnx.checker.check_model(model, full_check=True)
    for (port,), (wanted, shape) in ((model.graph.input, given), (model.graph.output, result)):
        sides = port.type.tensor_type.shape.dim
        assert (port.name, sides[0].dim_param) == (wanted, "batch")
        assert [side.dim_param or side.dim_value for side in sides[1:]] == shape


def test_graphs_do_not_tell_where_they_were_made(folder: Path):
    here = str(Path(__file__).parents[2]).encode()
    assert not any(here in path.read_bytes() for path in folder.iterdir())


def test_networks_are_left_as_they_are(tmp_path: Path):
    networks = tiny_networks(tiny_spec())
    networks.sound.train()
    before = {key: value.clone() for key, value in networks.sound.state_dict().items()}
    write_model(tmp_path, tiny_spec(), *networks, {})
    assert networks.sound.training
    after = networks.sound.state_dict()
    assert all(torch.equal(after[key], value) for key, value in before.items())


def test_extra_cannot_contradict_the_spec(tmp_path: Path):
    networks = tiny_networks(tiny_spec())
    with pytest.raises(ValueError, match="'channels' is the spec's"):
        write_model(tmp_path, tiny_spec(), *networks, {"channels": 7})
    with pytest.raises(ValueError, match="not JSON compliant"):
        write_model(tmp_path, tiny_spec(), *networks, {"score": float("nan")})
    assert not list(tmp_path.iterdir())


def test_a_full_disk_leaves_the_former_model(tmp_path: Path):
    folder = tmp_path / "model"
    write_tiny_model(folder)
    before = {path.name: path.read_bytes() for path in folder.iterdir()}
    with room_for(20_000), pytest.raises(TrainingError, match="cannot be written"):
        write_tiny_model(folder)
    assert {path.name: path.read_bytes() for path in folder.iterdir()} == before


def test_the_description_comes_last(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    folder = tmp_path / "model"
    write_tiny_model(folder)
    replace_file, there = Path.replace, []

    def watched(path: Path, target: Path) -> Path:
        there.append((folder / "model.json").exists())
        return replace_file(path, target)

    monkeypatch.setattr(Path, "replace", watched)
    write_tiny_model(folder)
    assert there == [False] * 4  # a kill in between leaves what is no model
    assert (folder / "model.json").exists()


def test_a_spec_of_another_shape_is_refused_and_leaves_nothing(tmp_path: Path):
    networks = tiny_networks(tiny_spec())
    with pytest.raises(ExportError, match="the spec asks for"):
        write_model(tmp_path, replace(tiny_spec(), channels=5), *networks, {})
    assert not list(tmp_path.iterdir())


def test_broken_weights_are_refused(tmp_path: Path):
    networks = tiny_networks(tiny_spec())
    networks.sound.bn0.weight.data.fill_(float("inf"))
    with pytest.raises(ExportError, match="weights are broken"):
        write_model(tmp_path, tiny_spec(), *networks, {})
