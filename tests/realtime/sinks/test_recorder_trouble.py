"""Killed, without room, in the wrong place, for hours: what was recorded is kept."""

import os
import resource
import shutil
import signal
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest

from realtime.errors import DeviceError, UsageError
from realtime.sinks.recorder import Recorder

from .examples import NS_PER_S, RATE_HZ, frame, scene, streams
from .recorded_files import session, sound, times_s
from .recordings import STEP, finish, noise
from .sent import INFO


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
        "from tests.realtime.sinks.recordings import STEP, noise\n"
        "from tests.realtime.sinks.sent import INFO\n"
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
    assert times_s(folder)[-1] >= steps / 10 - 1.0
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
