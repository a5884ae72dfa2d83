"""Compiled engines, kept for the next start: each in a folder of its own, with its manifest.

An engine is known by all that it depends on: the graph's bytes, the runtime and its version, the
device, shapes, precision and options. Whatever else is in its place (truncated, altered, made by
another version under the same name) is told in one line and built again. Nothing here fails a run:
a cache that cannot be read or written costs time, not the engine.
"""

from __future__ import annotations

import contextlib
import errno
import functools
import hashlib
import json
import logging
import re
import shutil
import tempfile
from collections.abc import Mapping
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Any

from engines import memory
from engines.locks import HAS_LOCKS, held, is_held

_log = logging.getLogger(__name__)

VERSION = 1
_MOST = 48  # engines; the oldest give way: pictures of every proportion have one of their own
_MOST_BYTES = 2**40  # of an engine
_MOST_MANIFEST_BYTES = 1024 * 1024
_ENGINE, _MANIFEST = "engine.bin", "manifest.json"
_BUILDING, _LOCK, _TIMINGS, _CACHE = ".building-", ".lock", ".timings", ".cache"
_OWN_NAME = re.compile(r"[0-9a-f]{24}")  # of an engine's folder: the key's digest
_BUILDERS = re.compile(r"\.building-.*|\.?[0-9a-f]{24}\.(lock|cache)")  # with the digest in it


@dataclass(frozen=True, slots=True, kw_only=True)
class EngineKey:
    """All that a compiled engine depends on."""

    graph_sha256: str
    runtime: str  # "tensorrt_rtx"
    runtime_version: str
    device: str  # its name
    capability: str  # "8.9", or the instruction sets of a processor
    precision: str
    shapes: Mapping[str, tuple[int, ...]]  # of the inputs, by name
    options: Mapping[str, str | int | bool]

    @property
    def digest(self) -> str:
        """The name of its folder."""
        text = json.dumps(_plain(self), sort_keys=True)
        return hashlib.sha256(text.encode()).hexdigest()[:24]


@dataclass(frozen=True, slots=True, kw_only=True)
class Manifest:
    """What is known of an engine that was built."""

    key: EngineKey
    engine_sha256: str
    engine_bytes: int
    build_s: float
    facts: Mapping[str, float]  # measured when it was accepted: parity, milliseconds

    def describe(self) -> str:
        """One line for people."""
        key = self.key
        shapes = ", ".join("×".join(map(str, shape)) for shape in key.shapes.values())
        return (
            f"{key.runtime} {key.runtime_version} {key.precision} {shapes} on {key.device}, "
            f"{self.engine_bytes / 1e6:.1f} MB, built in {self.build_s:.1f} s{self._measured()}"
        )

    def _measured(self) -> str:
        told = {"parity": "{:.1e} from the reference", "ms": "{:.1f} ms"}
        parts = [text.format(self.facts[name]) for name, text in told.items() if name in self.facts]
        return "".join(f", {part}" for part in parts)


