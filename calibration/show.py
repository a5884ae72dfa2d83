"""Shows and plays the pattern, each flash as its beep is heard."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from calibration.collection import CalibrationError
from calibration.pattern import Pattern
from calibration.speaker_watch import SpeakerWatch
from realtime.clock import NS_PER_S, Clock
from realtime.errors import DeviceError
from realtime.picture import Picture, ViewWindow
from realtime.sinks.speaker_stream import SpeakerStream
from realtime.sinks.window import working_display

_TITLE = "flash and beep"
_SIZE = (1280, 720)
_DARK, _LIGHT = 0, 255


def show_pattern(
    pattern: Pattern, speaker: str | None, rate_hz: int, clock: Clock, ready: Callable[[], None]
) -> None:
    """Blocks until the pattern is over; ``ready`` is called just before it begins.

    Needs the main thread. The speaker's own delay is as the device tells it, the screen's is not
    known: what that is late, the picture is late.

    Raises:
        DeviceError: there is no display, or no such speaker.
        CalibrationError: the window was closed.
    """
    pictures = [np.full((*_SIZE[::-1], 3), grey, np.uint8) for grey in (_DARK, _LIGHT)]
    try:
        with working_display():
            window = ViewWindow(_TITLE, *_SIZE)
    except (DeviceError, OSError) as error:
        reason = str(error).partition(";")[0]
        raise DeviceError(f"--pattern: {reason}; clap before the camera instead") from None
    try:
        window.show(pictures[False])
        window.take_key()
        stream = SpeakerStream(speaker, rate_hz=rate_hz, queue_s=pattern.duration_s + 1.0)
        try:
            ready()
            _play(pattern, stream, window, pictures, clock)
        finally:
            stream.close()
    finally:
        window.close()


def _play(
    pattern: Pattern,
    stream: SpeakerStream,
    window: ViewWindow,
    pictures: Sequence[Picture],
    clock: Clock,
) -> None:
    watch = SpeakerWatch(stream, pattern.sound(stream.rate_hz))
    is_lit = False
    while stream.active:
        now_ns = clock.now_ns()
        watch.look(now_ns)
        if watch.has_begun:
            at_s = (now_ns - watch.left_ns(0) - watch.told_ns) / NS_PER_S
            if at_s > pattern.duration_s:
                return
            if pattern.is_lit(at_s) != is_lit:
                is_lit = not is_lit
                window.show(pictures[is_lit])
        window.take_key()  # it lives by this; a millisecond or two
        if not window.is_open:
            raise CalibrationError("--pattern: its window was closed before the end; try again")
    raise DeviceError("--pattern: the speaker has gone; see python run_live.py --list-devices")
