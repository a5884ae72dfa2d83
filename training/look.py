"""Look at pictures with trained eyes, and write down what they say of the instruments in them.

    python -m training.look --data DATA --work runs/first --count 3000

writes ``glimpses.npz``, of photographs that are learned from, for ``training.sound --table``.
"""

from __future__ import annotations

import sys
from collections.abc import Mapping
from pathlib import Path

import numpy as np
import torch
from torch import nn
from torch.utils.data import DataLoader

from pixelplayer.networks.vision import FrameNet
from pixelplayer.one_line import OneLineParser
from training.checkpoints import read_sight
from training.commands import command
from training.corpus import Pictures, open_pictures
from training.scenes import SceneMaker, ScenePictures
from training.sight import read_vectors

BATCH = 16
LEAST_CELLS = 3  # that an instrument fills; of less no object becomes


def look(eyes: nn.Module, scenes: ScenePictures, count: int) -> Mapping[str, np.ndarray]:
    """The mean vector of each instrument in ``count`` pictures, over a random half of its cells."""
    rng = np.random.default_rng(0)
    vectors: list[np.ndarray] = []
    classes: list[int] = []
    loader = DataLoader(scenes, batch_size=None, num_workers=1)
    for index, (pictures, cells) in enumerate(loader):
        if index * BATCH >= count:
            break
        with torch.inference_mode():
            said = eyes(pictures.contiguous(memory_format=torch.channels_last))
        features = torch.sigmoid(said).permute(0, 2, 3, 1).numpy()
        for picture, labels in zip(features, cells.numpy(), strict=True):
            for label in np.unique(labels[labels >= 0]):
                own = picture[labels == label]
                if len(own) >= LEAST_CELLS:
                    half = rng.choice(len(own), (len(own) + 1) // 2, replace=False)
                    vectors.append(own[half].mean(axis=0))
                    classes.append(int(label))
    return {"vectors": np.array(vectors, np.float32), "classes": np.array(classes, np.int64)}


@command
def main() -> int:
    """Look at composed scenes and write what is said. Returns 0; 2 for what cannot be used."""
    parser = OneLineParser(description=__doc__.splitlines()[0])
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--work", type=Path, required=True, help="sound.pt, sight.pt")
    parser.add_argument("--count", type=int, default=3000, help="pictures")
    options = parser.parse_args()
    write(open_pictures(options.data, options.work), options.work, options.count)
    return 0


def write(seen: Pictures, work: Path, count: int) -> None:
    """Write ``work/glimpses.npz``, from ``work/sight.pt`` and the classes of ``work/sound.pt``.

    Raises:
        UnusableError: one of them is not there, or something else.
    """
    classes, table = read_vectors(work)
    weights = read_sight(work)
    eyes = FrameNet(weights["frame_net.features.0.weight"].shape[0], table.shape[1])
    prefix = "frame_net."
    eyes.load_state_dict(
        {
            name.removeprefix(prefix): value
            for name, value in weights.items()
            if name.startswith(prefix)
        }
    )
    eyes.eval().to(memory_format=torch.channels_last)
    maker = SceneMaker(seen.known, seen.other, classes, held_out=False)
    kept = look(eyes, ScenePictures(maker, batch=BATCH, seed=0), count)
    print(f"{len(kept['classes'])} instruments in {count} pictures", flush=True)
    part = work / "glimpses.part.npz"
    np.savez(part, **kept)
    part.replace(work / "glimpses.npz")


if __name__ == "__main__":
    sys.exit(main())
