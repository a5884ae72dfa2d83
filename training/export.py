"""Writes a model folder: description, weights, and the graphs that live engines run."""

from __future__ import annotations

import contextlib
import copy
import json
import tempfile
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import onnx
import torch
from torch import Tensor, nn

from calibration.graphs import COLUMNS, fix_columns
from pixelplayer.encoder_columns import encoder_columns
from pixelplayer.networks import checkpoint
from pixelplayer.networks.cached_sound import CachedSoundNet
from pixelplayer.networks.checkpoint import AudioNet
from pixelplayer.networks.live_sound import LiveSoundNet
from pixelplayer.networks.sound import SoundNet
from pixelplayer.networks.streaming_sound import StreamingSoundNet
from pixelplayer.networks.synthesizer import Synthesizer
from pixelplayer.networks.vision import FrameNet, VisualFeatures
from pixelplayer.networks.whole_window import WholeWindow
from pixelplayer.spec import FRAME_COLUMNS, STRETCH_COLUMNS, ModelSpec
from training.commands import UnusableError
from training.tracing import ExportError, check_result, compare, trace
from training.whole import TrainingError

_CHECK_BATCH = 2
_CHECK_STEPS = 6
# Networks that a model has or has not; of an earlier one none may be left.
_OPTIONAL = ("model.json", "window.onnx", "step.onnx", "stretch.onnx", "stretch.int8.onnx")

_Net = TypeVar("_Net", bound=nn.Module)


def write_model(  # noqa: PLR0917  a folder's contents, in the order in which they read
    folder: Path,
    spec: ModelSpec,
    frame_net: FrameNet,
    sound_net: AudioNet,
    synthesizer: Synthesizer,
    extra: Mapping[str, Any],
) -> None:
    """Write ``model.json``, ``weights.safetensors``, ``vision.onnx`` and ``sound.onnx``.

    And ``window.onnx`` of a ``SoundNet``: the sound network for whole windows, computed sooner; and
    ``step.onnx`` where the spec has ``step_columns``. The networks are left as they are. Files
    appear in ``folder`` only once all are written and the graphs were found to agree with their
    networks; ``model.json``, without which a folder is no model, last.

    Args:
        folder: made if need be; files of these names in it are replaced.
        spec: what the networks are.
        frame_net: the visual network.
        sound_net: the audio network.
        synthesizer: what joins them.
        extra: further top-level entries of ``model.json``: provenance, scores.

    Raises:
        ExportError: a graph disagrees with its network, or is not of the spec's shape.
        ValueError: ``extra`` has a key that the spec owns, or a value JSON does not have; or the
            audio network cannot be run in the spec's steps.
        UnusableError: ``folder`` is a file.
        TrainingError: the disk does not take it; a former model is left.
    """
    description = spec.to_dict()
    if owned := sorted(set(extra) & set(description)):
        raise ValueError(f"model.json's {owned[0]!r} is the spec's, and cannot be in extra")
    # NaN and infinity are not JSON.
    text = json.dumps({**description, **extra}, indent=2, allow_nan=False) + "\n"
    networks = checkpoint.Networks(_settled(frame_net), _settled(sound_net), _settled(synthesizer))
    with _scratch_in(folder) as scratch:
        _export_vision(scratch / "vision.onnx", networks.frame, spec)
        if isinstance(networks.sound, StreamingSoundNet):
            _export_streaming(scratch / "sound.onnx", networks.sound, spec, FRAME_COLUMNS)
            _export_streaming(scratch / "stretch.onnx", networks.sound, spec, STRETCH_COLUMNS)
        else:
            _export_sound(scratch / "sound.onnx", networks.sound, spec)
        if isinstance(networks.sound, SoundNet):
            _export_window(scratch / "window.onnx", networks.sound, spec)
        if spec.sound.step_columns:
            _export_step(scratch / "step.onnx", networks.sound, spec)
        checkpoint.save(scratch / "weights.safetensors", networks)
        (scratch / "model.json").write_text(text, encoding="utf-8")
        for name in _OPTIONAL:  # of an earlier model
            (folder / name).unlink(missing_ok=True)
        for path in sorted(scratch.iterdir(), key=lambda path: path.name == "model.json"):
            path.replace(folder / path.name)


