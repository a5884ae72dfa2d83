"""The instruments a model knows by name, and the visual vector that stands for each."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from pixelplayer.spec import SpecError, read_description

Floats = NDArray[np.float32]

_LONGEST_NAME = 100
_BAND = "band_"  # the virtual band's own instruments


@dataclass(frozen=True, slots=True, kw_only=True, eq=False)
class Vocabulary:
    """``names`` of C instruments, and their ``vectors`` (C, K) float32, none of them all zeros."""

    names: tuple[str, ...]
    vectors: Floats

    @property
    def titles(self) -> tuple[str, ...]:
        """The names as people read them: ``acoustic_guitar`` is an acoustic guitar."""
        return tuple(name.removeprefix(_BAND).replace("_", " ") for name in self.names)

    @classmethod
    def read(cls, folder: Path, channels: int) -> Vocabulary | None:
        """``classes`` and ``class_vectors`` of ``folder/model.json``; None where it has none.

        Raises:
            SpecError: they do not fit each other, or the model's K.
        """
        path = folder / "model.json"
        described = read_description(folder)
        names, rows = described.get("classes"), described.get("class_vectors")
        if not names or not rows:
            return None
        if not isinstance(names, list) or not all(map(_is_name, names)):
            raise SpecError(f"{path}: 'classes' must be names")
        try:
            vectors = np.array(rows, np.float32)
        except (TypeError, ValueError, OverflowError):
            raise SpecError(f"{path}: 'class_vectors' must be rows of numbers") from None
        if vectors.shape != (len(names), channels) or not vectors.any(axis=1).all():
            raise SpecError(
                f"{path}: 'class_vectors' must be {len(names)} rows of {channels} numbers, a row "
                f"for each of 'classes', found {vectors.shape}"
            )
        if not np.isfinite(vectors).all():
            raise SpecError(f"{path}: 'class_vectors' must be finite")
        return cls(names=tuple(names), vectors=vectors)


def _is_name(value: object) -> bool:
    return isinstance(value, str) and 0 < len(value) <= _LONGEST_NAME and value.isprintable()
