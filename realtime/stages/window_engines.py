"""The engines of a network that looks at windows: one for each number of columns that is wanted."""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Iterable, Mapping
from typing import TypeAlias

from engines.errors import EngineError
from engines.protocol import Engine, FloatArray

_log = logging.getLogger(__name__)

OpenSound: TypeAlias = Callable[[int], Engine]


class WindowEngines:
    """Opened at the start, or beside the run while others answer.

    Args:
        open_engine: opens the sound network for so many of a window's newest columns.
    """

    def __init__(self, open_engine: OpenSound) -> None:
        self._open_engine = open_engine
        self._engines: dict[int, Engine] = {}
        self._opener: threading.Thread | None = None

    def open(self, wanted: Iterable[int]) -> None:
        """Open what is not open yet.

        Raises:
            EngineError: one cannot be opened.
        """
        for newest in sorted(set(wanted) - set(self._engines)):
            self._engines[newest] = self._open_engine(newest)

    def prepare(self, wanted: Iterable[int]) -> None:
        """The same in a thread of its own, after what it has to do already."""
        before, asked = self._opener, tuple(wanted)

        def run() -> None:
            if before is not None:
                before.join()
            try:
                self.open(asked)
            except EngineError as error:
                _log.warning("%s; it goes on with the engines it has", error)

        self._opener = threading.Thread(target=run, name="open engine", daemon=True)
        self._opener.start()

    def can(self, newest: int) -> bool:
        """Whether one is open that gives so many columns."""
        return bool(self._engines) and max(self._engines) >= newest

    def has(self, newest: int) -> bool:
        """Whether the one for just so many columns is open."""
        return newest in self._engines

    def run(self, inputs: Mapping[str, FloatArray], newest: int) -> Mapping[str, FloatArray]:
        """In the engine for just so many columns.

        Raises:
            RuntimeError: it is not open.
            EngineError: it fails.
        """
        if newest not in self._engines:
            raise RuntimeError(f"no engine is open for {newest} columns")
        return self._engines[newest].infer(inputs)

    def infer(self, log_magnitude: FloatArray, wanted: int) -> FloatArray:
        """In the engine that gives no more columns than it must.

        Raises:
            RuntimeError: none gives as many.
            EngineError: it fails.
        """
        able = [newest for newest in tuple(self._engines) if newest >= wanted]
        if not able:
            raise RuntimeError(f"no engine is open that gives {wanted} columns")
        return self._engines[min(able)].infer({"log_magnitude": log_magnitude})["sound"]

    def close(self) -> None:
        """Close them all."""
        if self._opener is not None:
            self._opener.join()
        for engine in self._engines.values():
            engine.close()
        self._engines.clear()
