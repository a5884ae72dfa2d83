"""What a player sees where nothing sounds: objects that are none.

python -m benchmarks.silence --data DATA --cache CACHE --scenes 12

Instruments stand in the picture, from photographs that no training has seen; half of the scenes
are digitally silent, the others have the noise of a room and a microphone.
"""

from __future__ import annotations

import sys
from collections.abc import Sequence
from pathlib import Path

import numpy as np

from benchmarks.held_out import FPS, RATE_HZ, HeldOutScenes, add_data_options
from benchmarks.report import Report, command, command_line
from benchmarks.scene_files import Samples, write_scene
from benchmarks.session_run import (
    add_options,
    model_arguments,
    quiet,
    run_session,
    working_folder,
)
from training.quiet import room_noise

MOST_PER_MINUTE = 1.0
DURATION_S = 20.0
_TIMEOUT_S = 300.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the scenes, run each, count, print."""
    parser = command_line(__doc__)
    add_options(parser)
    add_data_options(parser, required=True)
    parser.add_argument("--scenes", type=int, default=12, metavar="N")
    parser.add_argument("--seed", type=int, default=2018)
    options = parser.parse_args(arguments)
    scenes = HeldOutScenes(options.data, options.cache, options.seed, options.phrase_share)
    objects: dict[bool, list[int]] = {False: [], True: []}
    with working_folder(options.keep) as folder:
        for number in range(options.scenes):
            has_noise = number % 2 == 1
            rng = np.random.default_rng([options.seed, number])
            length = round(DURATION_S * RATE_HZ)
            sound = room_noise(length, RATE_HZ, rng) if has_noise else np.zeros(length, np.float32)
            found = _objects(scenes, number, sound, folder, model_arguments(options))
            objects[has_noise].append(found)
            print(f"scene {number}: {found} objects", file=sys.stderr, flush=True)
    report = Report("silent scenes")
    minutes = options.scenes * DURATION_S / 60
    total = sum(objects[False]) + sum(objects[True])
    report.at_most("false objects per minute", total / minutes, MOST_PER_MINUTE, "")
    report.note("in digital silence", f"{sum(objects[False])} in {len(objects[False])} scenes")
    report.note("in a room's noise", f"{sum(objects[True])} in {len(objects[True])} scenes")
    report.keep("objects", {"silent": objects[False], "noisy": objects[True]})
    return report.publish(options.json)


def _objects(
    scenes: HeldOutScenes, number: int, sound: Samples, folder: Path, arguments: Sequence[str]
) -> int:
    """How many objects a run finds in the picture of a scene with this sound."""
    own = folder / f"silent-{number:03d}"
    own.mkdir()
    scene = scenes.scene(number)
    write_scene(own / "scene.mkv", scene.pictures(DURATION_S), FPS, sound, RATE_HZ)
    line = quiet(["--source", str((own / "scene.mkv").resolve()), "--pace", "fast", *arguments])
    return len(run_session(line, own, _TIMEOUT_S).objects)


if __name__ == "__main__":
    command(main)
