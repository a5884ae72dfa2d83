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
from tests.training.test_separate import PLAN, tiny
from training import drawing
from training.learner import State
from training.material import Material
from training.methods import Problem
from training.mixing import Mixtures
from training.paper import AUDIO
from training.report import look, main
from training.separators import LEAST_SIGHT_WIDTH, PixelPlayer
from training.variants import VARIANTS, View

VIEW = View(AUDIO, "log")


@pytest.fixture
def model() -> PixelPlayer:
    torch.manual_seed(0)
    return PixelPlayer(LEAST_SIGHT_WIDTH, 2, 3).eval()


def problem() -> Problem:
    return Problem.of(Mixtures(ToneClips(), VIEW, count=2, seed=5).solos(0))


def test_every_source_has_its_mask_and_its_heat(model: PixelPlayer) -> None:
    one = look(problem(), model, VIEW, VARIANTS["ratio-log"])
    assert one.masks.shape == (2, 256, 256)
    assert 0 <= one.masks.min() <= one.masks.max() <= 1
    assert one.heats.shape == (2, 14, 14)
    assert (one.heats > 0).all()
    assert np.isfinite(one.nsdr_db).all()


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
    assert len(pictures) == 2 * (1 + 2 * 4)
    samples, rate = soundfile.read(io.BytesIO(base64.b64decode(sounds[0].split(",")[1])))
    assert rate == AUDIO.rate_hz
    np.testing.assert_allclose(samples, problem_of_the_page(), atol=1e-4)
    assert len(re.findall(r"[+-]\d+\.\d dB", page.text)) == 1 + 2 * 2


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
