"""A network that streams, with what it remembers from one step to the next."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from engines.protocol import Engine, FloatArray
from pixelplayer.spec import FRAME_COLUMNS
from pixelplayer.warp import LOG_FLOOR

_SILENCE = np.log(LOG_FLOOR)


class Remembering:
    """Feeds an engine of ``log_magnitude``, ``lookahead`` and ``state`` its own last state.

    Args:
        engine: of a network that streams.
        lookaheads: that it knows, in columns.
    """

    def __init__(self, engine: Engine, lookaheads: Sequence[int]) -> None:
        self._engine = engine
        self._lookaheads = tuple(lookaheads)
        self._new, self._chosen_in, self._state_in = engine.inputs
        self._said, self._state_out = engine.outputs
        self._chosen: FloatArray = np.zeros(self._chosen_in.shape, np.float32)
        self.look_ahead(max(lookaheads))
        self.reset()

    @property
    def columns(self) -> int:
        """That are given at a time."""
        return self._new.shape[3]

    @property
    def frame(self) -> int:
        """The least columns that could be given: lookaheads are whole frames."""
        return FRAME_COLUMNS

    @property
    def lookahead(self) -> int:
        """Columns that are heard beyond those that are answered."""
        return self._lookaheads[int(self._chosen.argmax())]

    def look_ahead(self, columns: int) -> None:
        """From the next step on.

        Raises:
            ValueError: the network knows no such lookahead.
        """
        if columns not in self._lookaheads:
            raise ValueError(f"a lookahead of {columns} columns is none of {self._lookaheads}")
        self._chosen = (np.array([self._lookaheads]) == columns).astype(np.float32)

    def reset(self) -> None:
        """Forget what was heard."""
        self._state: FloatArray | None = np.zeros(self._state_in.shape, np.float32)
        self._next_state: FloatArray = np.empty_like(self._state)

    def step(self, log_magnitude: FloatArray) -> FloatArray:
        """The next ``(1, 1, F, t)`` to what is said then, ``(1, K, F, t)``."""
        given = {self._new.name: log_magnitude, self._chosen_in.name: self._chosen}
        before = self._state
        if before is not None:
            given[self._state_in.name] = before
        answers = self._engine.infer(given, into={self._state_out.name: self._next_state})
        self._state = answers.get(self._state_out.name)  # None: the engine keeps it
        if self._state is not None:  # they change places: no new pages with every step
            self._next_state = np.empty_like(self._state) if before is None else before
        return answers[self._said.name]

    def whole(self, log_magnitude: FloatArray) -> FloatArray:
        """A recording from its beginning: ``(1, 1, F, T)`` to ``(1, K, F, T)``.

        After it there is silence. Where the next columns are guessed, the first are as the first
        that are.
        """
        self.reset()
        columns, late = log_magnitude.shape[3], self.lookahead
        after = max(late, 0)
        after += -(columns + after) % self.columns
        room = ((0, 0), (0, 0), (0, 0), (0, after))
        heard = np.pad(log_magnitude, room, constant_values=np.float32(_SILENCE))
        steps = np.split(heard, heard.shape[3] // self.columns, axis=3)
        said = np.concatenate([self.step(np.ascontiguousarray(one)) for one in steps], axis=3)
        unsaid = said[..., :1].repeat(max(-late, 0), axis=3)
        return np.concatenate([unsaid, said[..., max(late, 0) :]], axis=3)[..., :columns]
