"""All that a checkpoint is taught with: the data folder, opened."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2

from training.bank import Bank, merge, open_players
from training.footage import open_footage
from training.photos import Photos, joined, open_photos
from training.virtual import open_virtual_bank


@dataclass(frozen=True)
class Pictures:
    """Photographs of the instruments, with frames of players, and photographs of other things."""

    known: Photos
    other: Photos


def open_sounds(data: Path, cache: Path, rate_hz: int) -> Bank:
    """Real solos from ``data/solo_audio``, players of ``data/ensembles``, and the virtual band."""
    return merge(open_players(data, cache, rate_hz), open_virtual_bank(cache, rate_hz))


def open_pictures(data: Path, work: Path) -> Pictures:
    """``data/photos``, ``data/photos_other``, ``data/clips``, and ``work/attention.npz``.

    The last two need not be there. From here on OpenCV keeps to one thread: the workers that make
    scenes are forked, and would wait for the threads of a pool that stayed behind.
    """
    cv2.setNumThreads(1)
    attention = work / "attention.npz"
    photos = open_photos(data / "photos", attention if attention.exists() else None)
    return Pictures(
        known=joined(photos, open_footage(data / "clips")),
        other=open_photos(data / "photos_other"),
    )
