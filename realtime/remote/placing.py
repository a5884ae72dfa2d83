"""Where stages are: ``--place``, and what a stage on another host needs to know of this one."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import get_args
from urllib.parse import urlsplit

from realtime.errors import UsageError
from realtime.graph import SPARED, STAGES, Placement

_MODEL_FILE = "model.json"
_MOST_MODEL_BYTES = 16 * 1024 * 1024
_DIGITS = 16


@dataclass(frozen=True, slots=True, kw_only=True)
class Places:
    """Of the stages here, and the addresses of those that are elsewhere, by stage."""

    placement: Placement = "processes"
    hosts: Mapping[str, str] = field(default_factory=dict)

    @property
    def spared(self) -> tuple[str, ...]:
        """Processes here that another may wait for, to take their place.

        Not those of a stage that is elsewhere: its host would have to open a second one.
        """
        away = {STAGES[stage].process for stage in self.hosts}
        return tuple(process for process in SPARED if process not in away)


def read_places(text: str) -> Places:
    """What ``--place`` says: ``threads`` or ``processes``, and ``STAGE=tcp://HOST:PORT``.

    Raises:
        UsageError: it is something else.
    """
    placement: Placement = "processes"
    hosts: dict[str, str] = {}
    for part in text.split(","):
        name, is_elsewhere, address = part.strip().partition("=")
        if not is_elsewhere:
            if name not in get_args(Placement):
                wanted = ", ".join((*get_args(Placement), "STAGE=tcp://HOST:PORT"))
                raise UsageError(f"--place {part}: wanted {wanted}")
            placement = "threads" if name == "threads" else "processes"
            continue
        movable = [stage for stage, entry in STAGES.items() if entry.kind == "stage"]
        if name not in movable:
            raise UsageError(f"--place {part}: {', '.join(movable)} can be on another host")
        host_of(address)
        if name in hosts:
            raise UsageError(f"--place {text}: {name} is at one host; leave one of them out")
        hosts[name] = address
    return Places(placement=placement, hosts=hosts)


def host_of(address: str) -> str:
    """The name by which a host's key is kept.

    Raises:
        UsageError: it is no ``tcp://HOST:PORT``.
    """
    parts = urlsplit(address)
    try:
        is_one = parts.scheme == "tcp" and bool(parts.hostname) and bool(parts.port)
    except ValueError:
        is_one = False
    if not is_one or parts.path or parts.query or parts.username:
        raise UsageError(f"--place: {address} is no tcp://HOST:PORT")
    return str(parts.hostname)


def fingerprint(model: Path) -> str:
    """Of a model's description: two hosts with the same one mean the same features.

    Raises:
        UsageError: there is none.
    """
    path = model / _MODEL_FILE
    try:
        with path.open("rb") as file:
            data = file.read(_MOST_MODEL_BYTES)
    except OSError as error:
        raise UsageError(f"{path}: {error.strerror}; give another --model") from None
    return hashlib.sha256(data).hexdigest()[:_DIGITS]
