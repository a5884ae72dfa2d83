import json
import os
import resource
import shutil
import signal
import stat
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from realtime.errors import DeviceError, UsageError
from realtime.messages import AudioChunk, AudioGap, Stats
from realtime.sinks.recorder import Recorder
from realtime.sinks.session import SessionInfo

from .examples import BLUE, NS_PER_S, RATE_HZ, end, frame, scene, scene_object, streams

INFO = SessionInfo(model="model", engines={"vision": "openvino/int8", "sound": "torch/fp32"})
STEP = 600
TOPICS = ("video", "audio", "streams", "scene")


def noise(rows, samples=STEP, seed=0):
    return np.random.default_rng(seed).normal(0, 0.1, (rows, samples)).astype(np.float32)


def sound(folder, name):
    samples, rate_hz = soundfile.read(folder / f"{name}.wav", dtype="float32")
    assert rate_hz == RATE_HZ
    return samples


def session(folder):
    return json.loads((folder / "session.json").read_text())


def finish(recorder):
    recorder.step(0, {topic: [end(topic)] for topic in TOPICS})
    assert recorder.finished
    recorder.close()


@pytest.fixture
def folder(tmp_path):
    return tmp_path / "take" / "one"


@pytest.fixture
def recorder(folder):
    recorder = Recorder(folder, INFO)
    recorder.open()
    yield recorder
    recorder.close()


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


def test_every_second_everything_on_disk_is_whole(recorder, folder):
    for number in range(4):
        part = streams(noise(2), number * STEP)
        recorder.step(number * NS_PER_S, {"streams": [part], "video": [frame(number)]})
        lengths = {sound(folder, name).size for name in ("mixture", "object-1", "residual")}
        assert lengths == {(number + 1) * STEP}
        assert session(folder)["duration_s"] == pytest.approx((number + 1) * STEP / RATE_HZ)


def test_killed_without_warning_the_folder_is_playable(tmp_path):
    program = (
        "import sys, time, pathlib\n"
        "from tests.realtime.sinks.test_recorder import INFO, STEP, noise\n"
        "from tests.realtime.sinks.examples import *\n"
        "from realtime.sinks.recorder import Recorder\n"
        "recorder = Recorder(pathlib.Path(sys.argv[1]), INFO)\n"
        "recorder.open()\n"
        "for number in range(60):\n"
        "    recorder.step(number * NS_PER_S // 10, {\n"
        "        'streams': [streams(noise(2, 800), number * 800)],\n"
        "        'video': [frame(3 * number + more) for more in range(3)],\n"
        "        'scene': [scene(capture_ns=number * NS_PER_S // 10)]})\n"
        "print('ready', flush=True)\n"
        "time.sleep(60)\n"
    )
    folder = tmp_path / "killed"
    child = subprocess.Popen(
        [sys.executable, "-c", program, str(folder)], stdout=subprocess.PIPE, text=True
    )
    try:
        assert child.stdout.readline() == "ready\n"
    finally:
        os.kill(child.pid, signal.SIGKILL)
        child.wait(30)
        child.stdout.close()
    lengths = [sound(folder, name).size for name in ("mixture", "object-1", "residual")]
    assert min(lengths) >= 5 * RATE_HZ
    assert max(lengths) - min(lengths) == 0
    assert session(folder)["duration_s"] >= 5.0
    probe = subprocess.run(
        [
            sys.executable,
            "-c",
            "import av, sys; c = av.open(sys.argv[1]);"
            "print([f.time for f in c.decode(video=0)][-1])",
            str(folder / "overlay.mp4"),
        ],
        capture_output=True,
        text=True,
        timeout=60,
        check=True,
    )
    assert float(probe.stdout) >= 5.0


def test_what_is_recorded_is_its_owners_alone(recorder, folder):
    recorder.step(0, {"streams": [streams(noise(2))], "video": [frame(0)]})
    finish(recorder)
    modes = {path.name: stat.S_IMODE(path.stat().st_mode) for path in folder.iterdir()}
    assert set(modes) == {
        "mixture.wav", "object-1.wav", "residual.wav", "overlay.mp4", "session.json"
    }  # fmt: skip
    assert set(modes.values()) == {0o600}
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


