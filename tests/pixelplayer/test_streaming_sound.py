"""The audio network that streams."""

import math

import pytest
import torch

from pixelplayer.networks.checkpoint import sound_network
from pixelplayer.networks.streaming_sound import StreamingSoundNet
from pixelplayer.spec import SoundSpec

LOG_FLOOR = math.log(1e-10)


def network(lookahead: int = 2) -> StreamingSoundNet:
    torch.manual_seed(0)
    net = StreamingSoundNet(4, 6, bins=64)
    net.lookahead = lookahead
    torch.nn.init.normal_(net.told)
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.3, 0.3)
            module.running_var.uniform_(0.5, 2.0)
    return net.eval()


@pytest.mark.parametrize("lookahead", [-1, 0, 2])
@pytest.mark.parametrize("seed", range(3))
def test_random_steps_say_what_the_whole_says(lookahead: int, seed: int) -> None:
    net = network(lookahead)
    generator = torch.Generator().manual_seed(seed)
    heard = torch.randn(2, 1, 64, 60, generator=generator)
    late = 2 * lookahead
    padded = torch.cat([heard, torch.full((2, 1, 64, max(late, 0)), -23.0)], dim=3)
    state, said, start = net.begin(2), [], 0
    with torch.inference_mode():
        whole = net(heard)
        while start < padded.shape[3]:
            columns = 2 * int(torch.randint(1, 8, (1,), generator=generator))
            answer, state = net.step(padded[..., start : start + columns], net.chosen(), state)
            said.append(answer)
            start += columns
    found = torch.cat(said, dim=3)
    if late < 0:
        assert not whole[..., :-late].any()  # of the first nothing is said
        found, whole = found[..., :late], whole[..., -late:]
    torch.testing.assert_close(found[..., max(late, 0) :], whole, rtol=1e-4, atol=1e-5)


def test_the_lookahead_may_change_at_any_step() -> None:
    net = network()
    heard = torch.randn(1, 1, 64, 60)
    whole = {}
    with torch.inference_mode():
        for lookahead in net.lookaheads:
            net.lookahead = lookahead
            whole[lookahead] = net(heard)
        state = net.begin(1)
        for frame in range(30):
            net.lookahead = net.lookaheads[frame // 10]
            said, state = net.step(heard[..., 2 * frame : 2 * frame + 2], net.chosen(), state)
            of = 2 * (frame - net.lookahead)
            # What rises from the innermost level takes a frame on each of five.
            if frame % 10 >= 5 and of < 60:
                wanted = whole[net.lookahead][..., of : of + 2]
                torch.testing.assert_close(said, wanted, rtol=1e-4, atol=1e-5)


def test_it_answers_with_its_lookahead_and_no_more() -> None:
    net = network(2)
    heard = torch.randn(1, 1, 64, 40)
    changed = heard.clone()
    changed[..., 30:] += 1.0
    with torch.inference_mode():
        one, other = net(heard), net(changed)
    assert torch.equal(one[..., :26], other[..., :26])
    assert not torch.allclose(one[..., 26:30], other[..., 26:30], atol=1e-4)


def test_it_remembers_what_is_long_past() -> None:
    net = network()
    heard = torch.randn(1, 1, 64, 200)
    changed = heard.clone()
    changed[..., :4] += 3.0
    with torch.inference_mode():
        assert not torch.equal(net(heard)[..., 190:], net(changed)[..., 190:])


@pytest.mark.parametrize("gain_db", [-36.0, 20.0])
def test_it_hears_the_same_at_any_level(gain_db: float) -> None:
    net = network()
    heard = torch.log(torch.rand(1, 1, 64, 40) + 1e-3)
    with torch.inference_mode():
        torch.testing.assert_close(
            net(heard), net(heard + gain_db / 20 * math.log(10)), rtol=1e-3, atol=1e-4
        )


def test_an_hour_of_silence_is_a_number() -> None:
    net = network()
    state = net.begin(1)
    silence = torch.full((1, 1, 64, 2), LOG_FLOOR)
    with torch.inference_mode():
        for _ in range(300):
            said, state = net.step(silence, net.chosen(), state)
    assert said.isfinite().all()
    assert state.isfinite().all()


def test_every_weight_learns() -> None:
    net = network().train()
    for lookahead in net.lookaheads:
        net.lookahead = lookahead
        net(torch.randn(2, 1, 64, 40)).square().sum().backward()
    assert all(value.grad is not None and value.grad.any() for value in net.parameters())


def test_a_spec_says_how_far_ahead() -> None:
    spec = SoundSpec(width=4, levels=6, network="streaming", lookaheads=(0, 4), state=1)
    made = sound_network(spec, 6, 64)
    assert isinstance(made, StreamingSoundNet)
    assert made.lookaheads == (0, 2)
    assert made.lookahead == 2


def test_what_it_is_not_made_for_is_refused() -> None:
    with pytest.raises(ValueError, match="multiple of 64, got bins = 48"):
        StreamingSoundNet(4, 6, bins=48)
    odd = SoundSpec(width=4, levels=6, network="streaming", lookaheads=(0, 3), state=1)
    with pytest.raises(ValueError, match="columns are no whole steps"):
        sound_network(odd, 6, 64)
    with pytest.raises(ValueError, match="-1 frames or more"):
        StreamingSoundNet(4, 6, bins=64, lookaheads=(-2,))
