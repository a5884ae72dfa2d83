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
from playwright.sync_api import Page

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
from tests.live.browser import open_browser
from tests.live.pulse import PulseServer

LEAST_PICTURES_PER_S = 20.0
_SETTLING_S = 15.0  # until the machine has got over the start of all browsers
_LOOK_EVERY_S = 10.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Start player and browsers, watch, print."""
    parser = command_line(__doc__)
    add_options(parser)
    parser.add_argument("--duration", type=float, default=600.0, metavar="S")
    parser.add_argument("--viewers", type=int, default=3, metavar="N")
    options = parser.parse_args(arguments)
    pulse = PulseServer()
    try:
        with (
            working_folder(options.keep) as folder,
            open_browser(environment=pulse.environment) as page,
        ):
            report = _measure(pulse, page, folder, options)
    finally:
        pulse.close()
    return report.publish(options.json)


def _measure(pulse: PulseServer, page: Page, folder: Path, options: argparse.Namespace) -> Report:
    told_file = folder / "told.jsonl"
    line = ["-m", "benchmarks.told_run", str(told_file), "--demo", "--view", "web"]
    line += ["--speaker", "pulse", *model_arguments(options)]
    run = ProgramRun(line, folder, {**pulse.environment, "PYTHONPATH": str(COMMAND.parent)})
    try:
        wait_until(lambda: _is_heard(told_file), run, "begin to play")
        pages = _opened(page, _address(run), options.viewers)
        page.wait_for_timeout(1000 * _SETTLING_S)
        begun_s = time.monotonic()
        watch = TreeWatch(run.pid, every_s=1.0)
        rates = _rates(page, pages, options.duration)
        ended_s = time.monotonic()
        watch.stop()
        run.interrupt()
        run.wait(OPENING_S, EXIT_INTERRUPTED)
    finally:
        run.close()
    report = Report(f"{options.viewers} viewers for {options.duration:.0f} s")
    told = [row for row in read_told(told_file) if begun_s <= row.at_s <= ended_s]
    _judge(report, told, rates)
    judge_growth(report, watch.samples, begun_s, options.duration)
    return report


def _is_heard(told_file: Path) -> bool:
    told = read_told(told_file)
    return bool(told) and told[-1].value("speaker", "latency_ms") > 0


def _address(run: ProgramRun) -> str:
    found = re.search(r"http://\S+/", run.output())
    if found is None:
        raise BenchmarkError("the player told no page")
    return found.group()


def _opened(page: Page, address: str, viewers: int) -> list[Page]:
    """The page so many times, each with its cards; the first plays as well."""
    if not viewers:
        return []
    browser = page.context.browser
    assert browser is not None
    pages = [page, *(browser.new_page() for _ in range(viewers - 1))]
    for each in pages:
        each.goto(address)
        each.wait_for_selector(".card:nth-child(3)", timeout=60_000)
        each.evaluate(WATCH_PICTURES)
    page.get_by_role("button", name="Hear it here").click()
    return pages


def _rates(page: Page, pages: Sequence[Page], duration_s: float) -> np.ndarray:
    """Pictures per second, ``(viewers, looks)``."""
    instants_s, counts = [], []
    until_s = time.monotonic() + duration_s
    while True:
        instants_s.append(time.monotonic())
        counts.append([each.evaluate("window.seen.length") for each in pages])
        if instants_s[-1] >= until_s:
            break
        page.wait_for_timeout(1000 * min(_LOOK_EVERY_S, until_s - instants_s[-1]))
    return np.diff(np.array(counts).T, axis=1) / np.diff(instants_s)


def _judge(report: Report, told: Sequence[Told], rates: np.ndarray) -> None:
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
