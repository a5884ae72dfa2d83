"""The paper's training: it learns, stops where told, and goes on as if it had never stopped."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from tests.fakes.clips import ToneClips
from tests.fakes.disk import room_for
from tests.fakes.tiny_training import PLAN, VARIANT, fresh, mixtures, run, tiny
from training.checkpoints import TrainingError
from training.clips import Clip, ClipError
from training.commands import UnusableError
from training.learner import judge, learning_rate
from training.mixing import Mixture, Mixtures, Varying, batches
from training.paper import AUDIO
from training.precision import Precision
from training.separate import main
from training.separators import class_numbers, make
from training.variants import View

ROOT = Path(__file__).parents[2]


def test_a_mixture_is_what_its_number_says() -> None:
    one, again = mixtures(Varying())[3], mixtures(Varying())[3]
    for part, same in zip(one, again, strict=True):
        assert torch.equal(part, same)
    assert not torch.equal(one.mixture, mixtures(Varying())[4].mixture)
    assert one.frames.shape == (2, 3, 3, 224, 224)
    assert one.sources.shape == (2, 256, 256)
    assert one.mixture.shape == one.log_magnitude.shape == (1, 256, 256)


def test_what_is_judged_is_not_varied() -> None:
    plain = mixtures()
    solos = plain.solos(5)
    assert solos.clips[0].label != solos.clips[1].label
    np.testing.assert_allclose(np.sqrt((solos.stems**2).mean(axis=1)), 0.1, rtol=0.02)
    view = View(AUDIO, "log")
    whole = view.magnitude(view.spectrum(solos.stems.sum(axis=0)))
    np.testing.assert_allclose(plain[5].mixture[0], whole, atol=1e-4)


def test_some_sources_are_silent_and_some_sounds_are_not_seen() -> None:
    varying = Varying(silent=0.5, off_screen=0.5, noise_db=(-90, -80))
    found = [mixtures(varying)[number] for number in range(16)]
    silent = sum(float(part.amax()) == 0 for one in found for part in one.sources)
    assert 4 <= silent <= 16
    assert all(float(one.sources.amax()) > 0 for one in found)
    unseen = sum(bool((one.mixture[0] > 3 * one.sources.sum(dim=0) + 0.05).any()) for one in found)
    assert 3 <= unseen <= 13


def test_processes_share_the_numbers_of_a_step() -> None:
    alone = list(batches(6, 2, 4, 0, 1))
    both = [list(batches(6, 2, 4, rank, 2)) for rank in range(2)]
    assert alone == [list(range(12, 18)), list(range(18, 24))]
    for step in range(2):
        assert sorted(both[0][step] + both[1][step]) == alone[step]


def test_it_learns() -> None:
    plan = replace(PLAN, steps=40, batch=3, judge_every=40, judged=4, rate=1.5e-2, average=0.8)
    state = fresh(plan, sound_width=4)
    told = run(state, plan, learned=mixtures())
    assert np.mean(state.losses[-10:]) < 0.5 * np.mean(state.losses[:3])
    # Judged are the averaged weights, on mixtures that it has not met.
    again = judge(state.average, VARIANT, mixtures(seed=1), 4)
    assert told.numbers[40]["judged"] == state.best == pytest.approx(again)


@pytest.mark.parametrize(
    ("optimiser", "precision"), [("muon", "bfloat16"), ("sgd", "float32"), ("muon", "float16")]
)
def test_killed_and_started_again_it_comes_to_the_same(
    tmp_path: Path, optimiser: str, precision: Precision
) -> None:
    plan = replace(PLAN, optimiser=optimiser, precision=precision)
    whole = fresh(plan)
    run(whole, plan)

    class Killed(BaseException):
        pass

    def die(step: int, _numbers: Mapping[str, float]) -> None:
        if step == 5:  # after the checkpoint of step 4
            raise Killed

    with pytest.raises(Killed):
        run(fresh(plan), plan, tmp_path / "state.pt", tell=die)
    again = fresh(plan)
    again.read(tmp_path / "state.pt")
    assert again.step == 4
    run(again, plan)
    assert again.losses == whole.losses
    for name, weight in whole.model.state_dict().items():
        assert torch.equal(weight, again.model.state_dict()[name]), name
    for name, weight in whole.average.state_dict().items():
        assert torch.equal(weight, again.average.state_dict()[name]), name


def test_it_stops_when_it_gets_no_better(monkeypatch: pytest.MonkeyPatch) -> None:
    judgements = iter([0.5, 0.4, 0.45, 0.4, 0.1])
    monkeypatch.setattr("training.separate.judge", lambda *_arguments: next(judgements))
    plan = replace(PLAN, steps=40, patience=2)
    state = fresh(plan)
    run(state, plan)
    assert state.step == 8  # at the fourth, the second that is no better than 0.4
    assert state.best == 0.4


def test_a_loss_that_is_no_number_ends_it() -> None:
    class Broken(ToneClips):
        def clip(self, label: str, samples: int, rng: np.random.Generator) -> Clip:
            whole = super().clip(label, samples, rng)
            return Clip(label, whole.samples * np.float32("nan"), whole.frames)

    data = Mixtures(Broken(), View(AUDIO, "log"), count=2, seed=0)
    state = fresh()
    with pytest.raises(TrainingError, match=r"step 0: the loss is nan; .* smaller --rate"):
        run(state, learned=data)


def test_an_update_that_spoils_the_weights_is_not_kept(tmp_path: Path) -> None:
    path = tmp_path / "state.pt"
    run(fresh(), replace(PLAN, steps=2), path)
    good = path.read_bytes()
    bad = replace(PLAN, rate=1e30, judge_every=1)
    state = fresh(bad)
    state.read(path)
    with pytest.raises(TrainingError, match=r"step 3: the loss is nan; .* smaller --rate"):
        run(state, bad, path)
    assert path.read_bytes() == good
    again = fresh()
    again.read(path)
    run(again, PLAN, path)
    assert torch.load(path, weights_only=True)["step"] == PLAN.steps


def test_a_disk_that_fills_up_leaves_the_former_checkpoint(tmp_path: Path) -> None:
    path = tmp_path / "state.pt"
    fresh().write(path)
    before = path.read_bytes()
    refused = pytest.raises(TrainingError, match=r"cannot be written .* make room and start again")
    with room_for(len(before) // 2), refused:
        fresh().write(path)
    assert path.read_bytes() == before
    assert [item.name for item in tmp_path.iterdir()] == ["state.pt"]


def test_a_checkpoint_of_another_model_is_refused(tmp_path: Path) -> None:
    fresh().write(tmp_path / "state.pt")
    other = fresh(sound_width=4)
    with pytest.raises(TrainingError, match="does not go on with these options"):
        other.read(tmp_path / "state.pt")
    fresh().write_average(tmp_path / "state.pt")  # enough to separate with only
    with pytest.raises(TrainingError, match=r"does not go on with .* \(it has no 'model'\)"):
        fresh().read(tmp_path / "state.pt")


@pytest.mark.parametrize("spoil", ["garbage", "cut off", "empty", "a list"])
def test_a_broken_checkpoint_is_told_in_our_words(tmp_path: Path, spoil: str) -> None:
    path = tmp_path / "state.pt"
    fresh().write(path)
    whole = path.read_bytes()
    if spoil == "a list":
        torch.save([1, 2], path)
    else:
        path.write_bytes({"garbage": b"half a file", "cut off": whole[:-9000]}.get(spoil, b""))
    wanted = "state.pt holds list" if spoil == "a list" else "state.pt is no file of weights"
    with pytest.raises(UnusableError, match=wanted) as told:
        fresh().read(path)
    assert "delete it to begin anew, or use another --work folder" in str(told.value)
    with pytest.raises(UnusableError, match=f"{wanted}.* --trunk wants"):
        fresh().begin_trunk(path)
    assert "weights_only" not in str(told.value)
    assert "\n" not in str(told.value)


def test_a_disk_that_is_full_at_the_first_checkpoint_promises_none(tmp_path: Path) -> None:
    refused = pytest.raises(TrainingError, match=r"cannot be written .*; there is none yet to go")
    with room_for(1000), refused:
        fresh().write(tmp_path / "state.pt")


def test_the_rate_falls_as_the_papers_or_as_a_cosine() -> None:
    plan = replace(PLAN, steps=1000, rate=1.0, schedule="step")
    rates = [learning_rate(plan, step) for step in (0, 100, 399, 400, 799, 800, 999)]
    np.testing.assert_allclose(rates, [0.1, 1, 1, 0.1, 0.1, 0.01, 0.01])
    smooth = [learning_rate(replace(plan, schedule="cosine"), step) for step in (9, 500, 999)]
    np.testing.assert_allclose(smooth, [1, 0.5, 0], atol=1e-3)


def test_mixtures_need_enough_classes() -> None:
    with pytest.raises(ClipError, match="mixtures of 4 need as many classes, found 3: bell"):
        Mixtures(ToneClips(), View(AUDIO, "log"), count=4, seed=0)


def test_three_sources_are_asked_for_at_once() -> None:
    three = Mixtures(ToneClips(), View(AUDIO, "linear"), count=3, seed=0)[0]
    batch = Mixture(*(part.unsqueeze(0) for part in three))
    assert make(tiny())(batch).shape == (1, 3, 512, 256)


def test_a_network_that_is_told_the_class_needs_no_pictures() -> None:
    heard = Mixture(*(part.unsqueeze(0) for part in mixtures()[0]))
    blind = heard._replace(frames=torch.zeros_like(heard.frames))
    for kind in ("class-told", "deepconvsep"):
        model = make(tiny(kind=kind)).eval()
        with torch.inference_mode():
            answers, same = model(heard), model(blind)
            other = model(heard._replace(classes=heard.classes.flip(1)))
        assert answers.shape == (1, 2, 256, 256)
        assert torch.equal(answers, same)
        torch.testing.assert_close(answers, other.flip(1))
        assert not torch.equal(answers, other)


@pytest.mark.parametrize("kind", ["class-told", "deepconvsep"])
def test_they_learn_like_the_one_with_eyes(kind: str, tmp_path: Path) -> None:
    plan = replace(PLAN, steps=30, batch=3, judge_every=30, rate=1e-2, average=0.8)
    state = fresh(plan, kind=kind, sound_width=4)
    run(state, plan, tmp_path / "state.pt", learned=mixtures())
    assert np.mean(state.losses[-8:]) < 0.6 * np.mean(state.losses[:3])
    again = fresh(plan, kind=kind, sound_width=4)
    again.read(tmp_path / "state.pt")
    assert again.losses == state.losses


def test_a_visual_network_too_narrow_for_torch_is_refused(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with pytest.raises(ValueError, match="width 8 cannot be trained; the least is 16"):
        tiny(sight_width=8)
    with pytest.raises(SystemExit):
        main(["--work", "nowhere", "--sight-width", "8"])
    assert "--sight-width is at least 16, got 8" in capsys.readouterr().err


def test_classes_have_the_numbers_of_all_that_are_known() -> None:
    known = ("accordion", "bell", "drone", "pipe")
    data = Mixtures(ToneClips(), View(AUDIO, "log"), count=2, seed=0, classes=known)
    labels = [clip.label for clip in data.solos(0).clips]
    assert [known[number] for number in data[0].classes] == labels
    assert class_numbers(["pipe", "gong"], known).tolist() == [3, -1]


WORKER = """\
import sys
from pathlib import Path
import torch
torch.set_num_threads(1)
sys.path.insert(0, {root!r})
from dataclasses import replace
from tests.fakes.tiny_training import PLAN, VARIANT, fresh, mixtures
from training.mixing import Varying
from training.separate import train
from training.separators import LEAST_SIGHT_WIDTH, Make, class_numbers, make
from training.team import Team
plan = replace(PLAN, batch=4, optimiser="sgd", rate=1e-2, steps=8)
with Team() as team:
    state = fresh(plan)
    # Statistics of whole batches would differ between one process and several.
    state.model.eval()
    state.model.train = lambda mode=True: state.model
    train(state, plan, VARIANT, mixtures(Varying()), mixtures(seed=1), team=team,
          keep=lambda kept: None, tell=lambda step, numbers: None)
    if team.rank == 0:
        Path(sys.argv[1]).write_text(" ".join(map(repr, state.losses)))
"""


def losses(folder: Path, processes: int) -> list[float]:
    script, out = folder / "worker.py", folder / f"{processes}.txt"
    script.write_text(WORKER.format(root=str(ROOT)))
    launcher = ["-m", "torch.distributed.run", "--standalone", f"--nproc-per-node={processes}"]
    subprocess.run(
        [sys.executable, *(launcher if processes > 1 else []), str(script), str(out)],
        check=True,
        cwd=folder,
        env={"PYTHONPATH": str(ROOT), "PATH": "/usr/bin:/bin", "OMP_NUM_THREADS": "1"},
        timeout=110,
    )
    return [float(word) for word in out.read_text().split()]


def test_two_processes_have_the_loss_curve_of_one(tmp_path: Path) -> None:
    both, alone = losses(tmp_path, 2), losses(tmp_path, 1)
    assert len(both) == len(alone) == 8
    np.testing.assert_allclose(both, alone, rtol=1e-3)
