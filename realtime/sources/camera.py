"""A camera or a network stream as a source."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from realtime.clock import Clock
from realtime.device_desk import DeviceDesk
from realtime.device_life import DeviceLife
from realtime.errors import DeviceError
from realtime.messages import VideoFrame
from realtime.picture import Capture, CaptureError, resized
from realtime.sources.camera_address import (
    CameraAddress,
    camera_address,
    is_network_camera,
    same_camera,
    shown_name,
    without_password,
)
from realtime.sources.camera_stream import CameraStream, Pictures
from realtime.sources.devices import Camera, camera_names, list_cameras
from realtime.sources.pacing import LONGEST_WAIT_S
from realtime.sources.size import LONGEST_SIDE_PX, reduced
from realtime.stage import Inputs, Outputs, State

TIMEOUT_MS = 5_000  # for a network's camera: a thread that nobody waits for any more ends then
CLOSE_TIMEOUT_S = 2.0


def open_address(address: CameraAddress) -> Pictures:
    """Open what is there.

    Raises:
        CaptureError: it does not open.
    """
    return Capture(address.wanted, address.backend, TIMEOUT_MS)


class CameraDevice:
    """The camera that ``--video`` names, opened again by the name of what it meant at first."""

    def __init__(
        self,
        uri: str | None,
        connect: Callable[[CameraAddress], Pictures] = open_address,
        cameras: Callable[[], tuple[Camera, ...]] = list_cameras,
    ) -> None:
        self._uri = uri
        self._connect = connect
        self._cameras = cameras
        self._known: Camera | None = None  # where it is one that the system lists
        self._name = ""

    def open(self) -> tuple[str, Pictures]:
        """Its name, and its pictures.

        Raises:
            DeviceError: it is not there, or it does not open.
        """
        cameras = self._cameras()
        if self._known is None:
            address = camera_address(self._uri, cameras)
            self._name = shown_name(address, cameras)
        else:
            address = same_camera(self._known, self._known.uri, cameras)
        try:
            pictures = self._connect(address)
        except CaptureError as error:
            raise DeviceError(
                f"camera '{self._name}': {error}; {_remedy(address)}, or try: "
                "python run_live.py --demo"
            ) from None
        if address.backend == "v4l2":
            listed = [camera for camera in cameras if camera.number == address.wanted]
            self._known = listed[0] if listed else None
        return self._name, pictures

    def close(self) -> None:
        """It looks only while it is asked to."""


def named_camera(
    name: str, given: str | None, cameras: Callable[[], tuple[Camera, ...]] = list_cameras
) -> CameraDevice:
    """The camera that is shown as ``name``: one of the system's, or the one of the start."""
    numbers = {shown: number for number, shown in camera_names(cameras()).items()}
    if name in numbers:
        return CameraDevice(str(numbers[name]))
    is_given = given is not None and is_network_camera(given) and without_password(given) == name
    return CameraDevice(given if is_given else name)


def _remedy(address: CameraAddress) -> str:
    if address.backend == "gstreamer":
        return "use the system's OpenCV (sudo apt-get install python3-opencv; see docs/jetson.md)"
    if address.backend == "ffmpeg":
        return "see whether a media player shows it"
    return "close other programs that use it, see: python run_live.py --list-devices"


class CameraSource:
    """Emits the newest :class:`VideoFrame` on ``video``; older ones that nobody took are counted.

    When the camera goes, or says nothing more, it is looked for by its name; meanwhile nothing is
    emitted, and nobody waits for it.
    """

    def __init__(
        self,
        device: CameraDevice,
        *,
        stream: str,
        clock: Clock,
        longest_side_px: int = LONGEST_SIDE_PX,
        other: Callable[[str], CameraDevice] | None = None,
    ) -> None:
        """``other`` finds another by its name, where it may be exchanged while the run goes on."""
        self._stream = stream
        self._clock = clock
        self._longest_side_px = longest_side_px
        self._life = DeviceLife("camera", lambda: self._connect(device))
        self._desk = DeviceDesk("camera", stream, other)
        self._camera: CameraStream | None = None
        self._taken = 0  # of this camera's pictures
        self._sequence = 0
        self._passed = 0

    def _connect(self, device: CameraDevice) -> CameraStream:
        name, pictures = device.open()
        return CameraStream(name, pictures, self._clock)

    def open(self) -> None:
        """Open the camera.

        Raises:
            DeviceError: there is none, or it does not open.
        """
        self._camera = self._life.begin()

    def step(self, now_ns: int, inputs: Inputs) -> Outputs:
        """The newest picture, if there is a new one within 20 ms."""
        self._desk.obey(now_ns, inputs, self._life, self._connect)
        told = self._desk.told(now_ns, self._life)
        return [*self._newest(now_ns), *told]

    def _newest(self, now_ns: int) -> Outputs:
        found = self._life.poll(now_ns)
        if found is not None and found is not self._camera:
            self._camera, self._taken = found, 0
        if found is None or self._camera is None:
            self._clock.sleep_s(LONGEST_WAIT_S)
            return ()
        newest = self._camera.wait(LONGEST_WAIT_S)
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

    def state(self) -> State:
        """Which device was chosen."""
        return {"device": self._desk.state(self._life)}

    def resume(self, state: State) -> None:
        """Exchange the device of the start for that one."""
        self._desk.resume(state["device"])

    @property
    def finished(self) -> bool:
        """A camera has no end of its own."""
        return False

    def close(self) -> None:
        """Give the camera back; one that does not answer is left to its own time-out."""
        self._life.close()
        if self._camera is not None:
            self._camera.join(CLOSE_TIMEOUT_S)

    def stats(self) -> Mapping[str, float]:
        """How the camera is doing."""
        return {**self._life.stats(), "passed_pictures": self._passed}
