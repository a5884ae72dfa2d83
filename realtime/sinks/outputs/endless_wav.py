"""The head of a WAV that has no end, as players and recorders take it from a socket. Pure."""

from __future__ import annotations

import struct

BYTES_PER_SAMPLE = 4
_IEEE_FLOAT, _EXTENSIBLE = 3, 0xFFFE
_NO_END = 2**32 - 1  # the size of what is streamed, as readers of pipes know it
_FLOAT_FORMAT = struct.pack("<H", _IEEE_FLOAT) + bytes.fromhex("000000001000800000aa00389b71")


def head(rate_hz: int, channels: int) -> bytes:
    """All that comes before the float32 samples, whose channels are interleaved.

    More than two channels are told as such that belong to no loudspeaker (WAVE_FORMAT_EXTENSIBLE
    with an empty mask): a reader must not turn slots into a surround mix.
    """
    frame_bytes = channels * BYTES_PER_SAMPLE
    is_plain = channels <= 2
    form = struct.pack(
        "<HHIIHH",
        _IEEE_FLOAT if is_plain else _EXTENSIBLE,
        channels,
        rate_hz,
        rate_hz * frame_bytes,
        frame_bytes,
        8 * BYTES_PER_SAMPLE,
    )
    more = struct.pack("<H", 0)
    if not is_plain:
        more = struct.pack("<HHI", 22, 8 * BYTES_PER_SAMPLE, 0) + _FLOAT_FORMAT
    form += more
    return b"".join(
        (
            struct.pack("<4sI4s", b"RIFF", _NO_END, b"WAVE"),
            struct.pack("<4sI", b"fmt ", len(form)) + form,
            struct.pack("<4sI", b"data", _NO_END),
        )
    )
