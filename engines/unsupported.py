"""What a runtime says of a graph that it cannot open, in one line."""

from __future__ import annotations

import re

from engines.errors import EngineError
from engines.networks import NetworkRequest
from engines.onnx_file import node_of

# As ONNX Runtime and OpenVINO put it, each in two ways.
_NO_OPERATOR = re.compile(
    r"No Op registered for (?P<a>\w+)|[\w.]*:(?P<b>\w+)\(-?\d+\) is not a registered"
    r"|No conversion rule found for operations: (?P<c>[\w.]+)"
    r"|Conversion is failed for: (?P<d>[\w.]+)"
)
_CODES = re.compile(r"^\[ONNXRuntimeError\] : \d+ : \w+ : ")


def cannot_open(runtime: str, request: NetworkRequest, error: Exception) -> EngineError:
    """With the operator that it does not know and the node, or what it says last."""
    said = str(error).strip()
    if found := _NO_OPERATOR.search(said):
        operator = next(name for name in found.groups() if name).rpartition(".")[2]
        node = node_of(request.content(), operator)
        where = f" (at {node!r})" if node else ""
        reason = f"it has no operator {operator}{where}"
    else:
        reason = _CODES.sub("", said.splitlines()[-1].strip()) if said else type(error).__name__
    return EngineError(
        f"{runtime} cannot open {request.graph}: {reason}; "
        "export the model again, see docs/models.md"
    )
