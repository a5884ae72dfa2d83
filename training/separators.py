"""The networks that ``training.separate`` trains, all asked alike: a mixture in, answers out."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Literal, get_args

import torch
from torch import Tensor, nn

from pixelplayer.networks.sound import SoundNet
from pixelplayer.networks.synthesizer import Synthesizer
from pixelplayer.networks.vision import FrameNet
from training import paper
from training.mixing import Mixture

Kind = Literal["pixelplayer", "paper-width", "class-told", "deepconvsep"]
KINDS: tuple[Kind, ...] = get_args(Kind)
# With fewer channels, in the order that is fastest elsewhere, the float32 backward pass of torch
# 2.13 writes beyond its buffers (seen on a processor with AVX-512).
LEAST_SIGHT_WIDTH = 16
_SURE = 3.0  # logit of what a class vector begins with


@dataclass(frozen=True, slots=True, kw_only=True)
class Make:
    """What a network is made like; kept with its weights."""

    kind: Kind
    bins: int  # of the spectrogram
    columns: int
    channels: int
    sight_width: int
    sound_width: int
    classes: tuple[str, ...]

    def __post_init__(self) -> None:
        """Raises ``ValueError`` on a visual network that is too narrow."""
        if self.sight_width < LEAST_SIGHT_WIDTH:
            raise ValueError(
                f"a visual network of width {self.sight_width} cannot be trained; the least is "
                f"{LEAST_SIGHT_WIDTH}"
            )


def make(what: Make) -> nn.Module:
    """A fresh network."""
    if what.kind == "pixelplayer":
        return PixelPlayer(what.sight_width, what.sound_width, what.channels)
    if what.kind == "paper-width":
        return PixelPlayer(paper.WIDTH, paper.WIDTH, paper.CHANNELS)
    if what.kind == "class-told":
        return ClassTold(what.sound_width, what.channels, len(what.classes))
    return DeepConvSep(what.bins, 2 * what.sound_width, len(what.classes))


def class_numbers(labels: Sequence[str], classes: Sequence[str]) -> Tensor:
    """Where ``labels`` stand in ``classes``; -1 for one that does not."""
    return torch.tensor([classes.index(name) if name in classes else -1 for name in labels])


class PixelPlayer(nn.Module):
    """The three networks as the paper trains them: it sees what it is asked for."""

    def __init__(self, sight_width: int, sound_width: int, channels: int) -> None:
        super().__init__()
        self.frame = FrameNet(sight_width, channels)
        self.sound = SoundNet(sound_width, channels)
        self.synthesizer = Synthesizer(channels)

    def forward(self, heard: Mixture) -> Tensor:
        """A batch of B mixtures of N sources → (B, N, F, T)."""
        batch, count, frames = heard.frames.shape[:3]
        pictures = heard.frames.flatten(0, 2).float() / 255
        features = self.frame(pictures.contiguous(memory_format=torch.channels_last))
        # The paper's order: the maximum over time and over places, then the sigmoid.
        vectors = torch.sigmoid(features.amax(dim=(2, 3)).unflatten(0, (batch, count, frames)))
        answers: Tensor = self.synthesizer(vectors.amax(dim=2), _hear(self.sound, heard))
        return answers


class ClassTold(nn.Module):
    """The same without eyes: a learned vector for each class in place of pictures.

    What pictures cost is what the other one scores less.
    """

    def __init__(self, sound_width: int, channels: int, classes: int) -> None:
        super().__init__()
        self.sound = SoundNet(sound_width, channels)
        self.synthesizer = Synthesizer(channels)
        self.table = nn.Parameter(_SURE * (2 * torch.eye(classes, channels) - 1))

    def forward(self, heard: Mixture) -> Tensor:
        """A batch of B mixtures of N sources → (B, N, F, T)."""
        vectors = torch.sigmoid(self.table)[heard.classes]
        answers: Tensor = self.synthesizer(vectors, _hear(self.sound, heard))
        return answers


class DeepConvSep(nn.Module):
    """Audio alone, after P. Chandna et al. (LVA/ICA 2017): an autoencoder that masks every class.

    Filters over all frequencies, then over time, a narrow layer, and the way back for each class by
    a filter of its own. Here it is told which of its classes to answer for.

    Args:
        bins: F.
        width: filters of each convolution.
        classes: how many it has an output for.
    """

    _TIME = 15  # columns that the filter over time sees
    _NARROW = 128

    def __init__(self, bins: int, width: int, classes: int) -> None:
        super().__init__()
        self.norm = nn.BatchNorm2d(1)
        self.over_frequency = nn.Conv2d(1, width, (bins, 1))
        self.over_time = nn.Conv2d(width, width, (1, self._TIME), padding=(0, self._TIME // 2))
        self.narrow = nn.Conv2d(width, self._NARROW, 1)
        self.wide = nn.Conv2d(self._NARROW, classes * width, 1)
        self.back_over_time = nn.Conv2d(
            classes * width,
            classes * width,
            (1, self._TIME),
            padding=(0, self._TIME // 2),
            groups=classes,
        )
        self.back_over_frequency = nn.Conv2d(classes * width, classes * bins, 1, groups=classes)

    def forward(self, heard: Mixture) -> Tensor:
        """A batch of B mixtures of N sources → (B, N, F, T)."""
        x = self.norm(heard.log_magnitude)
        bins = x.shape[2]
        x = torch.relu(self.over_frequency(x))
        x = torch.relu(self.narrow(torch.relu(self.over_time(x))))
        x = torch.relu(self.back_over_time(torch.relu(self.wide(x))))
        every = (
            self.back_over_frequency(x).squeeze(2).unflatten(1, (-1, bins))
        )  # (B, classes, F, T)
        wanted = heard.classes[..., None, None].expand(-1, -1, *every.shape[2:])
        return every.gather(1, wanted)


def _hear(sound: SoundNet, heard: Mixture) -> Tensor:
    spectrogram = heard.log_magnitude.contiguous(memory_format=torch.channels_last)
    components: Tensor = sound(spectrogram)
    return components
