"""The dial is turned while sound plays."""

from __future__ import annotations

import pytest

from realtime.keepsake import packed, unpacked
from realtime.messages import AudioChunk, Control, End, SoundColumns
from realtime.sinks.playout import Playout, PlayoutSettings
from realtime.stages.hearing import Hearing
from realtime.stages.listener import Pace
from realtime.turning import Turning
from tests.fakes.pixel_model import SPEC, BandSound, band_noise
from tests.fakes.tiny_model import tiny_streaming_spec

HOP, RATE_HZ = SPEC.audio.hop, SPEC.audio.rate_hz
HOP_MS = 1000 * HOP / RATE_HZ


def asked(milliseconds: float) -> Control:
    return Control(stream="t", sequence=0, kind="lookahead", value=milliseconds)


def test_it_is_turned_within_what_the_model_can_do() -> None:
    turning = Turning(SPEC, 4, 2)
    assert turning.turn(asked(2.2 * HOP_MS)) == -2
    assert turning.columns == 2
    assert turning.lookahead_ms == pytest.approx(2 * HOP_MS)
    assert turning.turn(asked(1e4)) == SPEC.audio.columns // 2 - 2
    assert turning.turn(asked(0.0)) == -SPEC.audio.columns // 2
    assert turning.turn(Control(stream="t", sequence=0, kind="unsolo")) == 0


def test_all_that_the_model_can_do_can_be_turned_to() -> None:
    turning = Turning(tiny_streaming_spec(), 4, 2)
    hop_ms = 1024 / 44.1
    assert turning.positions_ms == pytest.approx((-hop_ms, 0.0, 4 * hop_ms))
    for milliseconds in (*reversed(turning.positions_ms), *turning.positions_ms):
        turning.turn(asked(milliseconds))
        assert turning.lookahead_ms == pytest.approx(milliseconds)
    assert Turning(SPEC, 4, 2).positions_ms[0] == pytest.approx(-HOP_MS)


def test_what_streams_goes_from_one_of_its_lookaheads_to_the_next() -> None:
    turning = Turning(tiny_streaming_spec(), 4, 2)
    assert turning.turn(asked(3 * HOP_MS)) == -4
    assert turning.columns == 0
    assert turning.turn(asked(0.0)) == 0
    assert turning.turn(asked(HOP_MS)) == 4
    assert turning.turn(asked(9 * HOP_MS)) == 0
    assert turning.columns == 4
    quick = Turning(tiny_streaming_spec(), -1, 1)
    assert quick.turn(asked(0.0)) == 2
    assert quick.columns == 1
    assert quick.turn(asked(0.0)) == -2


@pytest.mark.parametrize(("first", "then"), [(4, 1), (1, 4), (0, 9)])
def test_every_column_still_comes_once_and_later_or_earlier(first: int, then: int) -> None:
    samples = band_noise("red", 3, 40_000)
    opened: list[int] = []

    def open_sound(newest: int) -> BandSound:
        opened.append(newest)
        return BandSound(newest)

    pace = Pace(columns_per_step=2, lookahead_columns=first, most_columns_per_step=6)
    stage = Hearing(open_sound, SPEC, pace)
    stage.open()
    columns: list[SoundColumns] = []
    behind: list[int] = []
    size = 2 * HOP
    for start in range(0, len(samples), size):
        chunk = AudioChunk(
            stream="t",
            sequence=0,
            capture_ns=round(start * 1e9 / RATE_HZ),
            first_sample=start,
            rate_hz=RATE_HZ,
            samples=samples[start : start + size],
        )
        control = [asked(then * HOP_MS)] if start == 80 * size else []
        found = stage.step(0, {"audio": [chunk], "control": control})
        columns += [item for _, item in found if isinstance(item, SoundColumns)]
        out = columns[-1].first_column + columns[-1].spectrum.shape[1] if columns else 0
        behind.append(start // HOP + 2 - out)
    end = End(stream="t", sequence=1, topic="audio")
    found = stage.step(0, {"audio": [end]})
    columns += [item for _, item in found if isinstance(item, SoundColumns)]
    numbers = [
        number
        for item in columns
        for number in range(item.first_column, item.first_column + item.spectrum.shape[1])
    ]
    assert numbers == list(range(-(-len(samples) // HOP) + 1))
    assert abs((behind[-2] - behind[70]) - (then - first)) <= 1  # in steps of two
    assert stage.stats()["lookahead_ms"] == pytest.approx(then * HOP_MS)
    assert {2 + then, 6 + then} <= set(opened)
    stage.close()


@pytest.mark.parametrize("later", [2000, -2000])
def test_the_queue_is_made_ready_without_a_gap(later: int) -> None:
    rate_hz, piece = 44_100, 2048
    playout = Playout(rate_hz, PlayoutSettings.for_queue(0.03))
    first, queued, ended = 0, 0, 0
    silence: list[int] = []
    for number in range(80):
        if number == 40:
            playout.expect(later)
        if later < 0 and 18 <= number < 40:  # as the speaker, from the wish on
            playout.look_anew()
        correction = playout.next(first, piece, queued, ended)
        if number:
            silence.append(correction.silence + correction.skip)
        moved = min(correction.lengthen, 1500) - min(correction.shorten, 1500)
        playout.moved(moved) if moved else None
        queued += correction.silence + piece + moved
        ended += correction.silence + piece + moved
        first += piece
        # More is there to be played before sound comes later, less once it comes earlier.
        turns = number == (60 if later > 0 else 20)
        played = piece + later if turns else piece
        assert queued >= played, number
        queued -= played
    assert not any(silence)
    assert queued == pytest.approx(0.03 * rate_hz, abs=600)


def test_one_that_takes_the_place_of_hearing_begins_where_the_dial_stands() -> None:
    pace = Pace(columns_per_step=2, lookahead_columns=4, most_columns_per_step=2)
    first, heir = (Hearing(BandSound, SPEC, pace) for _ in range(2))
    samples = band_noise("red", 3, 40 * HOP)
    sound = AudioChunk(
        stream="t", sequence=0, capture_ns=0, first_sample=0, rate_hz=RATE_HZ, samples=samples
    )
    for stage in (first, heir):
        stage.open()
    first.step(0, {"audio": [sound]})
    first.step(0, {"control": [asked(1.0 * HOP_MS)]})
    heir.resume(unpacked(packed(first.state())))
    heir.step(0, {"audio": [sound]})
    assert heir.stats()["lookahead_ms"] == pytest.approx(HOP_MS)
    assert heir.state() == first.state() == {"lookahead_columns": 1}
    for stage in (first, heir):
        stage.close()