class Store:
    """The engines of one folder; by default the user's own.

    ``remarks`` collects a line for everything that was found wrong, for the user to see.
    """

    def __init__(self, folder: Path | None = None) -> None:
        memory_path = memory.default_path()
        default = memory_path.parent / "engines" if memory_path else None
        self.folder = folder or default
        self.remarks: list[str] = []

    def load(self, key: EngineKey) -> bytes | None:
        """The engine, or None where there is none that can be used; ``remarks`` says why."""
        if self.folder is None:
            return None
        place = self.folder / key.digest
        if not place.exists():
            return None
        try:
            manifest = _read(place)
            engine = (place / _ENGINE).read_bytes()
        except (OSError, ValueError) as error:
            self.remarks.append(f"{place} is damaged ({error}); it is built again")
            return None
        if _plain(manifest.key) != _plain(key):
            self.remarks.append(f"{place} is of another engine than its name says; built again")
            return None
        if hashlib.sha256(engine).hexdigest() != manifest.engine_sha256:
            self.remarks.append(
                f"{place / _ENGINE} is not what was written (of {manifest.engine_bytes} bytes "
                f"{len(engine)} are there, or some were altered); it is built again"
            )
            return None
        return engine

    def keep(
        self, key: EngineKey, engine: bytes, build_s: float, facts: Mapping[str, float]
    ) -> Manifest:
        """Write an engine; where that is not possible, that is told once for each folder.

        It appears whole or not at all, and replaces a damaged one.
        """
        manifest = Manifest(
            key=key,
            engine_sha256=hashlib.sha256(engine).hexdigest(),
            engine_bytes=len(engine),
            build_s=round(build_s, 3),
            facts=dict(facts),
        )
        if self.folder is None:
            self.remarks.append("the engine is not kept: the user has no home folder")
            return manifest
        place = self.folder / key.digest
        try:
            self.folder.mkdir(parents=True, exist_ok=True)
            prefix = f"{_BUILDING}{key.digest}-"
            scratch = Path(tempfile.mkdtemp(dir=self.folder, prefix=prefix))
            try:
                (scratch / _ENGINE).write_bytes(engine)
                text = json.dumps({"version": VERSION, **_plain(manifest)}, indent=1)
                (scratch / _MANIFEST).write_text(text, encoding="utf-8")
                _remove(place)
                with contextlib.suppress(FileExistsError):
                    scratch.rename(place)  # else another process was quicker: its engine is as good
            finally:
                shutil.rmtree(scratch, ignore_errors=True)
            for oldest in sorted(self._places(), key=_age)[:-_MOST]:
                _remove(oldest)
                _remove(oldest.with_suffix(_CACHE))
        except OSError as error:
            if not place.is_dir():
                _tell(_trouble(self.folder, error))
        return manifest

    def own_cache(self, key: EngineKey) -> Path | None:
        """A folder for a runtime that keeps by itself what it builds; None where none can be.

        It goes when the engine goes.
        """
        if self.folder is None:
            return None
        folder = self.folder / f"{key.digest}{_CACHE}"
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as error:
            _tell(_trouble(self.folder, error))
            return None
        return folder

    def timings(self, key: EngineKey) -> bytes:
        """What builders have measured on this device with this runtime; nothing at first."""
        path = self._timings_path(key)
        with contextlib.suppress(OSError):
            return path.read_bytes() if path else b""
        return b""

    def keep_timings(self, key: EngineKey, timings: bytes) -> None:
        """For the next build; left out where that is not possible."""
        path = self._timings_path(key)
        if path is None or not timings:
            return
        with contextlib.suppress(OSError):
            memory.write_whole(path, timings)

    def _timings_path(self, key: EngineKey) -> Path | None:
        known = "\n".join((key.runtime, key.runtime_version, key.device, key.capability))
        name = hashlib.sha256(known.encode()).hexdigest()[:24]
        return self.folder / f"{name}{_TIMINGS}" if self.folder else None

    def building(self, key: EngineKey) -> AbstractContextManager[None]:
        """Held while an engine is looked for and built: a second process waits, then finds it."""
        return held(self.folder and self.folder / f".{key.digest}{_LOCK}")

    def entries(self) -> list[Manifest]:
        """All engines whose manifests can be read, by runtime, then device."""
        found = []
        for place in self._places():
            with contextlib.suppress(OSError, ValueError):
                found.append(_read(place))
        return sorted(found, key=lambda one: (one.key.runtime, one.key.device, one.key.digest))

    def clean(self) -> int:
        """Throw all engines away, damaged ones too, and what builders left; how many are gone.

        What another process builds at the moment stays.
        """
        places = self._places()
        for place in [*places, *self._remnants()]:
            _remove(place)
        return sum(not place.exists() for place in places)

    def _places(self) -> list[Path]:
        """Where engines are, or something in their place; nothing that is being built."""
        if self.folder is None or not self.folder.is_dir():
            return []
        return sorted(one for one in self.folder.iterdir() if _OWN_NAME.fullmatch(one.name))

    def _remnants(self) -> list[Path]:
        """Builders' measurements, locks and caches, and the folders that killed ones have left."""
        if self.folder is None or not self.folder.is_dir():
            return []
        found = []
        for one in sorted(self.folder.iterdir()):
            is_builder_s = _BUILDERS.fullmatch(one.name)
            digest = _OWN_NAME.search(one.name)
            if one.suffix == _TIMINGS or (
                is_builder_s and not self._is_built_now(digest.group() if digest else None)
            ):
                found.append(one)
        return found

    def _is_built_now(self, digest: str | None) -> bool:
        """Whether a process holds an engine's lock; where there are no locks, nobody knows."""
        if self.folder is None or digest is None:
            return not HAS_LOCKS
        return is_held(self.folder / f".{digest}{_LOCK}")


