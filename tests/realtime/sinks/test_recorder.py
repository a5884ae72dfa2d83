import stat

import numpy as np
import pytest

from realtime.messages import AudioChunk, AudioGap, Stats
from realtime.sinks.carrier import Carrier
from realtime.sinks.recorder import Recorder

from .examples import BLUE, NS_PER_S, RATE_HZ, end, frame, scene, scene_object, streams
from .recorded_files import session, sound
from .recordings import STEP, finish, noise
from .sent import INFO


def test_objects_and_residual_are_the_mixture(recorder, folder):
    parts = [noise(3, seed=number) for number in range(10)]
    for number, part in enumerate(parts):
        recorder.step(0, {"streams": [streams(part, number * STEP)]})
    finish(recorder)
    mixture = sound(folder, "mixture")
    rows = [sound(folder, name) for name in ("object-1", "object-2", "residual")]
    np.testing.assert_array_equal(np.stack(rows), np.concatenate(parts, axis=1))
    error = np.sum(rows, axis=0, dtype=np.float64) - mixture
    assert 10 * np.log10(np.mean(error**2) / np.mean(mixture**2)) < -120


def test_gains_change_nothing_of_what_is_recorded(recorder, folder):
    part = noise(2)
    recorder.step(0, {"streams": [streams(part, gains=[0.0, 2.0])]})
    finish(recorder)
    np.testing.assert_array_equal(sound(folder, "object-1"), part[0])


def test_an_object_found_late_is_silent_until_then_and_one_that_left_from_then_on(recorder, folder):
    recorder.step(0, {"streams": [streams(noise(1), 0)]})
    recorder.step(0, {"streams": [streams(noise(2), STEP, object_ids=(7,))]})
    recorder.step(0, {"streams": [streams(noise(2), 2 * STEP, object_ids=(2,))]})
    finish(recorder)
    for name in ("mixture", "residual", "object-7", "object-2"):
        assert sound(folder, name).size == 3 * STEP
    seven = sound(folder, "object-7")
    assert not seven[:STEP].any()
    np.testing.assert_array_equal(seven[STEP : 2 * STEP], noise(2)[0])
    assert not seven[2 * STEP :].any()
    assert not sound(folder, "object-2")[: 2 * STEP].any()


def test_lost_sound_is_silence_of_the_same_length(recorder, folder):
    gap = AudioGap(
        stream="test", sequence=1, first_sample=STEP, length_samples=100, rate_hz=RATE_HZ
    )
    recorder.step(0, {"streams": [streams(noise(1), 0), gap, streams(noise(1), STEP + 100)]})
    # And a hole that nobody announced, and something that comes twice.
    recorder.step(0, {"streams": [streams(noise(1), 2 * STEP + 150)]})
    recorder.step(0, {"streams": [streams(noise(1), 2 * STEP + 150)]})
    recorder.step(0, {"streams": [streams(noise(1), 2 * STEP + 250)]})
    finish(recorder)
    mixture = sound(folder, "mixture")
    assert mixture.size == 3 * STEP + 250
    assert not mixture[STEP : STEP + 100].any()
    np.testing.assert_array_equal(mixture[-100:], noise(1)[0][-100:])


def test_a_first_message_that_is_not_at_sample_0_is_moved_to_its_place(recorder, folder):
    recorder.step(0, {"streams": [streams(noise(1), 500)]})
    finish(recorder)
    mixture = sound(folder, "mixture")
    assert mixture.size == STEP + 500
    assert not mixture[:500].any()


def chunk(samples, first_sample=0):
    return AudioChunk(
        stream="test",
        sequence=0,
        capture_ns=0,
        first_sample=first_sample,
        rate_hz=RATE_HZ,
        samples=np.zeros(samples, dtype=np.float32),
    )


