"""Opens the networks of a run in the engine that was asked for, or that is chosen while it runs."""

from __future__ import annotations

import dataclasses
from collections.abc import Callable
from pathlib import Path

from engines.errors import EngineError
from engines.fallback import FallingBack, open_or_fall_back
from engines.protocol import Engine, Network
from engines.registry import backend_of, open_engine
from engines.upgrade import Upgrading
from engines.watching import unwatched
from realtime.engine_slices import EngineSlices
from realtime.options import ModelOptions

READY_AT_ONCE = ("onnxruntime", "fp32")  # everywhere, in every model


@dataclasses.dataclass(frozen=True, slots=True, kw_only=True)
class Opening:
    """One network of a model, as a stage needs it; ``slices`` are told when it is at work."""

    model: ModelOptions
    network: Network
    grid: tuple[int, int] | None = None
    newest: int | None = None
    slices: EngineSlices | None = None

    def within(self, backend: str, precision: str) -> Engine:
        """In this engine; raises EngineError."""
        return open_engine(
            Path(self.model.model),
            self.network,
            backend,
            precision,
            self.model.threads_per_network or 1,
            grid=self.grid,
            newest=self.newest,
            during=unwatched if self.slices is None else self.slices.during,
        )

    def ready(self) -> Engine:
        """In the engine that is quickest to open; raises EngineError."""
        return self.within(*READY_AT_ONCE)


def engine_name(given: ModelOptions) -> str:
    """Backend and precision, as users are shown them."""
    return f"{given.engine}/{given.precision}"


def open_asked(opening: Opening, *, is_live: bool) -> Engine:
    """In the engine that was asked for at the start.

    To build for a GPU may take minutes: live, another goes ahead. So it does where the engine is a
    guess, which is compiled for the first time and may not run at all. It also takes over again
    should the GPU fail, and where nothing is live but ``auto`` chose the GPU.

    Raises:
        EngineError: it cannot be opened.
    """
    given = opening.model
    entry = backend_of(given.engine)

    def asked() -> Engine:
        return opening.within(given.engine, given.precision)

    if is_live and given.guessed_for is not None and engine_name(given) != "/".join(READY_AT_ONCE):
        return Upgrading(opening.ready(), asked)
    if entry is None or not entry.needs_gpu or not (is_live or given.is_chosen):
        return asked()
    if is_live:
        return Upgrading(opening.ready(), lambda: FallingBack(asked(), opening.ready))
    return open_or_fall_back(asked, opening.ready)


def opens(opening: Opening) -> Callable[[str], Engine]:
    """What opens it live in the engine of a name; nobody waits for any but the first."""
    first = engine_name(opening.model)

    def opened(name: str) -> Engine:
        if name == first:
            return open_asked(opening, is_live=True)
        backend, _, precision = name.rpartition("/")
        entry = backend_of(backend)
        if entry is None:
            raise EngineError(f"there is no engine {name!r}")
        engine = opening.within(backend, precision)
        return FallingBack(engine, opening.ready) if entry.needs_gpu else engine

    return opened
