"""Reading and changing ONNX graphs: what all that writes another precision has in common."""

from __future__ import annotations

from pathlib import Path

import onnx
from onnx import ModelProto, NodeProto

from calibration.collection import CalibrationError

CONVOLUTIONS = frozenset({"Conv", "ConvTranspose"})


def read_graph(path: Path) -> ModelProto:
    """An ONNX file.

    Raises:
        CalibrationError: it is missing or broken.
    """
    try:
        model = onnx.load(path)
        onnx.checker.check_model(model)
    except Exception as error:  # protobuf's, the checker's or the system's
        raise CalibrationError(
            f"{path} is no whole ONNX file ({str(error).splitlines()[0]}); "
            "export the model again, see docs/models.md"
        ) from error
    return model


def preparation(model: ModelProto) -> set[str]:
    """Names of the nodes before the first convolution: they make of an input what a network takes.

    Levels are taken out there, of numbers that sixteen or eight bits do not hold.
    """
    producers = {output: node for node in model.graph.node for output in node.output}
    first = next(node for node in model.graph.node if node.op_type in CONVOLUTIONS)
    found: set[str] = set()
    waiting: list[str] = [first.input[0]]
    while waiting:
        node = producers.get(waiting.pop())
        if node is not None and node.name not in found:
            found.add(node.name)
            waiting += node.input
    return found


def convolutions(model: ModelProto) -> list[NodeProto]:
    """In the order in which they run."""
    return [node for node in model.graph.node if node.op_type in CONVOLUTIONS]
