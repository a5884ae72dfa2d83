"""A sound network's steps in eight bits, with the very numbers that its windows have.

Both graphs have the same convolutions in the same order. What was measured of windows, and judged,
then holds of steps: they round alike.
"""

from __future__ import annotations

from collections.abc import Sequence

import onnx
from onnx import ModelProto, NodeProto, TensorProto

from calibration.collection import CalibrationError
from calibration.graphs import convolutions


def quantized_like(step: ModelProto, window: ModelProto) -> ModelProto:
    """``step`` with the Q/DQ pairs of ``window``.

    Args:
        step: float32, batch norms folded (``calibration.quantize.simplified``).
        window: the same network's, as ``calibration.quantize.quantized`` made it.

    Raises:
        CalibrationError: they are of different networks.
    """
    eight = ModelProto()
    eight.CopyFrom(step)
    mine, theirs = convolutions(eight), convolutions(window)
    if len(mine) != len(theirs):
        raise CalibrationError(
            f"the step has {len(mine)} convolutions, the window {len(theirs)}: they are of "
            "different networks; export the model again, see docs/models.md"
        )
    pairs = _Pairs(window)
    places = {node.name: other for node, other in zip(mine, theirs, strict=True)}
    nodes: list[NodeProto] = []
    for node in eight.graph.node:
        other = places.get(node.name)
        if other is None:
            nodes.append(node)
            continue
        before, given = pairs.copied(pairs.before(other.input[0]), node.input[0], node.name)
        kernel, weight = pairs.copied(pairs.before(other.input[1]), node.input[1], node.name)
        node.input[0], node.input[1] = given, weight
        after: list[NodeProto] = []
        if following := pairs.after(other.output[0]):
            result = node.output[0]
            node.output[0] = f"{result}_wide"
            after, _ = pairs.copied(following, node.output[0], f"{node.name}_out")
            after[-1].output[0] = result
        nodes += [*before, *kernel, node, *after]
    kept = {name for node in nodes for name in node.input}
    weights = [one for one in eight.graph.initializer if one.name in kept]
    del eight.graph.node[:], eight.graph.initializer[:], eight.graph.value_info[:]
    eight.graph.node.extend(nodes)
    eight.graph.initializer.extend([*weights, *pairs.used])
    onnx.checker.check_model(eight)
    return eight


class _Pairs:
    """The Q/DQ nodes of a graph, to be copied into another; ``used`` are their numbers there."""

    def __init__(self, model: ModelProto) -> None:
        self._numbers = {tensor.name: tensor for tensor in model.graph.initializer}
        self._producers = {name: node for node in model.graph.node for name in node.output}
        self._quantizers = {
            node.input[0]: node for node in model.graph.node if node.op_type == "QuantizeLinear"
        }
        self.used: list[TensorProto] = []

    def before(self, name: str) -> Sequence[NodeProto]:
        """What makes a tensor of eight bits: Q and DQ, or DQ alone of what is stored so."""
        last = self._producers.get(name)
        if last is None or last.op_type != "DequantizeLinear":
            return ()
        first = self._producers.get(last.input[0])
        return (last,) if first is None else (first, last)

    def after(self, name: str) -> Sequence[NodeProto]:
        """What a result goes through before anything else has it."""
        first = self._quantizers.get(name)
        if first is None:
            return ()
        readers = [node for node in self._producers.values() if first.output[0] in node.input]
        return (first, *readers)

    def copied(
        self, nodes: Sequence[NodeProto], source: str, prefix: str
    ) -> tuple[list[NodeProto], str]:
        """The nodes with ``source`` as their input, and the name of what comes out."""
        copies = []
        for node in nodes:
            copy = NodeProto()
            copy.CopyFrom(node)
            copy.name = f"{prefix}/{source}/{node.op_type}"
            stored = node.input[0] in self._numbers
            copy.input[0] = self._number(node.input[0], prefix) if stored else source
            for place in range(1, len(node.input)):
                copy.input[place] = self._number(node.input[place], prefix)
            source = f"{copy.name}_result"
            copy.output[0] = source
            copies.append(copy)
        return copies, source

    def _number(self, name: str, prefix: str) -> str:
        copy = TensorProto()
        copy.CopyFrom(self._numbers[name])
        copy.name = f"{prefix}/{name}"
        if copy.name not in {one.name for one in self.used}:
            self.used.append(copy)
        return str(copy.name)
