"""Mixtures that are made where a model learns."""

from __future__ import annotations

from collections.abc import Iterator
from itertools import islice

import numpy as np
import pytest
import torch

from pixelplayer.spec import AudioSpec
from training.bank import Bank, Recording
from training.blends import GROUP, Blender, Played, Solos, blended
from training.mixtures import QUERIES, MixtureBatch, Mixtures
from training.solos import SoloMaker

RATE_HZ = 8000
AUDIO = AudioSpec(
    rate_hz=RATE_HZ, n_fft=512, hop=128, columns=32, frequency_bins=32, warp_base=21.0
)
CLASSES = ["bell", "drone", "horn", "pipe"]
NOTES_HZ = {"bell": 1500.0, "drone": 110.0, "horn": 350.0, "pipe": 700.0}


def tone(name: str, seconds: float) -> np.ndarray:
    at = np.arange(round(seconds * RATE_HZ)) / RATE_HZ
    return np.sin(2 * np.pi * NOTES_HZ[name] * at).astype(np.float16)


@pytest.fixture(scope="module")
def maker() -> SoloMaker:
    """One note of each class, and a piece that two of them play."""
    samples, recordings, start = [], [], 0
    for name in CLASSES:
        for piece in ("", "duet") if name in ("bell", "pipe") else ("",):
            sound = tone(name, 3.0 if piece else 1.0)
            recordings.append(
                Recording(name, name, start, start + len(sound), False, bool(piece), piece)
            )
            samples.append(sound)
            start += len(sound)
    return SoloMaker(Bank(RATE_HZ, np.concatenate(samples), tuple(recordings)), held_out=False)


def blender(seed: int = 0, size: int = 64) -> Blender:
    torch.manual_seed(seed)
    cpu = torch.device("cpu")
    return Blender(AUDIO, classes=CLASSES, columns=32, size=size, device=cpu, seed=seed)


def played(maker: SoloMaker, seed: int = 0) -> Iterator[Played]:
    samples = blender().samples
    return iter(Solos(maker, RATE_HZ, classes=CLASSES, samples=samples, seed=seed))


def test_solos_come_one_by_one_or_as_they_play_together(maker: SoloMaker) -> None:
    groups = list(islice(played(maker), 40))
    alone = [group for group in groups if not group.is_piece]
    together = [group for group in groups if group.is_piece]
    assert 0 < len(together) < len(alone)
    for group in together:
        assert sorted(CLASSES[one] for one in group.classes) == ["bell", "pipe"]
    again = next(played(maker))
    assert torch.equal(again.samples, groups[0].samples)
    assert not torch.equal(next(played(maker, 1)).samples, groups[0].samples)


def test_targets_are_shares_of_what_sounds(maker: SoloMaker) -> None:
    stock = blender()
    for number, group in enumerate(islice(played(maker), 10)):
        stock.add(number, group)
    batch = stock.blend(64, 0)
    assert batch.log_magnitude.shape == (64, 1, 32, 32)
    assert batch.targets.shape == (64, QUERIES, 32, 32)
    assert batch.log_magnitude.isfinite().all()
    assert float(batch.targets.min()) >= 0
    assert float(batch.targets.sum(dim=1).max()) <= 1 + 1e-5
    torch.testing.assert_close(batch.weight.mean(dim=(1, 2, 3)), torch.ones(64))
    sounding = (batch.targets.amax(dim=(2, 3)) > 0).sum(dim=1)
    assert set(sounding.tolist()) == set(range(QUERIES + 1))
    assert all(len(set(asked.tolist())) == QUERIES for asked in batch.classes)
    empty = batch.log_magnitude[:, 0, :, 0].amax(dim=1) < -20
    assert 0 < int(empty.sum()) < 40  # windows that have just begun to fill


def test_four_play_at_once_and_three_are_asked_for(
    maker: SoloMaker, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("training.mixtures.COUNTS", (0, 0, 0, 0, 1))
    monkeypatch.setattr("training.mixtures.TOGETHER_SHARE", 0)
    stock = blender(1)
    for number, group in enumerate(islice(played(maker, 1), 8)):
        stock.add(number, group)
    mixed = Mixtures(maker, AUDIO, classes=CLASSES, columns=32, batch=32, seed=0)
    for batch in (stock.blend(32, 0), next(iter(mixed))):
        asked = batch.targets.sum(dim=1, keepdim=True)
        # Loud, and not of those who are asked for: the fourth's notes.
        others = (asked < 0.3) & (batch.weight > 1)
        assert int(others.flatten(1).any(dim=1).sum()) > 16
        assert int((batch.targets.amax(dim=(2, 3)) > 0).sum()) > 30 * QUERIES


def test_a_class_is_asked_for_where_it_sounds(maker: SoloMaker) -> None:
    stock = blender(3)
    for number, group in enumerate(islice(played(maker), 10)):
        stock.add(number, group)
    places = {name: [] for name in CLASSES}
    for number in range(4):
        batch = stock.blend(32, number)
        for asked, targets in zip(batch.classes, batch.targets, strict=True):
            for one, target in zip(asked.tolist(), targets, strict=True):
                if target.any():
                    loud = (target * torch.arange(32)[:, None]).sum() / target.sum()
                    places[CLASSES[one]].append(float(loud))
    middle = [np.median(places[name]) for name in ("drone", "horn", "pipe", "bell")]
    assert middle == sorted(middle)  # as high as their notes are


def test_the_oldest_make_room(maker: SoloMaker) -> None:
    stock = blender(size=20)
    for number, group in enumerate(islice(played(maker), 30)):
        stock.add(number, group)
    assert len(stock) <= 20
    assert stock.blend(8, 0).log_magnitude.isfinite().all()


def test_as_many_solos_are_played_as_they_are_used(maker: SoloMaker) -> None:
    taken = 0

    def counted(first: int) -> Iterator[Played]:
        nonlocal taken
        assert first == 0
        for group in played(maker):
            taken += 1
            yield group

    batches = blended(counted, blender(size=400), batch=16, uses=4, least=40)
    next(batches)
    assert taken == 40 / GROUP
    for _ in range(20):
        next(batches)
    # 16 mixtures of about two players, each solo in four of them.
    assert taken == pytest.approx((40 + 20 * 16 * 2.03 / 4) / GROUP, abs=2)


def test_blends_taken_up_in_the_middle_are_what_they_would_have_been(maker: SoloMaker) -> None:
    def from_number(first: int) -> Iterator[Played]:
        samples = blender().samples
        return iter(Solos(maker, RATE_HZ, classes=CLASSES, samples=samples, seed=3, first=first))

    def batches(first: int) -> Iterator[MixtureBatch]:
        stock = blender(size=80)  # ten groups: what came first is long gone by then
        return blended(from_number, stock, batch=16, uses=2, least=24, first=first)

    whole, later = batches(0), batches(9)
    for _ in range(9):
        next(whole)
    for number in range(3):
        pair = []
        for one in (whole, later):
            torch.manual_seed(number)
            pair.append(next(one))
        assert torch.equal(pair[0].classes, pair[1].classes)
        assert torch.equal(pair[0].log_magnitude, pair[1].log_magnitude)
        assert torch.equal(pair[0].targets, pair[1].targets)
