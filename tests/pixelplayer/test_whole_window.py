"""Whole windows with the channels mixed before they are enlarged, against the network as it is."""

from __future__ import annotations

import pytest
import torch
from torch import nn

from pixelplayer.networks.sound import SoundNet
from pixelplayer.networks.whole_window import WholeWindow

# Width, K, levels, bins, columns: the innermost level may be of a single place.
SHAPES = [(4, 3, 2, 8, 12), (4, 2, 4, 32, 16), (6, 5, 5, 32, 64), (4, 32, 7, 256, 256)]


def trained(width: int, channels: int, levels: int) -> SoundNet:
    """With batch norms that do something, as after training."""
    torch.manual_seed(0)
    network = SoundNet(width, channels, levels)
    for layer in network.modules():
        if isinstance(layer, nn.BatchNorm2d):
            layer.running_mean = torch.randn(layer.num_features)
            layer.running_var = torch.rand(layer.num_features) + 0.5
            nn.init.uniform_(layer.weight, 0.5, 1.5)
            nn.init.normal_(layer.bias)
    return network.eval()


@pytest.mark.parametrize(("width", "channels", "levels", "bins", "columns"), SHAPES)
@torch.inference_mode()
def test_it_is_what_the_network_computes(width, channels, levels, bins, columns):
    network = trained(width, channels, levels)
    windows = torch.empty(2, 1, bins, columns).uniform_(-23.0, 5.0)
    wanted = network(windows.clone())
    found = WholeWindow(network)(windows)
    assert found.shape == (2, channels, bins, columns)
    assert (found - wanted).abs().max() <= 1e-5 * wanted.abs().max()


@torch.inference_mode()
def test_the_way_up_multiplies_a_quarter_as_often(monkeypatch):
    network = trained(4, 4, 5)
    window = torch.randn(1, 1, 32, 64)

    def raised(module: nn.Module) -> int:
        """Multiplications in convolutions that move by one place."""
        counts: list[int] = []
        convolve = torch.conv2d

        def counted(x, weight, bias=None, stride=1, *others, **named):
            made = convolve(x, weight, bias, stride, *others, **named)
            if stride in (1, (1, 1)):
                counts.append(made[0, 0].numel() * weight.numel())
            return made

        monkeypatch.setattr(torch.nn.functional, "conv2d", counted)
        module(window.clone())
        monkeypatch.undo()
        return sum(counts)

    assert 4 * raised(WholeWindow(network)) == raised(network) > 0
