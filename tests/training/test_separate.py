"""The paper's training: it learns, stops where told, and goes on as if it had never stopped."""

from __future__ import annotations

import json
import math
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from tests.fakes.clips import FOUR, ToneClips, write_bank
from tests.fakes.disk import room_for
from training.checkpoints import TrainingError
from training.clips import Clip, ClipError
from training.commands import UnusableError
from training.contenders import read_model
from training.learner import Plan, State, judge, learning_rate
from training.mixing import Mixture, Mixtures, Varying, batches
from training.paper import AUDIO
from training.precision import Precision
from training.separate import main, train, trained
from training.separators import LEAST_SIGHT_WIDTH, Make, class_numbers, make
from training.table import main as table
from training.team import Team
from training.together import main as together
from training.variants import VARIANTS, View

ROOT = Path(__file__).parents[2]
VARIANT = VARIANTS["binary-log"]
PLAN = Plan(
    steps=6,
    batch=2,
    rate=2e-3,
    optimiser="muon",
    schedule="cosine",
    average=0.9,
    judge_every=2,
    judged=2,
    patience=0,
)


def tiny(**changes: object) -> Make:
    values: dict = {
        "kind": "pixelplayer",
        "bins": 256,
        "columns": 256,
        "channels": 3,
        "sight_width": LEAST_SIGHT_WIDTH,
        "sound_width": 2,
        "classes": ("bell", "drone", "pipe"),
    }
    return Make(**(values | changes))


def mixtures(varying: Varying | None = None, seed: int = 0) -> Mixtures:
    return Mixtures(ToneClips(), View(AUDIO, "log"), count=2, seed=seed, varying=varying)


def fresh(plan: Plan = PLAN, **changes: object) -> State:
    torch.manual_seed(0)
    return State(tiny(**changes), plan)


class Told:
    """What a training said and kept."""

    def __init__(self) -> None:
        self.numbers: dict[int, Mapping[str, float]] = {}

    def tell(self, step: int, numbers: Mapping[str, float]) -> None:
        self.numbers[step] = numbers


def run(state: State, plan: Plan = PLAN, path: Path | None = None, **changes: object) -> Told:
    told = Told()
    arguments: dict = {
        "keep": lambda kept: kept.write(path) if path else None,
        "tell": told.tell,
        "team": Team(),
    }
    learned = arguments | changes
    data = learned.pop("learned", mixtures(Varying()))
    train(state, plan, VARIANT, data, mixtures(seed=1), **learned)
    return told


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
from tests.training.test_separate import PLAN, VARIANT, fresh, mixtures
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


