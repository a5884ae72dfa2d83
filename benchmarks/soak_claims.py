"""What is asked of a long run: nothing lost, steps in time, no growth, a constant delay."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np

from benchmarks.delay import Delay
from benchmarks.loopback import LIKE
from benchmarks.process_tree import Sample, trend
from benchmarks.report import Report
from benchmarks.told import Told
from benchmarks.traces import Steps

MOST_GROWTH_MB_PER_MINUTE = 1.0
LEAST_S_FOR_GROWTH = 240.0  # below that the allocators' own unrest is more
MOST_SHIFT_MS = 20.0  # that a stall may leave: nobody hears it
RECOVERED_AFTER_S = 10.0
_SETTLED_AFTER_S = 60.0
_SHARE = 5  # of a short run: so long it settles
_AT_EACH_END = 10  # of the settled stretch: so much is looked at for what is open

LOSSES = (
    ("gaps at the speaker", "speaker", "gaps"),
    ("samples late at the speaker", "speaker", "late_samples"),
    ("samples of the mixture in the place of streams", "speaker", "carried_samples"),
    ("samples lost on the way to the speaker", "speaker", "lost_samples"),
    ("samples that the speaker's queue had no room for", "speaker", "refused_samples"),
    ("times the speaker's device ran dry", "speaker", "device_underflows"),
    ("times the speaker's device was opened again", "speaker", "device_reopened"),
    ("samples dropped before hearing", "hearing", "lost_samples"),
    ("times the microphone's device lost sound", "microphone", "device_overflows"),
    ("columns lost before the separator", "separator", "lost_columns"),
)
_SHOWN = 8
_CORRECTIONS = ("trimmed_samples", "padded_samples")


@dataclass(frozen=True, slots=True, kw_only=True)
class Stretch:
    """From when to when, monotonic s."""

    begun_s: float
    ended_s: float

    def disturbs(self, at_s: float) -> bool:
        """Whether sound of that moment may still suffer from it."""
        return self.begun_s - 1.0 <= at_s <= self.ended_s + RECOVERED_AFTER_S


def judge_losses(
    report: Report, told: Sequence[Told], begun_s: float, stalled: Stretch | None
) -> None:
    """Every counter is 0, but for what a stall took."""
    for what, stage, name in LOSSES:
        report.at_most(what, counted(told, stage, name, stalled), 0, "")
        seconds = [at_s - begun_s for at_s in rises_s(told, stage, name)]
        if seconds:
            shown = ", ".join(f"{at_s:.0f}" for at_s in seconds[:_SHOWN])
            more = len(seconds) - _SHOWN
            report.note("… at", f"{shown} s" + (f", and {more} times later" if more > 0 else ""))
            report.keep(what, seconds)
        if stalled is not None:
            taken = told[-1].value(stage, name) - counted(told, stage, name, stalled)
            if taken:
                report.note("… by the stall, and within 10 s of it", f"{taken:.0f}")
    corrections = [f"{told[-1].value('speaker', name):.0f} {name}" for name in _CORRECTIONS]
    report.note("the speaker's queue set right", ", ".join(corrections).replace("_", " "))


def rises_s(told: Sequence[Told], stage: str, name: str) -> list[float]:
    """When a counter was first told to be higher than before."""
    counts = np.array([0.0, *(row.value(stage, name) for row in told)])
    return [row.at_s for row, rise in zip(told, np.diff(counts), strict=True) if rise > 0]


def counted(told: Sequence[Told], stage: str, name: str, stalled: Stretch | None) -> float:
    """What a counter counted from the start to the end, but for the stall and what follows it."""
    whole = told[-1].value(stage, name)
    if stalled is None:
        return whole
    before = [row.value(stage, name) for row in told if row.at_s <= stalled.begun_s]
    after = [
        row.value(stage, name) for row in told if row.at_s > stalled.ended_s + RECOVERED_AFTER_S
    ]
    return (before[-1] if before else 0.0) + (whole - after[0] if after else 0.0)


def judge_steps(report: Report, taken: Mapping[str, Steps], column_ms: float, columns: int) -> None:
    """A step that takes longer than the sound it is for falls behind."""
    hop_ms = columns * column_ms
    for stage, found in taken.items():
        spent_ms = found.durations_ms
        if not spent_ms.size:
            report.claim(f"{stage}: steps", "some", "none", met=False)
            continue
        p50, p99, longest = np.percentile(spent_ms, [50, 99, 100])
        what = f"{stage}: p99 of a step, for {columns} columns or {hop_ms:.1f} ms of sound"
        report.at_most(what, float(p99), hop_ms, "ms")
        fits = "within" if p99 <= column_ms else "beyond"
        report.note("… against one column", f"{fits} {column_ms:.1f} ms")
        report.note("… p50, longest, steps", f"{p50:.1f}, {longest:.1f} ms, {spent_ms.size}")
        report.keep(f"{stage}_ms", np.percentile(spent_ms, [50, 90, 99, 99.9, 100]))


def judge_growth(
    report: Report, samples: Sequence[Sample], begun_s: float, duration_s: float
) -> None:
    """Memory, handles and threads of all the player's processes, once settled."""
    settled_s = min(_SETTLED_AFTER_S, duration_s / _SHARE)
    settled = [sample for sample in samples if sample.at_s >= begun_s + settled_s]
    times_s = [sample.at_s for sample in settled]
    memory = trend(times_s, [sample.rss_mb for sample in settled])
    what = f"memory's growth after {settled_s:.0f} s"
    if duration_s >= LEAST_S_FOR_GROWTH:
        report.at_most(what, memory.per_minute, MOST_GROWTH_MB_PER_MINUTE, "MB/min")
    else:
        told = f"{memory.per_minute:.2f} MB/min; {LEAST_S_FOR_GROWTH:.0f} s and more are judged"
        report.note(what, told)
    report.note("memory, mean and spread", f"{memory.mean:.0f} MB, {memory.spread:.1f} MB")
    length = max(len(settled) // _AT_EACH_END, 1)
    first, last = settled[:length], settled[-length:]
    for name in ("files", "threads", "processes"):
        early, late = (
            float(np.median([getattr(sample, name) for sample in end])) for end in (first, last)
        )
        got = f"{early:.0f} -> {late:.0f}"
        report.claim(
            f"{name} open, after {settled_s:.0f} s and at the end",
            "no more",
            got,
            met=late <= early,
        )
    cpu_s = settled[-1].cpu_s - settled[0].cpu_s
    report.note("processor time", f"{cpu_s / (times_s[-1] - times_s[0]):.2f} s per second of sound")
    report.keep(
        "processes",
        [(s.at_s - begun_s, s.rss_mb, s.cpu_s, s.files, s.threads, s.processes) for s in samples],
    )


def outside(found: Sequence[tuple[float, Delay]], stalled: Stretch | None) -> list[Delay]:
    """The delays, by when the sound was played, that a stall does not disturb."""
    return [delay for at_s, delay in found if stalled is None or not stalled.disturbs(at_s)]


def judge_recovery(report: Report, found: Sequence[tuple[float, Delay]], stalled: Stretch) -> None:
    """The delay some time after a stall is what it was before."""
    like = [
        (at_s, 1000 * delay.delay_s)
        for at_s, delay in found
        if delay.likeness >= LIKE and not stalled.disturbs(at_s)
    ]
    before = [late_ms for at_s, late_ms in like if at_s < stalled.begun_s]
    after = [late_ms for at_s, late_ms in like if at_s > stalled.ended_s]
    report.note("stopped for", f"{1000 * (stalled.ended_s - stalled.begun_s):.0f} ms")
    shift_ms = float(np.median(after) - np.median(before)) if before and after else float("nan")
    what = f"delay {RECOVERED_AFTER_S:.0f} s after it against before"
    report.at_most(what, abs(shift_ms), MOST_SHIFT_MS, "ms")


def note_delay(report: Report, told: Sequence[Told]) -> None:
    """The delay as the player itself tells it, from second to second."""
    late_ms = [row.value("speaker", "latency_ms") for row in told]
    late_ms = [value for value in late_ms if value > 0]
    report.keep("told_latency_ms", late_ms)
    low, middle, high = np.percentile(late_ms, [0, 50, 100])
    got = f"{middle:.0f} ms, {low:.0f} .. {high:.0f}"
    report.note("latency as the player tells it, median and range", got)
