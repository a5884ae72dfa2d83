"""A recorded session mixed again: the streams' files, other gains, a file that plays."""

from __future__ import annotations

import argparse
import io
import json
from pathlib import Path

import av
import numpy as np
import pytest

from realtime.errors import UsageError
from realtime.remix.command import add_arguments, run
from realtime.remix.mixing import blocks, gains_of
from realtime.remix.recorded import open_recorded, read_wav
from realtime.screen import Screen
from realtime.sinks.mixer import centred, equal_power
from realtime.sinks.overlay import OverlayWriter
from realtime.sinks.wav import WavWriter

RATE_HZ = 8000
LENGTH = 3 * RATE_HZ


@pytest.fixture
def session(tmp_path: Path) -> Path:
    folder = tmp_path / "session"
    folder.mkdir()
    rng = np.random.default_rng(4)
    named = {"object-1.wav": 0.1, "object-2.wav": 0.2, "object-5.wav": 0.05, "residual.wav": 0.01}
    for name, loud in named.items():
        with WavWriter(folder / name, RATE_HZ) as writer:
            writer.write((loud * rng.uniform(-1, 1, LENGTH)).astype(np.float32))
    objects = [
        {"id": 1, "file": "object-1.wav", "name": "guitar", "centroid": [0.25, 0.5]},
        {"id": 2, "file": "object-2.wav", "name": "drum", "centroid": [1.0, 0.5]},
        {"id": 5, "file": "object-5.wav", "name": "guitar", "centroid": [0.5, 0.5]},
    ]
    (folder / "session.json").write_text(json.dumps({"version": 1, "objects": objects}))
    return folder


def mixed(session: Path, **changes: object) -> np.ndarray:
    recorded = open_recorded(session)
    gains = gains_of(recorded.tracks, changes.pop("changes_db", {}), **changes)
    return np.hstack(list(blocks(recorded, gains, centred)))


def stem(session: Path, name: str) -> np.ndarray:
    return read_wav(session / name)[1]


def command(session: Path, *arguments: str) -> str:
    parser = argparse.ArgumentParser()
    add_arguments(parser)
    told = io.StringIO()
    assert run(parser.parse_args([str(session), *arguments]), Screen(told)) == 0
    return told.getvalue()


def test_unchanged_it_is_the_mixture(session: Path) -> None:
    names = ["object-1.wav", "object-2.wav", "object-5.wav", "residual.wav"]
    expected = sum(stem(session, name).astype(np.float64) for name in names)
    for side in mixed(session):
        np.testing.assert_allclose(side, expected, atol=1e-7)


def test_who_is_named_is_changed_and_nobody_else(session: Path) -> None:
    change = mixed(session, changes_db={"guitar": 6.0206}) - mixed(session)
    louder = stem(session, "object-1.wav") + stem(session, "object-5.wav")
    np.testing.assert_allclose(change[0], louder, atol=1e-5)
    without = mixed(session) - mixed(session, mute=["2"])
    np.testing.assert_allclose(without[0], stem(session, "object-2.wav"), atol=1e-6)
    alone = mixed(session, solo=["drum"])
    np.testing.assert_allclose(alone[1], stem(session, "object-2.wav"), atol=1e-7)
    rest = mixed(session, solo=["residual"])
    np.testing.assert_allclose(rest[0], stem(session, "residual.wav"), atol=1e-7)


def test_each_is_where_it_was_seen(session: Path) -> None:
    recorded = open_recorded(session)
    gains = gains_of(recorded.tracks, {}, solo=["drum"])
    left, right = np.hstack(list(blocks(recorded, gains, equal_power)))
    assert np.abs(left).max() < 1e-6 < np.abs(right).max()


def test_it_is_never_above_full_scale(session: Path) -> None:
    loud = mixed(session, changes_db={"drum": 40.0})
    assert 0.9 < np.abs(loud).max() <= 1.0


def test_a_damaged_sample_is_silence_and_all_others_sound(session: Path) -> None:
    before = mixed(session)
    path = session / "object-2.wav"
    data = bytearray(path.read_bytes())
    damaged = np.array([np.nan, np.inf, 3e38], np.float32).tobytes()
    data[-8000 : -8000 + len(damaged)] = damaged
    path.write_bytes(data)
    mix = mixed(session)
    assert np.isfinite(mix).all()
    np.testing.assert_array_equal(mix[:, :-2000], before[:, :-2000])
    np.testing.assert_array_equal(mix[:, -1997:], before[:, -1997:])


