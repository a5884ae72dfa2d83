"""Mix-and-Separate with pictures: both networks, end to end (paper section 3.2).

Each mixture is asked for what the visual network says of a cell: on an instrument that sounds in
it, on one that does not, and on the background (where nothing should be heard). Classes without
a photograph are asked by their table vector.

    python -m training.joint --data DATA --cache CACHE --work runs/first --minutes 30
"""

from __future__ import annotations

import argparse
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from pixelplayer.networks.vision import FrameNet
from training.bank import merge, open_bank
from training.mixtures import Mixtures
from training.photos import open_photos
from training.scenes import BACKGROUND, SceneMaker, ScenePictures
from training.sight import Naming, accuracy, cell_loss
from training.solos import SoloMaker
from training.sound import AUDIO, ClassSeparator, cosine, mask_loss
from training.virtual import open_virtual_bank

LEARNING_RATE = 4e-4
BACKGROUND_SHARE = 0.2  # of the queries, that ask for a background cell


def picture_vectors(
    features: Tensor, cells: Tensor, table: Tensor, rng: np.random.Generator
) -> tuple[Tensor, Tensor]:
    """One visual vector per class as some cell of these pictures says it, and background ones.

    Args:
        features: (B, K, h, w) in (0, 1).
        cells: (B, h, w) class indices, -1 background.
        table: (classes, K), for classes in no picture here.
        rng: draws the cells.

    Returns:
        (classes, K), and (n, K) of background cells.
    """
    flat, truth = features.permute(0, 2, 3, 1).flatten(0, 2), cells.flatten().numpy()
    rows = list(table.unbind(0))
    for label in np.unique(truth[truth >= 0]):
        rows[label] = flat[int(rng.choice(np.flatnonzero(truth == label)))]
    ground = rng.choice(np.flatnonzero(truth == BACKGROUND), 16)
    return torch.stack(rows), flat[torch.from_numpy(ground)]


def main() -> None:
    """Train from ``sound.pt`` and ``sight.pt``; save ``joint.pt``."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True, help="sound.pt, sight.pt")
    parser.add_argument("--minutes", type=float, default=30.0)
    parser.add_argument("--width", type=int, default=16, help="of the sound network")
    parser.add_argument("--sight-width", type=int, default=24)
    parser.add_argument("--channels", type=int, default=16)
    parser.add_argument("--columns", type=int, default=256)
    parser.add_argument("--batch", type=int, default=5, help="mixtures in a step")
    parser.add_argument("--pictures", type=int, default=8, help="pictures in a step")
    parser.add_argument("--seed", type=int, default=7)
    options = parser.parse_args()
    torch.manual_seed(options.seed)
    rng = np.random.default_rng(options.seed)
    bank = merge(
        open_bank(options.data / "solo_audio", options.cache, AUDIO.rate_hz),
        open_virtual_bank(options.cache, AUDIO.rate_hz),
    )
    classes = bank.instruments()
    separator = ClassSeparator(options.width, options.channels, classes)
    separator.load_state_dict(torch.load(options.work / "sound.pt", weights_only=True)["model"])
    naming = Naming(FrameNet(options.sight_width, options.channels), len(classes))
    naming.load_state_dict(torch.load(options.work / "sight.pt", weights_only=True))
    both = nn.ModuleDict({"separator": separator, "naming": naming})
    both.to(memory_format=torch.channels_last)
    photos = open_photos(options.data / "photos")
    others = open_photos(options.data / "photos_other")
    mixtures = DataLoader(
        Mixtures(
            SoloMaker(bank, held_out=False),
            AUDIO,
            classes=classes,
            columns=options.columns,
            batch=options.batch,
            seed=options.seed,
        ),
        batch_size=None,
        num_workers=1,
    )
    scenes = DataLoader(
        ScenePictures(
            SceneMaker(photos, others, classes, held_out=False),
            batch=options.pictures,
            seed=options.seed,
        ),
        batch_size=None,
        num_workers=1,
    )
    unseen = ScenePictures(SceneMaker(photos, others, classes, held_out=True), batch=48, seed=1)
    pictures, seen_cells = next(iter(unseen))
    optimiser = torch.optim.AdamW(both.parameters(), lr=LEARNING_RATE, weight_decay=3e-3)
    began, heard, named = time.monotonic(), 0.0, 0.0
    for step, (sound, (batch, cells)) in enumerate(zip(mixtures, scenes, strict=False), start=1):
        elapsed = (time.monotonic() - began) / 60
        for group in optimiser.param_groups:
            group["lr"] = LEARNING_RATE * cosine(min(elapsed / options.minutes, 1.0))
        both.train()
        table = separator.vectors()
        logits, names = naming(batch.contiguous(memory_format=torch.channels_last))
        by_class, ground = picture_vectors(torch.sigmoid(logits), cells, table, rng)
        vectors, targets = by_class[sound.classes], sound.targets
        asked_ground = torch.from_numpy(rng.random(vectors.shape[:2]) < BACKGROUND_SHARE)
        picked = torch.from_numpy(rng.integers(0, len(ground), vectors.shape[:2]))
        vectors = torch.where(asked_ground[..., None], ground[picked], vectors)
        targets = torch.where(asked_ground[..., None, None], 0.0, targets)
        components = separator.sound(
            sound.log_magnitude.contiguous(memory_format=torch.channels_last)
        )
        hearing = mask_loss(separator.synthesizer(vectors, components), targets, sound.weight)
        seeing = cell_loss(logits, names, cells, table.detach())
        optimiser.zero_grad()
        (hearing + 0.15 * seeing).backward()
        nn.utils.clip_grad_norm_(both.parameters(), 5.0)
        optimiser.step()
        heard = hearing.item() if heard == 0 else 0.98 * heard + 0.02 * hearing.item()
        named = seeing.item() if named == 0 else 0.98 * named + 0.02 * seeing.item()
        finished = elapsed >= options.minutes
        if step % 50 == 0 or finished:
            both.eval()
            with torch.inference_mode():
                right, quiet = accuracy(naming(pictures)[0], seen_cells, separator.vectors())
            print(
                f"{elapsed:6.2f} min  step {step}  mask loss {heard:.4f}  cell loss {named:.3f}  "
                f"unseen cells right {right:.3f}  background {quiet:.3f}",
                flush=True,
            )
            part = options.work / "joint.part"
            torch.save({"model": both.state_dict(), "classes": classes, "step": step}, part)
            part.replace(options.work / "joint.pt")
        if finished:
            return


if __name__ == "__main__":
    main()
