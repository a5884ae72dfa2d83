from __future__ import annotations

from dataclasses import astuple
from itertools import pairwise

import pytest

from realtime.chaos import LONGEST_S, SHORTEST_S, Chaos, Fault, check
from realtime.errors import UsageError

STAGES = ("demo", "sight", "hearing", "separator", "speaker", "recorder", "supervisor")
APART = ("sight", "hearing", "separator")


def faults(text: str, until_s: float = 1000.0, every_s: float = 0.05) -> list[Fault]:
    chaos, found, now_s = Chaos(text, STAGES, APART), [], 0.0
    while now_s < until_s:
        found += chaos.due(now_s)
        now_s += every_s
    return found


def test_a_seed_is_the_same_every_time() -> None:
    first = faults("7")
    assert first == faults("7", every_s=0.3)
    assert first != faults("8")
    assert {fault.stage for fault in first} == {"sight", "hearing", "separator", "speaker"}
    kinds = {(fault.kind, fault.stage in APART) for fault in first}
    assert kinds == {("kill", True), ("stop", True), ("raise", True), ("raise", False)}
    times = [0.0, *(fault.at_s for fault in first)]
    apart = [after - before for before, after in pairwise(times)]
    assert all(SHORTEST_S <= wait_s <= LONGEST_S for wait_s in apart)


def test_what_is_told_comes_in_order() -> None:
    found = faults("stop sight 20.5, kill hearing 10,raise speaker 30")
    assert [astuple(fault) for fault in found] == [
        (10.0, "kill", "hearing"),
        (20.5, "stop", "sight"),
        (30.0, "raise", "speaker"),
    ]


@pytest.mark.parametrize(
    "text", ["", "x", "-1", "kill", "kill hearing", "kill hearing x", "hit hearing 1",
             "kill nobody 1", "kill hearing nan", "kill hearing 1; stop sight 2"],
)  # fmt: skip
def test_what_is_neither_is_refused(text: str) -> None:
    with pytest.raises(ValueError):
        check(text)


@pytest.mark.parametrize("text", ["kill speaker 1", "raise recorder 1", "raise camera 1"])
def test_what_this_run_cannot_have_is_told(text: str) -> None:
    with pytest.raises(UsageError, match="not possible here; there are "):
        Chaos(text, STAGES, APART)