@pytest.mark.parametrize("kind", ["wav", "flac", "m4a"])
def test_it_is_written_whole(session: Path, tmp_path: Path, kind: str) -> None:
    out = tmp_path / "new" / f"mix.{kind}"
    told = command(session, "--gain", "drum=-12", "--mono", "--out", str(out))
    assert "2 drum: × 0.25, -12.0 dB" in told
    with av.open(str(out)) as file:
        heard = np.hstack([part.to_ndarray() for part in file.decode(audio=0)])
        assert file.streams.audio[0].codec_context.layout.nb_channels == 2
    if kind == "wav":
        expected = mixed(session, changes_db={"drum": -12.0})
        np.testing.assert_array_equal(heard.reshape(-1, 2).T, expected)
    assert [path.name for path in out.parent.iterdir()] == [out.name]


def test_a_session_with_a_picture_gets_one(session: Path) -> None:
    writer = OverlayWriter(session / "overlay.mp4", 320, 180, RATE_HZ)
    for number in range(30):
        writer.write_picture(np.full((180, 320, 3), 8 * number, np.uint8), number / 10)
    writer.write_sound(np.zeros((2, LENGTH), np.float32))
    writer.close()
    command(session, "--solo", "drum")
    with av.open(str(session / "remix.mp4")) as movie:
        pictures = [frame.to_ndarray(format="gray").mean() for frame in movie.decode(video=0)]
    with av.open(str(session / "remix.mp4")) as movie:
        sound = np.hstack([part.to_ndarray() for part in movie.decode(audio=0)])
    assert len(pictures) == 30
    assert np.all(np.diff(pictures) > 0)
    # The drum is to the right, and as long as it was; a coder adds a frame or two of its own.
    assert np.sqrt(np.mean(sound[1] ** 2)) > 30 * np.sqrt(np.mean(sound[0] ** 2))
    assert abs(sound.shape[1] - LENGTH) <= 4096


def test_what_was_cut_off_is_as_long_as_its_shortest(session: Path) -> None:
    path = session / "object-2.wav"
    path.write_bytes(path.read_bytes()[: -4 * RATE_HZ - 2])
    assert open_recorded(session).samples == LENGTH - RATE_HZ - 1
    assert mixed(session).shape == (2, LENGTH - RATE_HZ - 1)


@pytest.mark.parametrize(
    ("spoil", "said"),
    [
        (lambda folder: (folder / "session.json").unlink(), "record one: python run_live.py"),
        (lambda folder: (folder / "session.json").write_text("{"), "no session of this player"),
        (lambda folder: (folder / "session.json").write_text("[]"), "no session of this player"),
        (lambda folder: (folder / "object-2.wav").unlink(), "object-2.wav cannot be read"),
        (lambda folder: (folder / "residual.wav").write_bytes(b"RIFF"), "no mono float32 WAV"),
        (lambda folder: (folder / "object-1.wav").write_bytes(b""), "no mono float32 WAV"),
        (
            lambda folder: (folder / "session.json").write_text(
                (folder / "session.json").read_text().replace("object-1.wav", "../object-1.wav")
            ),
            "not in the session's folder",
        ),
        (
            lambda folder: (folder / "session.json").write_text(
                (folder / "session.json").read_text().replace("[0.25, 0.5]", "[NaN, 0.5]")
            ),
            "no session of this player",
        ),
        (
            lambda folder: (folder / "session.json").write_text(
                (folder / "session.json").read_text().replace('"id": 2', '"id": Infinity')
            ),
            "no session of this player",
        ),
        (
            lambda folder: (folder / "session.json").write_text("[" * 100_000),
            "no session of this player",
        ),
    ],
)
def test_what_is_no_session_is_refused(session: Path, spoil, said: str) -> None:
    spoil(session)
    with pytest.raises(UsageError, match=said):
        open_recorded(session)


def test_wrong_use_is_told(session: Path) -> None:
    with pytest.raises(UsageError, match=r"no 'violin'; there are 1 \(guitar\), 2 \(drum\)"):
        command(session, "--mute", "violin")
    with pytest.raises(UsageError, match="wanted WHO=DB"):
        command(session, "--gain", "guitar")
    with pytest.raises(UsageError, match=r"one of the kinds \.wav"):
        command(session, "--out", "mix.mp3")
