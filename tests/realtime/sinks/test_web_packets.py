import numpy as np
import pytest

from realtime.messages import AudioGap
from realtime.sinks.mixer import Mixer
from realtime.sinks.web_packets import MixPackets, picture_packet, sound_packet
from tests.live.viewing import packet

from .examples import RATE_HZ, scene, streams


def samples_of(data):
    return np.frombuffer(packet(data).body, "<i2").reshape(-1, 2).T / 32767.0


def test_a_picture_keeps_its_number_time_and_bytes():
    taken = packet(picture_packet(7, -5, b"jpeg"))
    assert (taken.kind, taken.number, taken.capture_ns, taken.body) == (1, 7, -5, b"jpeg")


def test_sound_keeps_its_rate_time_and_samples():
    samples = np.array([[0.5, -1.0, 0.0], [0.25, 1.0, 0.0]], np.float32)
    data = sound_packet(44_100, 10**15, samples)
    taken = packet(data)
    assert (taken.kind, taken.channels, taken.number) == (2, 2, 44_100)
    assert taken.capture_ns == 10**15
    assert samples_of(data) == pytest.approx(samples, abs=1e-4)


def test_what_is_sent_is_what_the_speaker_plays():
    """Of the same messages: gains, places and ramps are the speaker's."""
    noise = np.random.default_rng(1).uniform(-0.3, 0.3, (3, 400))
    mix, mixer = MixPackets(), Mixer(RATE_HZ)
    for number, gains in enumerate([[1.0, 1.0, 1.0], [0.0, 2.0, 1.0], [0.0, 2.0, 1.0]]):
        message = streams(noise, 400 * number, gains=gains, pans=[-0.5, 0.5, 0.0])
        data = mix.feed(message)
        assert samples_of(data) == pytest.approx(mixer.feed(message), abs=1e-4)
        assert packet(data).capture_ns == message.capture_ns


def test_of_a_gap_and_of_what_is_no_sound_nothing_is_sent():
    mix = MixPackets()
    gap = AudioGap(stream="s", sequence=0, first_sample=0, length_samples=8, rate_hz=RATE_HZ)
    assert mix.feed(gap) is None
    assert mix.feed(scene()) is None


def test_another_rate_is_another_mix():
    mix = MixPackets()
    message = streams(np.zeros((2, 10)))
    assert packet(mix.feed(message)).number == RATE_HZ
