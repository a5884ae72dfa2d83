import stat
import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest
import soundfile

from realtime.errors import DeviceError
from realtime.sinks import wav
from realtime.sinks.wav import WavWriter


def test_what_is_written_is_read(tmp_path):
    samples = np.random.default_rng(0).normal(0, 1.5, 1000).astype(np.float32)
    with WavWriter(tmp_path / "a.wav", 44_100) as writer:
        for part in np.split(samples, [1, 10, 500]):
            writer.write(part)
        assert writer.length_samples == 1000
    read, rate_hz = soundfile.read(tmp_path / "a.wav", dtype="float32")
    assert rate_hz == 44_100
    np.testing.assert_array_equal(read, samples)
    assert soundfile.info(tmp_path / "a.wav").subtype == "FLOAT"


def test_silence(tmp_path):
    with WavWriter(tmp_path / "a.wav", 8000) as writer:
        writer.write_silence(200_001)
        writer.write(np.ones(2, dtype=np.float32))
    read, _ = soundfile.read(tmp_path / "a.wav", dtype="float32")
    assert read.size == 200_003
    assert read[:200_001].max() == 0.0
    assert read[-1] == 1.0


def test_the_end_can_be_cut_off(tmp_path):
    samples = np.arange(100, dtype=np.float32) / 100
    with WavWriter(tmp_path / "a.wav", 8000) as writer:
        writer.write(samples)
        writer.truncate(200)
        writer.truncate(60)
        writer.write(samples[:5])
    read, _ = soundfile.read(tmp_path / "a.wav", dtype="float32")
    np.testing.assert_array_equal(read, np.concatenate([samples[:60], samples[:5]]))


def test_an_empty_file_is_a_wav_file(tmp_path):
    WavWriter(tmp_path / "a.wav", 8000).close()
    assert soundfile.info(tmp_path / "a.wav").frames == 0


def test_killed_without_warning_it_is_playable_up_to_the_last_flush(tmp_path):
    path = tmp_path / "killed.wav"
    program = (
        "import os, signal, sys, pathlib, numpy as np\n"
        "from realtime.sinks.wav import WavWriter\n"
        "writer = WavWriter(pathlib.Path(sys.argv[1]), 16000)\n"
        "writer.write(np.full(16000, 0.25, dtype=np.float32)); writer.flush()\n"
        "writer.write(np.full(100, 0.5, dtype=np.float32))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(path)], timeout=60, check=False)
    read, _ = soundfile.read(path, dtype="float32")
    assert read.size >= 16_000
    assert set(np.unique(read[:16_000])) == {0.25}


def test_a_file_that_exists_is_not_overwritten(tmp_path):
    (tmp_path / "a.wav").write_bytes(b"precious")
    with pytest.raises(DeviceError, match=r"a\.wav"):
        WavWriter(tmp_path / "a.wav", 8000)
    assert (tmp_path / "a.wav").read_bytes() == b"precious"


def test_a_file_of_hours_counts_with_64_bits(tmp_path, monkeypatch):
    """RIFF's limit lowered: what is beyond is RF64, for every reader, at every moment."""
    monkeypatch.setattr(wav, "largest_riff_samples", lambda: 1000)
    path = tmp_path / "a.wav"
    samples = np.random.default_rng(0).normal(0, 0.2, 3000).astype(np.float32)
    with WavWriter(path, 8000) as writer:
        for start, kind in ((0, "WAV"), (1000, "RF64"), (2000, "RF64")):
            writer.write(samples[start : start + 1000])
            writer.flush()
            assert soundfile.info(path).format == kind
            np.testing.assert_array_equal(soundfile.read(path, dtype="float32")[0][start:],
                                          samples[start : start + 1000])  # fmt: skip
    with av.open(str(path)) as container:
        parts = [frame.to_ndarray()[0] for frame in container.decode(audio=0)]
    np.testing.assert_array_equal(np.concatenate(parts), samples)


def test_a_file_cut_back_counts_with_32_bits_again(tmp_path, monkeypatch):
    monkeypatch.setattr(wav, "largest_riff_samples", lambda: 1000)
    with WavWriter(tmp_path / "a.wav", 8000) as writer:
        writer.write_silence(1001)
        writer.truncate(900)
    assert soundfile.info(tmp_path / "a.wav").format == "WAV"
    assert soundfile.info(tmp_path / "a.wav").frames == 900


def test_ten_hours_of_silence_are_there_at_once_and_then_sound(tmp_path):
    """7 GB that take no room: where a file system has no holes this test is not for it."""
    rate_hz = 48_000
    path = tmp_path / "a.wav"
    with WavWriter(path, rate_hz) as writer:
        writer.write_silence(10 * 3600 * rate_hz)
        writer.write(np.full(100, 0.5, dtype=np.float32))
    assert path.stat().st_size > 2**32
    if hasattr(path.stat(), "st_blocks"):
        assert path.stat().st_blocks * 512 < 2**24
    with soundfile.SoundFile(path) as file:
        assert file.format == "RF64"
        assert file.frames == 10 * 3600 * rate_hz + 100
        file.seek(-101, soundfile.SEEK_END)
        np.testing.assert_array_equal(file.read(dtype="float32"), [0.0] + [0.5] * 100)


def test_a_file_rests_and_goes_on(tmp_path):
    path = tmp_path / "a.wav"
    with WavWriter(path, 8000) as writer:
        writer.write(np.ones(10, dtype=np.float32))
        writer.rest()
        assert writer.is_resting
        assert soundfile.info(path).frames == 10
        writer.write(np.full(5, 0.5, dtype=np.float32))
        writer.rest()
    np.testing.assert_array_equal(soundfile.read(path)[0], [1.0] * 10 + [0.5] * 5)


def test_only_the_owner_may_read(tmp_path):
    WavWriter(tmp_path / "a.wav", 8000).close()
    assert stat.S_IMODE((tmp_path / "a.wav").stat().st_mode) == 0o600


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_says_so(tmp_path):
    writer = WavWriter(tmp_path / "a.wav", 8000)
    writer.close()
    with Path("/dev/full").open("wb", buffering=0) as full:
        writer._file = full
        with pytest.raises(DeviceError, match=r"a\.wav cannot be written: No space"):
            writer.write(np.zeros(1, dtype=np.float32))
