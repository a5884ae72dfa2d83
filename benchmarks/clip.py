"""A real clip: how many objects, where, and is nothing of the sound lost?

Whether the heat lies on the right instruments is for the eye: look at the contact sheet.

    python -m benchmarks.clip CLIP.mp4 --sheet sheet.png
"""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import cv2
import numpy as np

from benchmarks.report import Report, command, command_line
from benchmarks.scene_files import Picture, pictures_at, sound_length_samples
from benchmarks.scoring import relative_error_db
from benchmarks.session_run import (
    Session,
    add_options,
    model_arguments,
    quiet,
    run_session,
    working_folder,
)

FEWEST_OBJECTS = 2
LARGEST_ERROR_DB = -80.0
SHEET_COLUMNS, SHEET_ROWS = 4, 3
_TIMEOUT_S = 1800.0


def main(arguments: Sequence[str] | None = None) -> int:
    """Run, check, print, and write the contact sheet."""
    parser = command_line(__doc__)
    add_options(parser)
    parser.add_argument("clip", type=Path)
    parser.add_argument(
        "--sheet", type=Path, metavar="PNG", help="default: contact-sheet.png in the --keep folder"
    )
    parser.add_argument("--objects", default="auto", metavar="auto|N", help="as run_live.py's")
    options = parser.parse_args(arguments)
    if options.sheet is None and options.keep is None:
        parser.error("give --sheet PNG, or --keep DIR for the sheet and the recordings")
    clip: Path = options.clip.resolve()
    line = ["--source", str(clip), "--pace", "fast", "--objects", options.objects]
    sheet = options.sheet or options.keep / "contact-sheet.png"
    with working_folder(options.keep) as folder:
        session = run_session(
            [*quiet(line), *model_arguments(options)], folder / clip.stem, _TIMEOUT_S
        )
        pictures = pictures_at(
            session.folder / "overlay.mp4",
            np.linspace(0.02, 1.0, SHEET_COLUMNS * SHEET_ROWS),
        )
    report = Report(clip.name)
    judge(report, session, sound_length_samples(clip))
    cv2.imwrite(str(sheet), contact_sheet(pictures, SHEET_COLUMNS))
    report.note("contact sheet", str(sheet))
    return report.publish(options.json)


def judge(report: Report, session: Session, length_samples: int) -> None:
    """Compare a recording with the length of its source, and with itself."""
    report.keep("session", session.facts)
    report.at_least("objects", len(session.objects), FEWEST_OBJECTS, "")
    lengths = {len(session.mixture), len(session.residual), *map(len, session.streams)}
    report.claim(
        "length of every wav",
        f"{length_samples} samples",
        ", ".join(f"{length}" for length in sorted(lengths)),
        met=lengths == {length_samples},
    )
    report.at_most(
        "objects + residual - mixture",
        relative_error_db(session.mixture, session.sum),
        LARGEST_ERROR_DB,
        "dB",
    )
    for item in session.objects:
        x, y = item.centroid
        x0, y0, x1, y1 = item.box
        report.note(
            f"object {item.id}",
            f"at ({x:.2f}, {y:.2f}) in ({x0:.2f}..{x1:.2f}, {y0:.2f}..{y1:.2f}), "
            f"{item.mean_energy_db:.1f} dB, {item.first_s:.1f}..{item.last_s:.1f} s",
        )


def contact_sheet(pictures: Sequence[Picture], columns: int) -> Picture:
    """The pictures in rows, all of the first one's size; missing ones are black."""
    blank = np.zeros_like(pictures[0])
    rows = [list(pictures[start : start + columns]) for start in range(0, len(pictures), columns)]
    rows[-1] += [blank] * (columns - len(rows[-1]))
    return np.vstack([np.hstack(row) for row in rows])


if __name__ == "__main__":
    command(main)
