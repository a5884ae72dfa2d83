"""Where streams do not come in time the mixture is heard in their place."""

import dataclasses

import numpy as np

from realtime.messages import AudioChunk
from realtime.sinks.feedback.guard import FeedbackGuard
from realtime.sinks.mixer import centred
from realtime.sinks.speaker import Speaker
from tests.realtime.sinks.speakers import MS, PIECE, RATE_HZ, START, STRETCH, life, piece, run


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


def heard_without_a_second(speaker, device):
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
    return np.concatenate(heard)


def test_the_mixture_is_played_while_no_streams_come_and_nobody_hears_a_seam(speaker, device):
    heard = heard_without_a_second(speaker, device)
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
    sound = heard_without_a_second(speaker, device)[START + STRETCH + 120 :]
    expected = np.concatenate([sung(number).samples for number in range(400)]) / 10
    np.testing.assert_allclose(sound, expected[120 : 120 + len(sound)], atol=1e-6)
    assert speaker.stats()["carried_samples"] > 1800
    assert guards[0].cuts == 0  # it was given each sample once, in order
    speaker.close()