@pytest.fixture(scope="module")
def bank(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return write_bank(tmp_path_factory.mktemp("bank"))


def command(bank: Path, work: Path, steps: int) -> list[str]:
    line = f"--bank {bank} --cache {work / 'cache'} --work {work} --steps {steps} --batch 2"
    sizes = "--sight-width 16 --sound-width 2 --channels 3 --judge-every 2 --judged 1"
    return [*line.split(), *sizes.split()]


def test_a_real_kill_loses_the_last_steps_only(bank: Path, tmp_path: Path) -> None:
    line = [sys.executable, "-m", "training", "separate", *command(bank, tmp_path, 1000)]
    path = tmp_path / "binary-log.pt"
    with subprocess.Popen(line, cwd=ROOT, start_new_session=True) as process:
        while not path.exists() and process.poll() is None:
            time.sleep(0.1)
        os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == -signal.SIGKILL
    reached = torch.load(path, weights_only=True)["step"]
    assert 0 < reached < 1000
    assert main(command(bank, tmp_path, reached + 2)) == 0
    state = torch.load(path, weights_only=True)
    assert state["step"] == len(state["losses"]) == reached + 2
    assert math.isfinite(state["best"])
    assert list((tmp_path / "scalars/binary-log").glob("events.*"))


SAVING = """\
import sys, time
from pathlib import Path
from training.separate import main

replace = Path.replace

def pause(part, path):
    if Path(path).name == "binary-log.pt" and Path(path).exists():
        print("in the save", flush=True)
        time.sleep(100)
    return replace(part, path)

Path.replace = pause
main(sys.argv[1:])
"""


def test_a_kill_within_a_save_leaves_the_former_checkpoint(bank: Path, tmp_path: Path) -> None:
    line, path = command(bank, tmp_path, 6), tmp_path / "binary-log.pt"
    with subprocess.Popen(
        [sys.executable, "-c", SAVING, *line],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        start_new_session=True,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert any("in the save" in said for said in process.stdout)
        os.killpg(process.pid, signal.SIGKILL)
    assert (tmp_path / "binary-log.part").exists()  # written, and not yet what it replaces
    former = torch.load(path, weights_only=True)
    assert former["step"] == 2
    assert main(line) == 0
    after = torch.load(path, weights_only=True)
    assert after["step"] == 6
    assert after["losses"][:2] == former["losses"]
    assert not (tmp_path / "binary-log.part").exists()


def test_four_sources_are_learned_and_scored(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    four = write_bank(tmp_path / "bank", FOUR)
    line = [*command(four, tmp_path, 1), "--sources", "4"]
    assert main(line) == 0
    kept = torch.load(tmp_path / "binary-log.pt", weights_only=True)
    assert kept["what"]["classes"] == FOUR
    assert len(kept["losses"]) == 1
    where = ["--bank", str(four), "--cache", str(tmp_path / "cache"), "--work", str(tmp_path)]
    found = tmp_path / "table.json"
    assert table([*where, "--sources", "4", "--mixtures", "1", "--json", str(found)]) == 0
    rows = {row["method"]: row for row in json.loads(found.read_text())}
    assert {"mixture", "NMF", "binary-log", "oracle binary-log"} <= set(rows)
    assert rows["oracle binary-log"]["nsdr_db"]["mean"] > 10


def test_what_was_judged_best_is_kept_where_it_stops_early(
    bank: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    judgements = iter([0.5, 0.4, 0.6, 0.7])
    monkeypatch.setattr("training.separate.judge", lambda *_arguments: next(judgements))
    line = command(bank, tmp_path, 20)
    assert trained(tmp_path, "binary-log") == tmp_path / "binary-log.pt"
    assert main([*line, "--judge-every", "1", "--patience", "2"]) == 0
    last = torch.load(tmp_path / "binary-log.pt", weights_only=True)
    best = torch.load(trained(tmp_path, "binary-log"), weights_only=True)
    assert (last["step"], best["step"], best["best"]) == (4, 2, 0.4)
    model, what = read_model(trained(tmp_path, "binary-log"))
    assert what.classes == ("bell", "drone", "pipe")
    for name, weight in model.state_dict().items():
        assert torch.equal(weight, best["average"][name])


@pytest.mark.parametrize(
    ("wrong", "message"),
    [
        ("--trunk nope.pt", "--trunk nope.pt: there is no such file; `python -m training distill`"),
        ("--work file", "--work file cannot be a folder (File exists); name another"),
        ("--work file/in", "--work file/in cannot be a folder (Not a directory); name another"),
        ("--sources 0", "--sources is 2 or more, got 0"),
        ("--sources 1", "--sources is 2 or more, got 1"),
        ("--judge-every 0", "--judge-every is 1 or more, got 0"),
        ("--batch 0", "--batch is 1 or more, got 0"),
    ],
)
@pytest.mark.parametrize("command_main", [main, together], ids=["separate", "together"])
def test_options_that_cannot_be_are_told_in_one_line(
    *,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    capsys: pytest.CaptureFixture[str],
    command_main: Callable[[list[str]], int],
    wrong: str,
    message: str,
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("file").touch()
    assert command_main(["--band", "--work", "work", *wrong.split()]) == 2
    (said,) = capsys.readouterr().err.splitlines()
    assert said.startswith(f"error: {message}")


def test_a_finished_training_says_how_it_goes_on(
    bank: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    line = command(bank, tmp_path, 2)
    assert main(line) == 0
    assert "is finished" not in capsys.readouterr().out
    kept = (tmp_path / "binary-log.pt").read_bytes()
    assert main(line) == 0
    assert re.fullmatch(
        r"\S+/binary-log.pt is finished: 2 steps, judged 0\.\d+ at best; "
        r"--steps 4 goes on from it\n",
        capsys.readouterr().out,
    )
    assert (tmp_path / "binary-log.pt").read_bytes() == kept


INTERRUPTED = """\
import signal, sys
signal.signal(signal.SIGINT, signal.default_int_handler)  # whatever the tests' shell has set
from training.separate import main
sys.exit(main(sys.argv[1:]))
"""


@pytest.mark.parametrize(
    ("every", "message"),
    [
        ("1", "stopped; the same command goes on from {}"),
        ("999", "stopped before the first checkpoint ({}); the same command begins anew"),
    ],
)
def test_interrupted_it_says_where_it_goes_on(
    bank: Path, tmp_path: Path, every: str, message: str
) -> None:
    line = [*command(bank, tmp_path, 1000), "--judge-every", every]
    curves = tmp_path / "scalars/binary-log"
    with subprocess.Popen(
        [sys.executable, "-c", INTERRUPTED, *line],
        cwd=ROOT,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        start_new_session=True,
        text=True,
    ) as process:
        try:
            # Begun, and a step done: what it told of it is more than the head of the file.
            while not any(path.stat().st_size > 100 for path in curves.glob("events.*")):
                assert process.poll() is None
                time.sleep(0.1)
            os.killpg(process.pid, signal.SIGINT)  # as a terminal does, to the workers too
            _, said = process.communicate(timeout=60)
        finally:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)
    assert process.returncode == 130
    assert "Traceback" not in said
    assert said.splitlines()[-1] == message.format(tmp_path / "binary-log.pt")


@pytest.mark.parametrize(
    ("folders", "message"),
    [((), "name some material"), (("solo_audio",), "photos"), (("photos",), "holds no")],
)
def test_material_that_cannot_be_used_is_told(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], folders: tuple[str, ...], message: str
) -> None:
    for kind in folders:
        (tmp_path / kind / "bell").mkdir(parents=True)
        if kind == "solo_audio":
            tone = np.sin(np.arange(8000) / 5)
            soundfile.write(tmp_path / kind / "bell/one.wav", tone, AUDIO.rate_hz)
    named = ["--bank", str(tmp_path)] if folders else []
    line = ["--work", str(tmp_path), "--cache", str(tmp_path / "cache")]
    assert main([*named, *line]) == 2
    said = capsys.readouterr().err.splitlines()[-1]
    assert said.startswith("error: ")
    assert message in said
