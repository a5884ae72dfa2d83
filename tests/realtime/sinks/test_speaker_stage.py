import dataclasses

import numpy as np
import pytest

from realtime.messages import AudioGap
from realtime.sinks.output import NoDevice
from realtime.sinks.speaker import Speaker
from tests.realtime.sinks.speakers import MS, PIECE, RATE_HZ, START, end, piece, run


def test_the_first_piece_waits_behind_silence(speaker, device):
    ((topic, present),) = run(speaker, 0, 200)
    (output,) = device.outputs
    assert (topic, present.part, present.name) == ("desk", "speaker", output.name)
    assert output.queued_samples == START + PIECE
    assert not output.queue[:START].any()
    assert output.queue[-1, 0] == 0.5


def test_the_delay_is_from_the_capture_to_the_ear(speaker, device):
    run(speaker, 0, 200)
    # 200 ms old, behind 75 ms of silence, on a device that takes 10 ms.
    assert speaker.stats()["latency_ms"] == pytest.approx(285.0)
    device.outputs[0].play(PIECE)
    run(speaker, 1, 280)
    assert speaker.stats()["latency_ms"] == pytest.approx(210.0 + 75.0 + 10.0)
    assert speaker.stats()["latency_max_ms"] == pytest.approx(295.0)
    assert speaker.stats()["latency_p50_ms"] == pytest.approx(285.0, rel=0.06)


def test_a_steady_stream_is_heard_whole(speaker, device):
    for number in range(30):
        run(speaker, number, 200 + 70 * number)
        device.outputs[0].play(PIECE)
    heard = np.concatenate(device.outputs[0].heard)
    # Silence, the first piece fading in, and then not one sample missing.
    assert (heard[START + 120 :] == 0.5).all()
    stats = speaker.stats()
    assert stats["gaps"] == stats["trimmed_samples"] == stats["refused_samples"] == 0


def test_what_comes_too_late_is_left_out_and_the_delay_stays(speaker, device):
    run(speaker, 0, 200)
    output = device.outputs[0]
    for _ in range(4):
        output.play(PIECE)
    for number in (1, 2, 3, 4):
        run(speaker, number, 480)
    # 4 * 70 ms were played, 75 ms of silence and the first piece: the rest was missing.
    late = 4 * PIECE - START - PIECE
    assert speaker.stats()["gaps"] == 1
    assert speaker.stats()["late_samples"] == late
    assert output.queued_samples == 4 * PIECE - late
    assert abs(output.queue[0, 0]) < 1e-3  # it begins softly
    assert speaker.stats()["latency_max_ms"] == pytest.approx(285.0)
    assert speaker.stats()["latency_ms"] == pytest.approx(285.0)


def test_what_is_missing_before_it_has_begun_is_no_gap(speaker, device):
    run(speaker, 0, 200, piece(0, length=1))
    device.outputs[0].play(PIECE)
    run(speaker, 1, 280, dataclasses.replace(piece(1), first_sample=1))
    assert speaker.stats()["gaps"] == 0
    assert device.outputs[0].queued_samples == START + PIECE


def test_too_long_a_queue_is_trimmed_without_a_click(speaker, device):
    run(speaker, 0, 200)
    output = device.outputs[0]
    for number in range(1, 40):
        run(speaker, number, 200 + 70 * number)
        output.play(PIECE - 20)  # the device is slow
    assert speaker.stats()["trimmed_samples"] > 0
    assert speaker.stats()["queued_ms"] < 200
    heard = np.concatenate([*output.heard, output.queue])[START + 120 :]
    assert np.abs(np.diff(heard[:, 0])).max() < 1e-3


def test_a_fast_clock_is_followed_without_a_cut(speaker, device):
    run(speaker, 0, 200)
    output = device.outputs[0]
    for number in range(1, 6000):
        output.play(PIECE + (number % 8 == 0))
        run(speaker, number, 200 + 70 * number)
    wanted_ppm = 1e6 / 8 / PIECE
    assert speaker.stats()["faster_ppm"] == pytest.approx(-wanted_ppm, rel=0.2)
    assert speaker.stats()["padded_samples"] == 0
    assert speaker.stats()["gaps"] == 0


def test_a_device_far_too_fast_is_fed_more(speaker, device):
    run(speaker, 0, 200)
    output = device.outputs[0]
    for number in range(1, 4000):
        output.play(PIECE + number % 2)
        run(speaker, number, 200 + 70 * number)
    assert speaker.stats()["padded_samples"] > 0
    assert speaker.stats()["gaps"] == 0


def test_what_a_dry_device_left_waiting_is_trimmed_within_two_seconds(speaker, device):
    run(speaker, 0, 200)
    output = device.outputs[0]
    for number in range(1, 1000):
        output.play(PIECE)
        run(speaker, number, 200 + 70 * number)
    left = 30 * RATE_HZ // 1000
    output.play(PIECE - left)  # it had nothing, and played silence of its own
    output.device_underflows += 1
    for number in range(1000, 1030):
        run(speaker, number, 200 + 70 * number)
        output.play(PIECE)
    assert speaker.stats()["trimmed_samples"] == pytest.approx(left, abs=7 * RATE_HZ // 1000)
    assert speaker.stats()["gaps"] == 0


def test_after_lost_sound_it_begins_softly(speaker, device):
    run(speaker, 0, 200)
    speaker.step(
        0,
        {
            "streams": [
                AudioGap(
                    stream="test",
                    sequence=1,
                    first_sample=PIECE,
                    length_samples=PIECE,
                    rate_hz=RATE_HZ,
                ),
                piece(2),
            ]
        },
    )
    assert speaker.stats()["lost_samples"] == PIECE
    queue = device.outputs[0].queue
    assert len(queue) == START + 3 * PIECE
    assert not queue[START + PIECE : START + 2 * PIECE].any()  # what was lost is silence
    assert abs(queue[START + 2 * PIECE, 0]) < 1e-3


def test_it_is_finished_once_the_last_sample_was_heard(speaker, device):
    run(speaker, 0, 200)
    run(speaker, 1, 270, end())
    assert not speaker.finished
    device.outputs[0].play(5000)
    speaker.step(300 * MS, {})
    assert not speaker.finished  # the device still holds 10 ms
    speaker.step(311 * MS, {})
    assert speaker.finished


def test_a_device_that_plays_no_more_does_not_hold_the_end_up(speaker):
    run(speaker, 0, 200)
    run(speaker, 1, 270, end())
    speaker.step(2270 * MS, {})
    assert speaker.finished


def test_ending_before_anything_came():
    speaker = Speaker(NoDevice())
    speaker.open()
    run(speaker, 0, 0, end())
    assert speaker.finished
    speaker.close()
