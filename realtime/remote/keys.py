"""Key pairs of hosts that trust each other: files that only their owner can read.

A folder has ``private.key`` of this host, ``public.key`` that belongs to it, and ``peers`` with the
public key of every host that is known, one ``NAME.key`` each. Keys are 32 bytes, written as 64
hexadecimal digits. A player knows a host by the name in its address; a host that serves lets in
whoever is among its peers.
"""

from __future__ import annotations

import os
import re
import stat
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from realtime.errors import UsageError
from realtime.options import Options
from realtime.remote.line import new_pair, public_of
from realtime.remote.placing import Places, host_of
from realtime.rig import settings_folder
from realtime.sinks.private import make_folder, new_file

KEY_BYTES = 32
MOST_PEERS = 256
_PRIVATE, _PUBLIC, _PEERS, _ENDING = "private.key", "public.key", "peers", ".key"
_MOST_FILE_BYTES = 200
_HEX = re.compile(r"[0-9a-f]{64}")
_NAME = re.compile(r"[A-Za-z0-9_:][A-Za-z0-9_.:-]{0,99}")
_MAKE = "python -m realtime keys"


@dataclass(frozen=True, slots=True, kw_only=True)
class KeyPair:
    """Of one host, 32 bytes each; ``repr`` does not show the private one."""

    public: bytes
    private: bytes = field(repr=False)


def keys_folder(environment: Mapping[str, str]) -> Path:
    """``$XDG_CONFIG_HOME/live-pixel-player/keys``, or under ``~/.config``.

    Raises:
        UsageError: the user has no home folder.
    """
    folder = settings_folder(environment)
    if folder is None:
        raise UsageError("there is no home folder for keys; give --keys DIR")
    return folder / "keys"


def keys_of(options: Options, environment: Mapping[str, str]) -> Path:
    """The folder that a run's options mean.

    Raises:
        UsageError: none is given, and the user has no home folder.
    """
    given = options.run.keys
    return keys_folder(environment) if given is None else Path(given)


def check_places(places: Places, folder: Path, tell: Callable[[str], None]) -> None:
    """See that all hosts can be called that stages are placed on.

    Raises:
        UsageError: a key is missing.
    """
    for stage, address in places.hosts.items():
        read_pair(folder)
        read_peer(folder, host_of(address))
        if stage != "sight":
            tell(f"{stage} is on another host: while that is away, nothing is separated")


def make_pair(folder: Path) -> tuple[KeyPair, bool]:
    """The pair in ``folder``, made if there is none; and whether it was made.

    Raises:
        UsageError: the folder cannot be written to, or what is there is no key.
    """
    if (folder / _PRIVATE).exists():
        return read_pair(folder), False
    public, private = new_pair()
    pair = KeyPair(public=public, private=private)
    try:
        _make_folders(folder)
        _write(folder / _PRIVATE, private)
        (folder / _PUBLIC).unlink(missing_ok=True)
        _write(folder / _PUBLIC, public)
    except OSError as error:
        raise UsageError(f"{folder}: {error.strerror}; give another --keys DIR") from None
    return pair, True


def read_pair(folder: Path) -> KeyPair:
    """This host's pair.

    Raises:
        UsageError: there is none, others can read it, or it is damaged.
    """
    path = folder / _PRIVATE
    private = _read(path, f"run: {_MAKE} --keys {folder}")
    mode = stat.S_IMODE(path.stat().st_mode)
    if sys.platform != "win32" and mode & (stat.S_IRWXG | stat.S_IRWXO):
        raise UsageError(f"{path} can be read by others; run: chmod 600 {path}")
    return KeyPair(public=public_of(private), private=private)


def trust(folder: Path, name: str, key: str) -> Path:
    """Keep the public ``key`` of the host ``name``; where it is kept.

    Raises:
        UsageError: one of them is none, or the host is known by another key.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} is no host's name; wanted letters, digits and .-_:")
    path = folder / _PEERS / f"{name}{_ENDING}"
    public = _parsed(key, f"the key of {name}", f"copy what `{_MAKE}` prints there")
    if path.exists():
        if read_peer(folder, name) != public:
            raise UsageError(f"{name} has another key already; if it is new, remove {path}")
        return path
    try:
        _make_folders(folder)
        _write(path, public)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; give another --keys DIR") from None
    return path


def read_peer(folder: Path, name: str) -> bytes:
    """The public key of one host.

    Raises:
        UsageError: it is not known.
    """
    if not _NAME.fullmatch(name):
        raise UsageError(f"{name!r} is no host's name; wanted letters, digits and .-_:")
    remedy = f"run `{_MAKE}` on {name}, and here the line that it prints"
    return _read(folder / _PEERS / f"{name}{_ENDING}", remedy)


def read_peers(folder: Path) -> dict[bytes, str]:
    """All hosts that are known: public key -> name. A file that holds no key is left out."""
    found: dict[bytes, str] = {}
    for path in sorted((folder / _PEERS).glob(f"*{_ENDING}"))[:MOST_PEERS]:
        try:
            found[_read(path, "")] = path.stem
        except UsageError:
            continue
    return found


def _read(path: Path, remedy: str) -> bytes:
    try:
        with path.open("rb") as file:
            text = file.read(_MOST_FILE_BYTES).decode("ascii", "replace")
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; {remedy}") from None
    return _parsed(text, str(path), remedy)


def _parsed(text: str, what: str, remedy: str) -> bytes:
    if not _HEX.fullmatch(text.strip()):
        raise UsageError(f"{what} is no key of 64 hexadecimal digits; {remedy}")
    return bytes.fromhex(text.strip())


def _make_folders(folder: Path) -> None:
    for one in (folder, folder / _PEERS):
        make_folder(one)


def _write(path: Path, key: bytes) -> None:
    with os.fdopen(new_file(path), "w", encoding="ascii") as file:
        file.write(key.hex() + "\n")
