"""What was asked is compared with what was got."""

from __future__ import annotations

import json
import math
from pathlib import Path

import numpy as np

from benchmarks.report import EXIT_MET, EXIT_MISSED, Report, plain


def test_a_missed_number_is_marked_and_told(tmp_path: Path, capsys):
    report = Report("thing")
    report.at_least("gain", 6.4, 6.0, "dB")
    report.note("remark", "hello")
    assert report.publish(None) == EXIT_MET
    report.at_most("delay", 401.0, 400.0, "ms")
    report.keep("values", np.array([1.0, math.inf]))
    assert report.publish(tmp_path / "out.json") == EXIT_MISSED
    assert "| delay | <= 400 ms | 401 ms **(missed)** |" in capsys.readouterr().out
    written = json.loads((tmp_path / "out.json").read_text())
    assert written["values"] == {"values": [1.0, None]}
    assert [row["met"] for row in written["rows"]] == [True, None, False]


def test_what_is_not_a_number_meets_nothing():
    report = Report("thing")
    report.at_least("gain", math.nan, 0, "dB")
    assert not report.is_met


def test_plain_takes_what_numpy_makes():
    assert plain({"a": np.float32(0.5), "b": (np.int64(2), "x", None, True)}) == {
        "a": 0.5,
        "b": [2, "x", None, True],
    }
