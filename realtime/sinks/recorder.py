"""The recorder: everything that was heard and seen, in a folder, playable at any moment."""

from __future__ import annotations

from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path

import numpy as np

from realtime.clock import NS_PER_S
from realtime.desk import NETWORKS, Present
from realtime.errors import DeviceError, UsageError
from realtime.messages import (
    AudioChunk,
    AudioGap,
    End,
    Message,
    Scene,
    Stats,
    Streams,
    VideoFrame,
)
from realtime.sinks.carrier import KEPT_S, Carrier
from realtime.sinks.mixer import PanLaw, equal_power
from realtime.sinks.overlay_track import OverlayTrack
from realtime.sinks.private import make_folder
from realtime.sinks.session import SessionInfo, SessionLog
from realtime.sinks.sound_files import SoundFiles
from realtime.stage import Inputs, Outputs

FLUSH_NS = NS_PER_S
_RECORDED_TOPICS = frozenset({"video", "streams", "scene"})


class Recorder:
    """Stage: reads `video`, `audio`, `streams`, `scene`, `stats` and `desk`, writes a new folder.

    Written are `mixture.wav`, `object-<id>.wav`, `residual.wav`, `overlay.mp4` and
    `session.json`. All sounds begin with the input's sample 0 and have its length: the streams end
    with a whole step, so `audio` is asked where the input itself ended. Where streams are missing,
    the residual is the mixture out of `audio`; where that is missing, too, silence.
    """

    def __init__(
        self,
        folder: Path,
        info: SessionInfo,
        pan_law: PanLaw = equal_power,
        carrier: Carrier | None = None,
    ) -> None:
        """`pan_law` places the objects in the movie's sound.

        `carrier` knows the mixture where streams may be missing: in a live run.
        """
        self._folder = folder
        self._log = SessionLog(info)
        self._sounds: SoundFiles | None = None
        self._overlay = OverlayTrack(folder / "overlay.mp4", pan_law)
        self._input_samples = 0
        self._carrier = carrier
        self._ended: set[str] = set()
        self._flush_at_ns = 0
        self._is_open = False
        self._finished = False

    def open(self) -> None:
        """Make the folder, private to its owner; one that is there already keeps its rights.

        Raises:
            UsageError: it exists and is not empty, or it cannot be made.
        """
        try:
            make_folder(self._folder)
            is_empty = next(self._folder.iterdir(), None) is None
        except OSError as error:
            raise UsageError(
                f"--record: {self._folder} cannot be made: {error.strerror}; choose another folder"
            ) from error
        if not is_empty:
            raise UsageError(
                f"--record: {self._folder} is not empty; choose a new folder, or empty it"
            )
        self._is_open = True
        self._save()

    def step(self, now_ns: int, inputs: Inputs) -> Outputs:
        """Write what has arrived; nothing is emitted.

        Raises:
            DeviceError: the disk is full, or the sound's rate has changed; what was recorded until
                then is whole, and closed.
        """
        try:
            self._record(now_ns, inputs)
        except DeviceError as error:
            raise DeviceError(f"{error}; {self._rescued()}") from error
        return ()

    def _record(self, now_ns: int, inputs: Inputs) -> None:
        # The sound first: it tells where time begins.
        if self._carrier is not None:
            for message in inputs.get("audio", ()):
                self._carrier.hear(message)
        for topic in ("streams", "audio", "video", "scene", "stats", "desk"):
            for message in inputs.get(topic, ()):
                self._add(topic, message)
        self._keep_up()
        if now_ns >= self._flush_at_ns:
            self._flush_at_ns = now_ns + FLUSH_NS
            self._flush()
        if self._has_all():
            self.close()
            self._finished = True

    @property
    def finished(self) -> bool:
        """True once everything is on disk after the end of all topics."""
        return self._finished

    def close(self) -> None:
        """Finish all files; what was recorded so far stays."""
        if not self._is_open:
            return
        self._is_open = False
        try:
            self._overlay.close()
        finally:
            if self._sounds is not None:
                self._close_sounds(self._sounds)
            self._save()

    def _rescued(self) -> str:
        """Keep what can be kept after a failure, and say what that is."""
        self._is_open = False
        if self._sounds is not None:
            self._sounds.rescue()
        self._overlay.rescue()
        with suppress(OSError):
            self._log.save(self._folder)
        return f"the recording ends here: its first {self._recorded_s:.1f} s are kept"

    @property
    def _recorded_s(self) -> float:
        return 0.0 if self._sounds is None else self._sounds.length_samples / self._sounds.rate_hz

    @property
    def length_samples(self) -> int:
        """Of the sound that is written."""
        return 0 if self._sounds is None else self._sounds.length_samples

    def stats(self) -> Mapping[str, float]:
        """How much is recorded, and how many pictures wait for their scene."""
        return {"recorded_s": self._recorded_s, "waiting_frames": self._overlay.waiting_frames}

    def _add(self, topic: str, message: Message) -> None:
        if isinstance(message, Streams):
            self._add_streams(message)
        elif isinstance(message, AudioChunk):
            self._input_samples = message.first_sample + message.samples.size
        elif isinstance(message, AudioGap) and topic == "audio":
            self._input_samples = message.first_sample + message.length_samples
        elif isinstance(message, AudioGap):
            self._fill(message.first_sample + message.length_samples)
        elif isinstance(message, VideoFrame):
            self._overlay.add_frame(message)
        elif isinstance(message, Scene):
            self._log.add_scene(message)
            self._overlay.add_scene(message)
        elif isinstance(message, Present) and message.part in NETWORKS:
            self._log.add_engine(message.part, message.name)
        elif isinstance(message, Stats):
            self._log.add_stats(message)
        elif isinstance(message, End):
            self._ended.add(topic)
            if topic == "scene":
                self._overlay.end_scenes()

    def _has_all(self) -> bool:
        """Whether nothing follows; a run may leave the input itself away."""
        is_input_known = "audio" in self._ended or self._input_samples == 0
        return self._ended >= _RECORDED_TOPICS and is_input_known

    def _add_streams(self, streams: Streams) -> None:
        if self._sounds is None:
            self._sounds = SoundFiles(self._folder, streams.rate_hz)
            self._sounds.write_silence(streams.first_sample)
        sounds = self._sounds
        if streams.rate_hz != sounds.rate_hz:
            raise DeviceError(
                f"the sound went from {sounds.rate_hz} to {streams.rate_hz} Hz, "
                f"which {self._folder} cannot hold"
            )
        self._fill(streams.first_sample)
        known = sounds.length_samples - streams.first_sample
        if known >= streams.samples.shape[1]:
            return
        self._write(sounds, _without_start(streams, known))

    def _write(self, sounds: SoundFiles, streams: Streams) -> None:
        sounds.write(streams.object_ids, streams.samples)
        self._overlay.add_streams(streams)
        self._log.add_streams(streams)
        self._log.set_length(sounds.length_samples)

    def _keep_up(self) -> None:
        """Before the mixture is forgotten, write what nobody divides."""
        if self._sounds is not None and self._carrier is not None:
            waits = round(KEPT_S * 2 / 3 * self._sounds.rate_hz)
            self._fill(self._carrier.stop - waits)

    def _fill(self, until_sample: int) -> None:
        """The mixture, or silence, up to a sample, where something was lost."""
        if self._sounds is None:
            return  # the first streams say from where on there is sound
        first = self._sounds.length_samples
        missing = until_sample - first
        carried = None
        if self._carrier is not None:
            carried = self._carrier.carry(first, until_sample, self._sounds.rate_hz)
        if carried is not None:
            self._write(self._sounds, carried)
        elif missing > 0:
            self._sounds.write_silence(missing)
            self._overlay.add_silence(missing)
            self._log.set_length(self._sounds.length_samples)

    def _close_sounds(self, sounds: SoundFiles) -> None:
        try:
            if "audio" in self._ended and self._input_samples:
                sounds.fit(self._input_samples)
                self._log.set_length(sounds.length_samples)
        finally:
            sounds.close()

    def _flush(self) -> None:
        if self._sounds is not None:
            self._sounds.flush()
        self._save()

    def _save(self) -> None:
        try:
            self._log.save(self._folder)
        except OSError as error:
            raise DeviceError(f"{self._folder} cannot be written: {error.strerror}") from error


def _without_start(streams: Streams, samples: int) -> Streams:
    """The message without its first `samples`."""
    if samples == 0:
        return streams
    return Streams(
        stream=streams.stream,
        sequence=streams.sequence,
        capture_ns=streams.capture_ns + round(samples * NS_PER_S / streams.rate_hz),
        first_sample=streams.first_sample + samples,
        rate_hz=streams.rate_hz,
        object_ids=streams.object_ids,
        samples=np.ascontiguousarray(streams.samples[:, samples:]),
        gains=streams.gains,
        pans=streams.pans,
    )
