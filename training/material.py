"""What a training or a scoring works on, as its options say: bank, videos, band, or all of them."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Collection
from dataclasses import dataclass
from pathlib import Path

import cv2

from pixelplayer.spec import AudioSpec
from training.bank import open_players
from training.clips import BandClips, BankClips, ClipError, ClipSource, MusicClips, Several
from training.photos import open_photos
from training.solos import SoloMaker
from training.virtual import open_virtual_bank
from training.whole import TrainingError


@dataclass(frozen=True, slots=True)
class Material:
    """Clips to learn from, and clips that are kept out, at the rate of ``audio``.

    What is kept out is of classes that are learned: nothing can be asked of the others.
    """

    audio: AudioSpec
    learned: ClipSource
    judged: ClipSource


def add_material_options(parser: argparse.ArgumentParser) -> None:
    """``--bank``, ``--music``, ``--band`` and ``--cache``; any of the first three, or several."""
    group = parser.add_argument_group("material (one of these or more)")
    group.add_argument(
        "--bank",
        type=Path,
        metavar="DIR",
        help="solo_audio/<class>/…, photos/<class>/…, and ensembles/<set>/… if there are any",
    )
    group.add_argument(
        "--music", type=Path, metavar="DIR", help="train.csv and val.csv of `training prepare`"
    )
    group.add_argument("--band", action="store_true", help="the virtual band")
    group.add_argument(
        "--attention",
        type=Path,
        metavar="attention.npz",
        help="of `training attention`: where in photographs without a plain ground the instruments "
        "are, for what scores places",
    )
    parser.add_argument(
        "--cache",
        type=Path,
        default=Path.home() / ".cache" / "live-pixel-player" / "training",
        metavar="DIR",
        help="where decoded sounds are kept",
    )


def open_material(options: argparse.Namespace, audio: AudioSpec) -> Material:
    """Open what the options name.

    Raises:
        ClipError: nothing is named, or something named cannot be used.
    """
    if not (options.bank or options.music or options.band):
        raise ClipError("name some material: --bank DIR, --music DIR, --band, or several")
    cv2.setNumThreads(1)  # workers are forked, and would wait for threads that stayed behind
    learned = _side(options, audio, held_out=False)
    judged = _side(options, audio, held_out=True, known=learned.labels)
    return Material(audio=audio, learned=learned, judged=judged)


def _side(
    options: argparse.Namespace,
    audio: AudioSpec,
    *,
    held_out: bool,
    known: Collection[str] | None = None,
) -> Several:
    """All that is to be learned from, or all that is kept out; of ``known`` classes if told."""
    side = "kept out" if held_out else "to learn from"
    sources: list[ClipSource] = []
    try:
        if options.bank:
            bank = _bank(options, audio, held_out)
            if bank.lacking:
                print(f"{side}: {bank.lacking}; they are left out", file=sys.stderr)
            sources.append(bank)
        if options.music:
            name = "val.csv" if held_out else "train.csv"
            sources.append(MusicClips(options.music / name, audio.rate_hz, held_out=held_out))
        if options.band:
            sources.append(_band(options.cache, audio, held_out))
        unknown = sorted({label for one in sources for label in one.labels} - {*(known or ())})
        if known is not None and unknown:
            print(f"{side}: {', '.join(unknown)} not learned, so not judged", file=sys.stderr)
        return Several(sources, known)
    except ClipError as error:
        raise ClipError(f"{side}: {error}") from error


def _band(cache: Path, audio: AudioSpec, held_out: bool) -> ClipSource:
    try:
        band = open_virtual_bank(cache, audio.rate_hz)
    except TrainingError as error:
        raise ClipError(str(error)) from error
    return BandClips(SoloMaker(band, held_out=held_out))


def _bank(options: argparse.Namespace, audio: AudioSpec, held_out: bool) -> BankClips:
    folder: Path = options.bank
    try:
        bank = open_players(folder, options.cache, audio.rate_hz)
        photos = open_photos(folder / "photos", options.attention)
    except FileNotFoundError as error:
        raise ClipError(
            f"{error}; --bank wants solo_audio/<class>/… and photos/<class>/…"
        ) from None
    except TrainingError as error:
        raise ClipError(str(error)) from error
    return BankClips(SoloMaker(bank, held_out=held_out), photos, held_out=held_out)
