"""Pictures, through OpenCV; outside ``pixelplayer.band`` only this module imports it."""

from __future__ import annotations

import contextlib
import functools
import os
import threading
from collections.abc import Mapping, Sequence
from functools import cache
from types import MappingProxyType
from typing import Any, Literal, TypeAlias

import cv2
import numpy as np
from numpy.typing import NDArray

from realtime.mouse import MouseEvent, MouseKind

CaptureBackend: TypeAlias = Literal["any", "v4l2", "ffmpeg", "gstreamer"]
# Stages work side by side. Shared out among threads that wait for each other, a usual picture is
# done hardly sooner, and all stages together take a tenth more of the cores.
cv2.setNumThreads(1)

_BACKENDS = MappingProxyType(
    {
        "any": cv2.CAP_ANY,
        "v4l2": cv2.CAP_V4L2,
        "ffmpeg": cv2.CAP_FFMPEG,
        "gstreamer": cv2.CAP_GSTREAMER,
    }
)
_UNIT = np.arange(256, dtype=np.float32) / 255


def to_network(pixels_bgr: NDArray[np.uint8], size_px: tuple[int, int]) -> NDArray[np.float32]:
    """The whole picture in the size that the visual network sees.

    Args:
        pixels_bgr: ``(height, width, 3)`` uint8, any size from 1 x 1.
        size_px: height and width wanted.

    Returns:
        ``(1, 3, *size_px)`` float32, RGB in 0..1, contiguous.
    """
    planes = np.empty((1, 3, *size_px), np.float32)
    through(shrunk(pixels_bgr, size_px), np.tile(_UNIT, (3, 1)), planes)
    return planes


def shrunk(pixels_bgr: NDArray[np.uint8], size_px: tuple[int, int]) -> NDArray[np.uint8]:
    """The whole picture in another size, ``(*size_px, 3)``, as levels."""
    # Averaging over areas shows no false patterns where the picture shrinks; by halves it is quick.
    small = halved(pixels_bgr, size_px)
    shrinks = small.shape[0] >= size_px[0] and small.shape[1] >= size_px[1]
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(small, size_px[::-1], interpolation=method), np.uint8)


def halved(pixels_bgr: NDArray[np.uint8], size_px: tuple[int, int]) -> NDArray[np.uint8]:
    """The picture with half of its pixels a side, again and again, while it has ``size_px``."""
    small: NDArray[Any] = pixels_bgr
    while small.shape[0] >= 2 * size_px[0] and small.shape[1] >= 2 * size_px[1]:
        height, width = (pixels // 2 for pixels in small.shape[:2])
        small = cv2.resize(small, (width, height), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.uint8)


def through(
    pixels_bgr: NDArray[np.uint8], tables: NDArray[np.float32], out: NDArray[np.float32]
) -> None:
    """Write into ``out`` ``(1, 3, height, width)``, RGB, what ``tables`` (3, 256) say of levels."""
    for plane, table, levels in zip(out[0], tables, cv2.split(pixels_bgr)[::-1], strict=True):
        cv2.LUT(levels, table, dst=plane)


def mean_level(pixels: NDArray[np.uint8]) -> float:
    """Of all pixels and colours, 0..1."""
    return float(np.mean(cv2.mean(pixels)[: pixels.shape[2]])) / 255


class CaptureError(RuntimeError):
    """A camera cannot be opened; the message says why, as far as OpenCV tells."""


class Capture:
    """An open camera.

    ``wanted`` is the number of a device, the address of a network stream, or a GStreamer pipeline;
    ``backend`` says which of these. Opening and reading give up after ``timeout_ms`` where the
    backend can (network streams); V4L2 has its own limit of 10 s.

    Raises:
        CaptureError: it does not open, or this OpenCV lacks the backend.
    """

    def __init__(self, wanted: int | str, backend: CaptureBackend, timeout_ms: int) -> None:
        # OpenCV and FFmpeg would write their own remarks on the terminal; ours says it once.
        cv2.utils.logging.setLogLevel(cv2.utils.logging.LOG_LEVEL_SILENT)
        os.environ.setdefault("OPENCV_FFMPEG_LOGLEVEL", "-8")
        code = _BACKENDS[backend]
        if code != cv2.CAP_ANY and not cv2.videoio_registry.hasBackend(code):
            raise CaptureError(f"this OpenCV {cv2.__version__} is built without {backend}")
        limits = [cv2.CAP_PROP_OPEN_TIMEOUT_MSEC, timeout_ms]
        limits += [cv2.CAP_PROP_READ_TIMEOUT_MSEC, timeout_ms]
        self._capture = cv2.VideoCapture(wanted, code, limits if backend == "ffmpeg" else [])
        if not self._capture.isOpened():
            self._capture.release()
            raise CaptureError("it does not open")
        if backend == "v4l2":
            self._capture.set(cv2.CAP_PROP_BUFFERSIZE, 1)

    def grab(self) -> bool:
        """Wait for the next picture; False when none comes any more: open a new one then."""
        return bool(self._capture.grab())

    def retrieve(self) -> NDArray[np.uint8] | None:
        """The picture that was grabbed, (height, width, 3) BGR, or None when it is broken."""
        good, picture = self._capture.retrieve()
        return np.asarray(picture, np.uint8) if good and picture is not None else None

    def close(self) -> None:
        """Give the camera back."""
        self._capture.release()


# Drawing: what the sinks need to show a scene. Colours are (blue, green, red) in 0..255, places are
# pixels from the top left corner; everything draws into the array that it is given.

Colour: TypeAlias = tuple[int, int, int]
Picture: TypeAlias = NDArray[np.uint8]

REGULAR = 400
SEMIBOLD = 600
_ARC_STEPS = 7
_SHIFT = 4  # fractional bits of the places that OpenCV draws at
_OUTLINE_STEP_PX = 4
_OUTLINE_KERNEL = 9
_HERSHEY_HEIGHT_PX = 30.0  # of a capital and its descent at scale 1


def resized(picture: Picture, width: int, height: int) -> Picture:
    """The picture stretched to width x height; the same array where it has that size already."""
    if picture.shape[:2] == (height, width):
        return picture
    # Averaging over areas is slow, and worth it only where whole pixels would be skipped.
    shrinks = picture.shape[0] >= 2 * height and picture.shape[1] >= 2 * width
    method = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, (width, height), interpolation=method), np.uint8)


