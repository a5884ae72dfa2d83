"""What all engines have in common: one opened network, from warm-up to closing."""

from __future__ import annotations

from abc import abstractmethod
from collections.abc import Mapping
from typing import Any, TypeVar

import numpy as np
from numpy.typing import NDArray

from engines.closing import Closing
from engines.errors import EngineError
from engines.networks import NetworkRequest
from engines.protocol import FloatArray, TensorSpec, checked_inputs, warm_up
from engines.watching import During, unwatched

_Opened = TypeVar("_Opened", bound="OpenedNetwork")


class OpenedNetwork(Closing):
    """One network in one runtime; see ``engines.protocol.Engine``.

    A runtime gives the two steps that are its own, and opens the network in its constructor.
    """

    def __init__(self, backend: str, request: NetworkRequest) -> None:
        self.name = f"{backend}/{request.precision}"
        self._step = f"{request.network} {self.name}"
        self._during: During = unwatched
        self.inputs: tuple[TensorSpec, ...] = request.inputs
        self.outputs: tuple[TensorSpec, ...] = request.outputs
        self._kept: frozenset[str] = frozenset()  # inputs that it has itself, unless given
        self._is_open = True

    @abstractmethod
    def _run(self, inputs: dict[str, FloatArray]) -> dict[str, FloatArray]:
        """Run once on checked inputs; the results belong to the caller."""

    def _run_into(
        self, inputs: dict[str, FloatArray], into: Mapping[str, FloatArray]
    ) -> dict[str, FloatArray]:
        """The same, some of the results in arrays of the caller's."""
        answers = self._run(inputs)
        given = {name: array for name, array in into.items() if name in answers}
        for name, array in given.items():
            np.copyto(array, answers[name])
        return {**answers, **given}

    @abstractmethod
    def _release(self) -> None:
        """Let go of the network."""

    def watch(self, during: During) -> None:
        """Enter ``during`` around every step from now on, by network and engine, and its parts."""
        self._during = during

    def infer(
        self,
        inputs: Mapping[str, NDArray[Any]],
        into: Mapping[str, FloatArray] | None = None,
    ) -> dict[str, FloatArray]:
        """See ``Engine.infer``."""
        if not self._is_open:
            raise EngineError(f"{self.name} is closed")
        expected = [s for s in self.inputs if s.name in inputs or s.name not in self._kept]
        arrays = checked_inputs(inputs, expected)
        try:
            with self._during(self._step):
                return self._run_into(arrays, into) if into else self._run(arrays)
        except Exception as error:  # the runtimes' errors share no narrower base
            raise EngineError(f"{self.name} failed: {error}") from error

    def close(self) -> None:
        """See ``Engine.close``."""
        if self._is_open:
            self._is_open = False
            self._release()


def warmed_up(engine: _Opened) -> _Opened:
    """The engine, once it has run: a first call is slower than all others.

    Raises:
        EngineError: it cannot run; it is closed then.
    """
    try:
        warm_up(engine)
    except BaseException:
        engine.close()
        raise
    return engine
