"""A stage whose engine can be exchanged while it runs."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Protocol

from realtime.desk import Choice, Part
from realtime.engine_choice import EngineChoice
from realtime.stage import Inputs, Outputs, Resumable, Stage, State, Watched
from realtime.telemetry import EngineSlice
from realtime.telling import Telling


class ResumableStage(Stage, Resumable, Watched, Protocol):
    """What :class:`Exchanged` stands before."""


class Exchanged:
    """Another stage, told apart from its engines: obeys choices of these, and tells the desk."""

    def __init__(
        self, stage: ResumableStage, choice: EngineChoice, part: Part, stream: str
    ) -> None:
        """``choice`` opens all engines of ``stage``, as ``part`` of the rig."""
        self._stage = stage
        self._choice = choice
        self._part = part
        self._stream = stream
        self._telling = Telling()
        self._resumed: str | None = None

    def open(self) -> None:
        """Open the stage."""
        self._stage.open()

    def step(self, now_ns: int, inputs: Inputs) -> Outputs:
        """What the stage gives, and which engine it has when that is due."""
        for one in inputs.get("control", ()):
            if isinstance(one, Choice) and one.part == self._part:
                self._choice.choose(now_ns, one.name)
        if self._resumed is not None:
            self._choice.choose(now_ns, self._resumed)
            self._resumed = None
        self._choice.turn(now_ns)
        outputs = self._stage.step(now_ns, inputs)
        choice = self._choice
        present = self._telling.present(
            now_ns, self._stream, self._part, choice.name, choice.remark
        )
        return outputs if present is None else [*outputs, ("desk", present)]

    def state(self) -> State:
        """The stage's own, and its engine."""
        return {"stage": self._stage.state(), "engine": self._choice.name}

    def resume(self, state: State) -> None:
        """Go on with the engine of the plan, and exchange it for the one that was chosen."""
        self._stage.resume(state["stage"])
        self._resumed = str(state["engine"])

    @property
    def finished(self) -> bool:
        """Whether the stage has finished."""
        return self._stage.finished

    def close(self) -> None:
        """Close the stage."""
        self._stage.close()
        self._choice.close()

    def engine_slices(self) -> Sequence[EngineSlice]:
        """The stage's own."""
        return self._stage.engine_slices()

    def stats(self) -> Mapping[str, float]:
        """The stage's own."""
        return self._stage.stats()
