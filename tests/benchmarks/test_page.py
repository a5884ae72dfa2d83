"""All results on one page: nothing of them is lost, nothing of it comes from elsewhere."""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser
from pathlib import Path
from xml.etree import ElementTree

import numpy as np
import pytest

from benchmarks import __main__ as command
from benchmarks.machine import facts
from benchmarks.page import page
from benchmarks.plots import plot
from benchmarks.report import EXIT_FAILED, EXIT_MET, EXIT_MISSED, Report


def report(*, met: bool = True) -> Report:
    made = Report("start <b>")
    made.at_most("longest & last", 1.2 if met else 9.0, 1.5, "s")
    made.keep("seconds", np.linspace(1, 2, 40))
    made.keep("by name", {"one": 1.0, "two": [1.0, 3.0, 2.0]})
    made.keep("over time", [(float(i), float(i * i)) for i in range(9)])
    made.keep("engine", "openvino")
    return made


class Addresses(HTMLParser):
    """Whatever a page would fetch."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [str(value) for name, value in attrs if name in ("src", "href")]


def test_rows_and_plots_are_on_it_and_nothing_is_fetched() -> None:
    made = page([report(met=False).to_plain()], {"cost": "no <GPU>"}, {"processor": "R & D"})
    assert "0 of 1 numbers" in made
    assert "longest &amp; last" in made
    assert "9 s (missed)" in made
    assert "start &lt;b&gt;" in made
    assert "no &lt;GPU&gt;" in made
    assert made.count("<svg") == 3
    parser = Addresses()
    parser.feed(made)
    assert parser.found == []
    assert "<script" not in made


def test_a_distribution_has_all_its_values_and_its_median() -> None:
    values = np.random.default_rng(1).exponential(size=200).tolist()
    shapes = ElementTree.fromstring(str(plot(values)))
    counted = [int(one.text.rpartition(": ")[2]) for one in shapes.iter("title") if ":" in one.text]
    assert sum(counted) == 200
    assert f"median {np.median(values):.4g}" in str(plot(values))


def test_named_numbers_are_bars_as_long_as_they_are_large() -> None:
    shapes = ElementTree.fromstring(str(plot({"a": 1.0, "b": 3.0, "c": [2.0, 8.0, 6.0]})))
    lengths = [float(one.get("width", "0")) for one in shapes.iter("rect")]
    assert lengths == pytest.approx([lengths[0], 3 * lengths[0], 6 * lengths[0]], rel=0.01)


@pytest.mark.parametrize(
    "value", ["text", 3.0, [], [1.0, 2.0], {"a": "b", "c": 1.0}, {"a": 1.0}, [None] * 20, None]
)
def test_of_what_has_no_shape_there_is_no_plot(value: object) -> None:
    assert plot(value) is None


def test_points_that_only_grow_are_a_line() -> None:
    assert "polyline" in str(plot([(0.0, 1.0), (1.0, 2.0), (2.0, 1.0), (3.0, 5.0)]))
    assert str(plot([(1.0, 1.0), (0.0, 2.0), (2.0, 1.0), (3.0, 5.0)])).count("<circle") == 4


def test_the_machine_is_told() -> None:
    told = facts()
    assert re.search(r"\d+ cores", told["processor"])
    assert f"numpy {np.__version__}" in told["packages"]


@pytest.mark.parametrize("met", [True, False])
def test_what_was_kept_before_becomes_a_page(tmp_path: Path, met: bool) -> None:
    kept = report(met=met).to_plain()
    (tmp_path / "hearing.json").write_text(json.dumps(kept))
    code = command.main(["report", "--only", "", "--results", str(tmp_path)])
    assert code == (EXIT_MET if met else EXIT_MISSED)
    assert "longest &amp; last" in (tmp_path / "index.html").read_text()


def test_one_that_does_not_run_is_on_the_page_with_its_reason(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(command, "ALONE", ("hearing",))  # which needs material, and says so
    code = command.main(["report", "--only", "hearing", "--results", str(tmp_path)])
    assert code == EXIT_FAILED
    assert "not measured: " in (tmp_path / "index.html").read_text()
    assert "--data" in (tmp_path / "index.html").read_text()
