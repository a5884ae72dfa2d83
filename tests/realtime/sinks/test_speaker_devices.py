"""The speaker's device goes away, is refused, is none, is exchanged."""

import pytest

from realtime.desk import Choice
from realtime.errors import DeviceError
from realtime.sinks.feedback.guard import FeedbackGuard
from realtime.sinks.mixer import centred
from realtime.sinks.output import NoDevice
from realtime.sinks.speaker import Speaker
from tests.realtime.sinks.speakers import MS, PIECE, START, FakeDevice, end, life, run


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
