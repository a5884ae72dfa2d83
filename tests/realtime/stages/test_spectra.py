"""What the separator tells of objects and pixels to those who want to see it."""

from __future__ import annotations

import itertools
from collections.abc import Sequence

import numpy as np
import pytest

from pixelplayer.bands import from_levels
from pixelplayer.stft import StreamingStft
from realtime.messages import Message, Scene, Streams
from realtime.spectra import ObjectSpectra, PixelSpectra
from realtime.wishes import WISH_S, Show, Wish
from tests.fakes.pixel_model import BANDS_HZ, SPEC, band_noise
from tests.realtime.stages.separating import (
    PLACES,
    RATE_HZ,
    hear,
    see,
    separator,
    show,
    stepped,
)
from tests.realtime.stages.test_hearing import cut

SECONDS = 3
LAPSED_NS = round(WISH_S * 1e9)


@pytest.fixture(scope="module")
def duet() -> tuple[list[Message], list[Message]]:
    """Sight and sound of red, and green 10 dB below."""
    samples = SECONDS * RATE_HZ
    mixture = band_noise("red", 1, samples) + 0.3 * band_noise("green", 2, samples)
    return see(show(PLACES, SECONDS)), hear(cut(mixture, [800]))


def told(
    duet: tuple[list[Message], list[Message]], what: tuple[Wish, ...], later_ns: int = 0
) -> list[Message]:
    """All that comes out where these are wished for, ``later_ns`` before the sound comes."""
    stage = separator()
    wish = Show(stream="t", sequence=0, what=what)
    outputs = stepped(stage, {"control": [wish]})
    outputs += stepped(stage, {"sight": duet[0], "sound": duet[1]}, later_ns)
    assert stage.finished
    return [message for _, message in outputs]


def those(messages: Sequence[Message], kind: type) -> list:
    return [message for message in messages if isinstance(message, kind)]


def in_band(colour: str, bands: int) -> np.ndarray:
    """The bands that lie in a colour's, well inside."""
    audio = SPEC.audio
    bins = np.arange(audio.frequency_bins)
    u = bins / (audio.frequency_bins - 1)
    hz = audio.rate_hz / 2 * (audio.warp_base**u - 1) / (audio.warp_base - 1)
    low, high = BANDS_HZ[colour]
    inside = ((low + 150 <= hz) & (hz <= high - 150)).reshape(bands, -1)
    return np.asarray(inside.all(axis=1))


def test_who_asks_for_nothing_is_told_nothing_and_hears_the_same(
    duet: tuple[list[Message], list[Message]],
) -> None:
    plain, wished = told(duet, ()), told(duet, ("objects", "pixels", "streams"))
    assert not those(plain, ObjectSpectra) + those(plain, PixelSpectra)
    # Wished for are the streams to listen to as well, each right behind its own.
    for one, other in zip(those(plain, Streams), those(wished, Streams)[::2], strict=True):
        np.testing.assert_array_equal(one.samples, other.samples)
    for one, other in zip(those(plain, Scene), those(wished, Scene), strict=True):
        np.testing.assert_array_equal(one.heatmap_db, other.heatmap_db)


def test_a_wish_lapses(duet: tuple[list[Message], list[Message]]) -> None:
    for kind in (ObjectSpectra, PixelSpectra):
        assert those(told(duet, ("objects", "pixels"), LAPSED_NS - 1), kind)
        assert not those(told(duet, ("objects", "pixels"), LAPSED_NS), kind)


def test_only_what_is_asked_for_is_told(duet: tuple[list[Message], list[Message]]) -> None:
    messages = told(duet, ("pixels",))
    assert those(messages, PixelSpectra)
    assert not those(messages, ObjectSpectra)


def test_columns_follow_one_another_and_are_the_mixtures(
    duet: tuple[list[Message], list[Message]],
) -> None:
    found = those(told(duet, ("objects",)), ObjectSpectra)
    assert [message.sequence for message in found] == list(range(len(found)))
    for one, other in itertools.pairwise(found):
        stop_ns = one.capture_ns + one.levels.shape[1] * one.column_ns
        assert other.capture_ns == pytest.approx(stop_ns, abs=10)
    power = np.concatenate([from_levels(message.levels) for message in found], axis=1)
    samples = SECONDS * RATE_HZ
    mixture = band_noise("red", 1, samples) + 0.3 * band_noise("green", 2, samples)
    # Every column sums to the mean square of what is under its window.
    mean_square = np.mean(mixture**2)
    assert 10 * np.log10(power[:, 10:-10].sum(axis=0).mean() / mean_square) == pytest.approx(
        0, abs=2
    )
    columns = StreamingStft(SPEC.audio.at_rate(RATE_HZ)).feed(mixture).shape[1]
    assert abs(power.shape[1] - columns) < 8


def test_an_objects_share_is_its_mask(duet: tuple[list[Message], list[Message]]) -> None:
    messages = told(duet, ("objects",))
    scene, last = those(messages, Scene)[-1], those(messages, ObjectSpectra)[-1]
    assert len(last.object_ids) == 2
    assert np.abs(last.shares.astype(int).sum(axis=0) - 255).max() <= 2
    for item in scene.objects:
        colour = "red" if item.centroid[0] < 0.5 else "green"
        inside = in_band(colour, len(last.levels))
        other = in_band("green" if colour == "red" else "red", len(last.levels))
        shares = last.shares[last.object_ids.index(item.id)]
        assert shares[inside].min() > 0.8 * 255
        assert shares[other].max() < 0.1 * 255


def test_a_pixel_sounds_what_it_shows(duet: tuple[list[Message], list[Message]]) -> None:
    found = those(told(duet, ("pixels",)), PixelSpectra)
    assert len(found) == pytest.approx(SECONDS * RATE_HZ / SPEC.audio.hop / 6, abs=3)
    rows, columns, bands = found[-1].levels.shape
    assert (rows, columns) == (SPEC.vision.grid, SPEC.vision.grid)
    power = np.mean([from_levels(message.levels) for message in found], axis=0)
    for colour, (x, y) in PLACES.items():
        pixel = power[round(y * rows), round(x * columns)]
        inside = in_band(colour, bands)
        others = in_band("green" if colour == "red" else "red", bands)
        assert pixel[inside].sum() > 100 * pixel[others].sum()
    assert power[0, 0].sum() < 1e-3 * power.max()


def test_streams_to_listen_to_are_the_streams_and_only_while_wished_for(
    duet: tuple[list[Message], list[Message]],
) -> None:
    for wish, later_ns, is_told in (
        (("streams",), LAPSED_NS - 1, True),
        (("streams",), LAPSED_NS, False),
        (("objects",), 0, False),
    ):
        stage = separator()
        stage.step(0, {"control": [Show(stream="t", sequence=0, what=wish)]})
        outputs = stepped(stage, {"sight": duet[0], "sound": duet[1]}, later_ns)
        streams = [one for topic, one in outputs if topic == "streams" and isinstance(one, Streams)]
        heard = [one for topic, one in outputs if topic == "monitor"]
        if not is_told:
            assert heard == []
            continue
        for one, other in zip(streams, heard[: len(streams)], strict=True):
            assert one.first_sample == other.first_sample
            np.testing.assert_array_equal(one.samples, other.samples)
