"""A stage that has more to do is not let wait for what may come."""

from __future__ import annotations

import io
from dataclasses import replace
from pathlib import Path

import pytest

from realtime.clock import Clock, SystemClock
from realtime.messages import Message
from realtime.plan import Plan
from realtime.runner import TICK_MS
from realtime.screen import Screen
from realtime.stage import Inputs, Outputs, Stage
from realtime.supervisor import Supervisor
from realtime.transport import Inbox
from tests.fakes import stages
from tests.fakes.script import Script
from tests.fakes.stages import plan

ALONE = 3  # steps with nothing that follow each with sound


class Unhurried(stages.Separator):
    """After each step with sound it asks for some more."""

    has_more = False
    left = 0

    def step(self, now_ns: int, inputs: Inputs) -> Outputs:
        outputs = super().step(now_ns, inputs)
        self.left = ALONE if "sound" in inputs else max(self.left - 1, 0)
        type(self).has_more = self.left > 0
        return outputs


def build(name: str, given: Plan, clock: Clock) -> Stage:
    if name != "separator":
        return stages.build(name, given, clock)
    return Unhurried(given.stream, Script(**given.options), clock)


def test_it_is_asked_again_at_once(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    waits: set[tuple[bool, int]] = set()
    receive = Inbox.receive

    def noted(self: Inbox, timeout_ms: int) -> dict[str, list[Message]]:
        if self._consumer == "separator":
            waits.add((Unhurried.has_more, timeout_ms))
        return receive(self, timeout_ms)

    monkeypatch.setattr(Inbox, "receive", noted)
    given = replace(
        plan(Script(results=str(tmp_path)), placement="threads", pace="fast"),
        builder=f"{__name__}:build",
    )
    assert Supervisor(given, SystemClock(), Screen(io.StringIO())).run() == 0
    assert waits == {(True, 0), (False, TICK_MS)}
