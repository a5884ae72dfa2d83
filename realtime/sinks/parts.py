"""A recording of many hours in parts: folders like ``--record``'s, with nothing lost between them.

What goes wrong with one part leaves the others whole. A part ends with the sample before the next
one's first; laid end to end they are the run. A run that records where another did goes on behind
its last part.
"""

from __future__ import annotations

import logging
import re
import shutil
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TypeAlias

from realtime.clock import NS_PER_S
from realtime.errors import DeviceError, UsageError
from realtime.messages import AudioGap, End, Message, Streams
from realtime.sinks.lead_in import LeadIn
from realtime.sinks.private import make_folder
from realtime.sinks.rebased import rebased, until
from realtime.sinks.session import SessionInfo
from realtime.sinks.session_writer import SessionWriter
from realtime.stage import Inputs, Outputs

LEAST_ROOM_BYTES = 256 * 2**20  # to go on after the disk was full: some minutes of sound
REST_S = 5.0  # between two looks for room
_TOPICS = frozenset({"video", "audio", "streams", "scene"})
_NAME = re.compile(r"part-(\d{3,})")
_log = logging.getLogger(__name__)

_Given: TypeAlias = Mapping[str, Sequence[Message]]


def part_folder(root: Path, number: int) -> Path:
    """The folder of part ``number``, from 1 on."""
    return root / f"part-{number:03d}"


def free_bytes(folder: Path) -> int:
    """Room on the disk that holds ``folder``; raises OSError."""
    free: int = shutil.disk_usage(folder).free
    return free


@dataclass(slots=True)
class _Part:
    """``origin`` is the run's sample that is its first, ``stop`` the next one's, once known."""

    folder: Path
    recorder: SessionWriter
    origin: int
    stop: int | None = None


