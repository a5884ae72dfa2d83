"""A media file as a source: its picture, its sound, or both."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import PurePath
from typing import Literal, TypeAlias

from realtime.errors import UsageError
from realtime.sources.pacing import Pace
from realtime.sources.playback import PictureTrack, Playback
from realtime.sources.size import LONGEST_SIDE_PX
from realtime.sources.tracks import Complaints, FileSound, open_file_pictures

Want: TypeAlias = Literal["both", "video", "audio"]


class MediaSource(Playback):
    """Emits the wanted tracks of ``path``, any container and codec that PyAV decodes.

    Sound keeps its rate and is aligned to the file's time 0; its last sample is the file's last.
    ``want="both"`` of a file without a picture gives the sound, and ``End`` on ``video`` at once.
    A broken or truncated file gives what decodes.
    """

    def __init__(
        self,
        path: str,
        *,
        stream: str,
        pace: Pace,
        want: Want = "both",
        longest_side_px: int = LONGEST_SIDE_PX,
    ) -> None:
        self._complaints = Complaints(path)

        def open_pictures() -> PictureTrack | None:
            pictures = open_file_pictures(path, longest_side_px, self._complaints)
            if pictures is None and want == "video":
                raise UsageError(
                    f"{PurePath(path).name} has no picture; choose another file for --video"
                )
            return pictures

        super().__init__(
            stream=stream,
            pace=pace,
            open_sound=None if want == "video" else lambda: FileSound(path, self._complaints),
            open_pictures=None if want == "audio" else open_pictures,
        )

    def stats(self) -> Mapping[str, float]:
        """The tracks' counters, and how often something was wrong with the file."""
        return {**super().stats(), "broken_parts": self._complaints.count}