@pytest.mark.parametrize("extra", [-50, 0, 50])
def test_everything_is_as_long_as_the_input(recorder, folder, extra):
    """The streams end with a whole step, or lack what was lost at the end."""
    recorder.step(0, {"streams": [streams(noise(2))]})
    recorder.step(0, {"audio": [chunk(STEP - 100), chunk(100 + extra, STEP - 100)]})
    finish(recorder)
    for name in ("mixture", "object-1", "residual"):
        assert sound(folder, name).size == STEP + extra
    whole = min(STEP, STEP + extra)
    np.testing.assert_array_equal(sound(folder, "object-1")[:whole], noise(2)[0][:whole])
    assert session(folder)["duration_s"] == pytest.approx((STEP + extra) / RATE_HZ)


def test_an_input_that_ends_with_a_gap_has_its_length(recorder, folder):
    recorder.step(0, {"streams": [streams(noise(1))], "audio": [chunk(STEP)]})
    gap = AudioGap(stream="test", sequence=1, first_sample=STEP, length_samples=40, rate_hz=RATE_HZ)
    recorder.step(0, {"audio": [gap]})
    finish(recorder)
    assert sound(folder, "mixture").size == STEP + 40


def test_it_waits_for_the_end_of_the_input(recorder):
    recorder.step(0, {"streams": [streams(noise(1))], "audio": [chunk(STEP)]})
    recorder.step(0, {topic: [end(topic)] for topic in ("video", "streams", "scene")})
    assert not recorder.finished
    recorder.step(0, {"audio": [end("audio")]})
    assert recorder.finished


def test_without_the_input_the_streams_tell_the_length(recorder, folder):
    recorder.step(0, {"streams": [streams(noise(1))]})
    recorder.step(0, {topic: [end(topic)] for topic in ("video", "streams", "scene")})
    assert recorder.finished
    assert sound(folder, "mixture").size == STEP


def test_stopped_in_the_middle_nothing_is_made_up(recorder, folder):
    recorder.step(0, {"streams": [streams(noise(1))], "audio": [chunk(2 * STEP)]})
    recorder.close()
    assert sound(folder, "mixture").size == STEP


