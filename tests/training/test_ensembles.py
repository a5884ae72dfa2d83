"""Players of one piece as material: together, on their side, and shown as far as they can be."""

from __future__ import annotations

import argparse
import json
from pathlib import Path

import numpy as np
import pytest
import soundfile

from tests.fakes.clips import THREE, write_bank, write_ensembles
from tests.fakes.tiny_training import PLAN, tiny
from training import separate, table, together
from training.clips import ClipError
from training.ensembles import Ensembles
from training.learner import State
from training.material import Material, add_material_options, open_material, shared
from training.mixing import Mixtures, Shared, Varying
from training.paper import AUDIO
from training.variants import View

VIEW = View(AUDIO, "linear")
BAND = (*THREE, "horn")  # of the horn there are no photographs, and no solos either
LONG_S = 24.0
SMALL = ["--sight-width", "16", "--sound-width", "2", "--channels", "3", "--judged", "1"]


def opened(where: list[str]) -> Material:
    parser = argparse.ArgumentParser()
    add_material_options(parser)
    return open_material(parser.parse_args(where), AUDIO)


@pytest.fixture(scope="module")
def where(tmp_path_factory: pytest.TempPathFactory) -> list[str]:
    """Three pieces, the third of them kept out, beside a bank of solos."""
    folder = write_bank(tmp_path_factory.mktemp("bank"))
    write_ensembles(folder, {"p1": BAND, "p2": ("bell", "horn", "saw"), "p3": BAND}, LONG_S)
    return ["--bank", str(folder), "--cache", str(tmp_path_factory.mktemp("cache"))]


@pytest.fixture(scope="module")
def material(where: list[str]) -> Material:
    return opened(where)


def ensembles(material: Material, *, held_out: bool) -> Ensembles:
    of_side = material.judged_ensembles if held_out else material.learned_ensembles
    assert of_side is not None
    return of_side


