"""What ``training.sound`` hears: mixtures that workers make, or that are blended on the device."""

from __future__ import annotations

import argparse
import hashlib
import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from itertools import groupby, islice

import torch
from torch.utils.data import DataLoader, IterableDataset

from training.bank import Bank
from training.blends import Blender, Played, Solos, blended
from training.mixtures import MixtureBatch, Mixtures
from training.recordings import Recording
from training.solos import SoloMaker
from training.told import AUDIO

STOCK = 8192  # solos at hand, where they are blended
FIRST = 2048  # of them, before it begins
JUDGED_PERCENT = 8  # of what may be learned from, where there are judgements
EXAM, EXAM_BATCH = 8, 8  # batches of a judgement, and mixtures in each
EXAM_SEED = 1_000_003


def split_for_judging(bank: Bank) -> tuple[Bank, Bank]:
    """What is learned from, and what it is judged by meanwhile: by hash, some of each class.

    Neither has anything of what benchmarks keep out. A class's single recording is on both sides.
    """
    own = [one for one in bank.recordings if not one.held_out]
    pieces = [one for one in own if one.piece]
    learned, judged = list(pieces), []
    solos = sorted((one for one in own if not one.piece), key=lambda one: one.instrument)
    for _, group in groupby(solos, key=lambda one: one.instrument):
        ordered = sorted(group, key=_hash)
        count = math.ceil(len(ordered) * JUDGED_PERCENT / 100)
        judged += ordered[:count]
        learned += ordered[count:] or ordered
    return replace(bank, recordings=tuple(learned)), replace(bank, recordings=tuple(judged))


def _hash(recording: Recording) -> bytes:
    return hashlib.sha256(f"judged/{recording.instrument}/{recording.name}".encode()).digest()


def exam(bank: Bank, classes: Sequence[str], columns: int) -> list[MixtureBatch]:
    """The same mixtures of ``bank`` every time."""
    made = Mixtures(
        SoloMaker(bank, held_out=False),
        AUDIO,
        classes=classes,
        columns=columns,
        batch=EXAM_BATCH,
        seed=EXAM_SEED,
    )
    threads = torch.get_num_threads()
    batches = list(islice(made, EXAM))
    torch.set_num_threads(threads)  # whoever makes mixtures keeps to one
    return batches


@dataclass(frozen=True)
class Material:
    """What mixtures are made of, for where, and how many batches of them were made before."""

    bank: Bank
    classes: Sequence[str]
    seed: int
    device: torch.device
    first: int

    def mixtures(self, options: argparse.Namespace) -> Iterator[MixtureBatch]:
        """As ``--blend`` has it: made by workers, or on the device of solos that workers play."""
        return self._mixed(options) if options.blend is None else self._blended(options)

    def _mixed(self, options: argparse.Namespace) -> Iterator[MixtureBatch]:
        data = Mixtures(
            SoloMaker(self.bank, held_out=False),
            AUDIO,
            classes=self.classes,
            columns=options.columns,
            batch=options.batch,
            virtual_share=options.virtual_share,
            seed=self.seed,
            first=self.first,
        )
        return iter(self._loaded(data, options.workers))

    def _blended(self, options: argparse.Namespace) -> Iterator[MixtureBatch]:
        blender = Blender(
            AUDIO,
            classes=self.classes,
            columns=options.columns,
            size=STOCK,
            device=self.device,
            seed=self.seed,
        )

        def played(first: int) -> Iterator[Played]:
            solos = Solos(
                SoloMaker(self.bank, held_out=False),
                AUDIO.rate_hz,
                classes=self.classes,
                samples=blender.samples,
                seed=self.seed,
                first=first,
            )
            return iter(self._loaded(solos, options.workers))

        return blended(
            played, blender, batch=options.batch, uses=options.blend, least=FIRST, first=self.first
        )

    def _loaded(self, data: IterableDataset, workers: int) -> DataLoader:  # type: ignore[type-arg]
        """What the workers make, as it is ready."""
        return DataLoader(
            data,
            batch_size=None,
            num_workers=workers,
            prefetch_factor=3 if workers else None,
            pin_memory=self.device.type == "cuda",
            generator=torch.Generator(),  # a start draws nothing that a step will draw
        )
