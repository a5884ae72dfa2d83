import dataclasses

import numpy as np
import pytest

from realtime.desk import Choice
from realtime.device_life import DeviceLife
from realtime.errors import DeviceError
from realtime.messages import AudioChunk, AudioGap, End, Streams
from realtime.sinks.feedback.guard import FeedbackGuard
from realtime.sinks.mixer import centred
from realtime.sinks.output import NoDevice
from realtime.sinks.speaker import Speaker
from tests.fakes.attempts import AtOnce

RATE_HZ = 8000
PIECE = 560  # 70 ms
START = 600  # silence before the first piece, 75 ms
STRETCH = 16  # samples that the follower of clocks holds back
MS = 1_000_000


class FakeOutput:
    """A device that plays when told to."""

    def __init__(self, capacity=RATE_HZ):
        self.capacity = capacity
        self.heard = []
        self.queue = np.zeros((0, 2), dtype=np.float32)
        self.underflows = 0
        self.device_underflows = 0
        self.end_samples = 0
        self.output_latency_s = 0.010
        self.active = True
        self.closed = False
        self.name = "fake"
        self.beats = 0
        self.patience_s = 1.0

    def trouble(self):
        return None

    @property
    def queued_samples(self):
        return len(self.queue)

    def write(self, samples):
        accepted = samples[: self.capacity - len(self.queue)]
        self.queue = np.concatenate([self.queue, accepted])
        self.end_samples += len(accepted)
        return len(accepted)

    def play(self, samples):
        self.beats += 1
        self.heard.append(self.queue[:samples])
        self.underflows += len(self.queue) < samples
        self.end_samples += max(0, samples - len(self.queue))
        self.queue = self.queue[samples:]

    def close(self):
        self.closed = True


class FakeDevice:
    def __init__(self):
        self.outputs = []
        self.error = None
        self.closed = False

    def probe(self):
        if self.error:
            raise self.error

    def open(self, rate_hz):
        if self.error:
            raise self.error
        self.outputs.append(FakeOutput(rate_hz))
        return self.outputs[-1]

    def close(self):
        self.closed = True


def life(connect):
    return DeviceLife("speaker", connect, AtOnce)


def piece(number, level=0.5, length=PIECE):
    return Streams(
        stream="test",
        sequence=number,
        capture_ns=number * 70 * MS,
        first_sample=number * PIECE,
        rate_hz=RATE_HZ,
        object_ids=(),
        samples=np.full((1, length), level, dtype=np.float32),
        gains=(1.0,),
        pans=(0.0,),
    )


def end():
    return End(stream="test", sequence=99, topic="streams")


def run(speaker, number, now_ms, message=None):
    return speaker.step(now_ms * MS, {"streams": [message or piece(number)]})


@pytest.fixture
def device():
    return FakeDevice()


@pytest.fixture
def speaker(device):
    speaker = Speaker(device, centred, live=life)
    speaker.open()
    yield speaker
    speaker.close()


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


def test_a_device_that_goes_away_is_opened_again(speaker, device):
    run(speaker, 0, 200)
    device.outputs[0].active = False
    device.error = DeviceError("gone")
    run(speaker, 1, 270)
    run(speaker, 2, 340)  # looked for at once, and not found
    assert device.outputs[0].closed
    assert speaker.stats()["device_lost"] == 1.0
    device.error = None
    run(speaker, 3, 410)  # too early to look again
    assert len(device.outputs) == 1
    run(speaker, 4, 1000)
    run(speaker, 5, 1070)
    assert len(device.outputs) == 2
    # Where it lies on the new device's time is decided anew: silence first, and it begins softly.
    assert device.outputs[1].queued_samples == START + PIECE
    assert abs(device.outputs[1].queue[START, 0]) < 1e-3
    assert speaker.stats()["device_lost"] == 0.0
    assert speaker.stats()["lost_samples"] == 4 * PIECE
    assert speaker.stats()["device_reopened"] == 1
    speaker.close()
    assert device.outputs[1].closed
    assert device.closed


