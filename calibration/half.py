"""Graphs in sixteen bits: the same network with float16 weights and activations.

TensorRT 11 takes precision from the graph (strongly typed networks), so this is what runs in FP16
there; elsewhere the same file can be tried without a GPU.
"""

from __future__ import annotations

import numpy as np
from onnx import ModelProto, NodeProto, TensorProto, checker, helper, numpy_helper

from calibration.collection import CalibrationError
from calibration.graphs import preparation

_LARGEST = float(np.finfo(np.float16).max)


def halved(model: ModelProto) -> ModelProto:
    """``model`` (float32) from its first convolution on in float16; inputs and outputs stay.

    Raises:
        CalibrationError: a weight is too large for float16.
    """
    half = ModelProto()
    half.CopyFrom(model)
    graph = half.graph
    kept = preparation(half)
    outside = {
        value.name for value in graph.input if value.type.tensor_type.elem_type == TensorProto.FLOAT
    }
    outside |= {name for node in graph.node if node.name in kept for name in node.output}
    weights = {tensor.name: tensor for tensor in graph.initializer}
    results = {value.name for value in graph.output}
    shared = {
        name for node in graph.node if node.name in kept for name in node.input if name in weights
    }
    # How far a picture is enlarged stays a float32 number, whatever it is made of.
    sizes = {name for node in graph.node if node.op_type == "Resize" for name in node.input[1:]}
    nodes = []
    narrowed: set[str] = set()
    for node in graph.node:
        if node.name in kept:
            nodes.append(node)
            continue
        for place, name in enumerate(node.input):
            if name in sizes:
                continue
            if name in shared or (name in outside and name not in weights):
                if name not in narrowed:
                    nodes.append(_cast(name, f"{name}_half", TensorProto.FLOAT16))
                    narrowed.add(name)
                node.input[place] = f"{name}_half"
            elif name in weights and weights[name].data_type == TensorProto.FLOAT:
                weights[name].CopyFrom(_narrowed(weights[name]))
        if node.op_type == "Constant" and node.output[0] not in sizes:
            for attribute in node.attribute:
                if attribute.name == "value" and attribute.t.data_type == TensorProto.FLOAT:
                    attribute.t.CopyFrom(_narrowed(attribute.t))
        wide = [place for place, name in enumerate(node.output) if name in results]
        names = [node.output[place] for place in wide]
        for place in wide:
            node.output[place] += "_half"
        nodes.append(node)
        nodes += [_cast(f"{name}_half", name, TensorProto.FLOAT) for name in names]
    del graph.node[:]
    graph.node.extend(nodes)
    del graph.value_info[:]
    checker.check_model(half, full_check=True)
    return half


def _cast(source: str, target: str, to: int) -> NodeProto:
    node: NodeProto = helper.make_node("Cast", [source], [target], name=f"cast:{target}", to=to)
    return node


def _narrowed(tensor: TensorProto) -> TensorProto:
    values = numpy_helper.to_array(tensor)
    if np.abs(values).max(initial=0.0) > _LARGEST:
        raise CalibrationError(
            f"weights {tensor.name!r} reach {np.abs(values).max():.3g}, more than float16 holds; "
            "use fp32"
        )
    narrow: TensorProto = numpy_helper.from_array(values.astype(np.float16), tensor.name)
    return narrow
