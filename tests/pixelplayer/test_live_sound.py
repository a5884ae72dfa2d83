"""The audio network that ships."""

import math

import pytest
import torch

from pixelplayer.networks.checkpoint import sound_network
from pixelplayer.networks.live_sound import LiveSoundNet, levelled
from pixelplayer.networks.sound import SoundNet
from pixelplayer.spec import ModelSpec, SoundSpec, SpecError
from tests.fakes.pixel_model import SPEC

LOG_FLOOR = math.log(1e-10)


def network(channels: int = 6) -> LiveSoundNet:
    torch.manual_seed(0)
    return LiveSoundNet(width=4, channels=channels, levels=4)


def test_it_keeps_the_windows_shape_and_its_input() -> None:
    net = LiveSoundNet(width=2, channels=3).eval()
    x = torch.randn(1, 1, 256, 128)
    before = x.clone()
    with torch.inference_mode():
        assert net(x).shape == (1, 3, 256, 128)
    assert torch.equal(x, before)


@pytest.mark.parametrize("columns", [slice(0, 7), slice(9, 20), slice(20, 32), slice(31, 32)])
def test_some_columns_are_those_of_the_whole_window(columns: slice) -> None:
    net = network().eval()
    window = torch.randn(2, 1, 32, 32)
    with torch.inference_mode():
        torch.testing.assert_close(
            net.some(window, columns.start, columns.stop), net(window)[..., columns]
        )


def test_the_whole_window_is_heard_whatever_columns_are_wanted() -> None:
    net = network().eval()
    window = torch.randn(1, 1, 32, 32)
    changed = window.clone()
    changed[..., :8] += 1.0
    with torch.inference_mode():
        assert not torch.allclose(net.some(window, 28, 32), net.some(changed, 28, 32), atol=1e-4)


def test_every_weight_learns() -> None:
    net = network()
    net(torch.randn(2, 1, 32, 32)).square().sum().backward()
    assert all(value.grad is not None and value.grad.any() for value in net.parameters())


@pytest.mark.parametrize("gain_db", [-36.0, 0.0, 20.0])
def test_it_hears_the_same_at_any_level(gain_db: float) -> None:
    net = network().eval()
    magnitude = torch.rand(1, 1, 32, 32) + 1e-3
    gain = 10 ** (gain_db / 20)
    with torch.inference_mode():
        torch.testing.assert_close(
            net(torch.log(magnitude * gain)), net(torch.log(magnitude)), rtol=1e-3, atol=1e-3
        )


def test_levels_are_relative_to_the_window_and_end_at_a_floor() -> None:
    magnitude = torch.full((1, 1, 4, 4), 1e-10)
    magnitude[..., 0] = 0.5
    found = levelled(torch.log(magnitude))
    level = 0.5 * math.sqrt(4 / 16)
    assert found[..., 0].numpy() == pytest.approx(math.log(0.5 / level + 1e-3), abs=1e-4)
    assert found[..., 1:].numpy() == pytest.approx(math.log(1e-3), abs=1e-4)


def test_silence_is_all_floor() -> None:
    found = levelled(torch.full((2, 1, 4, 4), LOG_FLOOR))
    assert torch.isfinite(found).all()
    assert float(found.max() - found.min()) < 1e-6


def test_too_few_levels_are_refused() -> None:
    with pytest.raises(ValueError, match="at least 2 levels"):
        LiveSoundNet(4, 3, levels=1)


def test_the_description_says_which_network_it_is() -> None:
    assert isinstance(sound_network(SoundSpec(width=4, levels=4), 6, 64), SoundNet)
    live = SoundSpec(width=4, levels=4, network="live")
    assert isinstance(sound_network(live, 6, 64), LiveSoundNet)
    described = SPEC.to_dict()
    del described["sound"]["network"]  # as models were described before there was a choice
    assert ModelSpec.from_dict(described).sound.network == "published"
    described["sound"]["network"] = "other"
    with pytest.raises(SpecError, match=r"sound\.network must be one of .*'live'.* found 'other'"):
        ModelSpec.from_dict(described)
