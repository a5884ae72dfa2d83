"""The audio U-Net in steps, against the same on whole windows."""

from __future__ import annotations

import math
from dataclasses import replace

import numpy as np
import pytest
import torch

from pixelplayer.encoder_columns import EncoderColumns, encoder_columns
from pixelplayer.networks.cached_sound import CachedSoundNet
from pixelplayer.networks.sound import SoundNet
from pixelplayer.remembered_columns import RememberedColumns
from pixelplayer.spec import AudioSpec, SoundSpec

LOG_FLOOR = math.log(1e-10)
AUDIO = AudioSpec(rate_hz=11025, n_fft=1022, hop=256, columns=64, frequency_bins=32, warp_base=21.0)
SOUND = SoundSpec(width=4, levels=4, step_columns=2)


def network(sound: SoundSpec) -> SoundNet:
    torch.manual_seed(0)
    net = SoundNet(sound.width, 5, sound.levels)
    for module in net.modules():
        if isinstance(module, torch.nn.BatchNorm2d):
            module.running_mean.uniform_(-0.3, 0.3)
            module.running_var.uniform_(0.5, 2.0)
    return net.eval()


class Stepping:
    """A network that hears a stream, with what it remembers."""

    def __init__(self, sound: SoundSpec, audio: AudioSpec) -> None:
        self.columns = encoder_columns(sound, audio)
        self._net = CachedSoundNet(network(sound), self.columns)
        self._remembered = RememberedColumns(self.columns)
        self._bins = audio.frequency_bins
        self._hear_silence()

    def _hear_silence(self) -> None:
        silence = np.full((1, 1, self._bins, self.columns.step), LOG_FLOOR, np.float32)
        self._remembered.fill(silence, np.zeros((1, self.columns.kept), np.float32))
        for _ in self.columns.levels:
            self._remembered.fill(silence, self._run(silence)[1])

    def _run(self, new: np.ndarray) -> tuple[np.ndarray, np.ndarray]:
        window = self.columns.window
        with torch.inference_mode():
            said, kept = self._net(
                torch.from_numpy(new),
                torch.from_numpy(self._remembered.past()),
                window - self.columns.newest,
                window,
            )
        return said.numpy(), kept.numpy()

    def step(self, new: np.ndarray) -> np.ndarray:
        said, kept = self._run(new)
        self._remembered.keep(new, kept)
        return said


def steps(columns: EncoderColumns, bins: int, count: int, seed: int = 0) -> list[np.ndarray]:
    rng = np.random.default_rng(seed)
    return [
        rng.uniform(-16, 3, (1, 1, bins, columns.step)).astype(np.float32) for _ in range(count)
    ]


@pytest.mark.parametrize(
    ("levels", "window", "step"),
    [
        (4, 64, 2),
        (4, 64, 4),
        (2, 64, 1),  # nothing below remembers less than all
        (2, 16, 2),
        (3, 128, 16),  # steps of many columns of the outer levels
        (5, 64, 8),  # all levels but the outermost are whole
        (7, 256, 4),  # the paper's shape
        (7, 256, 2),
    ],
)
def test_steps_say_what_windows_say_to_both_ends(levels: int, window: int, step: int) -> None:
    """From the first step on, and long after the first column has left the window."""
    audio = replace(AUDIO, columns=window, frequency_bins=max(32, 2**levels))
    sound = replace(SOUND, levels=levels, step_columns=step)
    stepping, net = Stepping(sound, audio), network(sound)
    columns, bins = stepping.columns, audio.frequency_bins
    count = window // step
    heard = np.full((1, 1, bins, window), LOG_FLOOR, np.float32)
    for place, new in enumerate(steps(columns, bins, count + count // 3)):
        heard = np.concatenate([heard[..., step:], new], axis=3)
        said = stepping.step(new)
        if place % 5 and place < count - 3:
            continue
        with torch.inference_mode():
            whole = net(torch.from_numpy(heard)).numpy()[..., window - columns.newest :]
        np.testing.assert_allclose(said, whole, rtol=0.0, atol=2e-6 * np.abs(whole).max())


def test_what_has_left_the_window_is_forgotten() -> None:
    """At the window's left border nothing is remembered of what was before it."""
    one, other = Stepping(SOUND, AUDIO), Stepping(SOUND, AUDIO)
    before, count = 40, AUDIO.columns // SOUND.step_columns
    for mine, theirs in zip(
        steps(one.columns, 32, before, 1), steps(one.columns, 32, before, 2), strict=True
    ):
        one.step(mine)
        other.step(theirs)
    same = steps(one.columns, 32, count, 3)
    answers = [(one.step(new), other.step(new)) for new in same]
    assert not np.array_equal(*answers[-2])  # they differ by the oldest columns of the window
    np.testing.assert_array_equal(*answers[-1])


def test_a_step_computes_and_remembers_little() -> None:
    audio = replace(AUDIO, columns=256, frequency_bins=256)
    paper = encoder_columns(SoundSpec(width=64, levels=7, step_columns=4), audio)
    assert [level.columns - level.fresh for level in paper.levels] == [4, 3, 2, 2, 2, 2]
    assert [level.is_whole for level in paper.levels] == [False] * 5 + [True]
    whole = sum(level.columns * level.size for level in paper.levels)
    assert paper.kept < whole / 25
    assert paper.past < whole / 6


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"step_columns": 3}, "wanted a power of two, 16 at most"),
        ({"step_columns": 0}, "wanted a power of two"),
        ({"step_columns": 32}, "16 at most"),
        ({"levels": 6}, "a window of 64 columns: .* 6 levels want a multiple of 128"),
        ({"network": "live"}, "are the published network's, not 'live'"),
    ],
)
def test_steps_that_cannot_be_are_refused(changes: dict[str, int | str], reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        encoder_columns(replace(SOUND, **changes), AUDIO)  # type: ignore[arg-type]