def test_the_session_tells_everything(recorder, folder):
    loud = scene_object(1, box=(0.0, 0.2, 0.2, 0.8), level_db=-20.0, name="violin")
    moved = scene_object(1, box=(0.2, 0.2, 0.4, 0.8), level_db=-80.0)
    other = scene_object(2, BLUE, box=(0.6, 0.0, 1.0, 1.0))
    part = np.full((3, RATE_HZ), 0.1, dtype=np.float32)
    part[1] = 0.01
    recorder.step(0, {"streams": [streams(part)], "video": [frame(n) for n in range(30)]})
    recorder.step(
        0,
        {
            "scene": [
                scene([loud], capture_ns=NS_PER_S // 10),
                scene([moved, other], capture_ns=NS_PER_S // 2),
            ],
            "stats": [
                stats("speaker", latency_p50_ms=150.0, latency_p99_ms=180.0, latency_max_ms=200.0),
                stats("sight", p50_ms=6.0, p99_ms=9.0, rate_hz=14.9, late=3, dropped_video=4),
                stats("hearing", dropped_audio=1, dropped_audio_samples=441),
                stats("supervisor", restarts=1),
                stats("camera", av_offset_ms=83.21),
                stats("microphone", gain_db=6.0),
                stats("web", sound_early_ms=51.0),
            ],
        },
    )
    finish(recorder)
    found = session(folder)
    objects = found.pop("objects")
    stages = found.pop("stages")
    assert found == {
        "version": 1,
        "model": "model",
        "engines": {"vision": "openvino/int8", "sound": "torch/fp32"},
        "sample_rate": RATE_HZ,
        "duration_s": 1.0,
        "latency_ms": {"p50": 150.0, "p99": 180.0, "max": 200.0},
        "latency_causes_ms": {},
        "sync": {
            "av_offset_ms": 83.2,
            "gain_db": 6.0,
            "sound_early_ms": 51.0,
            "bt1359": "seen",
        },
        "feedback": {"highest_loop_gain_db": None, "tamed_db": 0.0, "howls": 0},
        "dropped": {"video_frames": 4, "audio_samples": 441},
        "restarts": 1,
    }
    assert stages["sight"] == {"p50_ms": 6.0, "p99_ms": 9.0, "rate_hz": 14.9, "late": 3}
    first, second = objects
    assert first == {
        "id": 1,
        "file": "object-1.wav",
        "name": "violin",
        "centroid": [pytest.approx(0.1, abs=1e-3), 0.5],
        "box": [pytest.approx(value, abs=1e-3) for value in (0.0, 0.2, 0.2, 0.8)],
        "mean_energy_db": -20.0,
        "first_s": 0.1,
        "last_s": 0.5,
    }
    assert second["mean_energy_db"] == -40.0
    assert second["first_s"] == second["last_s"] == 0.5
    assert (folder / "overlay.mp4").exists()
    assert not list(folder.glob("*.part"))


def stats(stage, **values):
    return Stats(stream="test", sequence=0, stage=stage, values=values)


def test_an_object_that_was_never_seen_is_listed_all_the_same(recorder, folder):
    silent = np.zeros((2, STEP), dtype=np.float32)
    recorder.step(0, {"streams": [streams(silent)]})
    finish(recorder)
    (only,) = session(folder)["objects"]
    assert only["mean_energy_db"] == -120.0
    assert only["centroid"] == [0.5, 0.5]


def test_what_is_recorded_is_its_owners_alone(recorder, folder):
    recorder.step(0, {"streams": [streams(noise(2))], "video": [frame(0)]})
    finish(recorder)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert set(modes) == {
        "mixture.wav", "object-1.wav", "residual.wav", "overlay.mp4", "session.json"
    }  # fmt: skip
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_a_run_that_ends_at_once_leaves_a_session(recorder, folder):
    finish(recorder)
    assert session(folder)["duration_s"] == 0.0
    assert session(folder)["objects"] == []


def test_closing_in_the_middle_keeps_what_was_recorded(recorder, folder):
    recorder.step(0, {"streams": [streams(noise(1))], "video": [frame(0)]})
    recorder.close()
    assert sound(folder, "mixture").size == STEP
    assert (folder / "overlay.mp4").stat().st_size > 0


def test_what_nobody_divided_is_the_residual_and_not_silence(folder):
    recorder = Recorder(folder, INFO, carrier=Carrier())
    recorder.open()
    mixture = noise(1, 6 * STEP, seed=5)[0]
    for number in range(6):
        part = mixture[number * STEP : (number + 1) * STEP]
        chunk = AudioChunk(
            stream="test",
            sequence=number,
            capture_ns=number * STEP * NS_PER_S // RATE_HZ,
            first_sample=number * STEP,
            rate_hz=RATE_HZ,
            samples=part,
        )
        inputs = {"audio": [chunk]}
        if number in (0, 1, 4):
            inputs["streams"] = [streams(np.stack([0.25 * part, 0.75 * part]), number * STEP)]
        recorder.step(0, inputs)
    last = streams(np.stack([0 * part, part]), 5 * STEP)
    recorder.step(0, {"streams": [last]})
    finish(recorder)
    np.testing.assert_allclose(sound(folder, "mixture"), mixture, atol=1e-7)
    lost = slice(2 * STEP, 4 * STEP)
    np.testing.assert_array_equal(sound(folder, "residual")[lost], mixture[lost])
    assert not sound(folder, "object-1")[lost].any()


def test_the_mixture_is_written_before_it_is_forgotten(folder):
    recorder = Recorder(folder, INFO, carrier=Carrier())
    recorder.open()
    second = noise(1, RATE_HZ, seed=6)[0]
    recorder.step(0, {"streams": [streams(noise(1))]})
    for number in range(90):
        chunk = AudioChunk(
            stream="test",
            sequence=number,
            capture_ns=number * NS_PER_S,
            first_sample=number * RATE_HZ,
            rate_hz=RATE_HZ,
            samples=second,
        )
        recorder.step(0, {"audio": [chunk]})
    finish(recorder)
    written = sound(folder, "residual")
    np.testing.assert_array_equal(written[STEP : 60 * RATE_HZ], np.tile(second, 60)[STEP:])
