"""The command `training separate`: killed, interrupted, finished, and asked for what cannot be."""

from __future__ import annotations

import json
import math
import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
import soundfile
import torch

from tests.fakes.clips import FOUR, write_bank
from training.contenders import read_model
from training.paper import AUDIO
from training.separate import main, trained
from training.table import main as table
from training.together import main as together

ROOT = Path(__file__).parents[2]


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