class Parts:
    """Stage: as ``realtime.sinks.recorder.Recorder``, in one folder after another.

    Where the disk is full the part ends, and the next one begins once there is room.
    """

    def __init__(
        self,
        root: Path,
        part_s: float,
        info: SessionInfo,
        recorder: Callable[[Path, SessionInfo], SessionWriter],
        room: Callable[[Path], int] = free_bytes,
    ) -> None:
        """Parts are folders of `root`, of `part_s` each. `recorder` makes what writes into one."""
        self._root = root
        self._part_s = part_s
        self._recorder = recorder
        self._room = room
        self._lead_in = LeadIn(info)
        self._number = 0
        self._part: _Part | None = None
        self._recorded_s = 0.0  # of the parts that are done
        self._look_at_ns = 0
        self._finished = False

    def open(self) -> None:
        """Make the folder and its next part.

        Raises:
            UsageError: it holds something else than parts, or cannot be made.
        """
        try:
            make_folder(self._root)
            found = [entry.name for entry in self._root.iterdir()]
        except OSError as error:
            raise UsageError(
                f"--record: {self._root} cannot be made: {error.strerror}; choose another folder"
            ) from error
        names = [(name, _NAME.fullmatch(name)) for name in sorted(found)]
        foreign = [name for name, match in names if match is None]
        if foreign:
            raise UsageError(
                f"--record: {self._root} holds {foreign[0]}, which is no part of a recording; "
                "choose a new folder, or empty it"
            )
        self._number = max((int(match[1]) for _, match in names if match), default=0)
        self._begin(0)

    def step(self, now_ns: int, inputs: Inputs) -> Outputs:
        """Write what has arrived; nothing is emitted."""
        self._lead_in.remember(inputs)
        given: _Given | None = {
            topic: [one for one in messages if not isinstance(one, End)]
            for topic, messages in inputs.items()
        }
        if self._part is None and given is not None:
            given = self._again(now_ns, given)
            self._finished = self._part is None and self._lead_in.ends.keys() >= _TOPICS
        while self._part is not None and given is not None:
            given = self._record(now_ns, self._part, given)
        return ()

    @property
    def finished(self) -> bool:
        """True once everything is on disk after the end of all topics."""
        return self._finished

    def close(self) -> None:
        """Finish the part that is open."""
        if self._part is not None:
            self._finish(self._part)

    def stats(self) -> Mapping[str, float]:
        """How much is recorded, in how many parts, and how many pictures wait for their scene."""
        now = {} if self._part is None else dict(self._part.recorder.stats())
        now["recorded_s"] = self._recorded_s + now.get("recorded_s", 0.0)
        return {**now, "parts_count": self._number}

    def _begin(self, origin: int) -> None:
        """The next part; raises UsageError and DeviceError."""
        folder = part_folder(self._root, self._number + 1)
        recorder = self._recorder(folder, self._lead_in.info)
        recorder.open()
        self._number += 1
        self._part = _Part(folder, recorder, origin)

    def _record(self, now_ns: int, part: _Part, given: _Given) -> _Given | None:
        """Write to a part; what belongs to the next one, if one has begun then."""
        sound = [one for one in given.get("streams", ()) if isinstance(one, Streams | AudioGap)]
        if part.stop is None and sound:
            begin, rate_hz = sound[0].first_sample, sound[0].rate_hz
            part.stop = max(part.origin, begin) + max(round(self._part_s * rate_hz), 1)
            if part.origin and (hole := self._lead_in.mixture(part.origin, begin, rate_hz)):
                sound.insert(0, hole)  # nothing was divided as it began
                given = {**given, "streams": sound}
                part.stop -= begin - part.origin
        # Where no streams came for long, the mixture was written in their place, and maybe further.
        stop = max(part.stop or 0, part.origin + part.recorder.length_samples)
        if not any(_end(one) > stop for one in sound):
            self._write(now_ns, part, self._with_ends(given))
            return None
        # What is missing before its end is filled, as in front of streams that come later.
        whole = AudioGap(
            stream=sound[0].stream,
            sequence=0,
            first_sample=part.origin,
            length_samples=stop - part.origin,
            rate_hz=sound[0].rate_hz,
        )
        if not self._write(now_ns, part, {**given, "streams": [*until(sound, stop), whole]}):
            return None
        stop = max(stop, part.origin + part.recorder.length_samples)
        self._finish(part)
        return self._next(now_ns, stop, sound[0].rate_hz, given)

    def _with_ends(self, given: _Given) -> _Given:
        """Once the streams have ended no part follows, and this one may know that all has."""
        ends = self._lead_in.ends
        if "streams" not in ends:
            return given
        return {
            topic: [*given.get(topic, ()), *([ends[topic]] if topic in ends else [])]
            for topic in {*given, *ends}
        }

    def _next(self, now_ns: int, origin: int, rate_hz: int, given: _Given) -> _Given | None:
        """Begin a part at ``origin``; what it is given first, None where it cannot be begun."""
        try:
            self._begin(origin)
        except (DeviceError, UsageError) as error:
            self._stop(now_ns, error)
            return None
        rest = {topic: given.get(topic, ()) for topic in ("streams", "scene")}
        return {**self._lead_in.before(origin, rate_hz), **rest}

    def _write(self, now_ns: int, part: _Part, given: _Given) -> bool:
        """Whether it could be written."""
        try:
            part.recorder.step(
                now_ns, {topic: rebased(messages, part.origin) for topic, messages in given.items()}
            )
        except DeviceError as error:
            self._recorded_s += part.recorder.stats()["recorded_s"]
            self._part = None
            self._stop(now_ns, error)
            return False
        if part.recorder.finished:
            self._finish(part)
            self._finished = True
        return True

    def _finish(self, part: _Part) -> None:
        self._part = None
        self._recorded_s += part.recorder.stats()["recorded_s"]
        try:
            part.recorder.close()
        except DeviceError as error:
            _log.warning("%s; what was written until then is in %s", error, part.folder)

    def _stop(self, now_ns: int, error: Exception) -> None:
        self._look_at_ns = now_ns + round(REST_S * NS_PER_S)
        _log.warning(
            "%s; the next part begins once there are %d MB of room for %s",
            error,
            LEAST_ROOM_BYTES >> 20,
            self._root,
        )

    def _again(self, now_ns: int, given: _Given) -> _Given | None:
        """After a full disk: begin with the streams that come, if there is room."""
        first = next((one for one in given.get("streams", ()) if isinstance(one, Streams)), None)
        if first is None or now_ns < self._look_at_ns or not self._has_room(now_ns):
            return None
        return self._next(now_ns, first.first_sample, first.rate_hz, given)

    def _has_room(self, now_ns: int) -> bool:
        self._look_at_ns = now_ns + round(REST_S * NS_PER_S)
        try:
            return self._room(self._root) >= LEAST_ROOM_BYTES
        except OSError:
            return False


def _end(message: Streams | AudioGap) -> int:
    """The sample behind its last."""
    if isinstance(message, AudioGap):
        return message.first_sample + message.length_samples
    length: int = message.samples.shape[1]
    return message.first_sample + length
