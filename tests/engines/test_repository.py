"""What a server is given: named, configured, and the graphs that a run asks for."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import onnxruntime
import pytest

from engines.__main__ import LIVE_COLUMNS, main
from engines.errors import EngineError
from engines.registry import open_engine
from engines.repository import export
from realtime.dial import DIALS, LIVE, STAGE, STUDIO
from tests.fakes.tiny_model import tiny_streaming_spec, write_tiny_model


def test_live_steps_are_served_as_a_run_asks_for_them() -> None:
    asked: set[int] = set()
    for name in (STUDIO, STAGE, LIVE):
        pace = DIALS[name].pace(is_fast=False)
        asked |= {pace.newest_columns, pace.most_columns_per_step + pace.lookahead_columns}
    assert set(LIVE_COLUMNS) == asked


def test_a_repository_holds_all_that_is_asked_for(
    tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["export-repository", str(tmp_path), "--model", str(tiny_model)]) == 0
    # A step that catches up wants 36 columns, more than this model's window has.
    names = [f"tiny_sound_{columns}" for columns in (14, 25, 28, 3, 32, 6)]
    names = sorted(["tiny_sound", *names, "tiny_vision"])
    assert sorted(path.name for path in tmp_path.iterdir()) == names
    assert str(tmp_path / "tiny_sound_14") in capsys.readouterr().out
    told = (tmp_path / "tiny_sound_14" / "config.pbtxt").read_text()
    assert 'input [ { name: "log_magnitude" data_type: TYPE_FP32 dims: [ 1, 48, 32 ] } ]' in told
    assert 'output [ { name: "sound" data_type: TYPE_FP32 dims: [ 4, 48, 14 ] } ]' in told
    assert "dims: [ 3, -1, -1 ]" in (tmp_path / "tiny_vision" / "config.pbtxt").read_text()
    session = onnxruntime.InferenceSession(
        tmp_path / "tiny_sound_14" / "1" / "model.onnx", providers=["CPUExecutionProvider"]
    )
    windows = np.random.default_rng(0).uniform(-16, 4, (3, 1, 48, 32)).astype(np.float32)
    (found,) = session.run(None, {"log_magnitude": windows})
    assert found.shape == (3, 4, 48, 14)


def test_what_streams_is_served_step_by_step(tmp_path: Path) -> None:
    folder, target = tmp_path / "model", tmp_path / "repository"
    write_tiny_model(folder, tiny_streaming_spec())
    assert main(["export-repository", str(target), "--model", str(folder)]) == 0
    assert len(list(target.iterdir())) == 2
    told = (target / "tiny_streaming_sound" / "config.pbtxt").read_text()
    state = tiny_streaming_spec().sound.state
    assert f'{{ name: "state" data_type: TYPE_FP32 dims: [ 1, {state} ] }}' in told
    assert "max_batch_size: 0" in told
    assert "dynamic_batching" not in told


def test_a_precision_that_is_not_there_is_told(tiny_model: Path, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match="has no fp16 graph"):
        export(tiny_model, tmp_path, "fp16", [])


def test_a_folder_that_takes_nothing_is_told(tiny_model: Path, tmp_path: Path) -> None:
    (tmp_path / "file").write_text("")
    with pytest.raises(EngineError, match="cannot be written"):
        export(tiny_model, tmp_path / "file", "fp32", [])


def test_an_address_is_needed(tiny_model: Path) -> None:
    with pytest.raises(EngineError, match="needs an address, remote=HOST:8001"):
        open_engine(tiny_model, "sound", "remote", "fp32", 1)


@pytest.mark.parametrize("newest", ["0", "-5"])
def test_columns_that_are_none_are_refused(
    newest: str, tiny_model: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    target = tmp_path / "repository"
    line = ["export-repository", str(target), "--model", str(tiny_model), "--newest", newest]
    assert main(line) == 2
    told = capsys.readouterr().err
    assert told == f"error: a window has no {newest} newest columns; --newest is 1 or more\n"
    assert not target.exists()
