"""Checkpoints that are always whole, and the error of a training that cannot go on."""

from __future__ import annotations

import contextlib
import math
import pickle
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from training.commands import UnusableError
from training.whole import TrainingError

_OR_REOPENED = "teaches it, or begin with python -m training reopen --model models/live"


def write_checkpoint(path: Path, values: Mapping[str, Any], step: int) -> None:
    """Atomically: whatever happens meanwhile, a kill too, ``path`` is whole.

    Raises:
        TrainingError: the disk does not take it; the former file is left.
    """
    part = path.with_suffix(".part")
    try:
        torch.save(values, part)
        part.replace(path)
    except (OSError, RuntimeError) as error:  # torch's writer raises the latter
        with contextlib.suppress(OSError):
            part.unlink()
        kept = "the last checkpoint is kept" if path.exists() else "there is none yet to go on from"
        raise TrainingError(
            f"step {step}: {path} cannot be written ({str(error).splitlines()[0]}); {kept}: "
            "make room and start again"
        ) from error


def read_checkpoint(
    path: Path, remedy: str, *entries: str, device: torch.device | str = "cpu"
) -> dict[str, Any]:
    """What ``torch.save`` wrote; nothing but tensors and plain values is unpickled.

    Args:
        path: the file.
        remedy: what to do where it is not there, or another file.
        entries: what it must have.
        device: where its tensors go.

    Raises:
        UnusableError: it is missing, broken, or something else.
    """
    try:
        kept = torch.load(path, map_location=device, weights_only=True)
    except FileNotFoundError:
        raise UnusableError(f"{path} is missing; {remedy}") from None
    except OSError as error:
        raise UnusableError(f"{path} cannot be read ({error.strerror}); {remedy}") from error
    except (EOFError, RuntimeError, ValueError, KeyError, pickle.UnpicklingError) as error:
        # Torch's own words are of its options.
        raise UnusableError(
            f"{path} is no file of weights, or is broken or cut off "
            f"({path.stat().st_size} bytes); {remedy}"
        ) from error
    if not isinstance(kept, Mapping):
        raise UnusableError(f"{path} holds {type(kept).__name__}, not a state dict; {remedy}")
    if lacking := [entry for entry in entries if entry not in kept]:
        raise UnusableError(f"{path} has no {lacking[0]!r}; {remedy}")
    return dict(kept)


def read_sound(work: Path) -> dict[str, Any]:
    """The ears of a work folder, ``sound.pt``: ``model`` (weights), ``classes``, and more.

    Raises:
        UnusableError: they are not there, or something else.
    """
    remedy = f"python -m training sound --work {work} … {_OR_REOPENED} --work {work}"
    return read_checkpoint(work / "sound.pt", remedy, "model", "classes")


def read_sight(work: Path) -> dict[str, Any]:
    """The weights of a work folder's eyes, ``sight.pt``.

    Raises:
        UnusableError: they are not there, or something else.
    """
    remedy = f"python -m training sight --work {work} … {_OR_REOPENED} --work {work}"
    return read_checkpoint(work / "sight.pt", remedy, "frame_net.features.0.weight")


def check_loss(loss: float, step: int, remedy: str = "start again with a smaller --rate") -> None:
    """Make sure that it is a number: of every step, and of what is about to be kept.

    A step's loss is that of the weights before it. Its update may spoil them all the same, so that
    nothing is kept before it has been asked something, too.

    Raises:
        TrainingError: it is none; ``remedy`` is what to do.
    """
    if not math.isfinite(loss):
        raise TrainingError(f"step {step}: the loss is {loss}; nothing of it is kept: {remedy}")