def smoothed(grid: NDArray[np.float32], width: int, height: int) -> NDArray[np.float32]:
    """A coarse (h, w) or (h, w, channels) float32 grid as a smooth one of height x width."""
    fine = cv2.resize(grid, (width, height), interpolation=cv2.INTER_CUBIC)
    return np.asarray(fine, np.float32)


def spread(grid: NDArray[np.float32], width: int, height: int) -> NDArray[np.float32]:
    """As `smoothed`, but never beyond the values next to a point: no fringes around edges."""
    fine = cv2.resize(grid, (width, height), interpolation=cv2.INTER_LINEAR)
    return np.asarray(fine, np.float32)


def greyed(picture: Picture, share: float) -> Picture:
    """The picture without its colours and with `share` of its light, as a new BGR array."""
    grey = cv2.cvtColor(picture, cv2.COLOR_BGR2GRAY)
    dim = cv2.convertScaleAbs(grey, alpha=share)
    return np.asarray(cv2.cvtColor(dim, cv2.COLOR_GRAY2BGR), np.uint8)


@cache
def heat_colours() -> Picture:
    """The 256 BGR colours of heat, dark to light in even steps of lightness; (256, 3)."""
    steps = np.arange(256, dtype=np.uint8)[:, None]
    colours = np.asarray(cv2.applyColorMap(steps, cv2.COLORMAP_INFERNO)[:, 0], np.uint8)
    colours.flags.writeable = False
    return colours


def in_colours(grey: NDArray[np.uint8]) -> Picture:
    """A grey picture ``(h, w)`` with its levels in all three colours."""
    return np.asarray(cv2.cvtColor(grey, cv2.COLOR_GRAY2BGR), np.uint8)


def blended(picture: Picture, light: Picture, keep: Picture) -> Picture:
    """picture * keep / 255 + light, as a new array; `light` and `keep` are (height, width, 3)."""
    dimmed = cv2.multiply(picture, keep, scale=1.0 / 255.0)
    return np.asarray(cv2.add(dimmed, light), np.uint8)


def to_yuv420(picture: Picture) -> Picture:
    """The picture, of even width and height, as video codecs take it.

    Levels as in BT.601; ``(3 height / 2, width)``: Y, then U and V at half the size.
    """
    return np.asarray(cv2.cvtColor(picture, cv2.COLOR_BGR2YUV_I420), np.uint8)


def text_width(text: str, size_px: int, weight: int = REGULAR) -> int:
    """How wide `text` will be, in pixels."""
    if hasattr(cv2, "FontFace"):
        box = cv2.getTextSize((0, 0), text, (0, 0), _font(threading.get_ident()), size_px, weight)
        return int(box[2])
    scale, thickness = _hershey(size_px, weight)
    return int(cv2.getTextSize(text, cv2.FONT_HERSHEY_SIMPLEX, scale, thickness)[0][0])


