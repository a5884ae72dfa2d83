"""Traces a network into a graph, and holds the one against the other."""

from __future__ import annotations

import warnings
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn

from training.whole import TrainingError

OPSET = 18  # the newest that every runtime we use takes, TensorRT 10.3 included
_TOLERANCE = 1e-4  # of the largest value; the graphs are float32


class ExportError(TrainingError):
    """The graph as written does not compute what the network computes."""


def trace(
    path: Path,
    network: nn.Module,
    example: tuple[Tensor, ...],
    *,
    inputs: Sequence[str],
    outputs: Sequence[str],
    free: Mapping[str, Mapping[int, str]],
) -> None:
    """Write a graph; ``free`` names the dimensions that are."""
    with warnings.catch_warnings():
        # The newer exporter takes ten times as long and writes this machine's paths into the file.
        warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"torch\.|training\.")
        # What depends on the width of a window is meant to be a constant.
        warnings.filterwarnings("ignore", category=torch.jit.TracerWarning)
        # How wide a map is padded: runtimes make constants of what the exporter leaves.
        warnings.filterwarnings("ignore", message="Constant folding - Only steps=1")
        torch.onnx.export(
            network,
            example,
            str(path),
            dynamo=False,
            opset_version=OPSET,
            input_names=list(inputs),
            output_names=list(outputs),
            dynamic_axes={name: dict(axes) for name, axes in free.items()},
        )


def check_result(path: Path, expected: np.ndarray, shape: tuple[int, ...]) -> None:
    """Whether what a network gives is of a shape, and finite.

    Raises:
        ExportError: it is not.
    """
    if expected.shape != shape:
        raise ExportError(f"{path.name} gives {expected.shape}, the spec asks for {shape}")
    if not np.isfinite(expected).all():
        raise ExportError(f"{path.name} gives values that are not finite: the weights are broken")


def compare(path: Path, given: Mapping[str, np.ndarray], *expected: np.ndarray) -> list[np.ndarray]:
    """Hold a graph against its network; what the graph gives.

    Raises:
        ExportError: it differs by more than rounding.
    """
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    found: list[np.ndarray] = session.run(None, dict(given))
    for mine, wanted in zip(found, expected, strict=True):
        difference = float(np.abs(mine - wanted).max() / np.abs(wanted).max())
        if difference > _TOLERANCE:
            raise ExportError(f"{path.name} differs from its network by {difference:.1e}")
    return found
