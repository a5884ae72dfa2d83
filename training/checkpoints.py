"""Checkpoints that are always whole, and the error of a training that cannot go on."""

from __future__ import annotations

import contextlib
import math
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch

from training.whole import TrainingError


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


def read_checkpoint(path: Path, device: torch.device, remedy: str) -> Mapping[str, Any]:
    """What ``write_checkpoint`` wrote.

    Raises:
        TrainingError: it cannot be read; ``remedy`` is what to do.
    """
    try:
        values = torch.load(path, map_location=device, weights_only=True)
    except OSError as error:
        raise TrainingError(f"{path} cannot be read ({error.strerror}): {remedy}") from error
    except Exception as error:  # torch's many, whose words are of its own options
        raise TrainingError(
            f"{path} is no checkpoint, or is broken or cut off ({path.stat().st_size} bytes): "
            f"{remedy}"
        ) from error
    if not isinstance(values, Mapping):
        raise TrainingError(
            f"{path} is no checkpoint, it holds a {type(values).__name__}: {remedy}"
        )
    return values


def check_loss(loss: float, step: int, remedy: str = "start again with a smaller --rate") -> None:
    """Make sure that it is a number: of every step, and of what is about to be kept.

    A step's loss is that of the weights before it. Its update may spoil them all the same, so that
    nothing is kept before it has been asked something, too.

    Raises:
        TrainingError: it is none; ``remedy`` is what to do.
    """
    if not math.isfinite(loss):
        raise TrainingError(
            f"step {step}: the loss is {loss}; the last checkpoint is kept: {remedy}"
        )
