"""A camera or a network stream as a source."""

from __future__ import annotations

import threading
from collections.abc import Callable, Mapping
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from realtime.clock import Clock
from realtime.errors import DeviceError
from realtime.messages import VideoFrame
from realtime.picture import Capture, CaptureError, resized
from realtime.sources.camera_address import CameraAddress, camera_address
from realtime.sources.devices import list_cameras
from realtime.sources.pacing import LONGEST_WAIT_S
from realtime.sources.size import LONGEST_SIDE_PX, reduced
from realtime.stage import Inputs, Outputs

TIMEOUT_MS = 5_000  # a network camera that is silent for so long has gone
FIRST_RETRY_S = 0.25
LAST_RETRY_S = 2.0  # the back-off doubles up to here
CLOSE_TIMEOUT_S = 2.0


class Pictures(Protocol):
    """An open camera: :class:`~realtime.picture.Capture` or a double."""

    def grab(self) -> bool:
        """Wait for the next picture; False when none comes any more."""

    def retrieve(self) -> NDArray[np.uint8] | None:
        """The picture that was grabbed."""

    def close(self) -> None:
        """Give the camera back."""


def open_camera(uri: str | None) -> Pictures:
    """The camera that ``--video`` names.

    Raises:
        DeviceError: there is none, or it does not open.
    """
    address = camera_address(uri, list_cameras())
    try:
        return Capture(address.wanted, address.backend, TIMEOUT_MS)
    except CaptureError as error:
        raise DeviceError(
            f"camera '{address.uri}': {error}; {_remedy(address)}, or try: "
            "python run_live.py --demo"
        ) from None


def _remedy(address: CameraAddress) -> str:
    if address.backend == "gstreamer":
        return "use the system's OpenCV (sudo apt-get install python3-opencv; see docs/jetson.md)"
    if address.backend == "ffmpeg":
        return "see whether a media player shows it"
    return "close other programs that use it, see: python run_live.py --list-devices"


class _Newest(NamedTuple):
    number: int  # of the picture, from 1
    capture_ns: int
    pixels: NDArray[np.uint8] | None


class CameraSource:
    """Emits the newest :class:`VideoFrame` on ``video``; older ones that nobody took are counted.

    A thread keeps reading the camera, because what is not read grows old inside the drivers. When
    the camera goes, the thread tries to find it again, at growing intervals; meanwhile nothing is
    emitted.
    """

    def __init__(
        self,
        uri: str | None,
        *,
        stream: str,
        clock: Clock,
        connect: Callable[[str | None], Pictures] = open_camera,
        longest_side_px: int = LONGEST_SIDE_PX,
    ) -> None:
        self._uri = uri
        self._stream = stream
        self._clock = clock
        self._connect = connect
        self._longest_side_px = longest_side_px
        self._thread: threading.Thread | None = None
        self._fresh = threading.Event()
        self._closing = threading.Event()
        # Replaced as a whole by the thread, so that a reader sees one picture or the other.
        self._newest = _Newest(0, 0, None)
        self._taken = 0
        self._sequence = 0
        self._passed = 0
        self._losses = 0
        self._connected = False

    def open(self) -> None:
        """Open the camera.

        Raises:
            DeviceError: there is none, or it does not open.
        """
        camera = self._connect(self._uri)
        self._connected = True
        self._thread = threading.Thread(
            target=self._drain, args=(camera,), name="camera", daemon=True
        )
        self._thread.start()

    def _drain(self, camera: Pictures) -> None:
        while not self._closing.is_set():
            if camera.grab():
                self._keep(camera)
                continue
            camera.close()
            self._connected = False
            self._losses += 1
            found = self._find_again()
            if found is None:
                return
            camera = found
            self._connected = True
        camera.close()

    def _keep(self, camera: Pictures) -> None:
        capture_ns = self._clock.now_ns()
        pixels = camera.retrieve()
        if pixels is not None:
            self._newest = _Newest(self._newest.number + 1, capture_ns, pixels)
            self._fresh.set()

    def _find_again(self) -> Pictures | None:
        wait_s = FIRST_RETRY_S
        while not self._closing.wait(wait_s):
            try:
                return self._connect(self._uri)
            except DeviceError:
                wait_s = min(2 * wait_s, LAST_RETRY_S)
        return None

    def step(self, now_ns: int, inputs: Inputs) -> Outputs:
        """The newest picture, if there is a new one within 20 ms."""
        if not self._fresh.wait(LONGEST_WAIT_S):
            return ()
        self._fresh.clear()
        newest = self._newest
        if newest.number == self._taken or newest.pixels is None:
            return ()
        if self._taken:
            self._passed += newest.number - self._taken - 1
        self._taken = newest.number
        height, width = newest.pixels.shape[:2]
        size = reduced(width, height, self._longest_side_px)
        frame = VideoFrame(
            stream=self._stream,
            sequence=self._sequence,
            capture_ns=newest.capture_ns,
            pixels=resized(newest.pixels, *size),
        )
        self._sequence += 1
        return [("video", frame)]

    @property
    def finished(self) -> bool:
        """A camera has no end of its own."""
        return False

    def close(self) -> None:
        """Give the camera back; one that does not answer is left to its own time-out."""
        self._closing.set()
        if self._thread is not None:
            self._thread.join(CLOSE_TIMEOUT_S)

    def stats(self) -> Mapping[str, float]:
        """How the camera is doing."""
        return {
            "connected": float(self._connected),
            "camera_losses": self._losses,
            "passed_pictures": self._passed,
        }
