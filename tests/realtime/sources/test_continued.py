"""One source after another: samples and messages are numbered on."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np

from realtime.keepsake import packed, unpacked
from realtime.messages import AudioChunk, AudioGap, Message, VideoFrame
from realtime.sources.continued import Continued
from realtime.stage import Inputs, Outputs

RATE_HZ = 8000


class Given:
    """A source of what it is given."""

    finished = False

    def __init__(self, *messages: tuple[str, Message]) -> None:
        self._messages = list(messages)

    def open(self) -> None:
        """Nothing."""

    def step(self, now_ns: int, inputs: Inputs) -> Outputs:
        given, self._messages = self._messages, []
        return given

    def close(self) -> None:
        """Nothing."""

    def stats(self) -> Mapping[str, float]:
        return {"given": 1.0}


def chunk(sequence: int, first_sample: int, capture_ms: float) -> tuple[str, Message]:
    return "audio", AudioChunk(
        stream="t",
        sequence=sequence,
        capture_ns=round(capture_ms * 1e6),
        first_sample=first_sample,
        rate_hz=RATE_HZ,
        samples=np.ones(80, np.float32),
    )


def frame(sequence: int) -> tuple[str, Message]:
    pixels = np.zeros((2, 2, 3), np.uint8)
    return "video", VideoFrame(stream="t", sequence=sequence, capture_ns=0, pixels=pixels)


def test_the_first_source_is_left_as_it_is() -> None:
    given = [chunk(0, 0, 5.0), chunk(1, 80, 15.0), frame(0)]
    assert [message for _, message in Continued(Given(*given)).step(0, {})] == [m for _, m in given]


def test_the_next_goes_on_after_what_nobody_captured() -> None:
    first = Continued(Given(chunk(0, 0, 5.0), chunk(1, 80, 15.0), frame(0)))
    first.step(0, {})
    gap = AudioGap(stream="t", sequence=1, first_sample=80, length_samples=40, rate_hz=RATE_HZ)
    heir = Continued(Given(chunk(0, 0, 125.0), ("audio", gap), chunk(2, 120, 140.0), frame(0)))
    heir.resume(unpacked(packed(first.state())))
    sound, lost, more, picture = (message for _, message in heir.step(0, {}))
    # The first ended at 25 ms, the other begins 100 ms later.
    assert (sound.first_sample, sound.sequence) == (160 + 800, 2)
    assert (lost.first_sample, lost.sequence) == (160 + 800 + 80, 3)
    assert (more.first_sample, more.sequence) == (160 + 800 + 120, 4)
    assert picture.sequence == 1
    again = Continued(Given(chunk(0, 7, 140.0)))
    again.resume(unpacked(packed(heir.state())))
    (last,) = (message for _, message in again.step(0, {}))
    assert last.first_sample == more.first_sample + 80  # never before what was sent


def test_one_that_takes_the_place_of_none_that_was_heard_begins_at_the_beginning() -> None:
    heir = Continued(Given(chunk(0, 0, 125.0)))
    heir.resume(unpacked(packed(Continued(Given()).state())))
    ((_, sound),) = heir.step(0, {})
    assert (sound.first_sample, sound.sequence) == (0, 0)
