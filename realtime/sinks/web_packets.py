"""What goes to the page in bytes: pictures, and the mix as it is heard. Pure.

A packet has a header of 16 bytes, little endian: its kind (uint8), the channels (uint8), 0
(uint16), a number (uint32: a picture's own, the samples' rate in Hz), and the instant of capture
(int64, ns). After it a JPEG, or samples (int16, the channels of one instant side by side).

Of spectra the channels are rows, the 0 is the number of bands, and the number is the time from
column to column, ns. After the header the rows' object ids (uint32), the mixture's levels
(uint8, band by band), and the rows' shares of it (uint8, row by row).
"""

from __future__ import annotations

import struct

import numpy as np
from numpy.typing import NDArray

from realtime.messages import RESIDUAL_ID, AudioGap, Message, Streams
from realtime.sinks.mixer import Mixer
from realtime.spectra import ObjectSpectra

PICTURE, SOUND, SPECTRA = 1, 2, 3
_HEADER = struct.Struct("<BBHIq")
_CHANNELS = 2
_MOST_ROWS = 255


def picture_packet(number: int, capture_ns: int, jpeg: bytes) -> bytes:
    """A picture taken at `capture_ns`."""
    return _HEADER.pack(PICTURE, 0, 0, number % 2**32, capture_ns) + jpeg


def sound_packet(rate_hz: int, capture_ns: int, samples: NDArray[np.float32]) -> bytes:
    """Stereo (2, samples) in -1..1, whose first sample was taken at `capture_ns`."""
    whole = np.round(samples.T * 32767.0).astype("<i2")
    header = _HEADER.pack(SOUND, _CHANNELS, 0, rate_hz, capture_ns)
    return b"".join((header, whole.tobytes()))


def spectra_packet(message: ObjectSpectra) -> bytes:
    """Columns of the objects' spectrograms; at most 255 rows."""
    ids = np.array([*message.object_ids, RESIDUAL_ID], "<u4")[-_MOST_ROWS:]
    shares = message.shares[-_MOST_ROWS:]
    bands = message.levels.shape[0]
    header = _HEADER.pack(SPECTRA, len(ids), bands, message.column_ns, message.capture_ns)
    return b"".join((header, ids.tobytes(), message.levels.tobytes(), shares.tobytes()))


class MixPackets:
    """Streams to packets of what the speaker plays of them."""

    def __init__(self) -> None:
        self._mixer: Mixer | None = None
        self._rate_hz = 0

    def feed(self, message: Message) -> bytes | None:
        """The packet of one message; None of a gap, which the page fills by its times."""
        if isinstance(message, AudioGap):
            self.reset()
            return None
        if not isinstance(message, Streams):
            return None
        if self._mixer is None or message.rate_hz != self._rate_hz:
            self._mixer, self._rate_hz = Mixer(message.rate_hz), message.rate_hz
        return sound_packet(message.rate_hz, message.capture_ns, self._mixer.feed(message))

    def reset(self) -> None:
        """Nobody listens any more: the next gains are set at once."""
        if self._mixer is not None:
            self._mixer.reset()
