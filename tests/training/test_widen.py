"""A wider network says at first what the narrow one said, and learns with all of its channels."""

from __future__ import annotations

import pytest
import torch

from pixelplayer.networks.live_sound import LiveSoundNet
from pixelplayer.networks.vision import FrameNet
from training.widen import widened, widened_trunk


def nets(narrow: int, wide: int) -> tuple[LiveSoundNet, LiveSoundNet]:
    torch.manual_seed(0)
    first, second = LiveSoundNet(narrow, 6, levels=4), LiveSoundNet(wide, 6, levels=4)
    first(torch.randn(3, 1, 32, 16))  # its batch norms have seen something
    second.load_state_dict(widened(first.state_dict(), second))
    return first, second


@pytest.mark.parametrize("wide", [4, 6, 8])
def test_it_says_the_same(wide: int) -> None:
    first, second = nets(4, wide)
    heard = torch.randn(2, 1, 32, 16)
    with torch.inference_mode():
        said, wanted = second.eval()(heard), first.eval()(heard)
    torch.testing.assert_close(said, wanted, rtol=1e-4, atol=1e-5)


def test_every_channel_learns() -> None:
    _, second = nets(4, 6)
    rate = 1e-2
    for _ in range(2):  # what is new is heard after the first step
        second.zero_grad()
        second(torch.randn(2, 1, 32, 16)).square().mean().backward()
        with torch.no_grad():
            for weight in second.parameters():
                weight.sub_(rate * weight.grad)
    for name, weight in second.named_parameters():
        if weight.ndim == 4:
            axes = (0, 2, 3) if name.startswith("down") else (1, 2, 3)
            assert weight.grad.abs().sum(axes).gt(0).all(), name


def test_what_does_not_fit_is_told() -> None:
    wide, narrow = LiveSoundNet(6, 6, levels=4), LiveSoundNet(4, 6, levels=4)
    with pytest.raises(ValueError, match="does not fit into"):
        widened(wide.state_dict(), narrow)
    with pytest.raises(ValueError, match="different numbers of levels"):
        widened(LiveSoundNet(4, 6, levels=3).state_dict(), narrow)


def test_a_wider_trunk_sees_the_same() -> None:
    torch.manual_seed(0)
    first, second = FrameNet(16, 6), FrameNet(24, 6)
    first(torch.rand(2, 3, 32, 32))
    second.features.load_state_dict(widened_trunk(first.features.state_dict(), second.features))
    picture = torch.rand(1, 3, 64, 64)
    with torch.inference_mode():
        said, wanted = second.features.eval()(picture), first.features.eval()(picture)
    torch.testing.assert_close(said[:, : wanted.shape[1]], wanted, rtol=1e-4, atol=1e-5)
    with pytest.raises(ValueError, match="does not fit into"):
        widened_trunk(second.features.state_dict(), first.features)
    with pytest.raises(ValueError, match="different layers"):
        widened_trunk({}, first.features)
