"""Where in a photograph the instrument is: where the teacher finds reasons for its name.

Photographs on a plain ground show it by themselves. In the others there are players, stages and
meadows, and a network that is told "violin" of all of that finds violins in waistcoats. A linear
reading of the teacher's last map learns the names of the photographs, from the mean and the peak of
what it says of each place; what it says of a place is then the evidence there (class activation:
B. Zhou et al., CVPR 2016), and ``training.outlines`` leads it along the edges of the picture.

    python -m training.attention --data DATA --work runs/first
"""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional

from pixelplayer.one_line import OneLineParser
from training.commands import command, make_work
from training.figures import has_plain_ground
from training.outlines import outlined, without_skin
from training.photos import Photos, open_photos
from training.teacher import Teacher, open_teacher

SIDE_PX = 320  # ten places a side, at the teacher's stride of 32
EXAMPLES = 16  # photographs on a plain ground, of each class, to learn the names from
LOUD = 0.5  # the mean and the peak count the same
ROUNDS = 12
# Blown, of metal or black wood: their players' faces and hands are in all of their pictures, and
# the teacher's reasons for their names lie there too.
UNLIKE_SKIN = frozenset(
    {"clarinet", "flute", "harmonica", "saxophone", "trombone", "trumpet", "tuba"}
)
WEAKEST = 20  # percentile of a photograph's places that counts as no evidence


def choose(photos: Photos, rng: np.random.Generator) -> np.ndarray:
    """Indices of all photographs without a plain ground, and of some with one."""
    plain = np.array([has_plain_ground(picture) for picture in photos.pixels])
    chosen = [np.flatnonzero(~plain)]
    for label in np.unique(photos.labels):
        of_class = np.flatnonzero(plain & (photos.labels == label))
        chosen.append(rng.permutation(of_class)[:EXAMPLES])
    return np.concatenate(chosen)


def teacher_maps(teacher: Teacher, pictures: np.ndarray) -> Tensor:
    """(n, H, W, 3) uint8 RGB → (n, places, features), each feature of mean 0 and deviation 1."""
    maps = []
    with torch.inference_mode():
        for start in range(0, len(pictures), 16):
            enlarged = np.stack(
                [
                    cv2.resize(picture, (SIDE_PX, SIDE_PX), interpolation=cv2.INTER_CUBIC)
                    for picture in pictures[start : start + 16]
                ]
            )
            batch = torch.from_numpy(enlarged).permute(0, 3, 1, 2).float() / 255
            maps.append(teacher(batch).flatten(2).transpose(1, 2))
    seen = torch.cat(maps)
    mean, deviation = seen.mean(dim=(0, 1)), seen.std(dim=(0, 1)) + 0.05
    normal: Tensor = (seen - mean) / deviation
    return normal.clone()  # out of inference mode: the reading learns from it


def learn_names(maps: Tensor, names: Tensor, classes: int, seed: int) -> nn.Linear:
    """A reading of each place into classes, from the names of whole photographs."""
    torch.manual_seed(seed)
    reading = nn.Linear(maps.shape[2], classes)
    optimiser = torch.optim.AdamW(reading.parameters(), lr=2e-3, weight_decay=0.3)
    for _ in range(ROUNDS):
        for chosen in torch.randperm(len(maps)).split(64):
            said = reading(maps[chosen])
            whole = (1 - LOUD) * said.mean(dim=1) + LOUD * torch.logsumexp(said, dim=1)
            loss = functional.cross_entropy(whole, names[chosen], label_smoothing=0.05)
            optimiser.zero_grad()
            loss.backward()
            optimiser.step()
    return reading


def evidence(reading: nn.Linear, maps: Tensor, names: Tensor) -> np.ndarray:
    """(n, side, side) uint8: for the photograph's own name against all others, 255 at its peak."""
    with torch.inference_mode():
        said = reading(maps)
        own = said.gather(2, names[:, None, None].expand(-1, said.shape[1], 1))[..., 0]
        is_own = functional.one_hot(names, said.shape[2]).bool()[:, None]
        reasons = (own - torch.logsumexp(said.masked_fill(is_own, -1e9), dim=2)).numpy()
    low = np.percentile(reasons, WEAKEST, axis=1, keepdims=True)
    high = reasons.max(axis=1, keepdims=True)
    scaled = np.clip((reasons - low) / np.maximum(high - low, 1e-6), 0, 1) * 255
    side = round(reasons.shape[1] ** 0.5)
    return scaled.reshape(-1, side, side).astype(np.uint8)


@command
def main() -> int:
    """Look at the photographs and save ``attention.npz`` in the work folder.

    Returns 0; 2 for what cannot be used.
    """
    parser = OneLineParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True, help="holds photos, teacher")
    parser.add_argument("--work", type=Path, required=True, help="where results go")
    parser.add_argument("--seed", type=int, default=0)
    options = parser.parse_args()
    make_work(options.work)
    began = time.monotonic()
    photos = open_photos(options.data / "photos")
    chosen = choose(photos, np.random.default_rng(options.seed))
    teacher = open_teacher(options.data)
    maps = teacher_maps(teacher, photos.pixels[chosen])
    classes, of_class = np.unique(photos.labels[chosen], return_inverse=True)
    names, unseen = torch.from_numpy(of_class), torch.from_numpy(photos.held_out[chosen])
    reading = learn_names(maps[~unseen], names[~unseen], len(classes), options.seed)
    with torch.inference_mode():
        right = (reading(maps).mean(dim=1).argmax(dim=1) == names)[unseen].float().mean().item()
    found = evidence(reading, maps, names)
    with ThreadPoolExecutor() as pool:  # OpenCV lets go of the interpreter
        outlines = list(pool.map(outlined, photos.pixels[chosen], found))
    for place, index in enumerate(chosen):
        if photos.labels[index] in UNLIKE_SKIN:
            outlines[place] = without_skin(photos.pixels[index], outlines[place])
    np.savez(options.work / "attention.npz", names=photos.names[chosen], evidence=outlines)
    print(
        f"{len(chosen)} photographs in {time.monotonic() - began:.0f} s; "
        f"names of unseen ones right: {right:.3f}"
    )
    return 0


if __name__ == "__main__":
    sys.exit(main())
