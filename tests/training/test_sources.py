"""What is kept out of training, and how ensembles are mixed."""

from pathlib import Path

import numpy as np
import pytest
import soundfile

from pixelplayer.spec import AudioSpec
from training.bank import Bank, merge, open_bank, open_ensembles
from training.mixtures import Mixtures
from training.solos import SoloMaker, reverberate
from training.sources import (
    is_performance,
    piece_and_instrument,
    pieces_kept_out,
    recording_is_held_out,
)

RATE_HZ = 8_000
PLAYERS = ("bassoon", "clarinet", "violin")


def test_whole_collections_are_kept_out_of_training() -> None:
    assert all(recording_is_held_out("flute", f"fsd_{number:03d}") for number in range(50))
    sides = [recording_is_held_out("flute", f"phil_{number:03d}") for number in range(200)]
    assert 5 < sum(sides) < 60


def test_pieces_of_one_long_take_are_on_one_side() -> None:
    for take in ("vtallen_one", "vtallen_two", "vtallen_three"):
        sides = {recording_is_held_out("violin", f"{take}_{part}") for part in range(20)}
        assert len(sides) == 1


@pytest.mark.parametrize(
    ("name", "duration_s", "expected"),
    [
        ("fsd_12", 3.0, True),
        ("fsd_12", 0.4, False),
        ("phil_phrase_a", 5.0, True),
        ("phil_a4", 5.0, False),
    ],
)
def test_performances_are_told_by_collection_and_length(
    name: str, duration_s: float, expected: bool
) -> None:
    assert is_performance(name, duration_s) is expected


def test_stems_are_named_piece_and_instrument() -> None:
    assert piece_and_instrument(Path("a/bach_p01_violin.ogg")) == ("bach_p01", "violin")
    with pytest.raises(ValueError, match=r"violin\.ogg is no stem.*<piece>_<instrument>"):
        piece_and_instrument(Path("violin.ogg"))


def test_every_third_piece_is_kept_out() -> None:
    assert pieces_kept_out([f"p{number}" for number in range(1, 8)]) == {"p3", "p6"}


@pytest.fixture(scope="module")
def ensembles(tmp_path_factory: pytest.TempPathFactory) -> Bank:
    """Four pieces: a hum, and a click by every player at as many seconds as the number says."""
    folder = tmp_path_factory.mktemp("ensembles")
    (folder / "trio").mkdir()
    for piece in range(1, 5):
        for level, player in enumerate(PLAYERS, 1):
            sound = 0.002 * np.sin(np.arange(6 * RATE_HZ) * level / 9, dtype=np.float32)
            sound[piece * RATE_HZ : piece * RATE_HZ + 40] += 0.2 * level
            soundfile.write(folder / "trio" / f"p{piece}_{player}.wav", sound, RATE_HZ)
    (folder / "trio" / "p1_harp.wav").write_bytes(b"RIFF")  # broken
    return open_ensembles(folder, tmp_path_factory.mktemp("cache"), RATE_HZ)


def test_players_of_a_piece_stay_together(ensembles: Bank) -> None:
    assert ensembles.instruments() == list(PLAYERS)
    for recording in ensembles.recordings:
        samples = ensembles.read(recording)
        assert np.flatnonzero(samples > 0.5)[0] == int(recording.piece[1:]) * RATE_HZ
        assert samples.max() == pytest.approx(1.0, abs=1e-3)
        assert recording.held_out == (recording.piece == "p3")


@pytest.mark.parametrize("held_out", [False, True])
def test_together_is_one_moment_of_one_piece(ensembles: Bank, held_out: bool) -> None:
    maker = SoloMaker(ensembles, held_out=held_out)
    assert maker.has_pieces
    rng = np.random.default_rng(0)
    clicks = set()
    for _ in range(30):
        played = maker.together(RATE_HZ // 2, rng)
        assert sorted(played) == list(PLAYERS)
        first, *others = played.values()
        assert all(np.array_equal(first > 0.5, other > 0.5) for other in others)
        clicks.add(bool((first > 0.5).any()))
    assert clicks == {False, True}
    longer = maker.together(8 * RATE_HZ, rng)
    assert all(len(part) == 8 * RATE_HZ for part in longer.values())


def test_no_ensembles_are_an_empty_bank(ensembles: Bank, tmp_path: Path) -> None:
    nothing = open_ensembles(tmp_path / "none", tmp_path / "cache", RATE_HZ)
    assert nothing.recordings == ()
    assert not SoloMaker(nothing, held_out=False).has_pieces
    assert merge(ensembles, nothing).recordings == ensembles.recordings


def test_mixtures_of_players_have_their_instruments(
    ensembles: Bank, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.mixtures.TOGETHER_SHARE", 1.0)
    for name in ("bell", "horn"):
        (tmp_path / name).mkdir()
        for take in range(4):
            tone = np.sin(np.arange(RATE_HZ) * (0.2 + take / 50)).astype(np.float32)
            soundfile.write(tmp_path / name / f"{name}{take}.wav", tone, RATE_HZ)
    bank = merge(open_bank(tmp_path, tmp_path / "cache", RATE_HZ), ensembles)
    audio = AudioSpec(
        rate_hz=RATE_HZ, n_fft=512, hop=128, columns=32, frequency_bins=32, warp_base=21.0
    )
    classes = bank.instruments()
    mixtures = Mixtures(
        SoloMaker(bank, held_out=False), audio, classes=classes, columns=32, batch=8, seed=0
    )
    batch = next(iter(mixtures))
    sounding = batch.targets.amax(dim=(2, 3)) > 0
    named = {classes[index] for index in batch.classes[sounding].tolist()}
    assert named
    assert named <= set(PLAYERS)


def test_what_is_kept_out_sounds_as_it_was_recorded(ensembles: Bank) -> None:
    samples = 3 * RATE_HZ
    (recorded,) = (ensembles.read(part) for part in ensembles.select("violin", held_out=True))
    solo = SoloMaker(ensembles, held_out=True).solo("violin", samples, np.random.default_rng(1))
    middle = solo[RATE_HZ : 2 * RATE_HZ]
    correlation = np.correlate(recorded, middle, "valid")
    energy = np.convolve(recorded**2, np.ones(len(middle)), "valid") * np.sum(middle**2)
    assert np.max(correlation / np.sqrt(energy)) == pytest.approx(1.0, abs=1e-3)


def test_a_share_of_the_band_wants_the_band(ensembles: Bank) -> None:
    audio = AudioSpec(
        rate_hz=RATE_HZ, n_fft=512, hop=128, columns=32, frequency_bins=32, warp_base=21.0
    )
    with pytest.raises(ValueError, match="no class begins with 'band_'"):
        Mixtures(
            SoloMaker(ensembles, held_out=False),
            audio,
            classes=PLAYERS,
            columns=32,
            batch=2,
            seed=0,
            virtual_share=0.5,
        )


def test_a_room_answers_every_sample_alike_and_nothing_comes_round_again() -> None:
    """A signal in a room is its convolution with what the room makes of a click."""
    click = np.zeros(3 * RATE_HZ, np.float32)
    click[0] = 1
    signal = np.random.default_rng(1).normal(0, 0.1, 3 * RATE_HZ).astype(np.float32)
    for seed in range(5):
        room, heard = (
            reverberate(dry, RATE_HZ, np.random.default_rng(seed)) for dry in (click, signal)
        )
        assert np.abs(room[1:]).max() > 1e-3
        np.testing.assert_allclose(heard, np.convolve(signal, room)[: len(signal)], atol=1e-5)
