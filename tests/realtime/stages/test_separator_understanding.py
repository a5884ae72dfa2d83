"""An object that looks like one thing and sounds like another that it looks like too."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from pixelplayer.objects import ObjectSettings
from pixelplayer.vocabulary import Vocabulary
from realtime.messages import Message, SightMap
from realtime.stages.join import NewestSight, WaitForSight
from realtime.stages.separator import Separator, SeparatorSettings
from tests.fakes.pixel_model import CLASSES, SPEC, SYNTHESIZER, band_noise
from tests.realtime.stages.separating import (
    PLACES,
    RATE_HZ,
    Result,
    control,
    db,
    hear,
    see,
    show,
    stepped,
)
from tests.realtime.stages.test_hearing import cut

WORDS = Vocabulary(names=CLASSES, vectors=np.eye(len(CLASSES), SPEC.channels, dtype=np.float32))
GREEN, BLUE = CLASSES.index("green"), CLASSES.index("blue")


def doubtful(messages: Sequence[Message]) -> list[Message]:
    """What is green looks nearly as blue."""
    seen: list[Message] = []
    for message in messages:
        if isinstance(message, SightMap):
            features = np.array(message.features)
            features[:, GREEN] *= 0.6
            features[:, BLUE] = 0.9 * features[:, GREEN]
            message = replace(message, features=features)  # noqa: PLW2901
        seen.append(message)
    return seen


def separated(vocabulary: Vocabulary | None, sounds: Sequence[np.ndarray]) -> Result:
    mixture = np.sum(sounds, axis=0)
    stage = Separator(
        SPEC,
        SYNTHESIZER,
        WaitForSight(SPEC.vision.frames),
        SeparatorSettings(objects=ObjectSettings()),
        vocabulary,
    )
    stage.open()
    sight = doubtful(see(show(PLACES, len(mixture) / RATE_HZ)))
    return Result(stepped(stage, {"sight": sight, "sound": hear(cut(mixture, [800]))}))


def test_it_is_separated_by_what_is_heard() -> None:
    red, blue = (band_noise(name, n, 4 * RATE_HZ) for n, name in enumerate(("red", "blue")))
    part = slice(2 * RATE_HZ, 3 * RATE_HZ)
    scores = []
    for vocabulary in (None, WORDS):
        result = separated(vocabulary, [red, blue])
        rows = result.rows()
        np.testing.assert_allclose(rows.sum(axis=0), red + blue, atol=3e-6)
        (blueish,) = (item for item in result.scenes[-1].objects if item.centroid[0] > 0.5)
        scores.append(db(blue[part], rows[blueish.id - 1, part] - blue[part]))
    seen_only, understood = scores
    assert understood > 15
    assert understood > seen_only + 5


def test_what_is_pinned_and_never_heard_is_taken_for_no_instrument() -> None:
    red = band_noise("red", 1, 4 * RATE_HZ)
    settings = SeparatorSettings(objects=ObjectSettings())
    stage = Separator(SPEC, SYNTHESIZER, NewestSight(SPEC.vision.frames), settings, WORDS)
    stage.open()
    sight, sound = see(show(PLACES, 4)), hear(cut(red, [800]))
    stepped(stage, {"sight": sight[:8], "sound": sound[:20]})
    stepped(stage, {"control": [control("pin", x=0.5, y=0.9)]})
    scene = Result(stepped(stage, {"sound": sound[20:40]})).scenes[-1]
    assert {item.name: item.is_pinned for item in scene.objects} == {"red": False, "": True}
