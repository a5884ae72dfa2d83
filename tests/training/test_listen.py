"""The listening test, whole: from a bank and trained networks to a page and its key."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pytest

from tests.fakes.clips import ToneClips, write_bank
from tests.training.test_separate import PLAN, tiny
from training.learner import State
from training.listen import main, questions
from training.methods import Problem, mixture_itself
from training.mixing import Mixtures
from training.paper import AUDIO
from training.variants import View


def test_the_command_asks_of_every_method_but_the_mixture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bank, work, out = tmp_path / "bank", tmp_path / "work", tmp_path / "test.html"
    write_bank(bank)
    work.mkdir()
    State(tiny(), PLAN).write(work / "binary-log.pt")
    line = ["--bank", str(bank), "--cache", str(tmp_path / "cache"), "--work", str(work)]
    assert main([*line, "--mixtures", "1", "--out", str(out)]) == 0
    keys = json.loads((tmp_path / "test.key.json").read_text())["items"]
    asked = [(key["kind"], key["method"]) for key in keys]
    methods = ("NMF", "binary-log", "oracle binary-log", "oracle ratio-linear")
    for kind in ("separation", "correspondence"):
        assert sorted(method for of, method in asked if of == kind) == sorted(
            [*methods, "reference", "reference"]
        )
    page = out.read_text()
    assert all(key["item"] in page for key in keys)
    assert not any(f'"{name}"' in page for name in (*methods, "reference"))
    assert f"{len(keys)} questions" in capsys.readouterr().out


def test_mixtures_of_three_have_no_such_questions() -> None:
    mixtures = Mixtures(ToneClips(), View(AUDIO, "log"), count=3, seed=0)
    asked = questions(
        Problem.of(mixtures.solos(0)),
        {"lazy": mixture_itself},
        AUDIO.rate_hz,
        np.random.default_rng(0),
    )
    with pytest.raises(ValueError, match="asks of mixtures of two, got one of 3"):
        next(asked)


def test_a_test_of_nothing_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    with pytest.raises(SystemExit) as refused:
        main(["--band", "--mixtures", "0", "--out", str(tmp_path / "test.html")])
    assert refused.value.code == 2
    assert "--mixtures of 1 or more" in capsys.readouterr().err
    assert not list(tmp_path.iterdir())
