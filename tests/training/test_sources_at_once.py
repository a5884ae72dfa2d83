"""Mixtures of three and four, not of two alone: every command of the table takes them."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.fakes.clips import FOUR, ToneClips
from training import separate, table, together
from training.contenders import read_model
from training.material import Material
from training.paper import AUDIO
from training.variants import VARIANTS

SMALL = ["--sight-width", "16", "--sound-width", "2", "--channels", "3", "--judged", "1"]
ONCE = ["--batch", "1", "--steps", "1", "--judge-every", "1"]


@pytest.fixture(autouse=True)
def four_tones(monkeypatch: pytest.MonkeyPatch) -> None:
    material = Material(AUDIO, ToneClips(FOUR), ToneClips(FOUR))
    for command in (separate, table, together):
        monkeypatch.setattr(command, "open_material", lambda _options, _audio: material)


@pytest.mark.parametrize("count", [3, 4])
def test_one_is_taught_and_stands_in_the_table(count: int, tmp_path: Path) -> None:
    many = ["--sources", str(count)]
    work = ["--work", str(tmp_path)]
    assert separate.main([*work, *many, *SMALL, *ONCE]) == 0
    model, what = read_model(tmp_path / "binary-log.pt")
    assert not model.training
    assert what.classes == FOUR
    file = tmp_path / "table.json"
    assert table.main([*work, *many, "--mixtures", "1", "--json", str(file)]) == 0
    rows = {row["method"]: row for row in json.loads(file.read_text())}
    assert {row["sources"] for row in rows.values()} == {count}
    assert rows["binary-log"]["boxes"] == count
    gained = {name: row["nsdr_db"]["mean"] for name, row in rows.items()}
    assert abs(gained["mixture"]) < 0.1
    assert min(gained["NMF"], gained["oracle binary-log"], gained["oracle ratio-linear"]) > 10
    assert np.isfinite(list(gained.values())).all()


@pytest.mark.parametrize("count", [3, 4])
def test_all_are_taught_together(count: int, tmp_path: Path) -> None:
    work = ["--work", str(tmp_path), "--sources", str(count)]
    assert together.main([*work, *SMALL, *ONCE]) == 0
    names = {path.stem for path in tmp_path.glob("*.pt")}
    assert names == {*VARIANTS, "class-told-binary-log", "deepconvsep-ratio-linear"}


def test_more_than_there_are_classes_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert table.main(["--sources", "5"]) == 2
    assert "mixtures of 5 need as many classes, found 4" in capsys.readouterr().err
    with pytest.raises(SystemExit):
        table.main(["--sources", "1"])
