"""A model as a server's repository, in the layout that Triton reads.

``DIR/<name>/config.pbtxt`` and ``DIR/<name>/1/model.onnx`` for the visual network and for the sound
network: of whole windows, and of the columns that live steps need.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from pathlib import Path

from engines.errors import EngineError
from engines.model import graph_path, read_spec, whole_network
from engines.networks import NetworkRequest
from engines.protocol import Network, TensorSpec
from pixelplayer.spec import USUAL

MOST_TOGETHER = 16  # requests that a server may gather into one batch
WAIT_US = 2_000  # for others to come


def served_name(model: str, network: Network, newest: int | None = None) -> str:
    """What a network is called on a server: ``live_vision``, ``live_sound``, ``live_sound_6``.

    What a server may not take in a name becomes a ``_``.
    """
    return re.sub(r"[^A-Za-z0-9_.-]", "_", f"{model}_{network}") + (
        f"_{newest}" if newest is not None else ""
    )


def export(folder: Path, target: Path, precision: str, newest: Sequence[int]) -> list[str]:
    """Write the repository of a model.

    Args:
        folder: the model's.
        target: made if need be; models of these names in it are replaced.
        precision: of the graphs.
        newest: for how many of a window's columns the sound network shall be served, besides all;
            one that streams is served as it is.

    Returns:
        The names of what can be served.

    Raises:
        EngineError: a number of columns is none, the model has no such graphs, or a file cannot
            be written.
    """
    for some in newest:
        if some < 1:
            raise EngineError(f"a window has no {some} newest columns; --newest is 1 or more")
    spec = read_spec(folder)
    wanted: list[tuple[Network, int | None]] = [("vision", None), ("sound", None)]
    whole = spec.audio.columns
    if not spec.sound.is_streaming:
        wanted += [("sound", some) for some in sorted({min(columns, whole) for columns in newest})]
    names = []
    for network, columns in wanted:
        graph = whole_network(folder, network, precision) if columns is None else network
        request = NetworkRequest(
            folder=folder,
            network=network,
            spec=spec,
            graph=graph_path(folder, graph, precision),
            precision=precision,
            threads=1,
            grid=spec.vision.grid_for(*USUAL),
            newest=columns,
        )
        name = served_name(spec.name, network, columns)
        place = target / name
        try:
            (place / "1").mkdir(parents=True, exist_ok=True)
            (place / "1" / "model.onnx").write_bytes(request.content())
            (place / "config.pbtxt").write_text(_configuration(name, request), encoding="utf-8")
        except OSError as error:
            raise EngineError(f"{place} cannot be written: {error.strerror}") from error
        names.append(name)
    return names


def _configuration(name: str, request: NetworkRequest) -> str:
    """As Triton's model configuration has it; pictures may be of any size.

    What streams is not gathered into batches: each player's state goes with its own step.
    """

    def ports(kind: str, shapes: Sequence[tuple[str, tuple[int, ...]]]) -> str:
        entries = ", ".join(
            f'{{ name: "{port}" data_type: TYPE_FP32 dims: [ {", ".join(map(str, dims))} ] }}'
            for port, dims in shapes
        )
        return f"{kind} [ {entries} ]\n"

    def dimensions(spec: TensorSpec) -> tuple[int, ...]:
        if request.network == "vision":
            return (spec.shape[1], -1, -1)
        return spec.shape if streams else spec.shape[1:]

    streams = request.network == "sound" and request.spec.sound.is_streaming
    given, found = (
        [(spec.name, dimensions(spec)) for spec in specs]
        for specs in (request.inputs, request.outputs)
    )
    batches = f"dynamic_batching {{ max_queue_delay_microseconds: {WAIT_US} }}\n"
    return (
        f'name: "{name}"\n'
        'backend: "onnxruntime"\n'
        f"max_batch_size: {0 if streams else MOST_TOGETHER}\n"
        f"{ports('input', given)}{ports('output', found)}"
        f"{'' if streams else batches}"
    )
