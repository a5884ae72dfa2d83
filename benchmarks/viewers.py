"""Browsers watch the demo for ten minutes: is any of what is heard lost, do pictures keep coming?

The player plays to a null sink of a real sound server; the first of the viewers hears it in the
browser, too. What was lost while all of them were there is told by the player's own numbers.

    python -m benchmarks.viewers                  three, ten minutes
    python -m benchmarks.viewers --viewers 0      none: what the machine loses by itself
"""

from __future__ import annotations

import argparse
import re
import time
from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from benchmarks.left_alone import BrowserLeftAlone
from benchmarks.null_sinks import OPENING_S, wait_until
from benchmarks.picture_watch import WATCH_PICTURES
from benchmarks.process_tree import TreeWatch
from benchmarks.report import BenchmarkError, Report, command, command_line
from benchmarks.session_run import (
    COMMAND,
    ProgramRun,
    add_options,
    model_arguments,
    working_folder,
)
from benchmarks.soak_claims import LOSSES, judge_growth
from benchmarks.told import Told, read_told
from realtime.reports import EXIT_INTERRUPTED
from tests.live.pulse import PulseServer

LEAST_PICTURES_PER_S = 20.0
_SETTLING_S = 15.0  # until the machine has got over the start of all browsers
_PART_S = 10.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Start player and browsers, watch, print."""
    parser = command_line(__doc__)
    add_options(parser)
    parser.add_argument("--duration", type=float, default=600.0, metavar="S")
    parser.add_argument("--viewers", type=int, default=3, metavar="N")
    options = parser.parse_args(arguments)
    pulse = PulseServer()
    try:
        with working_folder(options.keep) as folder:
            report = _measure(pulse, folder, options)
    finally:
        pulse.close()
    return report.publish(options.json)


def _measure(pulse: PulseServer, folder: Path, options: argparse.Namespace) -> Report:
    told_file = folder / "told.jsonl"
    line = ["-m", "benchmarks.told_run", str(told_file), "--demo", "--view", "web"]
    line += ["--speaker", "pulse", *model_arguments(options)]
    run = ProgramRun(line, folder, {**pulse.environment, "PYTHONPATH": str(COMMAND.parent)})
    browser = BrowserLeftAlone(pulse.environment)
    try:
        wait_until(lambda: _is_heard(told_file), run, "begin to play")
        address = _address(run)
        _open(browser, address, options.viewers)
        time.sleep(_SETTLING_S)
        begun_s, begun_ms = time.monotonic(), 1000 * time.time()
        watches = [TreeWatch(run.pid, every_s=1.0), TreeWatch(browser.pid, every_s=1.0)]
        time.sleep(options.duration)
        ended_s = time.monotonic()
        for watch in watches:
            watch.stop()
        rates = _rates(browser, address, options, begun_ms)
        run.interrupt()
        run.wait(OPENING_S, EXIT_INTERRUPTED)
    finally:
        browser.close()
        run.close()
    report = Report(f"{options.viewers} viewers for {options.duration:.0f} s")
    told = [row for row in read_told(told_file) if begun_s <= row.at_s <= ended_s]
    _judge(report, told, rates)
    player, browsers = (watch.samples for watch in watches)
    judge_growth(report, player, begun_s, options.duration)
    busy = (browsers[-1].cpu_s - browsers[0].cpu_s) / (browsers[-1].at_s - browsers[0].at_s)
    report.note("processor time of the browser", f"{busy:.2f} s per second")
    return report


def _is_heard(told_file: Path) -> bool:
    told = read_told(told_file)
    return bool(told) and told[-1].value("speaker", "latency_ms") > 0


def _address(run: ProgramRun) -> str:
    found = re.search(r"http://\S+/", run.output())
    if found is None:
        raise BenchmarkError("the player told no page")
    return found.group()


def _open(browser: BrowserLeftAlone, address: str, viewers: int) -> None:
    """The page so many times, each with its cards; the first plays as well."""
    browser.open(address, viewers)
    with browser.visit(address) as pages:
        for page in pages:
            page.wait_for_selector(".card:nth-child(3)", timeout=60_000)
            page.evaluate(WATCH_PICTURES)
        for page in pages[:1]:
            page.get_by_role("button", name="Hear it here").click()


def _rates(
    browser: BrowserLeftAlone, address: str, options: argparse.Namespace, begun_ms: float
) -> NDArray[np.float64]:
    """Pictures per second, ``(viewers, parts of the time)``.

    Raises:
        BenchmarkError: a page is gone, or what is heard was not heard in the first to the end.
    """
    parts = max(round(options.duration / _PART_S), 1)
    edges_ms = begun_ms + 1000 * np.linspace(0, options.duration, parts + 1)
    with browser.visit(address) as pages:
        seen = [np.reshape(page.evaluate("window.seen"), (-1, 3)) for page in pages]
    if len(seen) != options.viewers:
        raise BenchmarkError(f"{options.viewers} pages were opened, {len(seen)} are there")
    heard = [bool(np.isfinite(one[-1:, 2]).any()) for one in seen]
    if seen and sum(heard) != 1:
        raise BenchmarkError(f"sound was asked for in one page, and heard in {sum(heard)}")
    counts = np.array([np.histogram(one[:, 0], edges_ms)[0] for one in seen])
    return counts * parts / options.duration


def _judge(report: Report, told: Sequence[Told], rates: NDArray[np.float64]) -> None:
    for what, stage, name in LOSSES:
        lost = told[-1].value(stage, name) - told[0].value(stage, name)
        report.at_most(what, lost, 0, "")
    late_ms = [row.value("speaker", "latency_ms") for row in told]
    low, middle, high = np.percentile(late_ms, [0, 50, 100])
    got = f"{middle:.0f} ms, {low:.0f} .. {high:.0f}"
    report.note("latency as the player tells it, median and range", got)
    if len(rates):
        slowest = float(rates.mean(axis=1).min())
        report.at_least("pictures at the slowest viewer", slowest, LEAST_PICTURES_PER_S, "/s")
        report.note("… in its slowest ten seconds", f"{rates.min():.1f} /s")
        report.keep("pictures_per_s", rates)


if __name__ == "__main__":
    command(main)
