"""Table 1: what is scored, and that baselines and ceilings stand where they should."""

from __future__ import annotations

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from pixelplayer.metrics import bss_eval_in_order
from tests.fakes.clips import ToneClips
from tests.fakes.tiny_training import PLAN, tiny
from training.contenders import Contender, methods_of, read_model
from training.learner import State
from training.material import Material
from training.methods import Problem, mixture_itself, network, oracle_mask
from training.mixing import Mixture, Mixtures
from training.nmf import learn_bases, nmf
from training.paper import AUDIO
from training.table import Row, Score, main, markdown, score, untouched
from training.variants import VARIANTS, View

LOG, LINEAR = View(AUDIO, "log"), View(AUDIO, "linear")


@pytest.fixture(scope="module")
def problems() -> list[Problem]:
    mixtures = Mixtures(ToneClips(), LOG, count=2, seed=5)
    return [Problem.of(mixtures.solos(number)) for number in range(3)]


def row(name: str, method, problems: list[Problem]) -> Row:
    contender = method if isinstance(method, Contender) else Contender(method)
    return score(name, contender, problems, untouched(problems), AUDIO.rate_hz)


def test_the_mixture_gains_nothing(problems: list[Problem]) -> None:
    found = row("mixture", mixture_itself, problems)
    assert found.nsdr_db.mean == pytest.approx(0, abs=0.01)
    assert found.mixtures == 3


@pytest.mark.parametrize("name", ["binary-log", "ratio-linear"])
def test_masks_made_of_the_sources_are_a_ceiling(problems: list[Problem], name: str) -> None:
    variant = VARIANTS[name]
    view = LOG if variant.scale == "log" else LINEAR
    assert row("oracle", oracle_mask(view, variant), problems).nsdr_db.mean > 20


def test_known_bases_separate_tones(problems: list[Problem]) -> None:
    bases = learn_bases(ToneClips(), LINEAR, np.random.default_rng(0))
    assert {some.shape for some in bases.values()} == {(24, 512)}
    found = row("NMF", nmf(bases, LINEAR), problems)
    assert found.nsdr_db.mean > 10
    estimates = nmf(bases, LINEAR)(problems[0])
    np.testing.assert_allclose(
        estimates.sum(axis=0), problems[0].mixture[: estimates.shape[1]], atol=2e-3
    )


def test_a_network_is_asked_with_pictures_and_the_mixture(problems: list[Problem]) -> None:
    asked: list[Mixture] = []

    def knows_everything(heard: Mixture) -> torch.Tensor:
        asked.append(heard)
        sources = LOG.magnitude(LOG.spectrum(problems[0].stems))
        louder = sources > 0.5 * LOG.magnitude(LOG.spectrum(problems[0].mixture))
        return torch.from_numpy(np.where(louder, 9.0, -9.0).astype(np.float32))[None]

    estimates = network(knows_everything, LOG, VARIANTS["binary-log"])(problems[0])
    (heard,) = asked
    assert heard.frames.shape == (1, 2, 3, 3, 224, 224)
    assert heard.mixture.shape == (1, 1, 256, 256)
    assert heard.sources.abs().max() == 0  # it is not told
    stems = problems[0].stems[:, : estimates.shape[1]]
    assert bss_eval_in_order(stems, estimates).sdr.min() > 15


def test_silence_for_an_answer_is_scored_too(problems: list[Problem]) -> None:
    silence = row("silence", lambda problem: 0 * problem.stems, problems)
    assert silence.nsdr_db.mean == pytest.approx(0, abs=0.01)  # as good as doing nothing


def test_the_interval_is_of_the_mean_over_mixtures() -> None:
    values = [1.0, 2.0, 4.0, float("nan")]
    known = Score.of(values)
    assert known is not None
    assert known.mean == pytest.approx(7 / 3)
    assert known.margin == pytest.approx(1.96 * np.std(values[:3], ddof=1) / 3**0.5)
    assert Score.of([-2.0]) == Score(mean=-2.0, margin=None)
    assert Score.of([float("nan")]) is None
    assert f"{Score(mean=0.5, margin=0.1):.0%}" == "50% ± 10%"


