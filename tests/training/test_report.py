"""The page of a training: everything is in it, and nothing of it is fetched from elsewhere."""

from __future__ import annotations

import base64
import io
import re
from html.parser import HTMLParser
from pathlib import Path

import cv2
import numpy as np
import pytest
import soundfile
import torch

from tests.fakes.clips import ToneClips
from tests.fakes.tiny_model import tiny_spec
from tests.fakes.tiny_training import PLAN, tiny
from tests.training.test_live_model import WORDS, write
from tests.training.test_places import knowing
from training import drawing
from training.learner import State
from training.live_model import LiveModel
from training.material import Material
from training.methods import Problem
from training.mixing import Mixtures
from training.paper import AUDIO
from training.report import look, main
from training.separators import LEAST_SIGHT_WIDTH, PixelPlayer
from training.subjects import LiveSubject, PaperSubject
from training.variants import VARIANTS, View

VIEW = View(AUDIO, "log")


@pytest.fixture
def model() -> PixelPlayer:
    torch.manual_seed(0)
    return PixelPlayer(LEAST_SIGHT_WIDTH, 2, 3).eval()


def problem() -> Problem:
    return Problem.of(Mixtures(ToneClips(), VIEW, count=2, seed=5).solos(0))


@pytest.mark.parametrize("name", ["ratio-log", "spectral-log"])
def test_every_source_has_its_masks_and_its_heat(model: PixelPlayer, name: str) -> None:
    one = look(problem(), PaperSubject(model, VIEW, VARIANTS[name]))
    for masks in (one.separated.predicted, one.separated.true):
        assert masks.shape == (2, 256, 256)
        assert 0 <= masks.min() <= masks.max() <= 1
    assert one.heats.shape == (2, 14, 14)
    assert (one.heats > 0).all()
    assert np.isfinite(one.nsdr_db).all()


@pytest.mark.parametrize("name", ["ratio-log", "binary-log"])
def test_masks_are_the_networks_own_and_the_true_ones(name: str) -> None:
    """Not what came out divided by the mixture: that is smeared by the way to sound and back."""
    variant, asked = VARIANTS[name], problem()
    found = PaperSubject(knowing(asked, [0, 1]), VIEW, variant).separate(asked)
    sources = VIEW.magnitude(VIEW.spectrum(asked.stems))
    whole = VIEW.magnitude(VIEW.spectrum(asked.mixture))
    heard = whole > 1e-2 * whole.max()
    answer = 1 / (1 + np.exp(24 * (0.5 - sources / sources.sum(axis=0))))  # as these ears hear
    if variant.answer == "binary":
        np.testing.assert_array_equal(found.true, sources > 0.5 * whole)
        assert set(np.unique(found.predicted)) == {0, 1}
        answer = answer > 0.5
    else:
        share = np.clip(sources[:, heard] / whole[heard], 0, 1)
        np.testing.assert_allclose(found.true[:, heard], share, atol=1e-3)
    off = np.abs(found.predicted - answer)[:, heard]
    assert np.quantile(off, 0.98) < 0.02


def test_a_live_models_masks_are_its_shares(tmp_path: Path) -> None:
    write(tmp_path, WORDS, tiny_spec())
    model, asked = LiveModel(tmp_path, AUDIO.rate_hz), problem()
    found = LiveSubject(model).separate(asked)
    assert found.predicted.shape == found.true.shape
    sources, whole = model.magnitude(asked.stems), model.magnitude(asked.mixture)
    heard = whole > 1e-2 * whole.max()
    of_mixture = np.clip(sources[:, heard] / whole[heard], 0, 1)
    np.testing.assert_allclose(found.true[:, heard], of_mixture, atol=1e-3)
    assert found.predicted.sum(axis=0).max() <= 1  # the residual has the rest
    # What comes out has as much of the mixture as the shares say.
    passed = model.power(asked.mixture) * np.square(found.predicted)
    for sound, energy in zip(found.estimates, passed.sum(axis=(1, 2)), strict=True):
        assert model.power(sound).sum() == pytest.approx(energy, rel=0.2)


