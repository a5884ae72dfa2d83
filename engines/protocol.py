"""What every engine is: one network, compiled for this machine, with its shapes fixed."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from types import TracebackType
from typing import Any, Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from engines.errors import EngineError

# Of the sound network, "window" is a graph for whole windows alone, "step" one with a cache; of one
# that streams, "stretch" is a graph for many columns at once.
Network = Literal["vision", "sound", "window", "step", "stretch"]
FloatArray = NDArray[np.float32]


@dataclass(frozen=True, slots=True, kw_only=True)
class TensorSpec:
    """One input or output: its name in the graph, and its whole shape, batch first."""

    name: str
    shape: tuple[int, ...]
    dtype: str = "float32"


class Engine(Protocol):
    """One network ready to run. Warmed up when opened; used by one thread at a time.

    Buffers: ``infer`` reads its inputs during the call only, and the arrays it returns belong to
    the caller: a later call neither changes nor reuses them.
    """

    @property
    def name(self) -> str:
        """Backend and precision, such as ``openvino/fp32``."""

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """What ``infer`` takes."""

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """What ``infer`` returns."""

    def infer(
        self,
        inputs: Mapping[str, NDArray[Any]],
        into: Mapping[str, FloatArray] | None = None,
    ) -> dict[str, FloatArray]:
        """Run the network once.

        An engine of a network that remembers may keep what it remembers where it computes: then
        ``next_state`` is not among the answers, and ``state`` is left out of the next inputs
        unless the network shall go on from another.

        Args:
            inputs: one float32 array for each of ``self.inputs``, by name.
            into: for outputs by name arrays of their shapes, none of them an input, to be written
                and returned: large new ones cost their pages with every call.

        Returns:
            One C-contiguous float32 array for each of ``self.outputs``, by name.

        Raises:
            EngineError: an input is missing or unknown, or has another shape or dtype; or the
                runtime failed.
        """

    def close(self) -> None:
        """Release the network; a second call does nothing."""

    def __enter__(self) -> Engine: ...

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        """Close."""


def checked_inputs(
    inputs: Mapping[str, NDArray[Any]], specs: Sequence[TensorSpec]
) -> dict[str, FloatArray]:
    """``inputs`` as C-contiguous arrays, copied only where they are not, in the specs' order.

    Raises:
        EngineError: a name, shape or dtype differs from ``specs``.
    """
    names = [spec.name for spec in specs]
    if set(inputs) != set(names):
        raise EngineError(f"engine takes inputs {names}, got {sorted(inputs)}")
    for spec in specs:
        array = inputs[spec.name]
        if array.shape != spec.shape or array.dtype != np.dtype(spec.dtype):
            raise EngineError(
                f"engine input {spec.name!r} is {spec.dtype} {spec.shape}, "
                f"got {array.dtype} {array.shape}"
            )
    return {name: np.ascontiguousarray(inputs[name]) for name in names}


def warm_up(engine: Engine) -> None:
    """Run ``engine`` once on zeros, so that its first real call is as fast as the rest."""
    engine.infer({spec.name: np.zeros(spec.shape, spec.dtype) for spec in engine.inputs})