@functools.cache
def _tell(trouble: str) -> None:
    """Once in each process: it is the folder's trouble, not an engine's."""
    _log.warning("engines are not kept: %s, or set XDG_CACHE_HOME", trouble)


def _trouble(folder: Path, error: OSError) -> str:
    """Why nothing can be kept in a folder, and what would mend that."""
    file = next((one for one in (folder, *folder.parents) if one.is_file()), None)
    if file is not None:
        return f"{file} is a file, not a folder; remove it"
    is_full = error.errno in (errno.ENOSPC, errno.EDQUOT)
    mend = "free space there" if is_full else "make it writable"
    return f"{folder}: {error.strerror or error}; {mend}"


def _remove(place: Path) -> None:
    """Whatever it is; what cannot be removed stays."""
    if place.is_dir() and not place.is_symlink():
        shutil.rmtree(place, ignore_errors=True)
        return
    with contextlib.suppress(OSError):
        place.unlink()


def _age(place: Path) -> float:
    try:
        return place.stat().st_mtime
    except OSError:  # gone meanwhile
        return 0.0


def _plain(value: EngineKey | Manifest) -> dict[str, Any]:
    """As JSON would give it back."""
    plain: dict[str, Any] = json.loads(json.dumps(asdict(value)))
    return plain


def _read(place: Path) -> Manifest:
    """The manifest of an engine's folder; raises OSError, and ValueError where it is damaged."""
    path = place / _MANIFEST
    if path.stat().st_size > _MOST_MANIFEST_BYTES:
        raise ValueError("its manifest is too large")
    try:
        content = json.loads(path.read_text(encoding="utf-8"))
    except RecursionError:
        raise ValueError("its manifest is no manifest") from None
    if not isinstance(content, dict) or content.pop("version", None) != VERSION:
        raise ValueError("its manifest is of another version")
    _check(Manifest, content, {"key": dict, "facts": dict, "build_s": float, "engine_bytes": int})
    numbers = content["facts"].values()
    if not all(type(one) in (int, float) and abs(one) < _MOST_BYTES for one in numbers):
        raise ValueError("its manifest's facts are damaged")
    key = content.pop("key")
    _check(EngineKey, key, {"shapes": dict, "options": dict})
    if not all(isinstance(shape, list) for shape in key["shapes"].values()):
        raise ValueError("its manifest has no shapes")
    shapes = {name: tuple(shape) for name, shape in key.pop("shapes").items()}
    return Manifest(key=EngineKey(shapes=shapes, **key), **content)


def _check(kind: type, values: Mapping[str, Any], known: Mapping[str, type]) -> None:
    """Raise ValueError unless there are the fields of ``kind``: texts, but for ``known`` ones."""
    wanted = {field.name: known.get(field.name, str) for field in fields(kind)}
    if set(values) != set(wanted):
        raise ValueError(f"its manifest lacks or has more than {', '.join(wanted)}")
    for name, one in wanted.items():
        value = values[name]
        if one is float and type(value) is int and abs(value) < _MOST_BYTES:
            continue
        if type(value) is not one or (isinstance(value, int) and not 0 <= value < _MOST_BYTES):
            raise ValueError(f"its manifest's {name} is damaged")