def test_a_device_that_plays_nothing_more_is_given_up(speaker, device):
    run(speaker, 0, 0)
    for number in range(1, 20):
        device.outputs[0].play(PIECE)
        run(speaker, number, 70 * number)
    assert len(device.outputs) == 1
    for number in range(20, 40):  # no callback comes any more, and no error
        run(speaker, number, 70 * number)
    assert device.outputs[0].closed
    assert len(device.outputs) == 2
    assert speaker.stats()["device_losses"] == 1


def test_no_speaker_is_known_before_the_run(device):
    device.error = DeviceError("no speaker was found")
    with pytest.raises(DeviceError, match="no speaker"):
        Speaker(device).open()


def test_a_speaker_that_does_not_start_says_so(speaker, device):
    device.error = DeviceError("'x' cannot be opened at 8000 Hz")
    with pytest.raises(DeviceError, match="8000 Hz"):
        run(speaker, 0, 200)


def test_without_a_device_everything_is_counted():
    speaker = Speaker(NoDevice())
    speaker.open()
    run(speaker, 0, 200)
    run(speaker, 1, 270, end())
    assert speaker.finished
    assert speaker.stats()["latency_ms"] == pytest.approx(200.0)
    speaker.close()


def test_ending_before_anything_came():
    speaker = Speaker(NoDevice())
    speaker.open()
    run(speaker, 0, 0, end())
    assert speaker.finished
    speaker.close()


def sung(number, samples=80):
    """10 ms of a mixture that is never silent, all of it different."""
    place = np.arange(number * samples, (number + 1) * samples)
    return AudioChunk(
        stream="test",
        sequence=number,
        capture_ns=number * 10 * MS,
        first_sample=number * samples,
        rate_hz=RATE_HZ,
        samples=(0.5 + 0.2 * np.sin(place / 7)).astype(np.float32),
    )


def divided(number):
    """The streams of such a mixture: all of it in the residual."""
    samples = np.concatenate([sung(7 * number + place).samples for place in range(7)])
    return dataclasses.replace(piece(number), samples=samples[np.newaxis])