def draw_text(
    picture: Picture,
    text: str,
    place: tuple[int, int],
    size_px: int,
    colour: Colour,
    *,
    weight: int = REGULAR,
) -> None:
    """Write ASCII `text` with its left end and baseline at `place`."""
    if hasattr(cv2, "FontFace"):
        cv2.putText(picture, text, place, colour, _font(threading.get_ident()), size_px, weight)
        return
    scale, thickness = _hershey(size_px, weight)
    font = cv2.FONT_HERSHEY_SIMPLEX
    cv2.putText(picture, text, place, font, scale, colour, thickness, cv2.LINE_AA)


def fill_box(
    picture: Picture, box: tuple[int, int, int, int], colour: Colour, radius_px: int = 0
) -> None:
    """Fill [x0, x1) x [y0, y1), with round corners."""
    x0, y0, x1, y1 = box
    if x1 <= x0 or y1 <= y0:
        return
    if radius_px <= 0:
        cv2.rectangle(picture, (x0, y0), (x1 - 1, y1 - 1), colour, cv2.FILLED)
        return
    points = _fixed_point(rounded_box(box, radius_px))
    cv2.fillPoly(picture, [points], colour, cv2.LINE_AA, _SHIFT)


def rounded_box(box: tuple[int, int, int, int], radius_px: int) -> NDArray[np.float64]:
    """The corner points (n, 2) of a box with round corners."""
    left, top, right, bottom = box[0], box[1], box[2] - 1, box[3] - 1
    radius = max(0.0, min(float(radius_px), (right - left) / 2, (bottom - top) / 2))
    angles = np.linspace(0.0, np.pi / 2, _ARC_STEPS)
    arc = radius * np.stack([np.cos(angles), np.sin(angles)], axis=1)
    turn = np.array([[0.0, 1.0], [-1.0, 0.0]])
    points = []
    for corner in (
        (right - radius, bottom - radius),
        (left + radius, bottom - radius),
        (left + radius, top + radius),
        (right - radius, top + radius),
    ):
        points.append(arc + corner)
        arc = arc @ turn
    return np.concatenate(points)


