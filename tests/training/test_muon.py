"""The optimiser: its updates turn, and do not stretch."""

import torch
from torch import nn

from training.muon import Muon, optimisers, orthogonal


def test_all_singular_values_become_about_one() -> None:
    torch.manual_seed(0)
    for shape in ((6, 20), (20, 6), (8, 8)):
        spread = torch.randn(shape) @ torch.diag(torch.logspace(-1, 1, shape[1]))
        values = torch.linalg.svdvals(orthogonal(spread))
        assert float(values.min()) > 0.4
        assert float(values.max()) < 1.3


def test_it_finds_a_kernel_from_what_it_does() -> None:
    torch.manual_seed(0)
    wanted, learned = (nn.Conv2d(3, 5, 3, bias=False) for _ in range(2))
    muon = Muon(learned.parameters(), lr=0.05, weight_decay=0.0)
    losses = []
    for step in range(200):
        muon.param_groups[0]["lr"] = 0.05 * (1 - step / 200)
        seen = torch.randn(4, 3, 8, 8)
        loss = (learned(seen) - wanted(seen).detach()).square().mean()
        muon.zero_grad()
        loss.backward()
        muon.step()
        losses.append(loss.item())
    assert losses[-1] < 0.01 * losses[0]


def test_weight_decay_alone_shrinks_what_has_no_slope() -> None:
    weight = nn.Parameter(torch.ones(2, 2))
    weight.grad = torch.zeros(2, 2)
    Muon([weight], lr=0.1, weight_decay=0.5).step()
    torch.testing.assert_close(weight.detach(), torch.full((2, 2), 0.95))


def test_kernels_go_to_one_and_the_rest_to_the_other() -> None:
    model = nn.Sequential(nn.Conv2d(1, 2, 3), nn.BatchNorm2d(2), nn.Linear(4, 4))
    muon, adamw = optimisers(model, 1e-3)
    assert [p.ndim for p in muon.param_groups[0]["params"]] == [4]
    assert sum(p.numel() for p in adamw.param_groups[0]["params"]) == 2 + 4 + 20