def test_what_is_not_known_is_left_empty() -> None:
    one = Score(mean=1.234, margin=0.5)
    blind = Row(
        method="NMF",
        nsdr_db=one,
        sir_db=one,
        sar_db=Score(mean=-2.0, margin=None),
        mixtures=7,
        sources=3,
        cpu_s_per_s=0.0123,
    )
    seeing = replace(blind, in_place=one, iou=one, boxes=5, false_objects_per_minute=one)
    title, _, *lines = markdown([blind, seeing]).splitlines()
    assert lines == [
        "| NMF | 1.23 ± 0.50 | 1.23 ± 0.50 | -2.00 |  |  |  | 7 of 3 | 0.012 |",
        "| NMF | 1.23 ± 0.50 | 1.23 ± 0.50 | -2.00 | 123% ± 50% | 1.23 ± 0.50 (5) "
        "| 1.2 ± 0.5 | 7 of 3 | 0.012 |",
    ]
    assert {line.count("|") for line in (title, *lines)} == {10}


def test_what_was_trained_is_in_the_table(tmp_path: Path, problems: list[Problem]) -> None:
    for kind, name in (("pixelplayer", "ratio-log"), ("deepconvsep", "deepconvsep-ratio-log")):
        State(tiny(kind=kind), PLAN).write(tmp_path / f"{name}.pt")
    methods = methods_of(Material(AUDIO, ToneClips(), ToneClips()), tmp_path)
    assert list(methods) == [
        "mixture",
        "NMF",
        "ratio-log",
        "deepconvsep-ratio-log",
        "oracle binary-log",
        "oracle ratio-linear",
    ]
    for name in ("ratio-log", "deepconvsep-ratio-log"):
        found = row(name, methods[name], problems[:1])
        assert np.isfinite(found.nsdr_db.mean)
        for value in (found.in_place, found.iou, found.false_objects_per_minute):
            assert (value is not None) == (name == "ratio-log")
        assert found.boxes == (2 if name == "ratio-log" else 0)
    model, what = read_model(tmp_path / "ratio-log.pt")
    assert not model.training
    assert what == tiny()


def test_the_command_prints_and_writes_the_table(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    material = Material(AUDIO, ToneClips(), ToneClips())
    monkeypatch.setattr("training.table.open_material", lambda _options, _audio: material)
    files = ["--json", str(tmp_path / "table.json"), "--markdown", str(tmp_path / "table.md")]
    assert main(["--mixtures", "2", *files]) == 0
    text = capsys.readouterr().out
    assert (tmp_path / "table.md").read_text() == text
    printed = text.splitlines()
    assert printed[0].startswith("| method | NSDR")
    written = json.loads((tmp_path / "table.json").read_text())
    assert [row["method"] for row in written] == [
        line.split("|")[1].strip() for line in printed[2:]
    ]
    by_name = {row["method"]: row["nsdr_db"]["mean"] for row in written}
    assert by_name["mixture"] + 10 < min(by_name["NMF"], by_name["oracle binary-log"])


def test_a_work_folder_that_is_not_there_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    material = Material(AUDIO, ToneClips(), ToneClips())
    monkeypatch.setattr("training.table.open_material", lambda _options, _audio: material)
    assert main(["--work", str(tmp_path / "typo"), "--mixtures", "1"]) == 2
    said = capsys.readouterr().err
    assert said.startswith(f"error: {tmp_path / 'typo'} is no folder: --work wants one of")


def test_a_broken_checkpoint_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "binary-log.pt").write_bytes(b"PK")
    material = Material(AUDIO, ToneClips(), ToneClips())
    monkeypatch.setattr("training.table.open_material", lambda _options, _audio: material)
    assert main(["--mixtures", "1", "--work", str(tmp_path)]) == 2
    assert "is no checkpoint of `training separate`" in capsys.readouterr().err
