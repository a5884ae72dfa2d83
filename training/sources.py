"""What the names of recordings tell: who must be kept out of training, and what is a performance.

A split by recording would be too kind: a collection's takes share a player, a room and a
microphone. So whole collections of real recordings stay unheard, and of the others some takes.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

UNHEARD = ("fsd_",)  # collections that no training hears: other people, other rooms
PERFORMANCES = (
    "phil_phrase",
    "vtallen",
    "smstools",
    "essentia",
    "librosa",
    "ddsp",
    "audiomentations",
)
_ONE_LONG_TAKE = "vtallen"  # its pieces are numbered
_SHORTEST_PERFORMANCE_S = 1.0
_EVERY = 3  # one piece of so many is kept out


def held_out(name: str, percent: int = 12) -> bool:
    """Whether a recording or a photograph is kept out of training: a hash of its name decides.

    The rule needs no list: it stays the same when files are added.
    """
    digest = hashlib.sha256(name.encode()).digest()
    return int.from_bytes(digest[:4], "big") % 100 < percent


def recording_is_held_out(instrument: str, name: str) -> bool:
    """Whether a solo of the bank is kept out: by its collection, or by the hash of its take."""
    take = name.rsplit("_", 1)[0] if name.startswith(_ONE_LONG_TAKE) else name
    return name.startswith(UNHEARD) or held_out(f"{instrument}/{take}")


def is_performance(name: str, duration_s: float) -> bool:
    """Whether a recording is a real performance, not a single note."""
    return name.startswith(PERFORMANCES + UNHEARD) and duration_s > _SHORTEST_PERFORMANCE_S


def piece_and_instrument(path: Path) -> tuple[str, str]:
    """``…/<piece>_<instrument>.<any>`` → both, as the stems of ensembles are named.

    Raises:
        ValueError: the name has no underscore.
    """
    piece, underscore, instrument = path.stem.rpartition("_")
    if not underscore:
        raise ValueError(f"{path} is no stem: it should be named <piece>_<instrument>")
    return piece, instrument


def pieces_kept_out(pieces: list[str]) -> set[str]:
    """Every third of an ensemble's pieces, in the order of their names."""
    return set(sorted(pieces)[_EVERY - 1 :: _EVERY])
