"""Lessons of a teacher: both see the same, they do not repeat, and a student learns from them."""

from __future__ import annotations

import sys
from itertools import islice, pairwise
from pathlib import Path

import cv2
import numpy as np
import pytest
import torch
from torch import Tensor
from torch.nn import functional

from pixelplayer.networks.vision import FrameNet
from training.checkpoints import TrainingError
from training.corpus import Pictures
from training.distill import Exam, Student, distill, lesson_loss, lessons, main
from training.insight import COMPONENTS, OTHER, Insight, gain
from training.lessons import STUDENT_PX, TEACHER_PX, LessonBatches, random_crop, to_tensor
from training.photos import Photos
from training.sight import word_loss, words_of
from training.teacher import Teacher

CLASSES = ("bell", "pipe")
NO_LABELS = np.zeros((96, 1), bool)
# Blocks of MobileNetV2 1.0: channels that come out, and how much wider it is inside.
_BLOCKS = [16, 24, 24, 32, 32, 32, 64, 64, 64, 64, 96, 96, 96, 160, 160, 160, 320]


@pytest.fixture(scope="module")
def teacher_file(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A teacher that has learned nothing, in the layout of the real one."""
    rng = np.random.default_rng(0)
    arrays: dict[str, np.ndarray] = {}

    def layer(name: str, outputs: int, inputs: int, side: int) -> None:
        deviation = (2 / (inputs * side * side)) ** 0.5
        weight = rng.normal(0, deviation, (outputs, inputs, side, side))
        arrays[f"{name}.weight"] = weight.astype(np.float16)
        arrays[f"{name}.bias"] = rng.normal(0, 0.1, outputs).astype(np.float16)

    layer("Conv1", 32, 3, 3)
    layer("expanded_conv_depthwise", 32, 1, 3)
    layer("expanded_conv_project", 16, 32, 1)
    for block, (inputs, outputs) in enumerate(pairwise(_BLOCKS), 1):
        layer(f"block_{block}_expand", 6 * inputs, inputs, 1)
        layer(f"block_{block}_depthwise", 6 * inputs, 1, 3)
        layer(f"block_{block}_project", outputs, 6 * inputs, 1)
    layer("Conv_1", 1280, 320, 1)
    path = tmp_path_factory.mktemp("teacher") / "teacher.npz"
    np.savez(path, **arrays)
    return path


def photographs(label: str, colour: tuple[int, int, int], count: int = 24) -> list[np.ndarray]:
    """Discs of about one colour on white, (224, 224, 3) uint8."""
    rng = np.random.default_rng(len(label))
    pictures = []
    for _ in range(count):
        picture = np.full((TEACHER_PX, TEACHER_PX, 3), 255, np.uint8)
        near = np.clip(np.array(colour) + rng.integers(-30, 30, 3), 0, 255).tolist()
        centre = rng.integers(80, 144, 2).tolist()
        cv2.circle(picture, centre, int(rng.integers(40, 75)), near, -1)
        pictures.append(picture)
    return pictures


def photos(**colours: tuple[int, int, int]) -> Photos:
    pixels = [
        picture for label, colour in colours.items() for picture in photographs(label, colour)
    ]
    labels = [label for label in colours for _ in range(24)]
    return Photos(
        pixels=np.stack(pixels),
        labels=np.array(labels),
        names=np.array([f"{label}/{number}" for number, label in enumerate(labels)]),
        held_out=np.arange(len(labels)) % 4 == 0,
        evidence={},
    )


@pytest.fixture(scope="module")
def pictures() -> Pictures:
    return Pictures(
        known=photos(bell=(200, 60, 60), pipe=(60, 60, 200)), other=photos(lamp=(60, 200, 60))
    )


def mean_colours(large: np.ndarray) -> Tensor:
    """What a teacher might see: (n, 3, 7, 7)."""
    return functional.adaptive_avg_pool2d(to_tensor(large), large.shape[1] // 32)


def test_both_see_the_same(pictures: Pictures, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.lessons.AS_FILMED", 0.0)
    pixels = pictures.known.pixels
    batches = LessonBatches(
        pixels, NO_LABELS, np.arange(len(pixels)), mean_colours, seed=0, batch=10
    )
    for small, seen, _ in islice(iter(batches), 6):
        assert small.shape == (10, 3, STUDENT_PX, STUDENT_PX)
        torch.testing.assert_close(
            functional.adaptive_avg_pool2d(small, 7), seen, rtol=0.0, atol=0.01
        )


def test_lessons_give_way_to_new_ones(pictures: Pictures, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("training.lessons.STOCK", 3)
    looked = 0

    def see(large: np.ndarray) -> Tensor:
        nonlocal looked
        numbers = torch.arange(looked, looked + len(large)).float()
        looked += len(large)
        side = large.shape[1] // 32
        return numbers[:, None, None, None].expand(-1, 1, side, side)

    pixels = pictures.known.pixels
    batches = LessonBatches(pixels, NO_LABELS, np.arange(len(pixels)), see, seed=0, batch=10)
    used = [seen[:, 0, 0, 0].long().tolist() for _, seen, _ in islice(iter(batches), 60)]
    times = np.bincount(np.concatenate(used))
    assert max(used[0]) < 10
    assert min(used[-1]) > 60
    assert 3 < times[20:80].mean() < 7


def test_what_is_kept_out_is_in_no_lesson(
    pictures: Pictures, teacher_file: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.lessons.AS_FILMED", 0.0)
    known = pictures.known
    pixels = known.pixels.copy()
    pixels[known.held_out] = (0, 255, 0)
    marked = Photos(pixels, known.labels, known.names, known.held_out, known.evidence)
    insight = Insight(torch.zeros(1, 1280), torch.zeros(1), (OTHER,))
    seen = Pictures(known=marked, other=pictures.other)
    batches = lessons(seen, Teacher(teacher_file).eval(), insight, seed=0, batch=8)
    small = torch.cat([one for one, _, _ in islice(iter(batches), 4)])
    is_green = (small[:, 1] > 0.9) & (small[:, 0] < 0.1) & (small[:, 2] < 0.1)
    assert not is_green.any()


def test_insight_names_what_it_saw(
    pictures: Pictures, teacher_file: Path, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("training.insight.SAMPLE", 64)
    teacher = Teacher(teacher_file).eval()
    insight = gain(teacher, pictures.known, pictures.other, seed=0)
    assert insight.classes == ("bell", OTHER, "pipe")
    insight.write(tmp_path)
    again = Insight.read(tmp_path)
    rng = np.random.default_rng(1)
    chosen = np.flatnonzero(pictures.known.held_out)
    some = [pictures.known.pixels[rng.choice(chosen)] for _ in range(64)]
    large = np.stack([random_crop(one, TEACHER_PX, rng) for one in some])
    with torch.inference_mode():
        seen = again.of(teacher(to_tensor(large)))
    assert seen.shape == (64, COMPONENTS + 3, 7, 7)
    assert seen.mean(dim=(0, 2, 3)).abs().max() < 0.7
    assert 0.5 < float(seen.std(dim=(0, 2, 3)).mean()) < 1.5
    whole = to_tensor(pictures.known.pixels[chosen])
    with torch.inference_mode():
        named = again.of(teacher(whole))[:, COMPONENTS:].mean(dim=(2, 3)).argmax(dim=1)
    told = np.array(insight.classes)[named.numpy()]
    assert (told == pictures.known.labels[chosen]).mean() > 0.6  # a teacher of random weights


def test_a_student_learns(tmp_path: Path) -> None:
    torch.manual_seed(0)
    pixels = photos(bell=(200, 60, 60), pipe=(60, 60, 200)).pixels

    def see(large: np.ndarray) -> Tensor:
        return (mean_colours(large) - 0.7).repeat(1, COMPONENTS // 3 + 2, 1, 1) * 3

    student = Student(FrameNet(width=16, channels=4), COMPONENTS // 3 * 3 + 6)
    batches = LessonBatches(pixels, NO_LABELS, np.arange(len(pixels)), see, seed=0, batch=8)
    small, target, _ = next(
        iter(LessonBatches(pixels, NO_LABELS, np.arange(6), see, seed=1, batch=24))
    )
    exam = Exam(pictures=small, target=target)
    with torch.inference_mode():
        before = lesson_loss(student(small), target).item()
    path = tmp_path / "frame-distilled.pt"
    # The rate rises for the first 2 % of the time, whatever that is in steps here.
    distill(student, islice(iter(batches), 80), exam, path, minutes=0.5, rate=3e-3)
    after, _ = exam.marks(student)
    assert after < 0.8 * before
    path.write_bytes(b"what was kept before")
    with torch.no_grad():
        next(iter(student.parameters())).fill_(torch.nan)
    with pytest.raises(TrainingError, match="the loss is nan"):
        distill(student, islice(iter(batches), 1), exam, path, minutes=0.0001, rate=3e-3)
    assert path.read_bytes() == b"what was kept before"


def test_the_command_leaves_what_sight_takes(
    pictures: Pictures,
    teacher_file: Path,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
) -> None:
    for kind, seen in (("photos", pictures.known), ("photos_other", pictures.other)):
        for label in np.unique(seen.labels):
            (tmp_path / kind / label).mkdir(parents=True)
        for name, label, picture in zip(seen.names, seen.labels, seen.pixels, strict=True):
            cv2.imwrite(str(tmp_path / kind / label / f"{Path(name).name}.png"), picture[..., ::-1])
    (tmp_path / "teacher").mkdir()
    (tmp_path / "teacher" / "teacher.npz").write_bytes(teacher_file.read_bytes())
    monkeypatch.setattr("training.insight.SAMPLE", 40)
    monkeypatch.setattr("training.distill.BATCH", 4)
    arguments = ["--data", str(tmp_path), "--work", str(tmp_path / "work"), "--width", "16"]
    monkeypatch.setattr(sys, "argv", ["distill", *arguments, "--minutes", "0.02"])
    main()
    assert "names" in capsys.readouterr().out
    weights = torch.load(tmp_path / "work" / "frame-distilled.pt", weights_only=True)
    assert weights["lessons.weight"].shape[0] == len(Insight.read(tmp_path / "work").offsets)
    assert all(torch.isfinite(value).all() for value in weights.values())


def test_labels_are_those_of_all_the_photographs_in_a_lesson(
    pictures: Pictures, teacher_file: Path
) -> None:
    insight = Insight(torch.zeros(3, 1280), torch.zeros(3), ("bell", OTHER, "pipe"))
    batches = lessons(pictures, Teacher(teacher_file).eval(), insight, seed=0, batch=16)
    labels = torch.cat([one for _, _, one in islice(iter(batches), 6)])
    assert labels.shape == (96, 3)
    assert labels.any(dim=1).all()
    assert labels.any(dim=0).all()
    assert 0.2 < (labels.sum(dim=1) > 1).float().mean() < 0.6  # collages and blends


def test_words_are_learned_where_the_teacher_is_sure_and_right() -> None:
    vectors = torch.tensor([[0.9, 0.1], [0.1, 0.9]])
    insight = Insight(torch.zeros(3, 1), torch.zeros(3), ("bell", OTHER, "pipe"))
    words = words_of(insight, ["bell", "pipe"], vectors)
    assert words.tolist() == [
        [pytest.approx(0.9), pytest.approx(0.1)],
        [0, 0],
        [pytest.approx(0.1), pytest.approx(0.9)],
    ]
    maps = torch.zeros(1, COMPONENTS + 3, 1, 4)
    maps[0, COMPONENTS, 0, 0] = 5.0  # sure: a bell, and it is one
    maps[0, COMPONENTS + 2, 0, 1] = 5.0  # sure: a pipe, and there is none, so no bell either
    maps[0, COMPONENTS + 2, 0, 2] = 0.5  # not sure; of the last it knows nothing
    labels = torch.tensor([[True, False, False]])
    said = torch.zeros(1, 2, 1, 4, requires_grad=True)
    word_loss(said, maps, labels, words).backward()
    assert said.grad is not None
    bell, ground = said.grad[0, :, 0, 0], said.grad[0, :, 0, 1]
    assert bell[0] < 0 < bell[1]
    assert (ground > 0).all()
    assert not said.grad[..., 2:].any()
