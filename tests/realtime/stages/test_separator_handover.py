"""A separator that takes over goes on where another was."""

from __future__ import annotations

import dataclasses

from realtime.keepsake import packed, unpacked
from realtime.messages import (
    SightMap,
    SoundColumns,
)
from realtime.stages.join import NewestSight
from tests.fakes.pixel_model import band_noise
from tests.realtime.stages.separating import (
    PLACES,
    RATE_HZ,
    Result,
    control,
    db,
    hear,
    see,
    separator,
    show,
    stepped,
)
from tests.realtime.stages.test_hearing import cut


def test_another_goes_on_with_the_same_objects_from_the_first_columns_on() -> None:
    mixture = band_noise("red", 1, 4 * RATE_HZ) + 0.3 * band_noise("green", 2, 4 * RATE_HZ)
    sight = see(show(PLACES, 4))[:-1]
    sound = [item for item in hear(cut(mixture, [800])) if isinstance(item, SoundColumns)]
    first = separator(join=NewestSight)
    steps = [{"sight": sight[place : place + 1], "sound": [sound[place]]} for place in range(40)]
    known = Result([output for inputs in steps for output in stepped(first, inputs)])
    stepped(first, {"control": [control("mute", object_id=1)]})
    stepped(first, {"control": [control("gain", object_id=2, value=2)]})
    stepped(first, {"control": [control("pin", x=0.1, y=0.9), control("objects", value=5)]})
    kept = unpacked(packed(first.state()))

    heir = separator(join=NewestSight)
    heir.resume(kept)
    wanted, got = (
        Result([output for item in sound[44:48] for output in stepped(stage, {"sound": [item]})])
        for stage in (first, heir)
    )
    after = got.streams[0]
    assert after.object_ids == (1, 2, 3)
    assert after.gains[:2] == (0.0, 2.0)
    assert after.pans[:2] == known.streams[-1].pans[:2]
    # No picture has come, and yet each is in its own stream.
    for row, expected in zip(got.rows()[:2], wanted.rows(), strict=False):
        assert db(expected, row - expected) > 20
    again = heir.state()
    assert again["tracker"]["count"] == 5
    assert [track["pin"] for track in again["tracker"]["tracks"]].count(None) == 2
    assert again["shot"] == 0


def test_another_sees_a_cut_that_it_did_not_see_the_beginning_of() -> None:
    mixture = band_noise("red", 1, 2 * RATE_HZ)
    sight = [item for item in see(show(PLACES, 2)) if isinstance(item, SightMap)]
    sound = [item for item in hear(cut(mixture, [800])) if isinstance(item, SoundColumns)]
    first = separator(join=NewestSight)
    stepped(first, {"sight": sight[:8], "sound": sound[:20]})
    same, cut_to = (separator(join=NewestSight) for _ in range(2))
    for heir, shot in ((same, 0), (cut_to, 1)):
        heir.resume(unpacked(packed(first.state())))
        shown = dataclasses.replace(sight[8], shot=shot)
        stepped(heir, {"sight": [shown], "sound": sound[20:21]})
    assert same.stats()["objects_count"] == 1
    assert cut_to.stats()["objects_count"] == 0
