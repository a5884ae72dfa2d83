"""Wider networks that begin with what narrower ones know.

The channels of the narrow network stand among those of the wide one and hear nothing of the
others, so at first it says the same (after T. Chen et al., "Net2Net", ICLR 2016, which doubles
channels instead; fresh ones need not grow apart first). The others begin at random and are heard
as soon as it pays.
"""

from __future__ import annotations

from collections.abc import Mapping

import torch
from torch import Tensor, nn

from pixelplayer.networks.live_sound import LiveSoundNet


def widened(narrow: Mapping[str, Tensor], wide: LiveSoundNet) -> dict[str, Tensor]:
    """Weights for ``wide``, which may be as narrow as the other.

    Args:
        narrow: the weights of a ``LiveSoundNet`` of as many levels and components.
        wide: as it was made: what is new keeps its values.

    Raises:
        ValueError: ``narrow`` is the wider one, or has another number of levels.
    """
    fresh = wide.state_dict()
    if narrow.keys() != fresh.keys():
        raise ValueError("the networks have different numbers of levels")
    return {name: _placed(name, narrow[name], value.clone()) for name, value in fresh.items()}


def widened_trunk(narrow: Mapping[str, Tensor], wide: nn.Module) -> dict[str, Tensor]:
    """Weights for ``wide``, a trunk without branches that are joined channel by channel.

    Args:
        narrow: the weights of one of as many layers, as wide or narrower.
        wide: as it was made: what is new keeps its values.

    Raises:
        ValueError: ``narrow`` is the wider one, or has other layers.
    """
    fresh = wide.state_dict()
    if narrow.keys() != fresh.keys():
        raise ValueError("the trunks have different layers")
    return {name: _in_corner(name, narrow[name], value.clone()) for name, value in fresh.items()}


def _in_corner(name: str, old: Tensor, new: Tensor) -> Tensor:
    if old.ndim != new.ndim or any(a > b for a, b in zip(old.shape, new.shape, strict=True)):
        raise ValueError(f"{name} of {tuple(old.shape)} does not fit into {tuple(new.shape)}")
    if new.ndim == 4:
        new[: old.shape[0]] = 0  # they hear nothing of what is new
    new[tuple(slice(length) for length in old.shape)] = old
    return new


def _placed(name: str, old: Tensor, new: Tensor) -> Tensor:
    if old.ndim != new.ndim or any(a > b for a, b in zip(old.shape, new.shape, strict=True)):
        raise ValueError(f"{name} of {tuple(old.shape)} does not fit into {tuple(new.shape)}")
    if new.ndim < 4:
        new[tuple(slice(length) for length in old.shape)] = old
        return new
    # Transposed convolutions name their inputs first; all but the innermost have two of them.
    is_rising = name.startswith(("up.", "last."))
    into, out_of = (0, 1) if is_rising else (1, 0)
    is_joined = is_rising and not name.startswith("up.0.")
    outputs = torch.arange(old.shape[out_of])
    half = old.shape[into] // 2
    inputs = torch.arange(old.shape[into])
    if is_joined:
        inputs[half:] += new.shape[into] // 2 - half
    # Seen with the outputs first, whichever the layer; both are views.
    placed, kept = new.transpose(0, out_of), old.transpose(0, out_of).to(new.dtype)
    placed[outputs] = 0
    placed[outputs[:, None], inputs[None, :]] = kept
    return new
