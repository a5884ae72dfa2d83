"""A newly compiled engine is held against the graph as it was trained, once, before it is kept.

One in int8 is held against its own graph: what that has lost was judged by what is heard when it
was written (``calibration``), and its largest error says little of that.

What was found goes into its manifest (``engines.store``): what is loaded from there is not measured
again.
"""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from dataclasses import replace

import numpy as np

from engines import parity
from engines.model import graph_path
from engines.networks import NetworkRequest
from engines.protocol import Engine

_COUNT = 2  # inputs: a scene of the virtual band, and noise
_STREAMED_COLUMNS = 32  # of each, where they are given step by step
_RUNS = 5

OpenReference = Callable[[NetworkRequest], Engine]


def accepted(
    engine: Engine, request: NetworkRequest, open_reference: OpenReference
) -> dict[str, float]:
    """What is known of an engine that may be used.

    Args:
        engine: new, open.
        request: what it was made from.
        open_reference: opens the same network on the processor, as it was trained or written.

    Returns:
        ``parity``, the largest difference, as a part of the reference's largest value; ``ms``, the
        median time of a few runs with nothing beside it.

    Raises:
        EngineError: it differs by more than its precision allows, or fails; it is closed then.
    """
    precision = "int8" if request.precision == "int8" else "fp32"
    right = replace(
        request,
        graph=graph_path(request.folder, request.network, precision),
        precision=precision,
        provider="",
    )
    try:
        given = parity.inputs(request.spec, request.network, request.grid, _COUNT)
        if len(engine.inputs) > 1:
            given = [one[..., :_STREAMED_COLUMNS] for one in given]
        with open_reference(right) as reference:
            difference = parity.error(reference, engine, given)
        parity.check(engine.name, request.precision, difference)
        return {"parity": difference, "ms": _median_ms(engine)}
    except BaseException:
        engine.close()
        raise


def _median_ms(engine: Engine) -> float:
    inputs = {spec.name: np.zeros(spec.shape, spec.dtype) for spec in engine.inputs}
    taken = []
    for _ in range(_RUNS):
        began = time.perf_counter()
        engine.infer(inputs)
        taken.append(1000 * (time.perf_counter() - began))
    return statistics.median(taken)
