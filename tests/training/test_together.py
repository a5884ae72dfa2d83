"""Networks taught side by side: as each alone, from the same mixtures."""

from __future__ import annotations

import math
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from tests.fakes.clips import ToneClips
from tests.fakes.tiny_training import PLAN, fresh, mixtures, run
from training.checkpoints import TrainingError
from training.contenders import read_model
from training.learner import State, judge
from training.mixing import Mixtures, Varying
from training.paper import AUDIO
from training.separate import best_of, trained
from training.separators import Make
from training.together import SCALES, Pupil, SeenThroughAll, keep_last, main, teach
from training.variants import VARIANTS, View

VIEWS = {scale: View(AUDIO, scale) for scale in SCALES}


def pupil(name: str, plan=PLAN) -> Pupil:
    variant = VARIANTS[name]
    return Pupil(name, variant, fresh(plan, bins=VIEWS[variant.scale].bins))


def taught(
    pupils: list[Pupil], plan=PLAN, keep=lambda _pupil: None, **changes: object
) -> dict[int, dict[str, float]]:
    told: dict[int, dict[str, float]] = {}
    unseen = Mixtures(ToneClips(), VIEWS["log"], count=2, seed=1)
    judged = {
        scale: [unseen.seen_through([view], number)[0] for number in range(plan.judged)]
        for scale, view in VIEWS.items()
    }
    teach(
        pupils,
        plan,
        SeenThroughAll(mixtures(Varying()), VIEWS),
        judged,
        keep=keep,
        tell=lambda step, numbers: told.update({step: dict(numbers)}),
        workers=1,
        **changes,
    )
    return told


def test_side_by_side_each_learns_what_it_would_alone() -> None:
    alone = fresh()
    run(alone)
    both = [pupil("binary-log"), pupil("ratio-linear")]
    told = taught(both)
    assert both[0].state.losses == pytest.approx(alone.losses, rel=1e-5)
    assert both[1].state.step == PLAN.steps
    assert set(told) == {2, 4, 6}
    assert all(set(numbers) == {"binary-log", "ratio-linear"} for numbers in told.values())


def test_all_are_kept_or_none() -> None:
    whole, spoilt = pupil("binary-log"), pupil("ratio-log")
    with torch.no_grad():
        next(spoilt.state.average.parameters()).fill_(float("nan"))  # the network itself is well
    kept: list[str] = []
    with pytest.raises(TrainingError, match="step 2: the loss is nan"):
        taught([whole, spoilt], keep=lambda one: kept.append(one.name))
    assert kept == []


def test_every_scale_shows_the_same_mixture() -> None:
    seen = SeenThroughAll(mixtures(Varying()), VIEWS)
    frames, classes, scales = seen[3]
    for scale, view in VIEWS.items():
        alone = Mixtures(ToneClips(), view, count=2, seed=0, varying=Varying())[3]
        assert torch.equal(frames, alone.frames)
        assert torch.equal(classes, alone.classes)
        assert torch.equal(scales[scale][0], alone.sources)
        assert torch.equal(scales[scale][1], alone.mixture)


def test_by_the_clock_it_ends_when_the_time_is_up() -> None:
    passed = iter([0.0, 0.4, 0.9, 1.2])
    one = pupil("binary-log", replace(PLAN, steps=1000))
    told = taught([one], replace(PLAN, steps=1000, judge_every=999), clock=lambda: next(passed))
    assert one.state.step == 4
    assert list(told) == [4]


def test_the_command_teaches_the_table_and_goes_on(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    arguments = ["--band", "--cache", str(tmp_path / "cache"), "--work", str(tmp_path / "work")]
    small = ["--sight-width", "16", "--sound-width", "2", "--channels", "3", "--judged", "1"]
    for steps in ("1", "2"):
        code = main([*arguments, *small, "--batch", "1", "--steps", steps, "--judge-every", "1"])
        assert code == 0
        assert trained(tmp_path / "work", "binary-log").name == "binary-log.pt"
        best_of(tmp_path / "work" / "binary-log.pt").write_bytes(b"of an older training")
    best_of(tmp_path / "work" / "binary-log.pt").unlink()
    names = {path.stem for path in (tmp_path / "work").glob("*.pt")}
    assert names == {*VARIANTS, "class-told-binary-log", "deepconvsep-ratio-linear"}
    _, what = read_model(tmp_path / "work" / "binary-log.pt")
    assert what.kind == "pixelplayer"
    (tmp_path / "work" / "binary-log.pt").unlink()
    assert main([*arguments, *small, "--batch", "1", "--steps", "3"]) == 1
    assert "of different steps" in capsys.readouterr().err


def test_what_is_taught_together_is_scored_whatever_was_best_before(tmp_path: Path) -> None:
    path = tmp_path / "binary-log.pt"
    former = fresh()
    former.best, former.step = 0.1, 3
    former.write_average(best_of(path))  # as `training separate` leaves them
    former.write(path)
    one = pupil("binary-log")
    one.state.read(path)
    taught([one], keep=lambda kept: keep_last(kept, tmp_path))
    scored = torch.load(trained(tmp_path, "binary-log"), weights_only=True)
    assert scored["step"] == PLAN.steps
    for name, weight in one.state.average.state_dict().items():
        assert torch.equal(weight, scored["average"][name])
    again = fresh()
    again.read(path)
    assert again.best == math.inf  # no weights are left of which it could be told


def test_as_wide_as_the_paper() -> None:
    what = Make(
        kind="paper-width",
        bins=256,
        columns=256,
        channels=3,
        sight_width=16,
        sound_width=2,
        classes=("bell", "drone"),
    )
    model = State(what, PLAN).model
    assert model.frame.features[0].out_channels == 64
    assert model.frame.fc.out_channels == 32


def test_one_judgement_is_the_same_whether_mixed_before_or_then() -> None:
    model, variant = fresh().model, VARIANTS["binary-log"]
    unseen = mixtures(seed=1)
    kept = [unseen[number] for number in range(2)]
    assert judge(model, variant, kept, 2) == judge(model, variant, unseen, 2)
