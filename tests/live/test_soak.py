"""A short soak on real parts: all that it is to tell is told, and nothing of it is left running."""

from __future__ import annotations

from pathlib import Path

import psutil

from benchmarks.report import Report
from benchmarks.soak import measure, options_parser
from benchmarks.soak_claims import LOSSES
from tests.live.pulse import PulseServer


def soak(pulse: PulseServer, model: Path, *further: str) -> Report:
    line = ["--model", str(model), "--engine", "onnxruntime", "--duration", "12"]
    return measure(pulse, options_parser().parse_args([*line, *further]))


def test_a_short_run_is_watched_from_end_to_end(pulse: PulseServer, model: Path) -> None:
    before = psutil.Process().children()
    report = soak(pulse, model, "--busy", "1")
    assert psutil.Process().children() == before
    got = {row["what"]: row["got"] for row in report.to_plain()["rows"]}
    assert got.keys() > {what for what, _, _ in LOSSES}
    values = report.to_plain()["values"]
    # How it went depends on the machine; that it was looked at does not.
    (_, stages), *_ = values["told"]
    assert stages["speaker"]["steps"] > 0
    assert stages["hearing"]["steps"] > 0
    assert len(values["hearing_ms"]) == len(values["separator_ms"]) == 5
    assert values["told_latency_ms"]
    *_, last = values["processes"]
    _, rss_mb, cpu_s, files, threads, processes = last
    assert rss_mb > 50
    assert cpu_s > 0
    assert min(files, threads) > processes >= 4  # its own, sight's, hearing's and separator's
    assert any(likeness > 0.5 for _, _, likeness in values["delays_ms"])