class Addresses(HTMLParser):
    """Collects what the page would load."""

    def __init__(self) -> None:
        super().__init__()
        self.found: list[tuple[str, str]] = []
        self.text = ""

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.found += [(tag, value or "") for name, value in attrs if name in ("src", "href")]
        if tag == "img":
            assert dict(attrs)["alt"]

    def handle_data(self, data: str) -> None:
        self.text += data


def test_the_command_writes_one_page(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    State(tiny(), PLAN).write(tmp_path / "ratio-log.pt")
    material = Material(AUDIO, ToneClips(), ToneClips())
    monkeypatch.setattr("training.report.open_material", lambda _options, _audio: material)
    line = f"--variant ratio-log --work {tmp_path} --mixtures 2 --out {tmp_path / 'report.html'}"
    assert main(line.split()) == 0
    page = Addresses()
    page.feed((tmp_path / "report.html").read_text())
    assert all(address.startswith("data:") for _, address in page.found)
    sounds = [address for tag, address in page.found if tag == "audio"]
    pictures = [address for tag, address in page.found if tag == "img"]
    assert len(sounds) == 2 * (1 + 2 * 2)
    assert len(pictures) == 2 * (1 + 2 * 5)
    assert page.text.count("predicted mask") == page.text.count("true mask") == 4
    samples, rate = soundfile.read(io.BytesIO(base64.b64decode(sounds[0].split(",")[1])))
    assert rate == AUDIO.rate_hz
    np.testing.assert_allclose(samples, problem_of_the_page(), atol=1e-4)
    assert len(re.findall(r"[+-]\d+\.\d dB", page.text)) == 1 + 2 * 2


def test_the_page_of_a_live_model(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    write(tmp_path, WORDS, tiny_spec())
    material = Material(AUDIO, ToneClips(), ToneClips())
    monkeypatch.setattr("training.report.open_material", lambda _options, _audio: material)
    line = f"--model {tmp_path} --mixtures 1 --out {tmp_path / 'report.html'}"
    assert main(line.split()) == 0
    page = Addresses()
    page.feed((tmp_path / "report.html").read_text())
    assert [tag for tag, _ in page.found].count("img") == 1 + 2 * 5
    assert str(tmp_path) in page.text


def problem_of_the_page() -> np.ndarray:
    return Problem.of(Mixtures(ToneClips(), VIEW, count=2, seed=2018).solos(0)).mixture


def test_pictures_say_what_they_should() -> None:
    loud = np.zeros((8, 4))
    loud[0] = 1.0  # the lowest frequency
    drawn = drawing.spectrogram(loud, 1.0)
    assert drawn[-1].sum() > 400
    assert drawn[0].sum() < 40
    energy = np.zeros((14, 14))
    energy[3:5, 9:11] = 1.0
    warm = drawing.heat(np.full((224, 224, 3), 40, np.uint8), energy)
    place = np.unravel_index(warm.sum(axis=2).argmax(), (224, 224))
    assert 40 <= place[0] < 88
    assert 136 <= place[1] < 184
    coded = drawing.png(warm).removeprefix("data:image/png;base64,")
    again = cv2.imdecode(np.frombuffer(base64.b64decode(coded), np.uint8), cv2.IMREAD_COLOR)
    np.testing.assert_array_equal(again, warm)


def test_a_work_folder_without_the_variant_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    material = Material(AUDIO, ToneClips(), ToneClips())
    monkeypatch.setattr("training.report.open_material", lambda _options, _audio: material)
    line = ["--work", str(tmp_path), "--out", str(tmp_path / "page.html")]
    assert main(line) == 2
    assert "binary-log.pt is no checkpoint" in capsys.readouterr().err


@pytest.mark.parametrize("few", [["--mixtures", "0"], ["--sources", "1"]])
def test_a_page_of_nothing_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], few: list[str]
) -> None:
    with pytest.raises(SystemExit) as refused:
        main(["--work", str(tmp_path), "--out", str(tmp_path / "page.html"), *few])
    assert refused.value.code == 2
    assert "--mixtures of 1 or more" in capsys.readouterr().err
    assert not (tmp_path / "page.html").exists()