def rhythm(samples: np.ndarray) -> np.ndarray:
    """Whether it sounds, from 20 ms to 20 ms."""
    step = AUDIO.rate_hz // 50
    return np.abs(samples[: len(samples) // step * step]).reshape(-1, step).max(axis=1) > 0.1


@pytest.mark.parametrize("held_out", [False, True])
def test_players_are_heard_at_one_moment_of_one_piece(material: Material, held_out: bool) -> None:
    groups = ensembles(material, held_out=held_out).seen(2)
    assert groups is not None
    rng, rhythms = np.random.default_rng(0), set()
    for _ in range(12):
        played = groups.play(VIEW.samples, rng)
        first, *rest = [*(clip.samples for clip in played.clips), *played.others]
        assert first.shape == (VIEW.samples,)
        for other in rest:  # but for where a tone of 180 Hz begins
            assert (rhythm(first) == rhythm(other)).mean() > 0.95
        rhythms.add(rhythm(first).tobytes())
    assert len(rhythms) == 12


def test_pieces_stay_on_their_side(material: Material) -> None:
    assert list(ensembles(material, held_out=False).labels) == sorted({*BAND, "saw"})
    assert list(ensembles(material, held_out=True).labels) == sorted(BAND)


def test_who_has_no_photographs_is_heard_and_not_asked_for(material: Material) -> None:
    of_side = ensembles(material, held_out=True)
    assert of_side.seen(4) is None
    assert of_side.heard(5) is None
    seen, heard = of_side.seen(3), of_side.heard(4)
    assert seen is not None
    assert heard is not None
    assert tuple(seen.labels) == THREE
    assert tuple(heard.labels) == tuple(sorted(BAND))
    rng = np.random.default_rng(0)
    played = seen.play(VIEW.samples, rng)
    assert len(played.others) == 1
    loudest = np.abs(np.fft.rfft(played.others[0][: AUDIO.rate_hz])).argmax()
    assert abs(loudest - 1700) < 20
    assert all(clip.frames.any() and clip.box for clip in played.clips)
    shown = {clip.label: clip.frames.any() for clip in heard.play(VIEW.samples, rng).clips}
    assert shown == {"bell": True, "drone": True, "horn": False, "pipe": True}


def test_who_is_asked_for_plays(tmp_path: Path) -> None:
    folder = write_bank(tmp_path / "bank")
    pieces = {f"p{number}": ("bell", "pipe") for number in (1, 2, 3)}
    write_ensembles(folder, pieces, LONG_S)
    path = folder / "ensembles/band/p3_pipe.wav"
    sound, rate = soundfile.read(path)
    sound[: len(sound) // 2] = 0  # a long rest
    soundfile.write(path, sound, rate)
    lately = opened(["--bank", str(folder), "--cache", str(tmp_path / "cache")])
    groups = ensembles(lately, held_out=True).seen(2)
    assert groups is not None
    rng = np.random.default_rng(0)
    for _ in range(20):
        assert all(
            np.abs(clip.samples).max() > 0.5 for clip in groups.play(VIEW.samples, rng).clips
        )


def test_they_are_a_share_of_the_mixtures(
    material: Material, capsys: pytest.CaptureFixture[str]
) -> None:
    some = shared(material.learned_ensembles, 2, 0.3)
    assert some is not None
    mixtures = Mixtures(material.learned, VIEW, count=2, seed=0, ensembles=some)
    of_pieces = [mixtures.solos(number).others is not None for number in range(80)]
    assert 0.15 < np.mean(of_pieces) < 0.45
    number = of_pieces.index(True)
    for part, same in zip(mixtures[number], mixtures[number], strict=True):
        assert np.array_equal(part, same)
    levels = np.sqrt((mixtures.solos(number).stems ** 2).mean(axis=1))
    np.testing.assert_allclose(levels, 0.1, rtol=0.01)  # as solos
    assert shared(material.learned_ensembles, 2, 0.0) is None
    assert shared(None, 2, 0.3) is None
    assert capsys.readouterr().err == ""
    assert shared(material.learned_ensembles, 4, 0.3) is None
    assert "no piece has 4 players with photographs: solos alone" in capsys.readouterr().err


def test_off_screen_is_another_player_of_the_piece(material: Material) -> None:
    groups = ensembles(material, held_out=False).seen(3)
    assert groups is not None
    heard = Varying(silent=0, off_screen=1, rooms=0, noise_db=(-90, -90), level_db=0)
    share = Shared(groups, share=1)
    mixtures = Mixtures(material.learned, VIEW, count=3, seed=0, varying=heard, ensembles=share)
    hertz = np.arange(VIEW.bins) * AUDIO.rate_hz / AUDIO.n_fft
    horn = (hertz > 1450) & (hertz < 2000)  # 1700 Hz on a tape of any speed
    for number in range(4):
        sources, mixture = mixtures[number].sources.numpy(), mixtures[number].mixture.numpy()
        assert mixture[0, horn].sum() > 4 * sources[:, horn].sum()


@pytest.mark.parametrize(
    ("command", "teaches"), [(separate, "train"), (together, "teach")], ids=["separate", "together"]
)
def test_trainings_learn_from_them_and_are_judged_by_them(
    where: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch, command, teaches: str
) -> None:
    made: list[Mixtures] = []

    def noted(*arguments: object, **values: object) -> Mixtures:
        made.append(Mixtures(*arguments, **values))  # type: ignore[arg-type]
        return made[-1]

    monkeypatch.setattr(command, "Mixtures", noted)
    monkeypatch.setattr(command, teaches, lambda *_arguments, **_values: None)
    line = [*where, "--work", str(tmp_path), *SMALL]
    assert command.main([*line, "--ensemble-share", "1"]) == 0
    learned, judged = made
    assert "saw" not in learned.classes
    for mixtures in (learned, judged):
        assert all(mixtures.solos(number).others is not None for number in range(4))
    made.clear()
    assert command.main([*line, "--ensemble-share", "0"]) == 0
    assert all(mixtures.solos(0).others is None for mixtures in made)
    with pytest.raises(SystemExit):
        command.main([*line, "--ensemble-share", "1.5"])


def rows_of(where: list[str], work: Path, count: int) -> dict[str, dict]:
    for kind, name in (("pixelplayer", "binary-log"), ("class-told", "class-told-binary-log")):
        State(tiny(kind=kind), PLAN).write(work / f"{name}.pt")
    line = [*where, "--work", str(work), "--ensembles"]
    more = ["--sources", str(count), "--mixtures", "1", "--json", str(work / "table.json")]
    assert table.main([*line, *more]) == 0
    return {row["method"]: row for row in json.loads((work / "table.json").read_text())}


def test_the_table_scores_players_of_one_piece(where: list[str], tmp_path: Path) -> None:
    rows = rows_of(where, tmp_path, 3)
    oracles = {"oracle binary-log", "oracle ratio-linear"}
    assert set(rows) == {"mixture", "NMF", "binary-log", "class-told-binary-log", *oracles}
    assert {row["sources"] for row in rows.values()} == {3}
    assert rows["binary-log"]["boxes"] == 3  # photographs that were kept out, on plain ground
    assert rows["NMF"]["nsdr_db"]["mean"] > 5


def test_with_one_who_is_not_seen_nobody_is_asked_by_pictures(
    where: list[str], tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    rows = rows_of(where, tmp_path, 4)
    assert set(rows) == {"mixture", "NMF", "oracle binary-log", "oracle ratio-linear"}
    assert rows["NMF"]["nsdr_db"]["mean"] > 5  # it knows the horn from the other pieces
    said = capsys.readouterr().err
    assert "binary-log goes by pictures, and is left out" in said
    assert "class-told-binary-log does not know horn, and is left out" in said


def test_a_table_without_such_pieces_is_refused(
    material: Material, where: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert table.main([*where, "--ensembles", "--sources", "5"]) == 2
    assert "no piece of 5 players is kept out; --ensembles wants" in capsys.readouterr().err
    alone = Material(AUDIO, material.learned, material.judged)
    with pytest.raises(ClipError, match="no piece of 2 players"):
        table.asked_for(alone, 2)
