"""A separator that divides a small duet of colours, and all that it gave."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np

from pixelplayer.objects import ObjectSettings
from realtime.messages import (
    Control,
    ControlKind,
    End,
    Message,
    Scene,
    Streams,
    VideoFrame,
)
from realtime.stages.hearing import Hearing
from realtime.stages.join import NewestSight, WaitForSight
from realtime.stages.listener import Pace
from realtime.stages.separator import Separator, SeparatorSettings
from realtime.stages.sight import Sight
from tests.fakes.pixel_model import (
    SPEC,
    SYNTHESIZER,
    BandSound,
    ColourVision,
    picture,
)
from tests.realtime.stages.test_hearing import cut

RATE_HZ = 8000
PACE = Pace(columns_per_step=3, lookahead_columns=4, most_columns_per_step=3)
PLACES = {"red": (0.25, 0.5), "green": (0.75, 0.4)}


def show(
    places: Mapping[str, tuple[float, float]], duration_s: float, size: tuple[int, int] = (56, 56)
) -> list[Message]:
    """A still picture at 15 frames per second, and the end."""
    pixels = picture(places, *size)
    frames: list[Message] = [
        VideoFrame(stream="t", sequence=i, capture_ns=round(i * 1e9 / 15), pixels=pixels)
        for i in range(round(15 * duration_s))
    ]
    return [*frames, End(stream="t", sequence=len(frames), topic="video")]


def see(messages: Sequence[Message]) -> list[Message]:
    sight = Sight(ColourVision, SPEC.vision)
    sight.open()
    return [message for _, message in sight.step(0, {"video": messages})]


def hear(messages: Sequence[Message]) -> list[Message]:
    hearing = Hearing(BandSound, SPEC, PACE)
    hearing.open()
    return [message for _, message in hearing.step(0, {"audio": messages})]


def separator(
    settings: ObjectSettings | None = None, join: type[WaitForSight | NewestSight] = WaitForSight
) -> Separator:
    stage = Separator(
        SPEC,
        SYNTHESIZER,
        join(SPEC.vision.frames),
        SeparatorSettings(objects=settings or ObjectSettings()),
    )
    stage.open()
    return stage


def stepped(
    stage: Separator, inputs: Mapping[str, Sequence[Message]], now_ns: int = 0
) -> list[tuple[str, Message]]:
    """What a step gives, and what comes once sound is out."""
    outputs = [*stage.step(now_ns, inputs)]
    while stage.has_more:
        outputs += stage.step(now_ns, {})
    return outputs


def control(kind: ControlKind, **values: float | int) -> Control:
    return Control(stream="t", sequence=0, kind=kind, **values)  # type: ignore[arg-type]


class Result:
    """All that a separator gave."""

    def __init__(self, outputs: Sequence[tuple[str, Message]]) -> None:
        self.streams = [m for topic, m in outputs if isinstance(m, Streams)]
        self.scenes = [m for topic, m in outputs if isinstance(m, Scene)]
        self.ends = [m.topic for topic, m in outputs if isinstance(m, End)]

    def rows(self) -> np.ndarray:
        """(N + 1, n): all the streams, residual last; checks that nothing is missing between."""
        ids = self.streams[-1].object_ids
        start = self.streams[0].first_sample
        length = sum(message.samples.shape[1] for message in self.streams)
        rows = np.zeros((len(ids) + 1, length), np.float32)
        place = start
        for message in self.streams:
            assert message.first_sample == place
            assert message.object_ids == ids[: len(message.object_ids)]
            part = rows[:, place - start : place - start + message.samples.shape[1]]
            part[: len(message.object_ids)] = message.samples[:-1]
            part[-1] = message.samples[-1]
            place += message.samples.shape[1]
        return rows


def separate(
    sounds: Mapping[str, np.ndarray],
    places: Mapping[str, tuple[float, float]] = PLACES,
    settings: ObjectSettings | None = None,
) -> Result:
    mixture = np.sum(list(sounds.values()), axis=0)
    stage = separator(settings)
    sight = see(show(places, len(mixture) / RATE_HZ))
    outputs = stepped(stage, {"sight": sight, "sound": hear(cut(mixture, [800]))})
    assert stage.finished
    return Result(outputs)


def db(signal: np.ndarray, error: np.ndarray) -> float:
    return float(10 * np.log10(np.sum(signal**2) / np.sum(error**2)))
