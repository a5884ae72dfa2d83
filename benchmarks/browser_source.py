"""A browser as camera and microphone: what of its sound arrives, how late, and who takes over when?

A real Chromium, whose devices play the built-in duet, beside the player. python -m
benchmarks.browser_source
"""

from __future__ import annotations

import math
import re
import statistics
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Sequence
from pathlib import Path

from benchmarks.report import BenchmarkError, Report, command, command_line
from benchmarks.session_run import COMMAND, read_session
from tests.live.browser import until
from tests.live.capturing import IS_ON, PIECE_S, SHOWN, Film, capturing
from tests.live.parts import end_process

WATCHED_MS = 20_000
LEAST_LIKE_DB = 40.0
LEAST_WHOLE = 0.9
LEAST_PICTURES_PER_S = 15.0
MOST_TAKING_OVER_S = 5.0
_COUNTED = """() => {
  const view = document.getElementById("view");
  window.seen = new Set();
  setInterval(() => window.seen.add(view.dataset.captureMs), 8);
}"""


def main(arguments: Sequence[str] | None = None) -> int:
    """Play, watch, take over, compare, print."""
    parser = command_line(__doc__)
    options = parser.parse_args(arguments)
    report = Report("browser_source")
    with tempfile.TemporaryDirectory() as scratch:
        folder = Path(scratch)
        film, session = Film(folder), folder / "session"
        line = [*(sys.executable, str(COMMAND), "--source", "browser"), "--record", str(session)]
        player = subprocess.Popen(
            line,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            text=True,
        )
        try:
            _browse(report, player, film)
        finally:
            end_process(player, timeout_s=20.0)  # type: ignore[arg-type]
        _compare(report, session, film)
    return report.publish(options.json)


def _browse(report: Report, player: subprocess.Popen[str], film: Film) -> None:
    assert player.stdout is not None
    lines = (re.search(r"http://\S+/", said) for said in player.stdout)
    url = next((found.group() for found in lines if found), None)
    if url is None:
        raise BenchmarkError("the player ended before it had a page")
    threading.Thread(target=player.stdout.read, daemon=True).start()
    with capturing(film, url) as page:
        until(page, f"{IS_ON} && {SHOWN}")
        page.evaluate(_COUNTED)
        page.wait_for_timeout(WATCHED_MS)
        rate = page.evaluate("window.seen.size") / (WATCHED_MS / 1000)
        report.at_least("pictures there and back, with heat", rate, LEAST_PICTURES_PER_S, "/s")
    with capturing(film, url) as page:
        pressed_s = time.monotonic()
        until(page, IS_ON)
        report.at_most(
            "another browser, from its button to being the source",
            time.monotonic() - pressed_s,
            MOST_TAKING_OVER_S,
            "s",
        )
        page.wait_for_timeout(2000)


def _compare(report: Report, folder: Path, film: Film) -> None:
    session = read_session(folder)
    found = film.like_db(session.mixture, session.rate_hz)
    report.at_least(
        f"sound that arrived against the file, pieces of {PIECE_S:g} s, median",
        statistics.median(found),
        LEAST_LIKE_DB,
        "dB",
    )
    sounding = [one for one in found if one > -math.inf]  # between two browsers there is silence
    report.at_least(
        "... of those that sound, above 20 dB (the device begins its file anew)",
        sum(one > 20.0 for one in sounding) / len(sounding),
        LEAST_WHOLE,
        "",
    )
    latency = session.facts["latency_ms"]
    report.note(
        "capture in the browser to where the ear would be at the player, p50, p99, max",
        ", ".join(f"{latency[name]:.0f}" for name in ("p50", "p99", "max")) + " ms",
    )
    report.keep("like_db", found)


if __name__ == "__main__":
    command(main)
