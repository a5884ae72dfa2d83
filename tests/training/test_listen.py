"""The listening test, whole: from a bank and trained networks to a page and its key."""

from __future__ import annotations

import base64
import io
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.fakes.clips import ToneClips, write_bank
from tests.fakes.tiny_model import tiny_spec
from tests.fakes.tiny_training import PLAN, tiny
from tests.training.test_live_model import WORDS, write
from tests.training.test_places import VARIANT, knowing
from training.contenders import Contender
from training.learner import State
from training.listen import main, questions
from training.methods import Problem, mixture_itself
from training.mixing import Mixtures
from training.paper import AUDIO
from training.pixels import loudest_pixels
from training.variants import View
from training.watching import PaperWatcher

VIEW = View(AUDIO, "log")


@pytest.fixture(scope="module")
def problem() -> Problem:
    return Problem.of(Mixtures(ToneClips(), VIEW, count=2, seed=5).solos(0))


def test_the_command_asks_of_every_method_but_the_mixture(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    bank, work, out = tmp_path / "bank", tmp_path / "work", tmp_path / "test.html"
    write_bank(bank)
    work.mkdir()
    State(tiny(), PLAN).write(work / "binary-log.pt")
    live = tmp_path / "live"
    live.mkdir()
    write(live, WORDS, tiny_spec())
    line = ["--bank", str(bank), "--cache", str(tmp_path / "cache"), "--work", str(work)]
    line += ["--model", str(live)]
    assert main([*line, "--mixtures", "1", "--out", str(out)]) == 0
    keys = json.loads((tmp_path / "test.key.json").read_text())["items"]
    asked = [(key["kind"], key["method"]) for key in keys]
    shown, told = f"{live}, shown", f"{live}, told the class"
    methods = ("NMF", "binary-log", shown, told, "oracle binary-log", "oracle ratio-linear")
    for kind in ("separation", "correspondence"):
        assert sorted(method for of, method in asked if of == kind) == sorted(
            [*methods, "reference", "reference"]
        )
    page = out.read_text()
    assert all(key["item"] in page for key in keys)
    assert not any(f'"{name}"' in page for name in (*methods, "reference"))
    assert f"{len(keys)} questions" in capsys.readouterr().out


def test_the_mark_is_on_the_pixel_whose_sound_it_is(problem: Problem) -> None:
    """Of one who sees; others, and references, are marked where the instrument stands."""
    watcher = PaperWatcher(knowing(problem, [0, 1]), VIEW, VARIANT)
    methods = {"sees": Contender(mixture_itself, watcher), "hears": Contender(mixture_itself)}
    asked = list(questions(problem, methods, AUDIO.rate_hz, np.random.default_rng(0)))
    found = loudest_pixels(problem, watcher)
    middles = [((c.box[0] + c.box[2]) / 2, (c.box[1] + c.box[3]) / 2) for c in problem.clips]
    marked = {"sees": found.places, "hears": middles, "reference": middles}
    of_places = [one for one in asked if one.key.kind == "correspondence"]
    assert [one.key.method for one in of_places] == ["sees", "hears", "reference", "reference"]
    for one in of_places:
        (shown,) = one.item["shown"]
        off = [np.abs(np.subtract(at, shown["pixel"])).max() for at in marked[one.key.method]]
        assert min(off) < 1e-3, one.key.method
    seen = of_places[0]
    place = near_place(found.places, seen.item["shown"][0]["pixel"])
    heard, _ = soundfile.read(io.BytesIO(base64.b64decode(seen.item["sound"].split(",")[1])))
    sound = found.sounds[place][: len(heard)]
    np.testing.assert_allclose(heard, sound * 0.7 / np.abs(sound).max(), atol=1e-3)


def near_place(places: np.ndarray, pixel: list[float]) -> int:
    return int(np.abs(places - np.array(pixel)).max(axis=1).argmin())


def test_mixtures_of_three_have_no_such_questions() -> None:
    mixtures = Mixtures(ToneClips(), View(AUDIO, "log"), count=3, seed=0)
    asked = questions(
        Problem.of(mixtures.solos(0)),
        {"lazy": Contender(mixture_itself)},
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
