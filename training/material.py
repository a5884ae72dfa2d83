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
from training.commands import UnusableError
from training.ensembles import Ensembles
from training.mixing import Shared
from training.moving import MovingPhotos
from training.photos import Photos, open_photos
from training.recordings import Bank
from training.solos import SoloMaker
from training.virtual import open_virtual_bank
from training.whole import TrainingError

ENSEMBLE_SHARE = 0.1  # of the mixtures that are learned from


@dataclass(frozen=True, slots=True)
class Material:
    """Clips to learn from, and clips that are kept out, at the rate of ``audio``.

    What is kept out is of classes that are learned: nothing can be asked of the others.
    ``learned_ensembles`` and ``judged_ensembles`` are players of one piece, None where there are
    none.
    """

    audio: AudioSpec
    learned: ClipSource
    judged: ClipSource
    learned_ensembles: Ensembles | None = None
    judged_ensembles: Ensembles | None = None


@dataclass(frozen=True, slots=True)
class _Bank:
    """The sample bank, opened once for both sides of its split."""

    players: Bank
    photos: Photos

    def clips(self, *, held_out: bool) -> BankClips:
        return BankClips(SoloMaker(self.players, held_out=held_out), self._pictures(held_out))

    def ensembles(self, known: Collection[str], *, held_out: bool) -> Ensembles:
        pictures = self._pictures(held_out)
        return Ensembles(self.players, pictures, known=known, held_out=held_out)

    def _pictures(self, held_out: bool) -> MovingPhotos:
        return MovingPhotos(self.photos, held_out=held_out)


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


def add_share_option(parser: argparse.ArgumentParser) -> None:
    """``--ensemble-share``, for what learns."""
    parser.add_argument(
        "--ensemble-share",
        type=_share,
        default=ENSEMBLE_SHARE,
        metavar="0..1",
        help="mixtures that are players of one piece, where --bank has as many with photographs "
        f"({ENSEMBLE_SHARE:g})",
    )


def _share(text: str) -> float:
    share = float(text)
    if not 0 <= share <= 1:
        raise argparse.ArgumentTypeError(f"a share is from 0 to 1, got {text}")
    return share


def shared(ensembles: Ensembles | None, count: int, share: float) -> Shared | None:
    """Groups of ``count`` players for a share of the mixtures, if there are any to be seen."""
    if ensembles is None or not ensembles.labels or not share:
        return None
    groups = ensembles.seen(count)
    if groups is None:
        print(f"no piece has {count} players with photographs: solos alone", file=sys.stderr)
        return None
    return Shared(groups, share)


def open_material(options: argparse.Namespace, audio: AudioSpec) -> Material:
    """Open what the options name.

    Raises:
        ClipError: nothing is named, or something named cannot be used.
    """
    if not (options.bank or options.music or options.band):
        raise ClipError("name some material: --bank DIR, --music DIR, --band, or several")
    cv2.setNumThreads(1)  # workers are forked, and would wait for threads that stayed behind
    bank = _open_bank(options, audio) if options.bank else None
    learned = _side(options, audio, bank, held_out=False)
    judged = _side(options, audio, bank, held_out=True, known=learned.labels)
    if bank is None:
        return Material(audio=audio, learned=learned, judged=judged)
    return Material(
        audio=audio,
        learned=learned,
        judged=judged,
        learned_ensembles=bank.ensembles(learned.labels, held_out=False),
        judged_ensembles=bank.ensembles(judged.labels, held_out=True),
    )


def _side(
    options: argparse.Namespace,
    audio: AudioSpec,
    bank: _Bank | None,
    *,
    held_out: bool,
    known: Collection[str] | None = None,
) -> Several:
    """All that is to be learned from, or all that is kept out; of ``known`` classes if told."""
    side = "kept out" if held_out else "to learn from"
    sources: list[ClipSource] = []
    try:
        if bank:
            clips = bank.clips(held_out=held_out)
            if clips.lacking:
                print(f"{side}: {clips.lacking}; they are left out", file=sys.stderr)
            sources.append(clips)
        if options.music:
            name = "val.csv" if held_out else "train.csv"
            sources.append(MusicClips(options.music / name, audio.rate_hz, held_out=held_out))
        if options.band:
            sources.append(_band(options.cache, audio, held_out))
        unknown = sorted({label for one in sources for label in one.labels} - {*(known or ())})
        if known is not None and unknown:
            print(f"{side}: {', '.join(unknown)} not learned, so not judged", file=sys.stderr)
    except ClipError as error:
        raise ClipError(f"{side}: {error}") from error
    try:
        return Several(sources, known)
    except ClipError as error:
        raise ClipError(f"{side}: {error}; {_remedy(options)}") from error


def _remedy(options: argparse.Namespace) -> str:
    """What to do where there are too few classes."""
    if options.music:
        return (
            "add videos until there are two or more of each of two classes, and type `python -m "
            f"training prepare --videos VIDEOS --out {options.music}` again, which puts some of "
            "each class on both sides; or add --band"
        )
    return "add --band, or sounds and photographs of another class (docs/models.md)"


def _band(cache: Path, audio: AudioSpec, held_out: bool) -> ClipSource:
    try:
        band = open_virtual_bank(cache, audio.rate_hz)
    except TrainingError as error:
        raise ClipError(str(error)) from error
    return BandClips(SoloMaker(band, held_out=held_out))


def _open_bank(options: argparse.Namespace, audio: AudioSpec) -> _Bank:
    folder: Path = options.bank
    try:
        players = open_players(folder, options.cache, audio.rate_hz)
        return _Bank(players, open_photos(folder / "photos", options.attention))
    except UnusableError as error:
        raise ClipError(
            f"{error}; --bank wants solo_audio/<class>/… and photos/<class>/…"
        ) from None
    except TrainingError as error:
        raise ClipError(str(error)) from error
