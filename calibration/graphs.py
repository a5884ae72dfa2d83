"""Reading and changing ONNX graphs: what all that writes another precision has in common."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnx
from onnx import ModelProto, NodeProto, TensorProto, helper, numpy_helper

from calibration.collection import CalibrationError

COLUMNS = "columns"  # the constant of a sound graph that says which columns it gives
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


def fix_columns(model: ModelProto, start: int, stop: int) -> ModelProto:
    """The same with its input ``columns`` made a constant, which engines may change."""
    fixed = ModelProto()
    fixed.CopyFrom(model)
    graph = fixed.graph
    kept = [value for value in graph.input if value.name != COLUMNS]
    del graph.input[:]
    graph.input.extend(kept)
    wanted = np.array([start, stop], np.int64)
    graph.initializer.append(numpy_helper.from_array(wanted, COLUMNS))
    return fixed


def free_columns(model: ModelProto) -> tuple[ModelProto, tuple[int, int] | None]:
    """The same with its constant ``columns`` made an input, so that tools leave alone what follows
    from it; and what it was, None where a graph has no such constant."""
    freed = ModelProto()
    freed.CopyFrom(model)
    graph = freed.graph
    found = next((tensor for tensor in graph.initializer if tensor.name == COLUMNS), None)
    if found is None:
        return freed, None
    start, stop = numpy_helper.to_array(found).tolist()
    graph.initializer.remove(found)
    graph.input.append(helper.make_tensor_value_info(COLUMNS, TensorProto.INT64, [2]))
    return freed, (start, stop)
