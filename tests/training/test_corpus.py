"""Workers that are forked after pictures were opened and scenes were made still make scenes."""

import subprocess
import sys
from pathlib import Path

import cv2
import numpy as np

ROOT = Path(__file__).parents[2]

SCRIPT = """\
import sys
from functools import partial
from pathlib import Path
import cv2
from torch.utils.data import DataLoader
from training.corpus import open_pictures
from training.scenes import SceneMaker, ScenePictures, plain_scenes, side_by_side

seen = open_pictures(Path(sys.argv[1]), Path(sys.argv[1]))
assert cv2.getNumThreads() == 1
maker = SceneMaker(seen.known, seen.other, ["bell", "pipe"], held_out=False)
plain_scenes(partial(maker.picture, layout=side_by_side), 8)
pictures = ScenePictures(maker, batch=2, seed=1)
loader = DataLoader(pictures, batch_size=None, num_workers=1, timeout=60)
print(next(iter(loader))[0].shape)
"""


def test_forked_workers_make_scenes(tmp_path: Path) -> None:
    for kind, label in (("photos", "bell"), ("photos", "pipe"), ("photos_other", "lamp")):
        (tmp_path / kind / label).mkdir(parents=True)
        for number in range(12):
            picture = np.full((60, 60, 3), 255, np.uint8)
            cv2.circle(picture, (30, 30), 22, (20, 10 * number, 90), -1)
            cv2.imwrite(str(tmp_path / kind / label / f"{label}{number}.png"), picture)
    done = subprocess.run(
        [sys.executable, "-c", SCRIPT, str(tmp_path)],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=100,
        check=False,
    )
    assert done.returncode == 0, done.stderr
    assert "[2, 3, 224, 224]" in done.stdout