def outlines(field: NDArray[np.float32], width: int, height: int) -> list[NDArray[np.float64]]:
    """Where a coarse (h, w) field, laid over a picture, crosses 0.5: smooth closed paths (n, 2)."""
    shape = (max(height // _OUTLINE_STEP_PX, 1), max(width // _OUTLINE_STEP_PX, 1))
    inside = (smoothed(field, shape[1], shape[0]) > 0.5).astype(np.uint8)
    contours = cv2.findContours(inside, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[-2]
    scale = np.array([width / shape[1], height / shape[0]])
    paths = [(contour[:, 0] + 0.5) * scale for contour in contours]
    return [_rounded_off(path) if len(path) > _OUTLINE_KERNEL else path for path in paths]


def draw_paths(
    picture: Picture, paths: Sequence[NDArray[np.float64]], colour: Colour, thickness_px: float
) -> None:
    """Closed lines through the points (n, 2) of each path."""
    points = [_fixed_point(path) for path in paths]
    thickness = max(1, round(thickness_px))
    cv2.polylines(picture, points, True, colour, thickness, cv2.LINE_AA, _SHIFT)


def to_jpeg(picture: Picture, quality: int) -> bytes:
    """The picture as a JPEG file; quality 1..100."""
    _, data = cv2.imencode(".jpg", picture, [cv2.IMWRITE_JPEG_QUALITY, quality])
    return bytes(data)


def from_jpeg(data: bytes) -> Picture:
    """The picture of a file that `to_jpeg` made; (0, 0, 3) where it is none."""
    found = cv2.imdecode(np.frombuffer(data, np.uint8), cv2.IMREAD_COLOR) if data else None
    return np.zeros((0, 0, 3), np.uint8) if found is None else np.asarray(found, np.uint8)


def jpeg_size(data: bytes) -> tuple[int, int]:
    """Height and width that a JPEG file says it has, before anything is made of that size.

    (0, 0) where it is none. A file is a chain of segments up to the one with the frame's size
    (ITU-T T.81, annex B).
    """
    place = 2
    while data[:2] == b"\xff\xd8" and place + 9 <= len(data) and data[place] == 0xFF:
        kind, length = data[place + 1], int.from_bytes(data[place + 2 : place + 4], "big")
        if 0xC0 <= kind <= 0xCF and kind not in (0xC4, 0xC8, 0xCC):
            height = int.from_bytes(data[place + 5 : place + 7], "big")
            return height, int.from_bytes(data[place + 7 : place + 9], "big")
        place += 2 + max(length, 2)
    return 0, 0


@functools.lru_cache(maxsize=16)
def _font(thread: int) -> Any:
    """A font of each thread's own: one remembers the weight that it was last used with."""
    return cv2.FontFace("sans")


def _hershey(size_px: int, weight: int) -> tuple[float, int]:
    """Scale and thickness of the line font that older OpenCV has instead of real ones."""
    return size_px / _HERSHEY_HEIGHT_PX, 2 if weight >= SEMIBOLD and size_px >= 16 else 1


def _fixed_point(points: NDArray[np.float64]) -> NDArray[np.int32]:
    """Points (n, 2) as OpenCV takes them with fractions of a pixel: (n, 1, 2)."""
    return np.round(points * (1 << _SHIFT)).astype(np.int32)[:, None]


def _rounded_off(points: NDArray[np.float64]) -> NDArray[np.float64]:
    """A closed path without the stairs of the pixels that it was found on."""
    kernel = np.hanning(_OUTLINE_KERNEL + 2)[1:-1]
    kernel /= kernel.sum()
    around = _OUTLINE_KERNEL // 2
    padded = np.concatenate([points[-around:], points, points[:around]])
    smooth = [np.convolve(padded[:, axis], kernel, mode="valid") for axis in (0, 1)]
    return np.stack(smooth, axis=1)[::2]


# The second press of a quick pair is another event, before the usual one or in its place.
_MOUSE: Mapping[int, MouseKind] = MappingProxyType(
    {
        cv2.EVENT_LBUTTONDOWN: "press",
        cv2.EVENT_LBUTTONDBLCLK: "press",
        cv2.EVENT_LBUTTONUP: "release",
        cv2.EVENT_RBUTTONUP: "right",
        cv2.EVENT_MOUSEMOVE: "move",
        cv2.EVENT_MOUSEWHEEL: "wheel",
    }
)
_WHEEL_SHIFT, _WHEEL_NOTCH = 16, 120  # how a turn of the wheel is told in an event's flags


class ViewWindow:
    """A resizable window. All calls come from one thread, on macOS the main one.

    OpenCV ends the whole process where it finds no display: see that there is one before.
    """

    def __init__(self, title: str, width: int, height: int) -> None:
        """Open it with room for a picture of width x height.

        Raises:
            OSError: this build of OpenCV cannot show windows.
        """
        self._title = title
        self._events: list[MouseEvent] = []
        self._pointer = (-1, -1)
        os.environ.setdefault("QT_LOGGING_RULES", "default.warning=false")  # it misses its fonts
        try:
            cv2.namedWindow(title, cv2.WINDOW_NORMAL | cv2.WINDOW_FREERATIO | cv2.WINDOW_GUI_NORMAL)
            cv2.resizeWindow(title, width, height)
            cv2.setMouseCallback(title, self._mouse)
        except cv2.error as error:
            raise OSError(str(error)) from error

    @property
    def size(self) -> tuple[int, int] | None:
        """Width and height of the room for the picture; None when they are not known."""
        _, _, width, height = cv2.getWindowImageRect(self._title)
        return (width, height) if width > 0 and height > 0 else None

    @property
    def is_open(self) -> bool:
        """False once the user has closed it."""
        try:
            return bool(cv2.getWindowProperty(self._title, cv2.WND_PROP_VISIBLE) >= 1.0)
        except cv2.error:
            return False

    @property
    def pointer(self) -> tuple[int, int]:
        """Where the mouse was last seen, in pixels of the picture shown."""
        return self._pointer

    def show(self, picture: Picture) -> None:
        """Show a BGR picture, stretched to the window."""
        cv2.imshow(self._title, picture)

    def take_key(self) -> int:
        """Let the window live for a moment; the key pressed, as OpenCV numbers it, or -1."""
        return int(cv2.waitKeyEx(1))

    def take_mouse(self) -> list[MouseEvent]:
        """What the mouse did since the last call."""
        events, self._events = self._events, []
        return events

    def close(self) -> None:
        """Take it off the screen."""
        with contextlib.suppress(cv2.error):
            cv2.destroyWindow(self._title)
            cv2.waitKey(1)

    def _mouse(self, event: int, x: int, y: int, flags: int, data: object) -> None:
        self._pointer = (x, y)
        kind = _MOUSE.get(event)
        if kind is None:
            return
        one = MouseEvent(
            kind,
            x,
            y,
            is_held=bool(flags & cv2.EVENT_FLAG_LBUTTON),
            is_shifted=bool(flags & cv2.EVENT_FLAG_SHIFTKEY),
            steps=(flags >> _WHEEL_SHIFT) / _WHEEL_NOTCH if kind == "wheel" else 0.0,
        )
        # A hand that moves says much; only where it has come to counts.
        if kind == "move" and self._events and self._events[-1].kind == "move":
            self._events.pop()
        self._events.append(one)
