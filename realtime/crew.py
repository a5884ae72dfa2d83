"""The child processes of a run: all of them started, watched, replaced and seen out.

A process that is killed, or stopped, or says nothing any more, is replaced by one that goes on with
what its stages have left, under the same addresses. For some of them a spare waits, all open.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from functools import partial

from realtime.backoff import BackOff, is_trusted
from realtime.children import Child
from realtime.clock import NS_PER_S
from realtime.graph import STAGES
from realtime.health import HUNG_S, Health
from realtime.plan import Plan
from realtime.reports import Command, Report

SPARE_AFTER_NS = 2 * NS_PER_S  # another start: opening costs a core for a moment
_ABORT = Command(order="abort")


@dataclass(frozen=True, slots=True, kw_only=True)
class Loss:
    """A process that is no more, and what happened to it; one that raised ``has_told`` of it."""

    process: str
    stages: tuple[str, ...]
    fate: str
    has_told: bool


@dataclass(slots=True)
class _Post:
    """The place of one process, whoever holds it."""

    process: str
    child: Child | None
    health: dict[str, Health]
    is_at_work: bool = False
    began_ns: int = 0
    fallen: str | None = None
    due_ns: int | None = None  # when the next is to come
    is_trusted: bool = True  # whether it is given what the former one has left
    back_off: BackOff = field(default_factory=BackOff)


class Crew:
    """All children of one run; only the supervisor's thread calls.

    ``report`` is called from the children's own threads; what it is given goes to :meth:`hear`.
    """

    def __init__(self, plan: Plan, report: Callable[[Child, Report], None]) -> None:
        self._plan = plan
        self._report = report
        self._posts: dict[str, _Post] = {}
        self._spares: dict[str, Child] = {}
        self._spared: set[str] = set()
        self._spare_at_ns: int | None = None
        self._said: list[Command] = []  # that an heir must know of as well
        self._states: dict[str, str] = {}
        self._seen: dict[str, str] = {}
        self._minded_ns: int | None = None
        self._running: frozenset[str] = frozenset()
        self.restarts = 0

    def start(self, early: Mapping[str, Child]) -> None:
        """All processes of the plan; ``early``: those that run already and have not begun."""
        for process in self._plan.children:
            child = early.get(process) or Child(process)
            # Known before it begins: what has begun must be seen out.
            post = self._posts[process] = _Post(process, child, {})
            child.begin(self._plan, partial(self._report, child))
            post.health = _healths(child)

    def _heir(self, process: str) -> Child:
        """One that takes another's place."""
        child = Child(process)
        child.begin(self._plan, partial(self._report, child), is_heir=True)
        return child

    def tell(self, command: Command) -> None:
        """Pass a command on to all; spares and heirs hear of the run's first go only later.

        Whoever has not got the go has nothing to see out when the others are released.
        """
        if command.order in ("deaf", "lost", "stop"):
            self._said.append(command)
        is_end = command.order in ("abort", "release")
        for post in self._posts.values():
            if post.child is not None:
                post.child.obey(command if post.is_at_work or not is_end else _ABORT)
        if is_end:
            for spare in self._spares.values():
                spare.obey(_ABORT)

    def went(self, now_ns: int, *, spared: Collection[str]) -> None:
        """All have got the go; of ``spared`` processes another is to wait."""
        for post in self._posts.values():
            post.is_at_work, post.began_ns = True, now_ns
        self._spared = set(self._plan.children).intersection(spared)
        self._spare_at_ns = now_ns + SPARE_AFTER_NS if self._spared else None

    def hear(self, child: Child, report: Report, now_ns: int) -> bool:
        """Take a report; whether it says anything to the supervisor, too."""
        if report.kind == "ready":
            child.unready.discard(report.stage)
        post = self._posts[child.process]
        if post.child is not child:
            self._hear_spare(child, report)
            return False
        if report.kind == "restarted":
            post.health[report.stage].opens()
        if report.kind == "beat":
            post.health[report.stage].beat()
            self._seen[report.stage] = report.text
        elif report.kind == "state":
            self._states[report.stage] = report.text
        elif report.kind == "fallen" or (report.kind == "failed" and self._is_heir_opening(post)):
            post.fallen = f"failed ({report.text})"
        elif report.kind == "ready" and self._is_heir_opening(post):
            self._let_go(post, now_ns)
        else:
            return True
        return False

    def seen(self, stage: str) -> list[str]:
        """The messages that a stage saw last, without what they carry."""
        return self._seen.get(stage, "").splitlines()

    def mind(self, now_ns: int, running: Collection[str], *, is_live: bool) -> list[Loss]:
        """See who is gone; where the run ``is_live``, who hangs, and who is to come.

        Processes of no ``running`` stage may leave.
        """
        self._running = frozenset(running)
        elapsed_ns = 0 if self._minded_ns is None else now_ns - self._minded_ns
        self._minded_ns = now_ns
        losses = []
        for post in self._posts.values():
            if post.child is None:
                if is_live and post.due_ns is not None and now_ns >= post.due_ns:
                    self._appoint(post, now_ns)
                continue
            stages = [stage for stage in post.child.stages if stage in running]
            fate = (post.fallen or post.child.fate()) if stages else None
            if is_live and fate is None:
                fate = self._hang(post, post.child, stages, elapsed_ns)
            if fate is not None:
                post.child.end()
                post.child = None
                told = fate == post.fallen
                losses.append(
                    Loss(process=post.process, stages=tuple(stages), fate=fate, has_told=told)
                )
        if is_live:
            self._mind_spares(now_ns)
        return losses

    def replace(self, process: str, now_ns: int) -> None:
        """Another is to come for a process that was lost; the sooner, the longer that lived."""
        post = self._posts[process]
        wait_ns = post.back_off.after(now_ns - post.began_ns if post.is_at_work else 0)
        post.is_at_work, post.due_ns = False, now_ns + wait_ns
        post.is_trusted = is_trusted(wait_ns)
        self.restarts += 1

    def child_of(self, stage: str) -> Child | None:
        """The process that ``stage`` is at work in; None while there is none, or it is no child."""
        post = self._posts.get(self._plan.processes[stage])
        return post.child if post is not None and post.is_at_work else None

    @property
    def absent(self) -> list[str]:
        """Stages that nobody does just now."""
        posts = [post for post in self._posts.values() if not post.is_at_work]
        return [stage for post in posts for stage in post.health]

    def leave(self) -> None:
        """See everybody out."""
        present = [post.child for post in self._posts.values() if post.child is not None]
        for child in (*present, *self._spares.values()):
            child.leave()
        self._spares.clear()

    @staticmethod
    def _hang(post: _Post, child: Child, stages: Collection[str], elapsed_ns: int) -> str | None:
        for stage in stages:
            post.health[stage].passed(elapsed_ns)
            if verdict := post.health[stage].verdict(lambda: child.is_stopped):
                return verdict
        return None

    @staticmethod
    def _is_heir_opening(post: _Post) -> bool:
        return not post.is_at_work and post.due_ns is not None

    def _appoint(self, post: _Post, now_ns: int) -> None:
        spare = self._spares.pop(post.process, None)
        post.child = spare or self._heir(post.process)
        post.fallen = None
        post.health = _healths(post.child)
        for health in post.health.values():
            health.opens()
        if self._spare_at_ns is not None:
            self._spare_at_ns = now_ns + SPARE_AFTER_NS
        if not post.child.unready:
            self._let_go(post, now_ns)

    def _let_go(self, post: _Post, now_ns: int) -> None:
        """The heir is open: it may begin."""
        assert post.child is not None
        if post.child.unready:
            return
        for command in (*self._said, *self._ends_before(post)):
            post.child.obey(command)
        stages = post.child.stages if post.is_trusted else ()
        states = {stage: self._states[stage] for stage in stages if stage in self._states}
        post.child.obey(Command(order="go", states=states))
        post.is_at_work, post.began_ns, post.due_ns = True, now_ns, None
        post.health = _healths(post.child)

    def _ends_before(self, post: _Post) -> list[Command]:
        """Producers that have finished: their ends were said to the one before."""
        reads = {topic for stage in post.health for topic in STAGES[stage].reads}
        return [
            Command(order="lost", stage=stage)
            for stage in self._plan.stages
            if stage not in self._running and reads.intersection(STAGES[stage].writes)
        ]

    def _hear_spare(self, child: Child, report: Report) -> None:
        """A spare that does not open is none; another is tried when one is needed."""
        if report.kind == "failed" and self._spares.get(child.process) is child:
            self._drop_spare(child.process)

    def _mind_spares(self, now_ns: int) -> None:
        """Have one of each, opened one after another."""
        if self._spare_at_ns is None or now_ns < self._spare_at_ns:
            return
        for process, spare in list(self._spares.items()):
            if spare.fate() is not None:
                self._drop_spare(process)
        if any(spare.unready for spare in self._spares.values()):
            return
        missing = sorted(self._spared - self._spares.keys())
        if missing:
            spare = self._spares[missing[0]] = self._heir(missing[0])
            spare.give_way()

    def _drop_spare(self, process: str) -> None:
        self._spares.pop(process).end()
        self._spared.discard(process)


def _healths(child: Child) -> dict[str, Health]:
    return {stage: Health(hung_s=HUNG_S) for stage in child.stages}
