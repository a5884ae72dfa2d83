"""A stage whose network looks at windows, in steps with a cache: it says what windows say."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from engines.protocol import Engine, Network
from engines.registry import open_engine
from realtime.ahead import is_stepped, turnable
from realtime.messages import AudioChunk, Control, End, Message, SoundColumns
from realtime.stages.hearing import Hearing
from realtime.stages.listener import Pace
from tests.fakes.pixel_model import band_noise
from tests.fakes.tiny_model import tiny_stepping_spec, write_tiny_model

SPEC = tiny_stepping_spec()
RATE_HZ = 44_100
SAMPLES = band_noise("red", 3, 100_000)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("stepping") / "model"
    write_tiny_model(folder, SPEC)
    return folder


class Opener:
    """Opens a network for so many columns, and notes it; for ``ready`` ones it takes no time."""

    def __init__(self, folder: Path, network: Network, ready: Sequence[int] = ()) -> None:
        self._folder, self._network = folder, network
        self._ready = {newest: self._open(newest) for newest in ready}
        self.opened: list[int] = []

    def __call__(self, newest: int) -> Engine:
        self.opened.append(newest)
        return self._ready.get(newest) or self._open(newest)

    def _open(self, newest: int) -> Engine:
        return open_engine(self._folder, self._network, "onnxruntime", "fp32", 1, newest=newest)


def paced(lookahead: int, columns: int = 2) -> Pace:
    return Pace(
        columns_per_step=columns, lookahead_columns=lookahead, most_columns_per_step=columns
    )


def hear(
    stage: Hearing,
    sizes: list[int],
    turned_to_ms: float | None = None,
    missing: range = range(0),
) -> np.ndarray:
    """Features of all samples in chunks of these sizes, in turn; turned after the first third.

    Chunks that begin with one of the ``missing`` samples never come.
    """
    stage.open()
    outputs: list[tuple[str, Message]] = []
    start = number = 0
    while start < len(SAMPLES):
        size = sizes[number % len(sizes)]
        inputs: dict[str, list[Message]] = {
            "audio": [
                AudioChunk(
                    stream="t",
                    sequence=number,
                    capture_ns=round(start * 1e9 / RATE_HZ),
                    first_sample=start,
                    rate_hz=RATE_HZ,
                    samples=SAMPLES[start : start + size],
                )
            ]
        }
        if turned_to_ms is not None and start > len(SAMPLES) / 3:
            control = Control(stream="t", sequence=0, kind="lookahead", value=turned_to_ms)
            inputs["control"], turned_to_ms = [control], None
        if start not in missing:
            outputs += stage.step(0, inputs)
        start, number = start + size, number + 1
    end = End(stream="t", sequence=number, topic="audio")
    outputs += stage.step(0, {"audio": [end]})
    stage.close()
    said = [item.features for _, item in outputs if isinstance(item, SoundColumns)]
    return np.concatenate(said, axis=2)


@pytest.mark.parametrize("lookahead", [0, 1, 4, 14])
def test_steps_say_what_windows_say_however_the_sound_is_cut(folder: Path, lookahead: int) -> None:
    windows, steps = Opener(folder, "sound"), Opener(folder, "step")
    whole = hear(Hearing(windows, SPEC, paced(lookahead)), [20_000])
    rng = np.random.default_rng(lookahead)
    unused = Opener(folder, "sound")
    stage = Hearing(unused, SPEC, paced(lookahead), steps)
    found = hear(stage, rng.integers(100, 9000, 50).tolist())
    assert (unused.opened, steps.opened) == ([], [2 + lookahead])
    assert whole.shape[2] > 1.4 * SPEC.audio.columns
    np.testing.assert_allclose(found, whole, rtol=0.0, atol=1e-5 * np.abs(whole).max())


def test_turned_they_say_what_windows_say(folder: Path) -> None:
    """But for the columns that are skipped as the lookahead shrinks."""
    hop_ms = SPEC.audio.hop / SPEC.audio.rate_hz * 1000
    further, nearer = (
        hear(Hearing(Opener(folder, "sound"), SPEC, paced(columns)), [4096]) for columns in (6, 2)
    )
    steps = Opener(folder, "step", [4])
    stage = Hearing(Opener(folder, "sound"), SPEC, paced(6), steps)
    found = hear(stage, [1024], 2 * hop_ms)
    assert stage.stats()["lookahead_ms"] == pytest.approx(2 * hop_ms, rel=1e-3)
    assert steps.opened == [8, 4]
    most = 1e-5 * np.abs(further).max()
    for part, said in ((slice(20), further), (slice(-20, None), nearer)):
        np.testing.assert_allclose(found[..., part], said[..., part], rtol=0.0, atol=most)


@pytest.mark.parametrize("pace", [paced(-1), paced(15), paced(0, 1)])
def test_where_the_pace_does_not_allow_it_windows_are_looked_at(folder: Path, pace: Pace) -> None:
    windows, steps = Opener(folder, "sound"), Opener(folder, "step")
    stage = Hearing(windows, SPEC, pace, steps)
    stage.open()
    stage.close()
    assert windows.opened
    assert not steps.opened


def test_it_is_turned_by_whole_steps() -> None:
    assert is_stepped(SPEC, 5, 2)
    assert turnable(SPEC, 5, 2) == (1, 3, 5, 7, 9, 11, 13)
    assert not is_stepped(SPEC, 15, 2)
    assert turnable(SPEC, 15, 2)[:3] == (-1, 0, 1)


def test_behind_many_that_never_came_steps_know_nothing_of_what_was(folder: Path) -> None:
    """And the dial stands where it stood."""
    hop_ms = SPEC.audio.hop / SPEC.audio.rate_hz * 1000
    length = 1024
    lost = range(44 * length, 88 * length)
    assert len(lost) > RATE_HZ
    stage = Hearing(Opener(folder, "sound"), SPEC, paced(6), Opener(folder, "step", [4]))
    found = hear(stage, [length], 2 * hop_ms, lost)
    assert stage.stats()["lookahead_ms"] == pytest.approx(2 * hop_ms, rel=1e-3)
    after = Hearing(Opener(folder, "sound"), SPEC, paced(2), Opener(folder, "step", [4]))
    expected = hear(after, [length], missing=range(lost.stop))
    columns = expected.shape[2]
    assert columns > 10
    np.testing.assert_array_equal(found[:, :, -columns:], expected)
