"""Batches are the same, whoever makes them."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch
from torch import Tensor

from tests.fakes.clips import ToneClips
from tests.fakes.tiny_training import mixtures
from training import separate, together
from training.loading import loader
from training.material import Material
from training.mixing import Varying, batches
from training.paper import AUDIO


@pytest.mark.parametrize("workers", [1, 2])
def test_workers_make_what_one_would_alone(workers: int) -> None:
    def made(by: int) -> list[tuple[Tensor, ...]]:
        numbers = batches(2, 1, 4, 0, 1)
        return [tuple(batch) for batch in loader(mixtures(Varying()), numbers, by)]

    alone = made(0)
    assert len(alone) == 3
    for batch, same in zip(alone, made(workers), strict=True):
        assert all(map(torch.equal, batch, same))


@pytest.mark.parametrize("command", [separate, together], ids=["separate", "together"])
def test_a_training_may_make_its_own(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command
) -> None:
    material = Material(AUDIO, ToneClips(), ToneClips())
    monkeypatch.setattr(command, "open_material", lambda _options, _audio: material)
    small = ["--sight-width", "16", "--sound-width", "2", "--channels", "3", "--judged", "1"]
    line = ["--work", str(tmp_path), *small, "--batch", "1", "--steps", "1", "--workers", "0"]
    assert command.main(line) == 0
    assert torch.load(tmp_path / "binary-log.pt", weights_only=True)["step"] == 1
