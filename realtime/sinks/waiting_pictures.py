"""Pictures that wait for their scene: few as they are, many compressed."""

from __future__ import annotations

from collections import deque

from realtime.picture import Picture, from_jpeg, to_jpeg

MOST_PLAIN_BYTES = 64 << 20  # three seconds of what is recorded; more wait only where scenes stop
_JPEG_QUALITY = 92


class WaitingPictures:
    """A queue of pictures and their times.

    Compressing takes longer than drawing: it is for those that wait longer than usual.
    """

    def __init__(self, most_plain_bytes: int = MOST_PLAIN_BYTES) -> None:
        self._most_plain_bytes = most_plain_bytes
        self._plain_bytes = 0
        self._pictures: deque[tuple[int, Picture | bytes]] = deque()

    def __len__(self) -> int:
        return len(self._pictures)

    @property
    def taken_bytes(self) -> int:
        """What they take."""
        compressed = (len(kept) for _, kept in self._pictures if isinstance(kept, bytes))
        return self._plain_bytes + sum(compressed)

    @property
    def first_ns(self) -> int:
        """The time of the one that has waited longest.

        Raises:
            IndexError: none waits.
        """
        return self._pictures[0][0]

    def append(self, capture_ns: int, picture: Picture) -> None:
        """One more, ``(h, w, 3)``; nobody may write into it."""
        if self._plain_bytes + picture.nbytes > self._most_plain_bytes:
            self._pictures.append((capture_ns, to_jpeg(picture, _JPEG_QUALITY)))
            return
        self._plain_bytes += picture.nbytes
        self._pictures.append((capture_ns, picture))

    def drop(self) -> None:
        """The one that has waited longest waits no more."""
        self._forget(self._pictures.popleft()[1])

    def drop_from(self, capture_ns: int) -> None:
        """Those of this time and later wait no more."""
        while self._pictures and self._pictures[-1][0] >= capture_ns:
            self._forget(self._pictures.pop()[1])

    def _forget(self, kept: Picture | bytes) -> None:
        if not isinstance(kept, bytes):
            self._plain_bytes -= kept.nbytes

    def pop(self) -> tuple[int, Picture]:
        """The time and the picture that has waited longest.

        Raises:
            IndexError: none waits.
        """
        capture_ns, kept = self._pictures[0]
        self.drop()
        return capture_ns, from_jpeg(kept) if isinstance(kept, bytes) else kept
