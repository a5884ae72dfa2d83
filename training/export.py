"""Writes a model folder: description, weights, and the two graphs that live engines run."""

from __future__ import annotations

import copy
import json
import tempfile
import warnings
from collections.abc import Mapping
from pathlib import Path
from types import MappingProxyType
from typing import Any, TypeVar

import numpy as np
import onnxruntime
import torch
from torch import Tensor, nn

from pixelplayer.networks import checkpoint
from pixelplayer.networks.live_sound import LiveSoundNet
from pixelplayer.networks.sound import SoundNet
from pixelplayer.networks.synthesizer import Synthesizer
from pixelplayer.networks.vision import FrameNet, VisualFeatures
from pixelplayer.spec import ModelSpec

OPSET = 18  # the newest that every runtime we use takes, TensorRT 10.3 included
_TOLERANCE = 1e-4  # of the largest value; the graphs are float32
_CHECK_BATCH = 2

_Net = TypeVar("_Net", bound=nn.Module)


class ExportError(RuntimeError):
    """The graph as written does not compute what the network computes."""


def write_model(  # noqa: PLR0917  a folder's contents, in the order in which they read
    folder: Path,
    spec: ModelSpec,
    frame_net: FrameNet,
    sound_net: SoundNet | LiveSoundNet,
    synthesizer: Synthesizer,
    extra: Mapping[str, Any],
) -> None:
    """Write ``model.json``, ``weights.safetensors``, ``vision.onnx`` and ``sound.onnx``.

    The networks are left as they are. Files appear in ``folder`` only once all are written and
    both graphs were found to agree with their networks.

    Args:
        folder: made if need be; files of these names in it are replaced.
        spec: what the networks are.
        frame_net: the visual network.
        sound_net: the audio network.
        synthesizer: what joins them.
        extra: further top-level entries of ``model.json``: provenance, scores.

    Raises:
        ExportError: a graph disagrees with its network, or is not of the spec's shape.
        ValueError: ``extra`` has a key that the spec owns, or a value JSON does not have.
    """
    description = spec.to_dict()
    if owned := sorted(set(extra) & set(description)):
        raise ValueError(f"model.json's {owned[0]!r} is the spec's, and cannot be in extra")
    # NaN and infinity are not JSON.
    text = json.dumps({**description, **extra}, indent=2, allow_nan=False) + "\n"
    networks = checkpoint.Networks(_settled(frame_net), _settled(sound_net), _settled(synthesizer))
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=folder, prefix=".export-") as scratch_name:
        scratch = Path(scratch_name)
        side, grid, audio = spec.vision.frame_px, spec.vision.grid, spec.audio
        window = (audio.frequency_bins, audio.columns)
        _export(
            scratch / "vision.onnx",
            VisualFeatures(networks.frame, spec.vision.picture).eval(),
            torch.rand(_CHECK_BATCH, 3, side, side),
            names=("picture", "features"),
            output_shape=(_CHECK_BATCH, spec.channels, grid, grid),
            free={"picture": ("height", "width"), "features": ("rows", "columns")},
        )
        _export(
            scratch / "sound.onnx",
            networks.sound,
            # Log magnitudes lie between log(1e-10) and about log(100).
            torch.empty(_CHECK_BATCH, 1, *window).uniform_(-23.0, 5.0),
            names=("log_magnitude", "sound"),
            output_shape=(_CHECK_BATCH, spec.channels, *window),
        )
        checkpoint.save(scratch / "weights.safetensors", networks)
        (scratch / "model.json").write_text(text, encoding="utf-8")
        for name in ("vision.onnx", "sound.onnx", "weights.safetensors", "model.json"):
            (scratch / name).replace(folder / name)


def _settled(network: _Net) -> _Net:
    """A copy for the CPU, in float32 and evaluation mode."""
    return copy.deepcopy(network).cpu().float().eval()


def _export(
    path: Path,
    network: nn.Module,
    example: Tensor,
    *,
    names: tuple[str, str],
    output_shape: tuple[int, ...],
    free: Mapping[str, tuple[str, str]] = MappingProxyType({}),
) -> None:
    """Write one graph whose batch is free, and hold it against its network.

    ``free`` names the last two dimensions of those inputs and outputs where these are free too.
    """
    input_name, output_name = names
    with torch.inference_mode():
        expected = network(example.clone()).numpy()
    if expected.shape != output_shape:
        raise ExportError(f"{path.name} gives {expected.shape}, the spec asks for {output_shape}")
    if not np.isfinite(expected).all():
        raise ExportError(f"{path.name} gives values that are not finite: the weights are broken")
    with warnings.catch_warnings():
        # The newer exporter takes ten times as long and writes this machine's paths into the file.
        warnings.filterwarnings("ignore", category=DeprecationWarning, module=r"torch\.|training\.")
        torch.onnx.export(
            network,
            (example.clone(),),
            str(path),
            dynamo=False,
            opset_version=OPSET,
            input_names=[input_name],
            output_names=[output_name],
            dynamic_axes={
                name: {0: "batch", **dict(zip((2, 3), free.get(name, ()), strict=False))}
                for name in names
            },
        )
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    for batch in (_CHECK_BATCH, 1):
        (found,) = session.run(None, {input_name: example[:batch].numpy()})
        difference = float(np.abs(found - expected[:batch]).max() / np.abs(expected).max())
        if difference > _TOLERANCE:
            raise ExportError(f"{path.name} differs from its network by {difference:.1e}")