@contextlib.contextmanager
def _scratch_in(folder: Path) -> Iterator[Path]:
    """Where a model's files are made; a folder that was made for them is not left without them.

    Raises:
        UnusableError: ``folder`` is a file.
        TrainingError: the disk does not take what is made.
    """
    if folder.exists() and not folder.is_dir():
        raise UnusableError(f"{folder} is a file; name a folder for the model, or remove it")
    is_new = not folder.exists()
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder, prefix=".export-") as scratch:
            yield Path(scratch)
        is_new = False
    except OSError as error:
        reason = error.strerror or str(error).splitlines()[0]
        raise TrainingError(
            f"{folder} cannot be written ({reason}): make room, or name another folder"
        ) from error
    finally:
        if is_new:
            with contextlib.suppress(OSError):
                folder.rmdir()


def _settled(network: _Net) -> _Net:
    """A copy for the CPU, in float32 and evaluation mode."""
    return copy.deepcopy(network).cpu().float().eval()


class _Step(nn.Module):
    """One step of a network that streams."""

    def __init__(self, network: StreamingSoundNet) -> None:
        super().__init__()
        self._network = network

    def forward(
        self, log_magnitude: Tensor, lookahead: Tensor, state: Tensor
    ) -> tuple[Tensor, Tensor]:
        return self._network.step(log_magnitude, lookahead, state)


class _SomeColumns(nn.Module):
    """The sound network, asked for columns ``columns[0]`` to ``columns[1]``."""

    def __init__(self, network: SoundNet | LiveSoundNet) -> None:
        super().__init__()
        self._network = network

    def forward(self, log_magnitude: Tensor, columns: Tensor) -> Tensor:
        some: Tensor = self._network.some(log_magnitude, columns[0], columns[1])
        return some


class _CachedStep(nn.Module):
    """A step of the sound network with a cache, asked for such columns of the window."""

    def __init__(self, network: CachedSoundNet) -> None:
        super().__init__()
        self._network = network

    def forward(
        self, log_magnitude: Tensor, past: Tensor, columns: Tensor
    ) -> tuple[Tensor, Tensor]:
        said, kept = self._network(log_magnitude, past, columns[0], columns[1])
        return said, kept


def _export_step(path: Path, network: AudioNet, spec: ModelSpec) -> None:
    """The sound network's step; its columns are a constant, as in ``_export_sound``."""
    if not isinstance(network, SoundNet):
        raise ExportError(f"{path.name}: a {type(network).__name__} has no steps with a cache")
    steps = encoder_columns(spec.sound, spec.audio)
    cached = CachedSoundNet(copy.deepcopy(network), steps).eval()
    new = torch.empty(1, 1, spec.audio.frequency_bins, steps.step).uniform_(-23.0, 5.0)
    past = torch.empty(1, steps.past).uniform_(-1.0, 1.0)
    trace(
        path,
        _CachedStep(cached).eval(),
        (new, past, torch.tensor([steps.window - steps.step, steps.window])),
        inputs=("log_magnitude", "past", COLUMNS),
        outputs=("sound", "kept"),
        free={},
    )
    given = {"log_magnitude": new.numpy(), "past": past.numpy()}
    for newest in (steps.step, steps.newest):
        wanted = steps.window - newest, steps.window - newest + steps.step
        with torch.inference_mode():
            said, kept = cached(new, past, *wanted)
        check_result(path, said.numpy(), (1, spec.channels, *new.shape[2:]))
        asked = {COLUMNS: np.array(wanted, np.int64)}
        compare(path, given | asked, said.numpy(), kept.numpy())
    graph = fix_columns(onnx.load(path), steps.window - steps.step, steps.window)
    onnx.checker.check_model(graph)
    onnx.save(graph, path)


