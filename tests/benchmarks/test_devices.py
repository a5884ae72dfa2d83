"""What is asked of devices that fail."""

from __future__ import annotations

from dataclasses import replace

import pytest

from benchmarks.device_faults import Fault
from benchmarks.devices import Outcome, judge
from benchmarks.report import Report

GOOD = Outcome(back_s=0.4, noticed=True, hole_s=0.02, recorded=1.0, seen=0.98)


def judged(fault: Fault, *outcomes: Outcome) -> Report:
    report = Report("devices")
    judge(report, fault, outcomes)
    return report


def fault(device: str, *, is_gone: bool = True) -> Fault:
    return Fault(
        name="cut",
        device=device,  # type: ignore[arg-type]
        begin=lambda: None,
        end=lambda: None,
        lasts_s=1.0,
        is_gone=is_gone,
    )


@pytest.mark.parametrize("device", ["camera", "microphone", "speaker"])
def test_what_is_back_in_time_is_met(device: str) -> None:
    report = judged(fault(device), GOOD, replace(GOOD, back_s=1.2))
    assert report.is_met
    assert "0.80 s, 1.20 s" in report.table()
    assert "2 of 2" in report.table()


@pytest.mark.parametrize(
    ("device", "bad"),
    [
        ("speaker", replace(GOOD, back_s=None)),
        ("speaker", replace(GOOD, noticed=False)),
        ("speaker", replace(GOOD, recorded=0.5)),
        ("microphone", replace(GOOD, seen=0.3)),
        ("camera", replace(GOOD, hole_s=0.3)),
    ],
)
def test_one_bad_outcome_is_enough(device: str, bad: Outcome) -> None:
    assert not judged(fault(device), GOOD, bad).is_met


def test_a_short_fault_need_not_be_noticed() -> None:
    assert judged(fault("speaker", is_gone=False), replace(GOOD, noticed=False)).is_met
