"""A source around another: all passes, unless one says otherwise."""

from __future__ import annotations

from collections.abc import Mapping

from realtime.stage import Inputs, Outputs, Resumable, Stage, State


class Wrapped:
    """The source that it is given, as it is."""

    def __init__(self, source: Stage) -> None:
        self._source = source

    def open(self) -> None:
        """Open the source."""
        self._source.open()

    def step(self, now_ns: int, inputs: Inputs) -> Outputs:
        """What the source gives."""
        return self._source.step(now_ns, inputs)

    def state(self) -> State:
        """The source's own."""
        return self._source.state() if isinstance(self._source, Resumable) else {}

    def resume(self, state: State) -> None:
        """Leave it to the source."""
        if isinstance(self._source, Resumable):
            self._source.resume(state)

    @property
    def finished(self) -> bool:
        """Whether the source has finished."""
        return self._source.finished

    def close(self) -> None:
        """Close the source."""
        self._source.close()

    def stats(self) -> Mapping[str, float]:
        """The source's own."""
        return self._source.stats()
