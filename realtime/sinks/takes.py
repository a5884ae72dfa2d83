"""Recordings that are begun and ended while the player runs: each is a folder like ``--record``'s.

A recording has what is heard and shown while it is on: it begins with the streams that come next,
which were captured a while ago, and so with the pictures of that time.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from realtime.clock import NS_PER_S
from realtime.desk import Recording
from realtime.errors import DeviceError, UsageError
from realtime.messages import Control, Message, Streams
from realtime.sinks.lead_in import LeadIn
from realtime.sinks.private import FOLDER_MODE, make_folder
from realtime.sinks.rebased import rebased
from realtime.sinks.session import SessionInfo
from realtime.sinks.session_writer import SessionWriter
from realtime.stage import Inputs, Outputs
from realtime.telling import Remark, Telling

LEAST_S = 1.0  # between two presses: who holds a key down makes no folders without end
MOST_OF_ONE_NAME = 99  # folders
_DATA_TOPICS = frozenset({"video", "audio", "streams", "scene"})


@dataclass(slots=True)
class _Take:
    """One recording; ``origin`` is the run's sample that is its first."""

    folder: Path
    began_ns: int
    recorder: SessionWriter
    origin: int | None = None


class Takes:
    """Stage: reads all that there is, writes folders when asked to; tells on `desk` how it is.

    A disk that is full, or a folder that cannot be written to, ends the recording and nothing else.
    """

    def __init__(
        self,
        root: Path,
        info: SessionInfo,
        stream: str,
        stamp: Callable[[], str],
        recorder: Callable[[Path, SessionInfo], SessionWriter],
    ) -> None:
        """Recordings are folders of `root`, named by what `stamp` says when they begin.

        `recorder` makes what writes into one; not before, for it takes long to load.
        """
        self._recorder = recorder
        self._root = root
        self._stream = stream
        self._stamp = stamp
        self._take: _Take | None = None
        self._lead_in = LeadIn(info)
        self._remark = Remark()
        self._telling = Telling()
        self._may_press_ns: int | None = None
        self._count = 0

    def open(self) -> None:
        """Nothing to open before it is asked for."""

    def step(self, now_ns: int, inputs: Inputs) -> Outputs:
        """Obey, record, and tell."""
        for control in inputs.get("control", ()):
            if isinstance(control, Control) and control.kind == "record":
                self._press(now_ns, control.value)
        self._lead_in.remember(inputs)
        if self._take is not None:
            self._record(now_ns, self._take, inputs)
        return self._told(now_ns)

    @property
    def finished(self) -> bool:
        """True after the end of all that there is to record."""
        return self._lead_in.ends.keys() >= _DATA_TOPICS

    def close(self) -> None:
        """Finish a recording that is on."""
        if self._take is not None:
            self._finish(self._take)

    def stats(self) -> Mapping[str, float]:
        """How many recordings were begun, and how much the one that is on has."""
        numbers = {} if self._take is None else self._take.recorder.stats()
        return {"takes_count": self._count, **numbers}

    # -- begin and end ------------------------------------------------------------------------

    def _press(self, now_ns: int, value: float | None) -> None:
        wants = self._take is None if value is None else value > 0.0
        if wants == (self._take is not None):
            return
        if self._may_press_ns is not None and now_ns < self._may_press_ns:
            return
        self._may_press_ns = now_ns + round(LEAST_S * NS_PER_S)
        if self._take is not None:
            self._finish(self._take)
        else:
            self._begin(now_ns)

    def _begin(self, now_ns: int) -> None:
        folder = self._root
        try:
            make_folder(self._root)
            folder = self._new_folder()
            recorder = self._recorder(folder, self._lead_in.info)
            recorder.open()
            self._take = _Take(folder, now_ns, recorder)
        except OSError as error:
            self._refuse(
                f"nothing is recorded: {folder} cannot be made ({error.strerror}); make room there,"
                " or start with --recordings DIR"
            )
        except (DeviceError, UsageError) as error:
            self._refuse(f"nothing is recorded: {error}")
        else:
            self._count += 1

    def _new_folder(self) -> Path:
        """One that was not there, for its owner alone; raises OSError."""
        stamp = self._stamp()
        for number in range(1, MOST_OF_ONE_NAME + 1):
            folder = self._root / (stamp if number == 1 else f"{stamp}-{number}")
            try:
                folder.mkdir(mode=FOLDER_MODE)
            except FileExistsError:
                continue
            return folder
        raise FileExistsError(17, "all its names are taken", str(folder))

    def _finish(self, take: _Take) -> None:
        self._take = None
        seconds = take.recorder.stats()["recorded_s"]
        try:
            take.recorder.close()
        except DeviceError as error:
            self._refuse(f"{error}; what was written until then is in {take.folder}")
            return
        if take.origin is None:
            _remove_empty(take.folder)
            self._refuse("nothing is recorded: nothing was separated meanwhile")
            return
        self._say(f"recorded {seconds:.1f} s in {take.folder}")

    # -- what is recorded ---------------------------------------------------------------------

    def _record(self, now_ns: int, take: _Take, inputs: Inputs) -> None:
        given: dict[str, list[Message]] = {
            topic: list(messages) for topic, messages in inputs.items() if topic != "control"
        }
        if take.origin is None:
            first = next(
                (one for one in given.get("streams", ()) if isinstance(one, Streams)), None
            )
            if first is None:
                return
            take.origin = first.first_sample
            before = self._lead_in.before(first.first_sample, first.rate_hz)
            given = before | {"streams": given["streams"]}
        try:
            take.recorder.step(
                now_ns,
                {topic: rebased(messages, take.origin) for topic, messages in given.items()},
            )
        except DeviceError as error:
            self._take = None
            self._refuse(f"{error}, in {take.folder}")
            return
        if take.recorder.finished:
            self._finish(take)

    # -- what is told -------------------------------------------------------------------------

    def _say(self, text: str) -> None:
        self._remark = self._remark.after(text, is_refusal=False)

    def _refuse(self, text: str) -> None:
        self._remark = self._remark.after(text, is_refusal=True)

    def _told(self, now_ns: int) -> Outputs:
        began_ns = None if self._take is None else self._take.began_ns
        if not self._telling.is_due(now_ns, (began_ns, self._remark)):
            return ()
        told = Recording(
            stream=self._stream,
            sequence=self._telling.sequence,
            is_on=began_ns is not None,
            began_ns=began_ns or 0,
            said=self._remark.said,
            number=self._remark.number,
            is_refusal=self._remark.is_refusal,
        )
        return [("desk", told)]


def _remove_empty(folder: Path) -> None:
    """A recording without sound is none; who has put something there keeps it."""
    try:
        (folder / "session.json").unlink(missing_ok=True)
        folder.rmdir()
    except OSError:
        return