def test_hours_of_ever_new_objects_need_few_open_files(recorder, folder):
    """Those that are gone are closed; in the end all have the length of the whole."""
    before = open_files()
    second = RATE_HZ
    for number in range(200):
        ids = (number // 2 + 1,)
        part = streams(noise(2, second, seed=number), number * second, object_ids=ids)
        recorder.step(number * NS_PER_S, {"streams": [part]})
        assert open_files() - before < 20
    part = streams(noise(2, second, seed=200), 200 * second, object_ids=(1,))
    recorder.step(200 * NS_PER_S, {"streams": [part]})
    finish(recorder)
    assert {path.stat().st_size for path in folder.glob("*.wav")} == {
        (folder / "mixture.wav").stat().st_size
    }
    first, last = sound(folder, "object-1"), sound(folder, "object-100")
    assert first.size == last.size == 201 * second
    np.testing.assert_array_equal(first[-second:], noise(2, second, seed=200)[0])
    assert not first[2 * second : -second].any()
    np.testing.assert_array_equal(last[-2 * second : -second], noise(2, second, seed=199)[0])
    total = sum(sound(folder, path.stem) for path in folder.glob("*.wav") if path.stem != "mixture")
    np.testing.assert_allclose(total, sound(folder, "mixture"), atol=1e-6)


def open_files():
    return len(list(Path("/dev/fd").iterdir()))


def until_it_is_full(recorder, most_steps=400):
    """Record a tenth of a second at a time; the error, and how many steps went well."""
    for number in range(most_steps):
        inputs = {
            "streams": [streams(noise(3, RATE_HZ // 10, seed=number), number * RATE_HZ // 10)],
            "video": [frame(3 * number + more) for more in range(3)],
            "scene": [scene(capture_ns=number * NS_PER_S // 10)],
        }
        try:
            recorder.step(number * NS_PER_S // 10, inputs)
        except DeviceError as error:
            return str(error), number
    raise AssertionError("it never became full")


def check_what_is_left(folder, steps, message):
    lengths = {sound(folder, name).size for name in ("mixture", "object-1", "object-2", "residual")}
    assert lengths == {steps * RATE_HZ // 10}
    assert f"its first {steps / 10:.1f} s are kept" in message
    parts = [noise(3, RATE_HZ // 10, seed=number) for number in range(steps)]
    np.testing.assert_array_equal(sound(folder, "object-2"), np.concatenate(parts, axis=1)[1])
    assert session(folder)["duration_s"] >= steps / 10 - 1.0
    with av.open(str(folder / "overlay.mp4")) as movie:
        assert [picture.time for picture in movie.decode(video=0)][-1] >= steps / 10 - 1.0
    assert not list(folder.glob("*.part"))


def test_a_full_disk_ends_the_recording_and_keeps_what_there_was(tmp_path):
    """A real disk of 2 MB, in memory."""
    disk = tmp_path / "disk"
    disk.mkdir()
    mount = ["mount", "-t", "tmpfs", "-o", "size=2m", "tmpfs", str(disk)]
    if (
        not shutil.which("mount")
        or subprocess.run(mount, check=False, capture_output=True).returncode
    ):
        pytest.skip("this user may not mount a file system")
    try:
        recorder = Recorder(disk / "take", INFO)
        recorder.open()
        message, steps = until_it_is_full(recorder)
        recorder.close()
        assert "No space left on device" in message
        assert steps > 50
        check_what_is_left(disk / "take", steps, message)
    finally:
        subprocess.run(["umount", str(disk)], check=True)


def test_files_that_may_not_grow_end_the_recording_and_are_kept(folder):
    limits = resource.getrlimit(resource.RLIMIT_FSIZE)
    recorder = Recorder(folder, INFO)
    recorder.open()
    resource.setrlimit(resource.RLIMIT_FSIZE, (200_000, limits[1]))
    try:
        message, steps = until_it_is_full(recorder)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, limits)
    recorder.close()
    assert "File too large" in message
    assert steps == 200_000 // (4 * RATE_HZ // 10)
    check_what_is_left(folder, steps, message)


def test_a_folder_with_something_in_it_is_not_touched(tmp_path):
    (tmp_path / "mine.txt").write_text("precious")
    recorder = Recorder(tmp_path, INFO)
    with pytest.raises(UsageError, match=f"{tmp_path} is not empty"):
        recorder.open()
    recorder.close()
    assert [path.name for path in tmp_path.iterdir()] == ["mine.txt"]


def test_a_folder_that_cannot_be_made_says_so(tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UsageError, match="cannot be made"):
        Recorder(tmp_path / "file" / "take", INFO).open()


def test_a_change_of_rate_ends_the_recording_with_a_word(recorder, folder):
    recorder.step(0, {"streams": [streams(noise(1))]})
    other = streams(noise(1), STEP)
    object.__setattr__(other, "rate_hz", 16_000)
    with pytest.raises(DeviceError, match="16000 Hz"):
        recorder.step(0, {"streams": [other]})
    recorder.close()
    assert sound(folder, "mixture").size == STEP


def test_a_run_that_ends_at_once_leaves_a_session(recorder, folder):
    finish(recorder)
    assert session(folder)["duration_s"] == 0.0
    assert session(folder)["objects"] == []


def test_closing_in_the_middle_keeps_what_was_recorded(recorder, folder):
    recorder.step(0, {"streams": [streams(noise(1))], "video": [frame(0)]})
    recorder.close()
    assert sound(folder, "mixture").size == STEP
    assert (folder / "overlay.mp4").stat().st_size > 0
