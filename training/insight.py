"""What of the teacher's map a student is to learn: what varies most, and what names are read from.

The first whitened principal components say what is where, in general. Two cells that differ in
little but a name (a guitar's neck, a violin's) are near each other among them, so the components
are joined by a linear reading of the map into the photographs' classes, learned as in
``training.attention``. All have mean 0 and deviation 1 over parts of photographs.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from training.attention import choose, learn_names
from training.commands import UnusableError
from training.lessons import TEACHER_PX, random_crop, to_tensor
from training.photos import Photos
from training.precision import mixed
from training.teacher import Teacher

COMPONENTS = 64
SAMPLE = 1_500  # lessons that components and deviations are estimated from
CROPS = 2  # of each photograph, for the reading
OTHER = "other"


@dataclass(frozen=True)
class Insight:
    """A linear reading, ``rows`` (C, features) and ``offsets`` (C,); the last ones name classes."""

    rows: Tensor
    offsets: Tensor
    classes: tuple[str, ...]

    def of(self, maps: Tensor) -> Tensor:
        """(n, features, h, w) of the teacher → (n, C, h, w)."""
        read = torch.einsum("nfhw,cf->nchw", maps.float(), self.rows)
        return read + self.offsets[:, None, None]

    def write(self, folder: Path) -> None:
        """Keep it in ``folder``."""
        np.savez(
            folder / "insight.npz",
            rows=self.rows.numpy(),
            offsets=self.offsets.numpy(),
            classes=np.array(self.classes),
        )

    @classmethod
    def read(cls, folder: Path) -> Insight:
        """What ``write`` has kept.

        Raises:
            UnusableError: it is not there.
        """
        if not (folder / "insight.npz").exists():
            raise UnusableError(
                f"{folder / 'insight.npz'} is missing; python -m training distill --data DATA "
                f"--work {folder} leaves it"
            )
        with np.load(folder / "insight.npz") as kept:
            return cls(
                rows=torch.from_numpy(kept["rows"]),
                offsets=torch.from_numpy(kept["offsets"]),
                classes=tuple(kept["classes"].tolist()),
            )


def see(teacher: Teacher, pictures: Sequence[np.ndarray]) -> Tensor:
    """(n, H, W, 3) uint8 RGB → the teacher's maps (n, features, H/32, W/32), float32."""
    with torch.inference_mode(), mixed():
        maps = [
            teacher(to_tensor(np.stack(pictures[start : start + 32]))).float()
            for start in range(0, len(pictures), 32)
        ]
    return torch.cat(maps).clone()  # out of inference mode: a reading learns from it


def gain(teacher: Teacher, known: Photos, other: Photos, seed: int) -> Insight:
    """From photographs that may be learned from: ``known`` of classes, and ``other`` ones."""
    rng = np.random.default_rng(seed)
    seen = np.flatnonzero(~known.held_out)
    parts = [random_crop(known.pixels[rng.choice(seen)], TEACHER_PX, rng) for _ in range(SAMPLE)]
    maps = see(teacher, parts)
    flat = maps.permute(0, 2, 3, 1).flatten(0, 2)
    mean = flat.mean(dim=0)
    _, values, vectors = torch.linalg.svd(torch.cov((flat - mean).T), full_matrices=False)
    whitening = vectors[:COMPONENTS] / values[:COMPONENTS, None].sqrt()

    chosen = [index for index in choose(known, rng) if not known.held_out[index]]
    pictures = [known.pixels[index] for index in chosen for _ in range(CROPS)]
    labels = [str(known.labels[index]) for index in chosen for _ in range(CROPS)]
    if len(other.pixels):
        pictures += list(other.pixels[~other.held_out])
        labels += [OTHER] * int((~other.held_out).sum())
    classes, names = np.unique(labels, return_inverse=True)
    shown = see(teacher, [random_crop(one, TEACHER_PX, rng) for one in pictures])
    deviation = flat.std(dim=0) + 0.05
    places = ((shown.flatten(2).transpose(1, 2) - mean) / deviation).contiguous()
    reading = learn_names(places, torch.from_numpy(names), len(classes), seed)
    named = reading.weight.detach() / deviation
    named = named - named.mean(dim=0)  # what all classes have in common names none
    read = (flat - mean) @ named.T
    centre, spread = read.mean(dim=0), read.std(dim=0)
    rows = torch.cat([whitening, named / spread[:, None]])
    offsets = torch.cat([torch.zeros(COMPONENTS), -centre / spread]) - rows @ mean
    return Insight(rows=rows, offsets=offsets, classes=tuple(classes.tolist()))
