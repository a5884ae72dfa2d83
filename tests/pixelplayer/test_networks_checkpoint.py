"""Published state dicts come in, ours go out and back; whatever does not fit is named."""

from __future__ import annotations

from pathlib import Path

import pytest
import torch

from pixelplayer.networks import checkpoint
from pixelplayer.networks.checkpoint import CheckpointError, import_published
from tests.fakes.published import published, published_frame, published_sound
from tests.fakes.tiny_model import tiny_networks, tiny_spec


def test_names_and_shapes_are_the_published_ones():
    with torch.device("meta"):
        frame, sound = checkpoint.FrameNet(64, 32), checkpoint.SoundNet(64, 32)
    for network, shapes in ((frame, published_frame(64, 32)), (sound, published_sound(64, 32))):
        found = {key: tuple(value.shape) for key, value in network.state_dict().items()}
        assert found == shapes


@pytest.mark.parametrize(("width", "channels"), [(2, 3), (4, 5)])
def test_a_published_checkpoint_comes_in(width: int, channels: int):
    states = published(width, channels)
    networks = import_published(*states)
    for network, state in zip(networks, states, strict=True):
        loaded = network.state_dict()
        assert not network.training
        for key, value in state.items():
            if not key.endswith("num_batches_tracked"):
                assert torch.equal(loaded[key], value)


def test_step_counts_may_be_missing():
    states = published(2, 3)
    import_published(
        *({key: v for key, v in state.items() if "num_batches" not in key} for state in states)
    )


def test_a_missing_key_is_named():
    frame, sound, synthesizer = published(2, 3)
    del sound["unet_block.model.1.model.6.weight"]
    with pytest.raises(CheckpointError, match=r"sound weights have no 'unet_block.*6\.weight'"):
        import_published(frame, sound, synthesizer)
    del frame["fc.weight"]
    with pytest.raises(CheckpointError, match=r"frame weights have no 'fc\.weight'"):
        import_published(frame, sound, synthesizer)


def test_an_unexpected_key_is_named():
    frame, sound, synthesizer = published(2, 3)
    synthesizer["gain"] = torch.rand(1)
    with pytest.raises(CheckpointError, match="synthesizer weights have an unexpected 'gain'"):
        import_published(frame, sound, synthesizer)


def test_a_wrong_shape_is_named():
    frame, sound, synthesizer = published(2, 3)
    synthesizer["scale"] = torch.rand(4)
    with pytest.raises(CheckpointError, match=r"'scale' is \(4,\), expected \(3,\)"):
        import_published(frame, sound, synthesizer)


def test_what_is_saved_comes_back(tmp_path: Path):
    path = tmp_path / "weights.safetensors"
    networks = tiny_networks(tiny_spec())
    checkpoint.save(path, networks)
    for before, after in zip(networks, checkpoint.load(path, tiny_spec()), strict=True):
        loaded = after.state_dict()
        assert not after.training
        for key, value in before.state_dict().items():
            assert torch.equal(loaded[key], value), key


def test_weights_that_are_not_finite_are_refused(tmp_path: Path):
    path = tmp_path / "weights.safetensors"
    networks = tiny_networks(tiny_spec())
    networks.sound.bn0.weight.data.fill_(float("nan"))
    checkpoint.save(path, networks)
    with pytest.raises(CheckpointError, match=r"sound weights: 'bn0\.weight' has .* not finite"):
        checkpoint.load(path, tiny_spec())


def test_a_truncated_or_missing_file_is_named(tmp_path: Path):
    path = tmp_path / "weights.safetensors"
    with pytest.raises(CheckpointError, match=r"weights\.safetensors cannot be read"):
        checkpoint.load(path, tiny_spec())
    checkpoint.save(path, tiny_networks(tiny_spec()))
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(CheckpointError, match=r"weights\.safetensors cannot be read"):
        checkpoint.load(path, tiny_spec())
