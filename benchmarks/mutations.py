"""Damage: what a cut wire, a bad disk or an enemy makes of bytes and of JSON. Pure, by seed."""

from __future__ import annotations

import json
import math
from copy import deepcopy
from random import Random
from typing import Any

_DEEP = "deep-nesting-stands-here"
_DEEP_LEVELS = (50, 990, 5_000, 60_000)
_NUMBERS = (
    *(0, 1, -1, 2, 3, 127, 255, 4096, 65_535, 65_536, -(2**31), 2**31 - 1, 2**31, 2**32),
    *(2**53 + 1, 2**62, 2**63 - 1, 2**63, -(2**63), 2**64, 10**30, 10**300, 10**400, -(10**400)),
    *(0.5, -0.5, -0.0, 1e-320, 1e-30, 1e30, 1.7e308, math.inf, -math.inf, math.nan),
)
_THINGS: tuple[Any, ...] = (
    *(
        None,
        True,
        False,
        "",
        "a",
        "0",
        "\x00",
        "\ud800",
        "\u202e\u00e9\n",
        "../../etc/passwd",
        "x" * 20_000,
    ),
    *([], {}, [[]], [None], [{}], {"": {}}, [0] * 2000, ["a"] * 50, [[0.5] * 30] * 30, _DEEP),
)
_EDGES = (0, 1, 0x7F, 0x80, 0xFE, 0xFF)
_FLOATS = (0x7F800000, 0xFF800000, 0x7FC00000, 0x7F7FFFFF, 0x00000001, 0x7F800001)  # inf, NaN, ...


def damaged_bytes(rng: Random, data: bytes) -> bytes:
    """``data`` after one to four accidents; at most twice as long, and a little."""
    if rng.random() < 0.01:
        return rng.randbytes(rng.randrange(0, 200))
    changed = bytearray(data)
    for _ in range(rng.choice((1, 1, 1, 2, 2, 3, 4))):
        rng.choice(_ACCIDENTS)(rng, changed)
    return bytes(changed[: 2 * len(data) + 64])


def damaged_json(rng: Random, value: Any) -> Any:
    """A copy of ``value`` (as ``json.loads`` gives it) with one to three places changed."""
    changed = json.loads(json.dumps(value))
    for _ in range(rng.choice((1, 1, 1, 2, 3))):
        changed = _with_one_change(rng, changed)
    return changed


def json_text(rng: Random, value: Any) -> bytes:
    """``value`` as Python's own reader takes it: with NaN, and with nesting that is too deep."""
    text = json.dumps(value)
    if _DEEP in text:
        levels = rng.choice(_DEEP_LEVELS)
        opening, closing = rng.choice((("[", "]"), ('{"a":', "}")))
        text = text.replace(f'"{_DEEP}"', opening * levels + "0" + closing * levels)
    return text.encode()


def strange(rng: Random) -> Any:
    """A value that hardly any field wants."""
    return rng.choice(_NUMBERS) if rng.random() < 0.6 else deepcopy(rng.choice(_THINGS))


def _with_one_change(rng: Random, root: Any) -> Any:
    parent, key = None, None
    place = root
    while isinstance(place, dict | list) and place and (parent is None or rng.random() < 0.75):
        parent = place
        key = rng.choice(list(place)) if isinstance(place, dict) else rng.randrange(len(place))
        place = place[key]
    if parent is None:
        return strange(rng)
    _change(rng, parent, key, place)
    return root


def _change(rng: Random, parent: Any, key: Any, value: Any) -> None:
    what = rng.random()
    if what < 0.6:
        parent[key] = strange(rng)
    elif what < 0.7:
        del parent[key]
    elif what < 0.8 and isinstance(parent, dict):
        parent[rng.choice(("", "more", "version", "__class__", str(key) + "s"))] = strange(rng)
    elif what < 0.8:
        parent.insert(rng.randrange(len(parent) + 1), value)
    elif what < 0.9 and isinstance(value, int | float) and abs(value) < 1e300:
        parent[key] = rng.choice((value + 1, value - 1, -value, value * 2, value * 1000, value / 3))
    elif isinstance(parent, list):
        parent[key] = deepcopy(parent)
    else:
        parent[key] = deepcopy(parent[rng.choice(list(parent))])


def _flip(rng: Random, data: bytearray) -> None:
    for _ in range(rng.choice((1, 1, 2, 8))):
        if data:
            data[rng.randrange(len(data))] ^= 1 << rng.randrange(8)


def _edge(rng: Random, data: bytearray) -> None:
    for _ in range(rng.choice((1, 1, 4))):
        if data:
            data[rng.randrange(len(data))] = rng.choice(_EDGES)


def _number(rng: Random, data: bytearray) -> None:
    """A length or a size where one may stand: mostly at the beginning."""
    size = rng.choice((2, 4, 4, 8))
    reach = len(data) if rng.random() < 0.5 else min(len(data), 256)
    at = rng.randrange(reach + 1)
    value = rng.choice((*_NUMBERS[:20], len(data), rng.getrandbits(8 * size)))
    data[at : at + size] = (int(value) % (1 << 8 * size)).to_bytes(size, rng.choice(_ORDERS))


def _float(rng: Random, data: bytearray) -> None:
    if len(data) >= 4:
        at = 4 * rng.randrange(len(data) // 4)
        data[at : at + 4] = rng.choice(_FLOATS).to_bytes(4, "little")


def _cut(rng: Random, data: bytearray) -> None:
    del data[rng.randrange(len(data) + 1) :]


def _leave_out(rng: Random, data: bytearray) -> None:
    at, stop = _range(rng, data)
    del data[at:stop]


def _repeat(rng: Random, data: bytearray) -> None:
    at, stop = _range(rng, data)
    data[at:at] = data[at:stop] * rng.choice((1, 1, 3))


def _zero(rng: Random, data: bytearray) -> None:
    at, stop = _range(rng, data)
    data[at:stop] = bytes(stop - at)


def _noise(rng: Random, data: bytearray) -> None:
    at, stop = _range(rng, data)
    data[at:stop] = rng.randbytes(stop - at)


def _insert(rng: Random, data: bytearray) -> None:
    at = rng.randrange(len(data) + 1)
    data[at:at] = rng.randbytes(rng.choice((1, 2, 4, 8, 100)))


def _move(rng: Random, data: bytearray) -> None:
    at, stop = _range(rng, data)
    piece = data[at:stop]
    del data[at:stop]
    to = rng.randrange(len(data) + 1)
    data[to:to] = piece


def _range(rng: Random, data: bytearray) -> tuple[int, int]:
    at = rng.randrange(len(data) + 1)
    return at, min(at + rng.choice((1, 2, 4, 8, 16, 64, 512)), len(data))


_ORDERS: tuple[Any, ...] = ("little", "big")
_ACCIDENTS = (
    *(_flip, _flip, _edge, _number, _number, _float, _cut, _leave_out),
    *(_repeat, _zero, _noise, _insert, _move),
)
