"""What the window and the web viewer share: which picture is due, and what is drawn. Pure."""

from __future__ import annotations

from collections import deque
from collections.abc import Mapping
from dataclasses import replace
from types import MappingProxyType

from realtime.clock import NS_PER_MS
from realtime.desk import NETWORKS, Present, Recording
from realtime.messages import RESIDUAL_ID, End, Message, Scene, SceneObject, Stats, VideoFrame
from realtime.picture import Picture
from realtime.sinks.console import Console
from realtime.sinks.hud import Hud, HudTracker
from realtime.sinks.layout import Layout
from realtime.sinks.render import draw_view
from realtime.sinks.views import View, Views
from realtime.spectra import PixelSpectra
from realtime.stage import Inputs

MOST_WAITING_FRAMES = 32  # a second of video; then the oldest is left out
MOST_SCENES = 16
MOST_WAITING_SPECTRA = 64
PATIENCE_NS = 100 * NS_PER_MS  # so long what is no frame waits for the next one to be drawn with
_FOLLOW = 0.2  # of a change of the delay with every report: pictures do not jump with the sound
_DATA_TOPICS = frozenset({"video", "scene"})


class Viewer:
    """Collects frames, scenes and numbers; shows each frame when its sound is heard."""

    def __init__(self, engines: Mapping[str, str]) -> None:
        """`engines` maps each network to backend/precision."""
        self._hud = HudTracker(engines)
        self._waiting: deque[VideoFrame] = deque(maxlen=MOST_WAITING_FRAMES)
        self._scenes: deque[Scene] = deque(maxlen=MOST_SCENES)
        self._spectra: deque[PixelSpectra] = deque(maxlen=MOST_WAITING_SPECTRA)
        self._views = Views()
        self._shown: VideoFrame | None = None
        self._delay_ms = 0.0
        self._is_outdated = False  # something came that is not drawn yet
        self._outdated_ns: int | None = None  # since then
        self._ended: set[str] = set()
        self.console = Console()

    def take(self, inputs: Inputs) -> None:
        """Take what has arrived."""
        for messages in inputs.values():
            for message in messages:
                self._take(message)

    def turn(self, now_ns: int) -> bool:
        """Go on to the frame that is due at `now_ns`; True when all is to be drawn anew.

        That is with every new frame. To draw costs as much for a word as for a frame, and many
        more words come: they wait for the next frame, if there is one.
        """
        due_ns = self.due_ns(now_ns)
        is_new = False
        while self._spectra and self._spectra[0].capture_ns <= due_ns:
            self._views.feed(self._spectra.popleft())
        while self._waiting and self._waiting[0].capture_ns <= due_ns:
            self._shown = self._waiting.popleft()
            is_new = True
        if is_new and self._shown is not None:
            self._hud.add_shown(now_ns, self._shown.capture_ns)
        if self._is_outdated and self._outdated_ns is None:
            self._outdated_ns = now_ns
        is_old = self._outdated_ns is not None and now_ns - self._outdated_ns >= PATIENCE_NS
        if is_new or is_old:
            self._is_outdated, self._outdated_ns = False, None
        return is_new or is_old

    def due_ns(self, now_ns: int) -> int:
        """The instant of capture that is heard at `now_ns`."""
        return now_ns - round(self._delay_ms * NS_PER_MS)

    def stats(self) -> Mapping[str, float]:
        """How picture and sound fit together; empty until it is known."""
        early_ms = self._hud.sound_early_ms
        return {} if early_ms is None else {"sound_early_ms": early_ms}

    @property
    def ended(self) -> bool:
        """True when neither pictures nor scenes will follow."""
        return self._ended >= _DATA_TOPICS

    @property
    def shown(self) -> VideoFrame | None:
        """The frame on show; None before the first."""
        return self._shown

    @property
    def hud(self) -> Hud:
        """What is known of delays and rates."""
        return self._hud.hud

    @property
    def picture_size(self) -> tuple[int, int] | None:
        """Width and height of the frame on show; None before the first."""
        if self._shown is None:
            return None
        height, width = self._shown.pixels.shape[:2]
        return width, height

    @property
    def scene(self) -> Scene | None:
        """The scene that belongs to the frame on show: the newest that is not later."""
        if not self._scenes:
            return None
        if self._shown is None:
            return self._scenes[-1]
        capture_ns = self._shown.capture_ns
        earlier = (scene for scene in reversed(self._scenes) if scene.capture_ns <= capture_ns)
        return next(earlier, self._scenes[0])

    @property
    def newest_scene(self) -> Scene | None:
        """What the separator last said, for gains and mutes."""
        return self._scenes[-1] if self._scenes else None

    @property
    def lookahead_ms(self) -> float | None:
        """How far ahead is heard, as last told."""
        return self._hud.value("hearing", "lookahead_ms")

    def draw(
        self,
        layout: Layout,
        selected: int | None,
        view: View,
        set_gains: Mapping[int, float] = MappingProxyType({}),
    ) -> Picture:
        """The whole viewer as it is now, BGR, of the layout's size.

        `set_gains` are shown at once: a scene comes with its sound, too late for a hand at a fader.
        """
        pixels = None if self._shown is None else self._shown.pixels
        return draw_view(
            pixels,
            self.scene and with_set_gains(self.scene, set_gains),
            self._hud.hud,
            layout,
            selected,
            draw=lambda picture, _: self.picture(view, picture),
            caption="" if view == "objects" else view,
        )

    def picture(self, view: View, pixels: Picture) -> Picture:
        """The frame on show, of any size, as `view` shows it."""
        return self._views.draw(view, pixels, self.scene)

    def _take(self, message: Message) -> None:
        if isinstance(message, VideoFrame):
            self._hud.add_frame(message)
            self._waiting.append(message)
            return
        self._is_outdated = True
        if isinstance(message, Scene):
            self._scenes.append(message)
        elif isinstance(message, PixelSpectra):
            self._spectra.append(message)
        elif isinstance(message, Stats):
            self._hud.add_stats(message)
            latency_ms = self._hud.value("speaker", "latency_ms")
            if message.stage == "speaker" and latency_ms is not None:
                near = self._delay_ms + _FOLLOW * (latency_ms - self._delay_ms)
                self._delay_ms = near if self._delay_ms else latency_ms
        elif isinstance(message, Present | Recording):
            self.console.take(message)
            if isinstance(message, Present) and message.part in NETWORKS:
                self._hud.exchange_engine(message.part, message.name)
        elif isinstance(message, End):
            self._ended.add(message.topic)


