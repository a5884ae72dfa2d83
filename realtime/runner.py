"""One stage between its sockets: waiting, stepping, measuring, from open to close."""

from __future__ import annotations

import traceback
from collections.abc import Callable, Generator, Iterator, Sequence
from dataclasses import replace
from threading import Event

from realtime.clock import NS_PER_S, Clock
from realtime.crash import where
from realtime.flows import Mark, marks
from realtime.graph import STAGES, TOPICS, unwritten
from realtime.incumbent import Incumbent
from realtime.lifeline import Lifeline
from realtime.limit import Limit
from realtime.messages import End, Message
from realtime.plan import Plan
from realtime.reports import EXIT_FAILED, Report, failure
from realtime.run import ChaosError, Run
from realtime.stage import Stage, Unhurried, Watched
from realtime.telemetry import Meter, Span
from realtime.transport import Context, Inbox, Outbox, Stopped

TICK_MS = 20  # a stage is stepped at least so often
NUMBERS_EVERY_NS = NS_PER_S


class Runner:
    """Runs one stage in whichever thread iterates over :meth:`life`."""

    def __init__(
        self,
        name: str,
        *,
        plan: Plan,
        clock: Clock,
        context: Context,
        run: Run,
        report: Callable[[Report], None],
        is_heir: bool = False,
    ) -> None:
        """``is_heir``: it takes the place of another, and listens only once that is gone."""
        self.name = name
        self._plan = plan
        self._clock = clock
        self._context = context
        self._run = run
        self._report = report
        self._is_heir = is_heir
        self._lifeline = Lifeline(name, report)
        self._incumbent = Incumbent(name, plan, clock, run, self._lifeline, report)
        self._entry = STAGES[name]
        self._meter = Meter(self._period_ns())
        self._inbox: Inbox | None = None
        self._outbox: Outbox | None = None
        self._sent = dict.fromkeys(self._entry.writes, 0)
        self._open_writes = {topic for topic in self._entry.writes if TOPICS[topic].is_data}
        self._open_reads = {topic for topic in self._entry.reads if TOPICS[topic].is_data}
        is_cut = self._entry.kind == "source" and plan.duration_s is not None
        self._limit = Limit(plan.duration_s or 0.0) if is_cut else None
        self._numbers_at_ns = 0
        self._marks: list[Mark] = []  # of the steps since the last report
        self._unmarked: dict[str, list[Message]] = {}  # was taken, and nothing given yet

    def _period_ns(self) -> int:
        """How long a step may take; 0 where a long one harms nobody."""
        writes = [topic for topic in self._entry.writes if TOPICS[topic].is_data]
        if self._plan.pace == "fast" or self._entry.kind != "stage" or not writes:
            return 0
        return round(NS_PER_S / max(TOPICS[topic].rate_hz for topic in writes))

    def life(self) -> Generator[None, None, None]:
        """The stage's whole life; yields often, so that its thread can do other things."""
        try:
            yield from self._live()
            yield from self._until(self._run.release)  # a closed socket forgets what was sent
        except Stopped:
            pass
        finally:
            if self._outbox is not None:
                self._outbox.close()

    def _live(self) -> Iterator[None]:
        try:
            if not self._is_heir:
                self._listen()
            self._incumbent.open()
            self._report(Report(kind="ready", stage=self.name))
            yield from self._until(self._run.go)
            if self._is_heir:
                self._listen()
            self._incumbent.resume(self._run.states.get(self.name))
            self._outbox = Outbox(self._context, self._plan.ways(self.name), self._still)
            yield from self._work()
            self._tell_numbers(self._incumbent.stage)
            self._report(Report(kind="finished", stage=self.name))
        except Stopped:
            raise
        except Exception as error:
            if self._run.abort.is_set():
                raise Stopped from error  # the others have left already
            self._fail(error)
        finally:
            self._incumbent.close()
            if self._inbox is not None:
                self._inbox.close()

    def _listen(self) -> None:
        self._inbox = Inbox(self._context, self.name, self._plan.listens(self.name))

    def _still(self, consumer: str) -> bool:
        """Who waits for another is at work."""
        self._lifeline.beat(self._clock.now_ns())
        return self._run.still(consumer)

    def _until(self, event: Event) -> Iterator[None]:
        while not event.wait(TICK_MS / 1000):
            if self._run.abort.is_set():
                raise Stopped
            yield

    def _work(self) -> Iterator[None]:
        first = [
            (topic, [End(stream=self._plan.stream, sequence=0, topic=topic)])
            for topic in unwritten(self.name, self._plan.stages)
        ]
        self._open_reads -= {topic for topic, _ in first}
        inputs: dict[str, list[Message]] = dict(first)  # type: ignore[arg-type]
        is_source = self._entry.kind == "source"
        while not self._run.abort.is_set():
            if is_source and self._run.stop.is_set():
                break
            self._lifeline.beat(self._clock.now_ns())
            if not inputs and (self._entry.reads or not is_source):
                # A source waits for its device, if for anything.
                inputs = self._receive(0 if is_source or self._has_more else TICK_MS)
            try:
                self._step(self._incumbent.stage, inputs)
            except Stopped:
                raise
            except Exception as error:  # noqa: BLE001 - another one takes its place, or it is told
                yield from self._incumbent.replace(error)
            if self._incumbent.stage.finished or (is_source and not self._open_writes):
                break
            inputs = {}
            yield
        else:
            raise Stopped
        self._end_all()

    @property
    def _has_more(self) -> bool:
        stage = self._incumbent.stage
        return isinstance(stage, Unhurried) and stage.has_more

    def _receive(self, timeout_ms: int) -> dict[str, list[Message]]:
        assert self._inbox is not None
        inputs = self._inbox.receive(timeout_ms)
        now_ns = self._clock.now_ns()
        for topic, messages in inputs.items():
            if isinstance(messages[-1], End):
                self._open_reads.discard(topic)
            capture_ns = getattr(messages[0], "capture_ns", None)
            if capture_ns is not None and self._plan.pace == "realtime":
                self._meter.age(now_ns - capture_ns)
        if self._run.lost and not inputs:
            inputs = self._ends_of_the_lost()
        return inputs

    def _ends_of_the_lost(self) -> dict[str, list[Message]]:
        """The ends that dead producers owe, once nothing of theirs arrives any more."""
        written = {topic for name in self._run.lost for topic in STAGES[name].writes}
        owed = sorted(self._open_reads & written)
        self._open_reads -= set(owed)
        return {topic: [End(stream=self._plan.stream, sequence=0, topic=topic)] for topic in owed}

    def _step(self, stage: Stage, inputs: dict[str, list[Message]]) -> None:
        if self.name in self._run.faults:
            self._run.faults.discard(self.name)
            raise ChaosError("wanted by --chaos")
        self._lifeline.saw(inputs)
        start_ns = self._clock.now_ns()
        outputs: Sequence[tuple[str, Message]] = stage.step(start_ns, inputs)
        if self._plan.is_traced:
            for topic, messages in inputs.items():
                self._unmarked.setdefault(topic, []).extend(messages)
        stop_ns = self._clock.now_ns()
        if self._limit is not None:
            outputs = self._limit.cut(outputs)
            if self._plan.pace == "realtime":
                outputs = [*outputs, *self._limit.overdue(stop_ns)]
        if outputs or (inputs and not self._open_writes):
            self._meter.step(start_ns, stop_ns)
            self._mark((start_ns, stop_ns), outputs)
        for topic, message in outputs:
            self._send(topic, message)
        self._meter.blocked(self._clock.now_ns() - stop_ns)
        if stop_ns >= self._numbers_at_ns:
            self._numbers_at_ns = stop_ns + NUMBERS_EVERY_NS
            self._tell_numbers(stage)
        if self._plan.pace == "realtime":
            self._lifeline.keep(stage, stop_ns, at_once="control" in inputs)

    def _mark(self, span: Span, outputs: Sequence[tuple[str, Message]]) -> None:
        """Steps that give nothing are no slices: what they took goes on with the next that does."""
        if self._plan.is_traced:
            self._marks += marks(self.name, span, self._unmarked, outputs)
            self._unmarked.clear()

    def _send(self, topic: str, message: Message) -> None:
        assert self._outbox is not None
        if isinstance(message, End):
            self._open_writes.discard(topic)
        self._sent[topic] += 1
        self._outbox.send(topic, message)

    def _end_all(self) -> None:
        """Say the ends that the stage has not said itself."""
        for topic in sorted(self._open_writes):
            self._send(
                topic, End(stream=self._plan.stream, sequence=self._sent[topic], topic=topic)
            )

    def _tell_numbers(self, stage: Stage) -> None:
        boxes = (self._inbox, self._outbox)
        values = self._meter.values([box.traffic for box in boxes if box is not None])
        values |= {name: float(value) for name, value in stage.stats().items()}
        spans = self._meter.take_spans()
        told = spans if self._plan.is_traced else []
        marked, self._marks = self._marks, []
        slices = stage.engine_slices() if isinstance(stage, Watched) else ()
        self._report(
            Report(
                kind="numbers",
                stage=self.name,
                values=values,
                spans=told,
                marks=marked,
                engines=slices,
            )
        )

    def _fail(self, error: Exception) -> None:
        report = failure(self.name, error)
        if self._outbox is not None and self._incumbent.leaves_it_to_others(error):
            text = f"{type(error).__name__}: {error}; {where(self._incumbent.crash(error))}"
            self._report(replace(report, kind="fallen", text=text))
            return  # no ends: another one goes on
        if report.exit_code == EXIT_FAILED:
            traceback.print_exc()
        self._report(report)
        if self._outbox is not None:
            self._end_all()
