"""An engine that begins at once and gets better while it runs.

To build for a GPU takes minutes the first time. Until then the network runs in an engine that is
ready; between two calls the better one takes over. Whoever calls notices nothing but the speed.
"""

from __future__ import annotations

import logging
import threading
from collections.abc import Callable, Mapping
from typing import Any

from numpy.typing import NDArray

from engines.errors import EngineError, one_line
from engines.protocol import Engine, FloatArray
from engines.standing import Standing

_log = logging.getLogger(__name__)


class Upgrading(Standing):
    """See ``engines.protocol.Engine``; ``ready`` until what ``open_better`` opens has taken over.

    ``open_better`` runs in a thread of its own. Where it fails, that is told, and ``ready`` stays.
    """

    def __init__(self, ready: Engine, open_better: Callable[[], Engine]) -> None:
        super().__init__(ready)
        self._open_better = open_better
        self._lock = threading.Lock()
        self._better: Engine | None = None
        self._is_closed = False
        self._builder = threading.Thread(target=self._build, name="build engine", daemon=True)
        self._builder.start()

    @property
    def is_settled(self) -> bool:
        """Whether the better engine answers, or has turned out not to be had."""
        return not self._builder.is_alive() and self._better is None

    def infer(
        self,
        inputs: Mapping[str, NDArray[Any]],
        into: Mapping[str, FloatArray] | None = None,
    ) -> dict[str, FloatArray]:
        """Run the network once, in the better engine if it is there by now."""
        if self._better is not None:
            with self._lock:
                better, self._better = self._better, None
            if better is not None:
                before, self._now = self._now, better
                before.close()
                _log.info("%s has taken over from %s", better.name, before.name)
        return self._now.infer(inputs, into)

    def close(self) -> None:
        """Release both; one that is still being built is released when it is done."""
        with self._lock:
            self._is_closed = True
            better, self._better = self._better, None
        if better is not None:
            better.close()
        self._now.close()

    def _build(self) -> None:
        try:
            better = self._open_better()
        except Exception as error:  # noqa: BLE001  a thread's would be a traceback, and told to nobody
            reason = str(error) if isinstance(error, EngineError) else one_line(error)
            _log.warning("%s goes on: %s", self._now.name, reason)
            return
        with self._lock:
            if not self._is_closed:
                self._better = better
                return
        better.close()
