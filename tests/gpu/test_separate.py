"""The paper's training on a CUDA device."""

from dataclasses import replace

import pytest
import torch

from tests.fakes.tiny_training import PLAN, fresh, mixtures, run
from training.precision import Precision

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="torch finds no CUDA device"),
]


@pytest.mark.parametrize("precision", ["float32", "bfloat16", "float16"])
def test_it_learns_what_the_processor_does(precision: Precision) -> None:
    plan = replace(PLAN, steps=4, judge_every=4)
    here, there = fresh(plan), fresh(replace(plan, device="cuda:0", precision=precision))
    run(here, plan, learned=mixtures())
    run(there, replace(plan, device="cuda:0", precision=precision), learned=mixtures())
    assert next(there.model.parameters()).device.type == "cuda"
    assert there.losses == pytest.approx(here.losses, rel=0.05)
    assert all(torch.isfinite(weight).all() for weight in there.model.parameters())
