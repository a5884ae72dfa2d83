import subprocess
import sys
from pathlib import Path

import av
import numpy as np
import pytest

from realtime.errors import DeviceError
from realtime.sinks.mixer import centred
from realtime.sinks.overlay import OverlayWriter, framed, movie_size
from realtime.sinks.overlay_track import MOST_WAITING_FRAMES, OverlayTrack

from .examples import NS_PER_S, RATE_HZ, frame, scene, scene_object, streams


def tone(samples, rate_hz, hz=440.0):
    wave = 0.3 * np.sin(2 * np.pi * hz * np.arange(samples) / rate_hz)
    return np.stack([wave, wave]).astype(np.float32)


def read(path):
    """Times and pictures, and the sound as (channels, samples) with its rate."""
    with av.open(str(path)) as container:
        pictures = [
            (picture.time, picture.to_ndarray(format="bgr24"))
            for picture in container.decode(video=0)
        ]
    with av.open(str(path)) as container:
        frames = list(container.decode(audio=0))
        sound = np.concatenate([part.to_ndarray() for part in frames], axis=1)
        return pictures, sound, frames[0].sample_rate


def write(path, rate_hz=16_000, seconds=2, size=(320, 180)):
    writer = OverlayWriter(path, *size, rate_hz)
    for number in range(seconds * 10):
        grey = np.full((size[1], size[0], 3), number * 10, dtype=np.uint8)
        writer.write_picture(grey, number / 10)
    writer.write_sound(tone(seconds * rate_hz, rate_hz))
    writer.close()
    writer.close()


@pytest.mark.parametrize("rate_hz", [8000, 16_000, 44_100, 13_000])
def test_picture_and_sound_come_out_as_long_as_they_went_in(tmp_path, rate_hz):
    write(tmp_path / "o.mp4", rate_hz)
    pictures, sound, read_hz = read(tmp_path / "o.mp4")
    assert [round(time, 3) for time, _ in pictures] == [number / 10 for number in range(20)]
    assert pictures[13][1].mean() == pytest.approx(130, abs=4)
    assert read_hz >= rate_hz
    assert sound.shape[0] == 2
    assert sound.shape[1] / read_hz == pytest.approx(2.0, abs=0.15)


def test_the_sound_is_not_moved_against_the_picture(tmp_path):
    writer = OverlayWriter(tmp_path / "o.mp4", 320, 180, 44_100)
    sound = np.zeros((2, 44_100), dtype=np.float32)
    sound[:, 22_050:] = tone(22_050, 44_100)
    writer.write_sound(sound)
    for number in range(30):
        level = 255 if number >= 15 else 0
        writer.write_picture(np.full((180, 320, 3), level, dtype=np.uint8), number / 30)
    writer.close()
    pictures, heard, rate_hz = read(tmp_path / "o.mp4")
    first_light_s = next(time for time, picture in pictures if picture.mean() > 128)
    first_sound_s = np.argmax(np.abs(heard[0]) > 0.1) / rate_hz
    assert first_light_s == pytest.approx(0.5, abs=0.001)
    assert first_sound_s == pytest.approx(0.5, abs=0.01)


def test_killed_without_warning_it_is_playable_up_to_the_last_second(tmp_path):
    path = tmp_path / "killed.mp4"
    program = (
        "import os, signal, sys, pathlib, numpy as np\n"
        "from realtime.sinks.overlay import OverlayWriter\n"
        "writer = OverlayWriter(pathlib.Path(sys.argv[1]), 320, 180, 16000)\n"
        "for number in range(50):\n"
        "    writer.write_picture(np.full((180, 320, 3), number, np.uint8), number / 10)\n"
        "    writer.write_sound(np.full((2, 1600), 0.1, np.float32))\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    subprocess.run([sys.executable, "-c", program, str(path)], timeout=60, check=False)
    pictures, sound, rate_hz = read(path)
    assert pictures[-1][0] >= 3.5
    assert sound.shape[1] / rate_hz >= 3.5


@pytest.mark.parametrize(
    ("size", "expected"),
    [
        ((1920, 1080), (640, 360)),
        ((1080, 1920), (360, 640)),
        ((641, 481), (640, 480)),
        ((16, 16), (320, 320)),
        ((101, 57), (320, 182)),
        ((2000, 10), (640, 180)),
        ((10, 2000), (320, 640)),
        ((1, 1), (320, 320)),
    ],
)
def test_movies_have_even_sizes_that_players_take(size, expected):
    assert movie_size(*size) == expected
    assert framed(np.ones((size[1], size[0], 3), np.uint8), *expected).shape == (
        expected[1],
        expected[0],
        3,
    )


def test_a_picture_of_another_shape_is_framed_in_black():
    shown = framed(np.full((100, 100, 3), 200, np.uint8), 320, 180)
    assert shown[:, :60].max() == 0
    assert shown[:, 100:220].min() == 200


def test_a_path_that_cannot_be_written_says_so(tmp_path):
    with pytest.raises(DeviceError, match=r"o\.mp4"):
        OverlayWriter(tmp_path / "nowhere" / "o.mp4", 320, 180, 16_000)


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="needs /dev/full")
def test_a_full_disk_says_so():
    writer = OverlayWriter(Path("/dev/full"), 320, 180, 16_000)
    writer.write_sound(tone(64_000, 16_000))
    with pytest.raises(DeviceError, match="/dev/full"):
        for number in range(100):
            writer.write_picture(np.full((180, 320, 3), number, np.uint8), float(number))


