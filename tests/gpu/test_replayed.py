"""A step captured as a CUDA graph learns what a step launched kernel by kernel learns."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.fakes.tiny_training import PLAN
from tests.training.test_together import pupil, taught
from training import together
from training.replayed import can_replay

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA device"),
]


def test_replayed_steps_learn_what_launched_ones_learn(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    plan = replace(PLAN, steps=12, judge_every=12, device="cuda:0", precision="bfloat16")
    assert can_replay(plan)
    replayed = [pupil(name, plan) for name in ("binary-log", "ratio-linear")]
    taught(replayed, plan)
    monkeypatch.setattr(together, "can_replay", lambda _plan: False)
    launched = [pupil(name, plan) for name in ("binary-log", "ratio-linear")]
    taught(launched, plan)
    for one, other in zip(replayed, launched, strict=True):
        assert one.state.step == other.state.step == 12
        assert one.state.losses == pytest.approx(other.state.losses, rel=0.05)
        assert one.state.losses[-1] != one.state.losses[3]
    # What was replayed can be written, and goes on without a graph.
    replayed[0].state.write(tmp_path / "a.pt")
    again = pupil("binary-log", plan)
    again.state.read(tmp_path / "a.pt")
    taught([again], replace(plan, steps=14, judge_every=1))
    assert again.state.step == 14
