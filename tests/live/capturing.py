"""A browser with a camera and a microphone that play files: the built-in duet, seen and heard."""

from __future__ import annotations

import wave
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import soxr
from playwright.sync_api import Page

from pixelplayer.band import demo_scene
from realtime.picture import to_jpeg
from tests.live.browser import open_browser

RATE_HZ = 48_000
PICTURES_PER_S = 20
PICTURES_S = 4.0
PIECE_S = 0.5  # that are compared
USUAL = ("--no-sandbox", "--autoplay-policy=no-user-gesture-required")
BUTTON = "Use this camera and microphone"
IS_ON = "document.getElementById('capture').dataset.state === 'on'"
SHOWN = "+document.getElementById('view').dataset.captureMs > 0"


class Film:
    """The duet as files that Chromium's fake devices play, over and over."""

    def __init__(self, folder: Path) -> None:
        scene = demo_scene(RATE_HZ)
        self.samples = scene.mixture.astype(np.float32)
        self.sound, self.pictures = folder / "duet.wav", folder / "duet.mjpeg"
        write_wav(self.sound, self.samples)
        frames = range(round(PICTURES_S * PICTURES_PER_S))
        jpegs = [to_jpeg(scene.frame(one / PICTURES_PER_S, 360, 640), 90) for one in frames]
        self.pictures.write_bytes(b"".join(jpegs))

    @property
    def options(self) -> tuple[str, ...]:
        return (
            *USUAL,
            "--use-fake-ui-for-media-stream",
            "--use-fake-device-for-media-stream",
            f"--use-file-for-fake-video-capture={self.pictures}",
            f"--use-file-for-fake-audio-capture={self.sound}",
        )

    def like_db(self, heard: np.ndarray, rate_hz: int) -> list[float]:
        """Signal against what differs, of each piece where it fits the file best; -inf: silence."""
        whole = soxr.resample(self.samples, RATE_HZ, rate_hz)
        length = round(PIECE_S * rate_hz)
        starts = range(0, len(heard) - length, length)
        return [_like_db(heard[start : start + length], whole) for start in starts]


def _like_db(piece: np.ndarray, whole: np.ndarray) -> float:
    if not np.any(piece):
        return -np.inf
    size = len(whole) + len(piece)
    spectra = np.fft.rfft(whole, size) * np.fft.rfft(piece, size).conj()
    place = int(np.argmax(np.fft.irfft(spectra, size)[: len(whole) - len(piece)]))
    meant = whole[place : place + len(piece)]
    off = piece - meant * float(piece @ meant) / float(meant @ meant)
    return float(10 * np.log10(np.sum(piece**2) / max(float(np.sum(off**2)), 1e-12)))


def write_wav(path: Path, samples: np.ndarray) -> None:

    with wave.open(str(path), "wb") as file:
        file.setnchannels(1)
        file.setsampwidth(2)
        file.setframerate(RATE_HZ)
        file.writeframes(np.round(samples * 32767).astype("<i2").tobytes())


@contextmanager
def capturing(film: Film, url: str) -> Iterator[Page]:
    """A browser that has pressed the button."""
    with open_browser(options=film.options) as page:
        page.goto(url)
        page.get_by_role("button", name=BUTTON).click()
        yield page