def hot(column):
    return [(row, column) for row in range(8)]


def redness(picture):
    """Where it glows: the column (of 8) with the most red over blue."""
    red = picture[..., 2].astype(int) - picture[..., 0]
    return int(red.mean(axis=0).reshape(8, -1).mean(axis=1).argmax())


def test_every_picture_gets_the_scene_of_its_time(tmp_path):
    track = OverlayTrack(tmp_path / "o.mp4", centred)
    # The scenes come late, as they do: first everything is seen, then it is known what it was.
    for number in range(30):
        track.add_frame(frame(number))
    assert track.waiting_frames == 30
    track.add_streams(streams(np.full((1, RATE_HZ), 0.1)))
    for place, capture_ns in ((1, 0), (6, NS_PER_S // 2)):
        track.add_scene(scene(objects=[], hot=hot(place), capture_ns=capture_ns))
    assert track.waiting_frames == 15
    track.end_scenes()
    assert track.waiting_frames == 0
    track.close()
    pictures, sound, rate_hz = read(tmp_path / "o.mp4")
    assert len(pictures) == 30
    assert {redness(picture) for time, picture in pictures if time < 0.49} == {1}
    assert {redness(picture) for time, picture in pictures if time > 0.51} == {6}
    assert sound.shape[1] / rate_hz == pytest.approx(1.0, abs=0.15)


def test_what_waits_is_bounded_also_when_no_scene_ever_comes(tmp_path):
    track = OverlayTrack(tmp_path / "o.mp4", centred)
    for number in range(MOST_WAITING_FRAMES + 20):
        track.add_frame(frame(number, 16, 16))
    assert track.waiting_frames == MOST_WAITING_FRAMES
    track.add_streams(streams(np.zeros((1, 100))))
    track.add_frame(frame(MOST_WAITING_FRAMES + 20, 16, 16))
    assert track.waiting_frames == MOST_WAITING_FRAMES


def test_pictures_from_before_the_sound_are_left_out_but_the_last(tmp_path):
    track = OverlayTrack(tmp_path / "o.mp4", centred)
    track.add_streams(streams(np.full((1, RATE_HZ), 0.1), capture_ns=NS_PER_S // 2))
    for number in range(30):
        track.add_frame(frame(number, grey=100 if number <= 15 else 200))
    track.close()
    pictures, _, _ = read(tmp_path / "o.mp4")
    assert pictures[0][0] == 0.0
    assert pictures[0][1].mean() == pytest.approx(100, abs=4)
    assert len(pictures) == 15


def test_sound_without_any_picture_still_makes_a_movie(tmp_path):
    track = OverlayTrack(tmp_path / "o.mp4", centred)
    for second in range(12):
        track.add_streams(streams(np.full((1, RATE_HZ), 0.1), second * RATE_HZ))
    track.close()
    pictures, sound, rate_hz = read(tmp_path / "o.mp4")
    assert len(pictures) == 1
    assert sound.shape[1] / rate_hz == pytest.approx(12.0, abs=0.15)


def test_nothing_at_all_makes_no_movie(tmp_path):
    OverlayTrack(tmp_path / "o.mp4", centred).close()
    assert not (tmp_path / "o.mp4").exists()


def test_the_sound_has_the_gains_applied(tmp_path):
    track = OverlayTrack(tmp_path / "o.mp4", centred)
    rows = np.stack([tone(RATE_HZ, RATE_HZ, 440.0)[0], tone(RATE_HZ, RATE_HZ, 1000.0)[0]])
    track.add_scene(scene([scene_object()]))
    track.add_frame(frame(0))
    track.add_streams(streams(rows, gains=[0.0, 1.0]))
    track.close()
    _, sound, rate_hz = read(tmp_path / "o.mp4")
    spectrum = np.abs(np.fft.rfft(sound[0][: rate_hz // 2]))
    assert spectrum[500] > 30 * spectrum[220]
