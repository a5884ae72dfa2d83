"""The networks' arithmetic, against formulas written out from the paper and the published code."""

from __future__ import annotations

import pytest
import torch
from torch import Tensor
from torch.nn import functional

from pixelplayer.networks.sound import SoundNet
from pixelplayer.networks.synthesizer import Synthesizer
from pixelplayer.networks.vision import FrameNet, VisualFeatures


def parameters(network: torch.nn.Module) -> int:
    return sum(value.numel() for value in network.parameters())


def test_the_papers_sizes():
    with torch.device("meta"):
        assert round(parameters(FrameNet(64, 32)) / 1e6, 1) == 11.3
        assert round(parameters(SoundNet(64, 32)) / 1e6, 1) == 30.3


def test_frames_become_a_grid_of_stride_16():
    network = FrameNet(2, 3).eval()
    with torch.inference_mode():
        assert network(torch.rand(2, 3, 224, 224)).shape == (2, 3, 14, 14)


def test_the_last_visual_stage_is_dilated_in_place_of_its_stride():
    stage = FrameNet(2, 3).features[7]
    convolutions = [stage[0].conv1, stage[0].conv2, stage[1].conv1, stage[1].conv2]
    assert [layer.dilation for layer in convolutions] == [(1, 1), (2, 2), (2, 2), (2, 2)]
    assert {layer.stride for layer in [*convolutions, stage[0].downsample[0]]} == {(1, 1)}


def test_pictures_are_normalised_inside():
    network = FrameNet(2, 3).eval()
    seen: list[Tensor] = []
    network.features[0].register_forward_hook(lambda _layer, inputs, _output: seen.extend(inputs))
    picture = torch.tensor([0.485, 0.456, 0.406]).view(1, 3, 1, 1).expand(1, 3, 32, 32)
    with torch.inference_mode():
        network(picture)
    assert float(seen[0].abs().max()) < 1e-6
    assert not any("mean" in key.split(".") for key in network.state_dict())


def test_exported_features_are_the_sigmoid_of_the_logits():
    network = FrameNet(2, 3).eval()
    picture = torch.rand(1, 3, 32, 32)
    with torch.inference_mode():
        torch.testing.assert_close(VisualFeatures(network)(picture), network(picture).sigmoid())


def u_net_of_two_levels(state: dict[str, Tensor], x: Tensor) -> Tensor:
    """The published U-Net with two levels, as formulas; its skip carries the activated tensor."""

    def norm(name: str, value: Tensor) -> Tensor:
        mean, variance = state[f"{name}.running_mean"], state[f"{name}.running_var"]
        weight, bias = state[f"{name}.weight"], state[f"{name}.bias"]
        return functional.batch_norm(value, mean, variance, weight, bias)

    def double(value: Tensor) -> Tensor:
        return functional.interpolate(value, scale_factor=2, mode="bilinear", align_corners=True)

    outer, inner = "unet_block.model", "unet_block.model.1.model"
    down = functional.conv2d(norm("bn0", x), state[f"{outer}.0.weight"], stride=2, padding=1)
    skip = torch.where(down > 0, down, 0.2 * down)
    bottom = functional.conv2d(skip, state[f"{inner}.1.weight"], stride=2, padding=1)
    up = functional.conv2d(double(bottom.relu()), state[f"{inner}.4.weight"], padding=1)
    joined = torch.cat([skip, norm(f"{inner}.5", up)], dim=1)
    return functional.conv2d(
        double(joined.relu()), state[f"{outer}.4.weight"], state[f"{outer}.4.bias"], padding=1
    )


def test_the_u_net_is_the_published_one():
    network = SoundNet(3, 5, levels=2).eval()
    network.bn0.running_mean.fill_(-9.0)
    x = torch.empty(2, 1, 16, 8).uniform_(-23, 5)
    with torch.inference_mode():
        found = network(x.clone())
        torch.testing.assert_close(found, u_net_of_two_levels(network.state_dict(), x))


def test_the_u_net_of_seven_levels_keeps_the_windows_shape_and_its_input():
    network = SoundNet(2, 3).eval()
    x = torch.randn(1, 1, 256, 128)
    before = x.clone()
    with torch.inference_mode():
        assert network(x).shape == (1, 3, 256, 128)
    assert torch.equal(x, before)


def test_every_weight_of_the_u_net_learns():
    network = SoundNet(2, 3, levels=3)
    network(torch.randn(2, 1, 16, 16)).square().sum().backward()
    assert all(value.grad is not None for value in network.parameters())


def test_synthesizer_is_the_weighted_inner_product():
    synthesizer = Synthesizer(3)
    with torch.no_grad():
        synthesizer.scale.copy_(torch.tensor([1.0, -2.0, 0.5]))
        synthesizer.bias.fill_(0.25)
    vectors, sound = torch.rand(2, 4, 3), torch.randn(2, 3, 5, 6)
    expected = torch.einsum("bnk,k,bkft->bnft", vectors, synthesizer.scale, sound) + 0.25
    torch.testing.assert_close(synthesizer(vectors, sound), expected)


def test_a_pixels_mask_is_that_of_its_vector():
    synthesizer = Synthesizer(3)
    features, sound = torch.rand(2, 3, 4, 5), torch.randn(2, 3, 6, 7)
    masks = synthesizer.forward_pixelwise(features, sound)
    assert masks.shape == (2, 4, 5, 6, 7)
    one = synthesizer(features[:, :, 1, 2].unsqueeze(1), sound)
    torch.testing.assert_close(masks[:, 1, 2], one[:, 0])


@pytest.mark.parametrize("columns", [(0, 64), (0, 1), (63, 64), (58, 64), (9, 14), (31, 33)])
def test_some_columns_are_those_of_the_whole(columns: tuple[int, int]) -> None:
    """Enlarging with aligned corners depends on the whole width, also where it is cropped."""
    torch.manual_seed(0)
    net = SoundNet(4, 5, levels=5)
    net(torch.randn(3, 1, 32, 64))  # its batch norms have seen something
    net.eval()
    window = torch.randn(2, 1, 32, 64)
    with torch.inference_mode():
        some, whole = net.some(window, *columns), net(window)
    assert some.shape[-1] == columns[1] - columns[0]
    torch.testing.assert_close(some, whole[..., slice(*columns)], rtol=0.0, atol=2e-6)
