"""Ears that are told what plays by its class: a vector stands in for what eyes say."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path

import torch
from torch import Tensor, nn
from torch.nn import functional

from pixelplayer.networks import checkpoint
from pixelplayer.networks.live_sound import LiveSoundNet
from pixelplayer.networks.synthesizer import Synthesizer
from pixelplayer.spec import AudioSpec, SoundNetwork, SoundSpec
from training.checkpoints import read_checkpoint
from training.commands import UnusableError
from training.glimpses import Glimpses, read_glimpses
from training.widen import widened

LEVELS = 7  # of the U-Net
AUDIO = AudioSpec(
    rate_hz=44100, n_fft=4088, hop=1024, columns=128, frequency_bins=256, warp_base=121.0
)
FIRM = 3.0  # logit of what a vector is made of: nearly 0 and nearly 1
GLIMPSED = 0.4  # share of the questions that are asked by a picture's vector, if there are any
LOOKAHEADS = {-2: 0.2, 0: 0.35, 4: 0.45}  # columns, of a network that streams: shares of steps


class ClassSeparator(nn.Module):
    """The sound network, the synthesizer, and a table of visual vectors by class.

    The vectors are a code that nobody learns: nearly one component per class, so that no sound is
    in them (docs/decisions/0032). By one in which all classes share all components, masks are
    learned many times more slowly.
    """

    table: Tensor  # logits (classes, K)

    def __init__(
        self,
        width: int,
        channels: int,
        classes: Sequence[str],
        network: SoundNetwork = "live",
    ) -> None:
        """The sound network is a ``network`` of that ``width``."""
        super().__init__()
        self.classes = list(classes)
        self.network = network
        ahead = tuple(LOOKAHEADS) if network == "streaming" else ()
        sound = SoundSpec(width=width, levels=LEVELS, network=network, lookaheads=ahead)
        self.sound = checkpoint.sound_network(sound, channels, AUDIO.frequency_bins)
        self.synthesizer = Synthesizer(channels)
        own = torch.eye(len(classes), channels)
        self.register_buffer("table", FIRM * (2 * own - 1))
        nn.init.constant_(self.synthesizer.bias, -FIRM)

    def begin(self, weights: Mapping[str, Tensor]) -> None:
        """Take over the weights of one that is as wide; or narrower, if it is a U-Net.

        Raises:
            ValueError: it is wider, or of other classes.
        """
        prefix = "sound."
        narrow = {
            name.removeprefix(prefix): weight
            for name, weight in weights.items()
            if name.startswith(prefix)
        }
        if isinstance(self.sound, LiveSoundNet):
            narrow = widened(narrow, self.sound)
        wide = {prefix + name: weight for name, weight in narrow.items()}
        try:
            self.load_state_dict({**weights, **wide})
        except RuntimeError as error:
            raise ValueError(f"these weights are of other classes: {error}") from error

    def vectors(self) -> Tensor:
        """(classes, K) in (0, 1)."""
        return torch.sigmoid(self.table)

    def forward(
        self, log_magnitude: Tensor, vectors: Tensor, columns: slice = slice(None)
    ) -> Tensor:
        """(B, 1, F, T) and (B, Q, K) visual vectors → mask logits (B, Q, F, t) of ``columns``."""
        start, stop, _ = columns.indices(log_magnitude.shape[-1])
        logits: Tensor = self.synthesizer(vectors, self.sound.some(log_magnitude, start, stop))
        return logits

    def nothing_loss(self) -> Tensor:
        """Of a vector of zeros, through which nothing may be heard."""
        return functional.softplus(self.synthesizer.bias).mean()


def check_code(classes: Sequence[str], channels: int) -> None:
    """Make sure that every class has a component of its own.

    Raises:
        UnusableError: there are too few; those left over would have one vector.
    """
    if len(classes) > channels:
        raise UnusableError(
            f"{len(classes)} classes want as many components of their own, there are {channels}; "
            f"--channels {len(classes)}, or fewer classes"
        )


def spoken(table: Tensor, classes: Tensor, glimpses: Glimpses | None) -> Tensor:
    """Visual vectors (B, Q, K) for (B, Q) class indices, as pictures might say them.

    Rows of the ``table`` (classes, K), blurred: weaker than they should be, with a little of
    everything else. With ``glimpses``, some are what was said of a picture instead.
    """
    clear = table[classes.to(table.device)]
    strength = torch.empty_like(clear[..., :1]).uniform_(0.5, 1.0)
    vectors = clear * strength + torch.randn_like(clear).abs() * 0.03
    if glimpses is None:
        return vectors
    seen, is_there = glimpses.of(classes)
    is_glimpse = (torch.rand(classes.shape) < GLIMPSED) & is_there
    return torch.where(is_glimpse.unsqueeze(-1).to(table.device), seen.to(table.device), vectors)


def keep_to(model: ClassSeparator, path: Path) -> Glimpses | None:
    """Take over the visual vectors of ``path``'s checkpoint; give its glimpses, if any.

    Raises:
        UnusableError: there is no such checkpoint.
        ValueError: it knows other classes.
    """
    state = read_checkpoint(path, "--table wants a sound.pt", "model", "classes")
    if state["classes"] != model.classes:
        raise ValueError(f"{path} knows {state['classes']}, this training {model.classes}")
    model.table.copy_(state["model"]["table"])
    is_there = (path.parent / "glimpses.npz").exists()
    return read_glimpses(path.parent) if is_there else None
