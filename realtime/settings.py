"""How the sound network is stepped: what of it the user sets, and what fits the model."""

from __future__ import annotations

from pixelplayer.spec import ModelSpec
from realtime.clock import NS_PER_MS
from realtime.errors import UsageError

COLUMNS_PER_STEP = 2  # 21.5 steps per second
MOST_COLUMNS_PER_STEP = 24  # where a slow machine has to catch up
LOOKAHEAD_COLUMNS = 4  # 93 ms


def lookahead_columns(spec: ModelSpec, lookahead_ms: float | None) -> int:
    """The columns that ``--lookahead`` asks for, to the nearest hop.

    Raises:
        UsageError: more than half of the model's window.
    """
    if lookahead_ms is None:
        return LOOKAHEAD_COLUMNS
    hop_ms = spec.audio.at_rate(spec.audio.rate_hz).hop_ns / NS_PER_MS
    columns = round(lookahead_ms / hop_ms)
    most = spec.audio.columns // 2
    if columns > most:
        raise UsageError(
            f"--lookahead {lookahead_ms:g} is too much; {most * hop_ms:.0f} ms at most"
        )
    return columns
