"""What is decoded once: whose it is, whether it still is so, and that it is whole."""

from __future__ import annotations

import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import soundfile

import training.report
from tests.fakes.clips import write_bank
from tests.fakes.disk import room_for
from tests.fakes.tiny_training import PLAN, tiny
from training.bank import open_bank, open_ensembles
from training.learner import State
from training.listen import write_test
from training.recordings import Decoded, Recording, kept
from training.scalars import Scalars
from training.separate import main as separate
from training.virtual import open_virtual_bank
from training.whole import TrainingError

RATE_HZ = 8_000
ROOT = Path(__file__).parents[2]
FULL = r"cannot be written \(.*make room and start again"


def write_tone(path: Path, seconds: float = 0.5) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    tone = np.sin(np.arange(round(seconds * RATE_HZ)) / 5)
    soundfile.write(path, tone, RATE_HZ)


def named(bank_or_ensembles) -> list[str]:
    return [recording.name for recording in bank_or_ensembles.recordings]


@pytest.mark.parametrize(
    ("opened", "first", "second", "added"),
    [
        (open_bank, "bell/one", "bell/two", "horn/three"),
        (open_ensembles, "duo/one_bell", "duo/two_bell", "duo/two_horn"),
    ],
)
def test_every_bank_has_its_own_sounds_as_they_are_now(
    tmp_path: Path, opened, first: str, second: str, added: str
) -> None:
    cache = tmp_path / "cache"
    for bank, name in (("a", first), ("b", second)):
        write_tone(tmp_path / bank / f"{name}.wav")
    assert named(opened(tmp_path / "a", cache, RATE_HZ)) == [Path(first).name]
    assert named(opened(tmp_path / "b", cache, RATE_HZ)) == [Path(second).name]
    write_tone(tmp_path / "b" / f"{added}.wav")
    assert named(opened(tmp_path / "b", cache, RATE_HZ)) == [Path(second).name, Path(added).name]
    write_tone(tmp_path / "b" / f"{second}.wav", seconds=0.25)
    changed = opened(tmp_path / "b", cache, RATE_HZ)
    assert len(changed.read(changed.recordings[0])) == pytest.approx(RATE_HZ / 4, rel=0.01)


def test_what_is_kept_is_not_decoded_again(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_tone(tmp_path / "bank/bell/one.wav")
    open_bank(tmp_path / "bank", tmp_path / "cache", RATE_HZ)
    assert "is made, once" in capsys.readouterr().err
    open_bank(tmp_path / "bank", tmp_path / "cache", RATE_HZ)
    assert capsys.readouterr().err == ""


def test_files_that_are_left_out_are_counted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    write_tone(tmp_path / "bank/bell/one.wav")
    (tmp_path / "bank/bell/two.wav").write_bytes(b"RIFF")
    soundfile.write(tmp_path / "bank/bell/still.wav", np.zeros(RATE_HZ), RATE_HZ)
    open_bank(tmp_path / "bank", tmp_path / "cache", RATE_HZ)
    said = capsys.readouterr().err
    assert "2 of 3 files are broken, silent or too short and left out: " in said
    assert "bell/still.wav" in said


@pytest.mark.parametrize("content", ["", '{"state": "1", "recordings": [{"na', "[]", '{"a": 1}'])
def test_a_broken_index_is_made_anew(tmp_path: Path, content: str) -> None:
    write_tone(tmp_path / "bank/bell/one.wav")
    open_bank(tmp_path / "bank", tmp_path / "cache", RATE_HZ)
    (index,) = (tmp_path / "cache").glob("*.json")
    index.write_text(content)
    assert named(open_bank(tmp_path / "bank", tmp_path / "cache", RATE_HZ)) == ["one"]


def test_sounds_that_lack_their_end_are_made_anew(tmp_path: Path) -> None:
    write_tone(tmp_path / "bank/bell/one.wav")
    whole = open_bank(tmp_path / "bank", tmp_path / "cache", RATE_HZ)
    expected = whole.read(whole.recordings[0])
    (data,) = (tmp_path / "cache").glob("*.f16")
    data.write_bytes(data.read_bytes()[:100])
    again = open_bank(tmp_path / "bank", tmp_path / "cache", RATE_HZ)
    np.testing.assert_array_equal(again.read(again.recordings[0]), expected)


KILLED = """\
import sys, time
from pathlib import Path
import numpy as np
from training.recordings import Recording, kept

def decode():
    for _ in range(2):
        yield Recording("half", "bell", 0, 0, False, False), np.ones(100_000, np.float16)
    print("in the middle", flush=True)
    time.sleep(100)

kept(Path(sys.argv[1]), "1", 8000, decode)
"""


def test_killed_while_decoding_it_begins_again(tmp_path: Path) -> None:
    base = tmp_path / "solos"
    with subprocess.Popen(
        [sys.executable, "-c", KILLED, str(base)], cwd=ROOT, stdout=subprocess.PIPE, text=True
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "in the middle\n"
        process.kill()

    def decode() -> Iterator[Decoded]:
        yield Recording("all", "bell", 0, 0, False, False), np.ones(10, np.float16)

    assert named(kept(base, "1", RATE_HZ, decode)) == ["all"]
    assert (tmp_path / "solos.f16").stat().st_size == 20


def test_a_full_disk_is_told_and_what_was_there_is_left(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.virtual.PHRASES", 1)
    monkeypatch.setattr("training.virtual.PHRASE_S", 0.5)
    cache = tmp_path / "cache"
    write_tone(tmp_path / "bank/bell/one.wav")
    open_bank(tmp_path / "bank", cache, RATE_HZ)
    before = {path.name: path.read_bytes() for path in cache.iterdir()}
    write_tone(tmp_path / "bank/bell/two.wav", 5.0)
    with room_for(9_000):
        with pytest.raises(TrainingError, match=FULL):
            open_bank(tmp_path / "bank", cache, RATE_HZ)
        with pytest.raises(TrainingError, match=FULL):
            open_virtual_bank(cache, RATE_HZ)
    assert {path.name: path.read_bytes() for path in cache.iterdir()} == before


def test_a_full_disk_is_told_by_every_command(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    bank, cache = write_bank(tmp_path / "bank"), tmp_path / "cache"
    common = ["--bank", str(bank), "--cache", str(cache), "--work", str(tmp_path)]
    with room_for(20_000):
        assert separate(common) == 2
    assert "make room and start again" in capsys.readouterr().err
    open_bank(bank / "solo_audio", cache, 11025)
    State(tiny(), PLAN).write(tmp_path / "binary-log.pt")
    page = ["--mixtures", "1", "--out", str(tmp_path / "report.html")]
    with room_for(20_000):
        assert training.report.main([*common, *page]) == 1
    with room_for(2_000), pytest.raises(TrainingError, match=FULL):
        write_test([], tmp_path / "none" / "test.html")
    assert "report.html cannot be written" in capsys.readouterr().err
    assert not list(tmp_path.glob("**/*.part"))


def test_curves_that_the_disk_does_not_take_end_it(tmp_path: Path) -> None:
    scalars = Scalars(tmp_path)
    scalars.add(1, {"loss": 0.5})
    with room_for(200), pytest.raises(TrainingError, match=FULL):
        for step in range(2, 20):
            scalars.add(step, {"loss": 0.5})
    scalars.close()
