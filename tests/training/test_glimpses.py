"""What eyes say of pictures, and ears that learn with it."""

from pathlib import Path

import cv2
import numpy as np
import pytest
import torch

from pixelplayer.networks.vision import FrameNet
from training.corpus import open_pictures
from training.glimpses import Glimpses, read_glimpses
from training.listener import Listener
from training.look import write
from training.sight import Naming
from training.told import ClassSeparator, keep_to, spoken

CLASSES = ["bell", "drone", "pipe"]
VECTORS = torch.tensor([[0.9, 0.1], [0.8, 0.2], [0.1, 0.9]])


def glimpses() -> Glimpses:
    return Glimpses(VECTORS, torch.tensor([0, 0, 2]))


def test_a_glimpse_is_one_of_its_class() -> None:
    torch.manual_seed(0)
    wanted = torch.tensor([[0, 1, 2], [0, 0, 0]])
    seen = set()
    for _ in range(20):
        drawn, found = glimpses().of(wanted)
        assert found.tolist() == [[True, False, True], [True, True, True]]
        assert torch.equal(drawn[0, 2], VECTORS[2])
        assert not drawn[0, 1].any()
        seen |= {round(float(value), 1) for value in drawn[1, :, 0]}
    assert seen == {0.9, 0.8}


def test_questions_are_blurred_rows_and_some_glimpses() -> None:
    torch.manual_seed(0)
    table = torch.eye(3, 2).clamp(0.05, 0.95)
    classes = torch.full((400, 1), 2)
    blurred = spoken(table, classes, None)
    assert blurred.shape == (400, 1, 2)
    assert float((blurred - table[2]).abs().mean()) < 0.5
    asked = spoken(table, classes, glimpses())
    share = float((asked == VECTORS[2]).all(dim=-1).float().mean())
    assert 0.25 < share < 0.55


@pytest.fixture
def work(tmp_path: Path) -> Path:
    """A data folder that is its own work folder, with random eyes and ears."""
    torch.manual_seed(0)
    for kind, label in (("photos", "bell"), ("photos", "pipe"), ("photos_other", "lamp")):
        (tmp_path / kind / label).mkdir(parents=True)
        for number in range(24):
            picture = np.full((60, 60, 3), 255, np.uint8)
            cv2.circle(picture, (30, 30), 22, (20, 10 * number, 90), -1)
            cv2.imwrite(str(tmp_path / kind / label / f"{label}{number}.png"), picture)
    Listener(ClassSeparator(4, 6, CLASSES)).write(tmp_path / "sound.pt")
    eyes = Naming(FrameNet(16, 6), len(CLASSES))
    torch.save(eyes.state_dict(), tmp_path / "sight.pt")
    return tmp_path


def test_what_is_seen_is_written(work: Path) -> None:
    write(open_pictures(work, work), work, 16)
    found = read_glimpses(work)
    assert found.vectors.shape == (len(found.classes), 6)
    assert set(found.classes.tolist()) <= {0, 2}  # nothing shows a drone
    assert len(found.classes) > 8
    assert 0.0 < float(found.vectors.min()) <= float(found.vectors.max()) < 1.0


def test_ears_can_keep_to_the_words_of_others(work: Path) -> None:
    model = ClassSeparator(4, 6, CLASSES)
    model.table += 1.0
    assert keep_to(model, work / "sound.pt") is None
    kept = torch.load(work / "sound.pt", weights_only=True)["model"]["table"]
    assert torch.equal(model.table, kept)
    write(open_pictures(work, work), work, 16)
    assert keep_to(model, work / "sound.pt") is not None
    with pytest.raises(ValueError, match="this training"):
        keep_to(ClassSeparator(4, 6, [*CLASSES, "reed"]), work / "sound.pt")