def test_the_mixture_is_played_while_no_streams_come_and_nobody_hears_a_seam(speaker, device):
    """Streams are 200 ms late; a second of them never comes, and then half comes too late."""
    heard = []
    for tick in range(400):
        inputs = {"audio": [sung(tick)]}
        at = tick - 27
        if at >= 0 and at % 7 == 0 and not 10 <= at // 7 < 24:
            inputs["streams"] = [divided(at // 7)]
        if at == 24 * 7:
            inputs["streams"] = [divided(number) for number in range(17, 25)]
        speaker.step(tick * 10 * MS, inputs)
        for output in device.outputs:
            heard.append(output.queue[:80, 0])
            output.play(80)
    heard = np.concatenate(heard)
    sound = heard[START + STRETCH + 120 :]
    expected = np.concatenate([sung(number).samples for number in range(400)])
    np.testing.assert_allclose(sound, expected[120 : 120 + len(sound)], atol=1e-6)
    stats = speaker.stats()
    assert stats["gaps"] == 0
    assert 1800 < stats["carried_samples"] < 14 * PIECE
    assert stats["late_samples"] > 0


def test_in_a_steady_run_the_mixture_is_not_needed(speaker, device):
    for tick in range(300):
        inputs = {"audio": [sung(tick)]}
        if tick >= 27 and (tick - 27) % 7 == 0:
            inputs["streams"] = [divided((tick - 27) // 7)]
        speaker.step(tick * 10 * MS, inputs)
        for output in device.outputs:
            output.play(80)
    assert speaker.stats()["carried_samples"] == 0


def test_a_hole_in_the_streams_is_filled_with_the_mixture(speaker, device):
    for tick in range(60):
        speaker.step(tick * 10 * MS, {"audio": [sung(tick)]})
    for number in (0, 1, 3, 4):
        run(speaker, number, 600, divided(number))
    queue = device.outputs[0].queue[START + STRETCH + 120 :, 0]
    expected = np.concatenate([divided(number).samples[0] for number in range(5)])
    np.testing.assert_allclose(queue, expected[120:-STRETCH], atol=1e-6)


class Deaf(FeedbackGuard):
    """Turns all down to a tenth, and counts how often it was cut."""

    cuts = 0

    def cut(self):
        self.cuts += 1

    def feed(self, mix, heard, loudest, delay_samples):
        assert mix.shape[1] == len(heard)
        np.testing.assert_allclose(mix[0, 40:], heard[40:], atol=1e-6)  # the first begins softly
        return mix / 10


def test_what_is_played_in_the_place_of_streams_passes_the_guard_too(device):
    """Once streams are missing, once they come too late: neither is ever louder than allowed."""
    guards = []

    def guard(rate_hz):
        guards.append(Deaf(rate_hz))
        return guards[-1]

    speaker = Speaker(device, centred, live=life, guard=guard)
    speaker.open()
    heard = []
    for tick in range(400):
        inputs = {"audio": [sung(tick)]}
        at = tick - 27
        if at >= 0 and at % 7 == 0 and not 10 <= at // 7 < 24:
            inputs["streams"] = [divided(at // 7)]
        if at == 24 * 7:
            inputs["streams"] = [divided(number) for number in range(17, 25)]
        speaker.step(tick * 10 * MS, inputs)
        for output in device.outputs:
            heard.append(output.queue[:80, 0])
            output.play(80)
    sound = np.concatenate(heard)[START + STRETCH + 120 :]
    expected = np.concatenate([sung(number).samples for number in range(400)]) / 10
    np.testing.assert_allclose(sound, expected[120 : 120 + len(sound)], atol=1e-6)
    assert speaker.stats()["carried_samples"] > 1800
    assert guards[0].cuts == 0  # it was given each sample once, in order
    speaker.close()


def test_another_speaker_plays_on_and_is_guarded_where_the_first_was_none(device):
    guards, others = [], []

    def guard(rate_hz):
        guards.append(FeedbackGuard(rate_hz))
        return guards[-1]

    def other(name):
        others.append(FakeDevice())
        return others[-1]

    def choice(part):
        return Choice(stream="test", sequence=0, part=part, name="Loudspeaker")

    speaker = Speaker(NoDevice(), centred, live=life, guard=guard, other=other, stream="test")
    speaker.open()
    ((_, first),) = run(speaker, 0, 200)
    assert (first.part, first.name) == ("speaker", "none")
    speaker.step(210 * MS, {"control": [choice("microphone")]})
    assert not others
    assert not guards  # what plays nothing does not howl
    told = speaker.step(220 * MS, {"control": [choice("speaker")]})
    told = [*told, *run(speaker, 1, 270)]
    (output,) = others[0].outputs
    assert output.queued_samples > 0
    assert len(guards) == 1
    assert [one.said for topic, one in told if topic == "desk"] == ["speaker is 'fake' now"]
    speaker.close()
    assert output.closed
    assert others[0].closed


def test_a_speaker_that_cannot_be_opened_leaves_the_sound_alone(device):
    refused = FakeDevice()
    speaker = Speaker(device, centred, live=life, other=lambda name: refused)
    speaker.open()
    run(speaker, 0, 200)
    refused.error = DeviceError("'Loudspeaker' is taken")
    choice = Choice(stream="test", sequence=0, part="speaker", name="Loudspeaker")
    speaker.step(210 * MS, {"control": [choice]})
    ((_, told),) = run(speaker, 1, 270)
    assert (told.name, told.is_refusal) == ("fake", True)
    assert told.said == "'Loudspeaker' is taken; 'fake' goes on"
    (output,) = device.outputs
    assert not output.closed
    assert refused.closed
    speaker.close()


def test_who_takes_its_place_has_the_speaker_that_was_chosen():
    def made():
        others = {}

        def other(name):
            others[name] = FakeDevice()
            return others[name]

        speaker = Speaker(FakeDevice(), centred, live=life, other=other)
        speaker.open()
        return speaker, others

    first, _ = made()
    assert first.state()["device"] is None
    run(first, 0, 200)
    assert first.state()["device"] is None
    choice = Choice(stream="test", sequence=0, part="speaker", name="Loudspeaker")
    first.step(210 * MS, {"control": [choice]})
    run(first, 1, 270)
    assert first.state()["device"] == "fake"
    second, others = made()
    second.resume({"columns": None, "device": "Loudspeaker"})
    run(second, 0, 200)
    run(second, 1, 270)
    assert len(others["Loudspeaker"].outputs) == 1
    for speaker in (first, second):
        speaker.close()