def _export_streaming(
    path: Path, network: StreamingSoundNet, spec: ModelSpec, columns: int
) -> None:
    """So many columns: what is new and what is remembered, to what is said and remembered then."""
    bins = spec.audio.frequency_bins
    heard = torch.empty(1, 1, bins, _CHECK_STEPS * columns).uniform_(-23.0, 5.0)
    network, state = copy.deepcopy(network), network.begin(1)
    known = tuple(frames * FRAME_COLUMNS for frames in network.lookaheads)
    if (spec.sound.state, spec.sound.lookaheads) != (state.shape[1], known):
        raise ExportError(
            f"the network remembers {state.shape[1]} numbers and hears {known} columns ahead, the "
            f"spec: {spec.sound}"
        )
    trace(
        path,
        _Step(network).eval(),
        (heard[..., :columns].clone(), network.chosen(), state),
        inputs=("log_magnitude", "lookahead", "state"),
        outputs=("sound", "next_state"),
        free={},
    )
    kept = state.numpy()
    for place, start in enumerate(range(0, heard.shape[3], columns)):
        new = heard[..., start : start + columns].clone()
        network.lookahead = network.lookaheads[place % len(known)]
        chosen = network.chosen()
        with torch.inference_mode():
            said, state = network.step(new, chosen, state)
        check_result(path, said.numpy(), (1, spec.channels, bins, columns))
        given = {"log_magnitude": new.numpy(), "lookahead": chosen.numpy(), "state": kept}
        _, kept = compare(path, given, said.numpy(), state.numpy())


def _export_sound(path: Path, network: SoundNet | LiveSoundNet, spec: ModelSpec) -> None:
    """The sound network's graph. What columns it gives is a constant of it, at first all of them.

    A live run changes that constant to the few that it needs (``engines.onnx_file``); all else in
    the graph follows from it.
    """
    audio = spec.audio
    # Log magnitudes lie between log(1e-10) and about log(100).
    window = torch.empty(_CHECK_BATCH, 1, audio.frequency_bins, audio.columns).uniform_(-23.0, 5.0)
    with torch.inference_mode():
        expected = network(window.clone()).numpy()
    check_result(path, expected, (_CHECK_BATCH, spec.channels, *window.shape[2:]))
    example = torch.tensor([audio.columns - 2, audio.columns])
    trace(
        path,
        _SomeColumns(network).eval(),
        (window.clone(), example),
        inputs=("log_magnitude", COLUMNS),
        outputs=("sound",),
        free={"log_magnitude": {0: "batch"}, "sound": {0: "batch", 3: "columns"}},
    )
    for first in (0, audio.columns - 2, audio.columns // 2):
        wanted = np.array([first, audio.columns], np.int64)
        for batch in (_CHECK_BATCH, 1):
            given = {"log_magnitude": window[:batch].numpy(), COLUMNS: wanted}
            compare(path, given, expected[:batch, ..., first:])
    graph = onnx.load(path)
    graph = fix_columns(graph, 0, audio.columns)
    onnx.checker.check_model(graph)
    onnx.save(graph, path)
    compare(path, {"log_magnitude": window.numpy()}, expected)


def _export_window(path: Path, network: SoundNet, spec: ModelSpec) -> None:
    """The sound network for whole windows: what ``sound.onnx`` gives of all columns, sooner."""
    audio = spec.audio
    window = torch.empty(_CHECK_BATCH, 1, audio.frequency_bins, audio.columns).uniform_(-23.0, 5.0)
    with torch.inference_mode():
        expected = network(window.clone()).numpy()
    trace(
        path,
        WholeWindow(copy.deepcopy(network)).eval(),
        (window,),
        inputs=("log_magnitude",),
        outputs=("sound",),
        free={"log_magnitude": {0: "batch"}, "sound": {0: "batch"}},
    )
    onnx.checker.check_model(onnx.load(path))
    for batch in (_CHECK_BATCH, 1):
        given = {"log_magnitude": window[:batch].numpy()}
        compare(path, given, expected[:batch])


def _export_vision(path: Path, network: FrameNet, spec: ModelSpec) -> None:
    side, grid = spec.vision.frame_px, spec.vision.grid
    eyes = VisualFeatures(network, spec.vision.picture).eval()
    pictures = torch.rand(_CHECK_BATCH, 3, side, side)
    with torch.inference_mode():
        expected = eyes(pictures.clone()).numpy()
    check_result(path, expected, (_CHECK_BATCH, spec.channels, grid, grid))
    trace(
        path,
        eyes,
        (pictures.clone(),),
        inputs=("picture",),
        outputs=("features",),
        free={
            "picture": {0: "batch", 2: "height", 3: "width"},
            "features": {0: "batch", 2: "rows", 3: "columns"},
        },
    )
    for batch in (_CHECK_BATCH, 1):
        compare(path, {"picture": pictures[:batch].numpy()}, expected[:batch])
