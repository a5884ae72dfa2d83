"""What a stage lets the supervisor know besides its numbers: that it lives, and what must not die.

Both go by reports, so they reach a supervisor wherever the stage is.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress

from realtime.clock import NS_PER_S
from realtime.keepsake import KeepsakeError, packed
from realtime.messages import Message
from realtime.reports import Report
from realtime.stage import Resumable, Stage

BEAT_EVERY_NS = NS_PER_S // 10
STATE_EVERY_NS = NS_PER_S // 2
REMEMBERED = 20  # messages


class Lifeline:
    """Of one stage. ``now_ns`` is always the moment of the call."""

    def __init__(self, name: str, report: Callable[[Report], None]) -> None:
        self._name = name
        self._report = report
        self._seen: deque[str] = deque(maxlen=REMEMBERED)
        self._newest: dict[str, tuple[Message, int]] = {}  # by topic, since the last beat
        self._beat_at_ns = 0
        self._state_at_ns = 0
        self.state: str | None = None  # as it was last told

    @property
    def seen(self) -> tuple[str, ...]:
        """What came last, without what it carries: of each topic a message now and then."""
        self._write_down()
        return tuple(self._seen)

    def saw(self, inputs: Mapping[str, Sequence[Message]]) -> None:
        """These go into the next step."""
        for topic, messages in inputs.items():
            _, before = self._newest.get(topic, (None, 0))
            self._newest[topic] = messages[-1], before + len(messages)

    def _write_down(self) -> None:
        """The newest, in words: that takes longer than to keep them for a tenth of a second."""
        for topic, (message, count) in self._newest.items():
            others = f", after {count - 1} more" if count > 1 else ""
            self._seen.append(f"{topic}: {message!r}{others}")
        self._newest.clear()

    def beat(self, now_ns: int) -> None:
        """It is at work: tell that, now and then."""
        if now_ns >= self._beat_at_ns:
            self._beat_at_ns = now_ns + BEAT_EVERY_NS
            self._report(Report(kind="beat", stage=self._name, text="\n".join(self.seen)))

    def keep(self, stage: Stage, now_ns: int, *, at_once: bool) -> None:
        """Tell what is to outlive it, now and then, or because the user has changed it."""
        if not isinstance(stage, Resumable) or not (at_once or now_ns >= self._state_at_ns):
            return
        self._state_at_ns = now_ns + STATE_EVERY_NS
        try:
            self.state = packed(stage.state())
        except KeepsakeError:
            return  # what was told before is better than nothing
        self._report(Report(kind="state", stage=self._name, text=self.state))

    def keep_last(self, stage: Stage) -> None:
        """It has failed: keep what it still knows, if it does, for one in the same process."""
        with suppress(Exception):
            if isinstance(stage, Resumable):
                self.state = packed(stage.state())
