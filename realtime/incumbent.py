"""The one of a stage that is at work, and who comes after it.

In a live run a stage that raises is replaced where it is, between the same sockets, by another one
that goes on with what the first has left. One that fails soon after that is left to the supervisor,
which replaces its process; in the main process it is tried again, later and later.
"""

from __future__ import annotations

import os
import traceback
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from pathlib import Path

from realtime.backoff import BackOff, is_trusted
from realtime.clock import Clock
from realtime.crash import crash_folder, where, write_crash
from realtime.graph import MAIN, STAGES
from realtime.keepsake import unpacked
from realtime.lifeline import Lifeline
from realtime.plan import Plan, load_builder
from realtime.reports import Report, failure, is_final
from realtime.run import Run
from realtime.stage import Resumable, Stage

_WAITING_S = 0.02  # how often one that waits for its turn looks whether it is still wanted


class Incumbent:
    """Opens the stage ``name``, replaces it and closes it, all from its one thread."""

    def __init__(  # noqa: PLR0917  what a stage is made of, and who is told
        self,
        name: str,
        plan: Plan,
        clock: Clock,
        run: Run,
        lifeline: Lifeline,
        report: Callable[[Report], None],
    ) -> None:
        self._name = name
        self._plan = plan
        self._clock = clock
        self._run = run
        self._lifeline = lifeline
        self._report = report
        self._back_off = BackOff()
        self._began_ns = 0
        self._stage: Stage | None = None

    @property
    def stage(self) -> Stage:
        """The one at work."""
        if self._stage is None:
            raise RuntimeError(f"{self._name} is not open")
        return self._stage

    def open(self) -> None:
        """Make and open the stage; raises what it raises."""
        self._stage = load_builder(self._plan.builder)(self._name, self._plan, self._clock)
        self._stage.open()
        self._began_ns = self._clock.now_ns()

    def resume(self, state: str | None) -> None:
        """Go on with what another has left; where that cannot be used, begin anew."""
        self._began_ns = self._clock.now_ns()
        stage: object = self._stage
        if state is None or not isinstance(stage, Resumable):
            return
        try:
            stage.resume(unpacked(state))
        except Exception as error:  # noqa: BLE001 - whatever it is, to begin anew is better
            text = f"what it was left cannot be used ({error}); it begins anew"
            self._report(Report(kind="restarted", stage=self._name, text=text))
            self.close()
            self.open()
        else:
            self._lifeline.state = state

    def replace(self, error: Exception) -> Iterator[None]:
        """Have another one in the place of the one that raised ``error``, or raise it again.

        Yields while it is too early.
        """
        while True:
            wait_ns = self._back_off.after(self._clock.now_ns() - self._began_ns)
            if not self._is_replaceable(error) or (wait_ns and self._is_child):
                raise error
            text = f"{type(error).__name__}: {error}; {where(self.crash(error))}"
            self._report(Report(kind="restarted", stage=self._name, text=text))
            if self._stage is not None:
                self._lifeline.keep_last(self._stage)
            self.close()
            until_ns = self._clock.now_ns() + wait_ns
            while self._clock.now_ns() < until_ns:
                if self._run.stop.wait(_WAITING_S) or self._run.abort.is_set():
                    raise error
                self._lifeline.beat(self._clock.now_ns())
                yield
            self._began_ns = self._clock.now_ns()
            try:
                self.open()
                self.resume(self._lifeline.state if is_trusted(wait_ns) else None)
            except Exception as another:  # noqa: BLE001 - told in the next round
                error = another
            else:
                return

    def leaves_it_to_others(self, error: Exception) -> bool:
        """Whether the process as a whole is to be replaced."""
        return self._is_child and self._is_replaceable(error)

    def crash(self, error: Exception) -> Path | None:
        """Write down what is known of a failure; where."""
        numbers: Mapping[str, float] = {}
        with suppress(Exception):  # of a stage that failed
            numbers = self.stage.stats()
        return write_crash(
            crash_folder(os.environ),
            self._name,
            f"failed ({type(error).__name__}: {error})",
            trace="".join(traceback.format_exception(error)),
            seen=self._lifeline.seen,
            numbers=numbers,
        )

    def close(self) -> None:
        """Give back what the stage holds, however it ended."""
        stage, self._stage = self._stage, None
        if stage is None:
            return
        try:
            stage.close()
        except Exception as error:  # noqa: BLE001 - the sockets must be closed all the same
            self._report(failure(self._name, error))

    @property
    def _is_child(self) -> bool:
        return self._plan.processes[self._name] != MAIN

    def _is_replaceable(self, error: Exception) -> bool:
        is_live = self._plan.pace == "realtime" and not self._run.stop.is_set()
        return is_live and STAGES[self._name].is_replaced and not is_final(error)
