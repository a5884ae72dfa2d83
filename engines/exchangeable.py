"""An engine in whose place another can be put while it runs."""

from __future__ import annotations

import threading
from collections.abc import Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engines.networks import STATE
from engines.protocol import Engine, FloatArray
from engines.standing import Standing


class Exchangeable(Standing):
    """See ``engines.protocol.Engine``; between two calls another takes over.

    What a network remembers is given from call to call and goes on, except where the one before
    kept it on its device: then the network begins anew.
    """

    def __init__(self, now: Engine) -> None:
        super().__init__(now)
        self._lock = threading.Lock()
        self._next: Engine | None = None
        self._is_closed = False

    def exchange(self, other: Engine) -> None:
        """Let ``other``, of the same network, answer from the next call on; from any thread."""
        with self._lock:
            surplus, self._next = (other, None) if self._is_closed else (self._next, other)
        if surplus is not None:
            surplus.close()

    def infer(
        self,
        inputs: Mapping[str, NDArray[Any]],
        into: Mapping[str, FloatArray] | None = None,
    ) -> dict[str, FloatArray]:
        """Run the network once, in the engine that is to answer now."""
        if self._next is None:
            return self._now.infer(inputs, into)
        with self._lock:
            other, self._next = self._next, None
        if other is not None:
            before, self._now = self._now, other
            before.close()
        anew = {
            spec.name: np.zeros(spec.shape, spec.dtype)
            for spec in self.inputs
            if spec.name == STATE
        }
        return self._now.infer({**anew, **inputs}, into)

    def close(self) -> None:
        """Release it, and one that was to come."""
        with self._lock:
            self._is_closed = True
            other, self._next = self._next, None
        if other is not None:
            other.close()
        self._now.close()
