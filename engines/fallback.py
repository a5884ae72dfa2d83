"""An engine that gives way to another when it fails: a GPU whose memory others take meanwhile."""

from __future__ import annotations

import logging
from collections.abc import Callable, Mapping
from typing import Any

import numpy as np
from numpy.typing import NDArray

from engines.errors import EngineError
from engines.networks import STATE
from engines.protocol import Engine, FloatArray
from engines.standing import Standing

_log = logging.getLogger(__name__)

Open = Callable[[], Engine]


def open_or_fall_back(open_first: Open, open_other: Open) -> Engine:
    """The first, which gives way to the other if it fails later; the other if it cannot be had.

    Raises:
        EngineError: neither can be had.
    """
    try:
        return FallingBack(open_first(), open_other)
    except EngineError as error:
        other = open_other()
        _log.warning("%s runs instead: %s", other.name, error)
        return other


class FallingBack(Standing):
    """See ``engines.protocol.Engine``; ``open_other`` opens what answers from a failure on.

    A network that remembers begins anew then: what the first one kept on its device is lost.
    """

    def __init__(self, first: Engine, open_other: Open) -> None:
        super().__init__(first)
        self._open_other: Open | None = open_other

    def infer(
        self,
        inputs: Mapping[str, NDArray[Any]],
        into: Mapping[str, FloatArray] | None = None,
    ) -> dict[str, FloatArray]:
        """Run the network once, in the other engine if the first fails."""
        try:
            return self._now.infer(inputs, into)
        except EngineError as error:
            if self._open_other is None:
                raise
            failed, self._now = self._now, self._open_other()
            self._open_other = None
            failed.close()
            _log.warning("%s goes on: %s", self._now.name, error)
        anew = {
            spec.name: np.zeros(spec.shape, spec.dtype)
            for spec in self.inputs
            if spec.name == STATE
        }
        return self._now.infer({**anew, **inputs}, into)

    def close(self) -> None:
        """Release it; nothing takes its place any more."""
        self._open_other = None
        self._now.close()
