"""Engines measured beside a run, in a real process."""

from __future__ import annotations

import time
from pathlib import Path

import psutil
import pytest

from engines import auto
from realtime.clock import NS_PER_S
from realtime.measuring import NICENESS, Measuring
from realtime.options import ModelOptions
from tests.fakes.tiny_model import write_tiny_model

PATIENCE_S = 60.0


@pytest.fixture
def model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> ModelOptions:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path / "cache"))
    write_tiny_model(tmp_path / "model")
    return ModelOptions(model=str(tmp_path / "model"), guessed_for="auto", threads_per_network=1)


def own_process() -> psutil.Process | None:
    for child in psutil.Process().children():
        if "realtime.measuring" in child.cmdline():
            return child
    return None


def wait_for_process() -> psutil.Process:
    until_s = time.monotonic() + PATIENCE_S
    while (found := own_process()) is None:
        assert time.monotonic() < until_s
        time.sleep(0.01)
    return found


def test_it_waits_for_the_start_and_answers_once_with_what_is_remembered_then(
    model: ModelOptions,
) -> None:
    measuring = Measuring(model, 3, after_s=2.0)
    assert measuring.due(5 * NS_PER_S) is None
    assert measuring.due(7 * NS_PER_S - 1) is None
    assert own_process() is None
    assert measuring.due(7 * NS_PER_S) is None
    until_s = time.monotonic() + PATIENCE_S
    while (name := measuring.due(8 * NS_PER_S)) is None:
        assert time.monotonic() < until_s
        time.sleep(0.02)
    known = auto.guess(Path(model.model), 1, "auto", newest=3)
    assert not known.is_guess
    assert name == f"{known.backend}/{known.precision}"
    assert measuring.due(9 * NS_PER_S) is None
    measuring.close()


def test_it_gives_way_to_all_others_and_ends_with_who_asks(model: ModelOptions) -> None:
    measuring = Measuring(model, 3, after_s=0.0)
    measuring.due(0)
    measuring.due(0)
    process = wait_for_process()
    until_s = time.monotonic() + PATIENCE_S
    while process.nice() != NICENESS:
        assert time.monotonic() < until_s
        time.sleep(0.01)
    measuring.close()
    while psutil.pid_exists(process.pid):  # it is waited for, too
        assert time.monotonic() < until_s
        time.sleep(0.01)
    assert measuring.due(NS_PER_S) is None


def test_where_nothing_runs_the_model_there_is_no_answer(
    model: ModelOptions, tmp_path: Path
) -> None:
    (tmp_path / "model" / "vision.onnx").write_bytes(b"no graph")
    measuring = Measuring(model, 3, after_s=0.0)
    measuring.due(0)
    measuring.due(0)
    process = wait_for_process()
    while psutil.pid_exists(process.pid):
        time.sleep(0.01)
    time.sleep(0.1)
    assert [measuring.due(0) for _ in range(3)] == [None] * 3
