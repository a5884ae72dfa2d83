"""An engine behind which another may take over."""

from __future__ import annotations

from engines.closing import Closing
from engines.protocol import Engine, TensorSpec


class Standing(Closing):
    """What is known of it: see ``engines.protocol.Engine``; ``now`` answers at first."""

    def __init__(self, now: Engine) -> None:
        self._now = now

    @property
    def name(self) -> str:
        """Of the engine that answers now."""
        return self._now.name

    @property
    def inputs(self) -> tuple[TensorSpec, ...]:
        """The same in both."""
        return self._now.inputs

    @property
    def outputs(self) -> tuple[TensorSpec, ...]:
        """The same in both."""
        return self._now.outputs
