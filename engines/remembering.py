"""A network that streams, with what it remembers from one step to the next."""

from __future__ import annotations

import numpy as np

from engines.protocol import Engine, FloatArray


class Remembering:
    """Feeds an engine of ``log_magnitude`` and ``state`` what is new, and its own last state."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine
        self._new, self._state_in = engine.inputs
        self._said, self._state_out = engine.outputs
        self.reset()

    @property
    def columns(self) -> int:
        """That are given at a time."""
        return self._new.shape[3]

    def reset(self) -> None:
        """Forget what was heard."""
        self._state: FloatArray = np.zeros(self._state_in.shape, np.float32)

    def step(self, log_magnitude: FloatArray) -> FloatArray:
        """The next ``(1, 1, F, t)`` to what is said then, ``(1, K, F, t)``."""
        given = {self._new.name: log_magnitude, self._state_in.name: self._state}
        answers = self._engine.infer(given)
        self._state = answers[self._state_out.name]
        return answers[self._said.name]

    def whole(self, log_magnitude: FloatArray) -> FloatArray:
        """A recording from its beginning, in whole steps: ``(1, 1, F, T)`` to ``(1, K, F, T)``."""
        self.reset()
        starts = range(0, log_magnitude.shape[3], self.columns)
        steps = [log_magnitude[..., start : start + self.columns] for start in starts]
        return np.concatenate([self.step(np.ascontiguousarray(one)) for one in steps], axis=3)