def object_at(scene: Scene, x: float, y: float) -> int | None:
    """The object at a point of the picture (fractions): by its cells, else by its box."""
    rows, columns = scene.clusters.shape
    cell = int(scene.clusters[min(int(y * rows), rows - 1), min(int(x * columns), columns - 1)])
    if any(item.id == cell for item in scene.objects):
        return cell
    around = [item for item in scene.objects if _contains(item, x, y)]
    nearest = min(around, key=lambda item: _distance(item, x, y), default=None)
    return None if nearest is None else nearest.id


def set_gain_of(scene: Scene, object_id: int) -> float | None:
    """The gain of an object or of the residual (0) as it was set; None: there is no such object."""
    if object_id == RESIDUAL_ID:
        return scene.residual_set_gain
    return next((item.set_gain for item in scene.objects if item.id == object_id), None)


def with_set_gains(scene: Scene, set_gains: Mapping[int, float]) -> Scene:
    """The scene with other gains set, by object, as far as it has them."""
    if not set_gains:
        return scene
    objects = tuple(
        replace(item, set_gain=set_gains.get(item.id, item.set_gain)) for item in scene.objects
    )
    residual = set_gains.get(RESIDUAL_ID, scene.residual_set_gain)
    return replace(scene, objects=objects, residual_set_gain=residual)


def is_pinned(scene: Scene, object_id: int | None) -> bool:
    """Whether there is such an object, and it stays where it was put."""
    return any(item.id == object_id and item.is_pinned for item in scene.objects)


def _contains(item: SceneObject, x: float, y: float) -> bool:
    x0, y0, x1, y1 = item.box
    return x0 <= x <= x1 and y0 <= y <= y1


def _distance(item: SceneObject, x: float, y: float) -> float:
    return (item.centroid[0] - x) ** 2 + (item.centroid[1] - y) ** 2
