"""Keys and gestures to what they ask for. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from realtime.clock import NS_PER_S
from realtime.messages import RESIDUAL_ID, Control, ControlKind, Scene
from realtime.sinks.hand import Gesture
from realtime.sinks.layout import Layout
from realtime.sinks.rows import fader_of, gain_at, in_db, in_linear, row_at
from realtime.sinks.viewer import is_pinned, object_at, set_gain_of
from realtime.sinks.views import VIEWS, View

GAIN_STEP_DB = 1.5
_MOST_STEPS = 8.0  # of the wheel at once

# The same key has another number on each window system: GTK and Qt, Windows, macOS.
UP_KEYS = frozenset({65362, 2490368, 63232})
DOWN_KEYS = frozenset({65364, 2621440, 63233})
_PLAIN: Mapping[str, ControlKind] = MappingProxyType(
    {"r": "unsolo", "\x1b": "unsolo", "t": "record", "q": "quit"}
)
_SCENE_LAG_NS = NS_PER_S  # after this the scene shows what a key did


@dataclass(slots=True)
class Commands:
    """Makes the controls of one viewer, and remembers what is selected."""

    stream: str
    positions_ms: Sequence[float] = ()  # of the dial, ascending; none: it cannot be turned
    selected: int | None = None
    view: View = "objects"
    lookahead_ms: float | None = None  # as it is now, where that is known
    _count: int = 0
    _gains: dict[int, tuple[float, int]] = field(default_factory=dict)  # and when it was set
    _held: int | None = None  # whose fader the mouse has

    def obey(self, gesture: Gesture, scene: Scene | None, layout: Layout) -> list[Control]:
        """What a gesture of the mouse asks for."""
        match gesture.kind:
            case "click" | "drop" if self._held is None:
                return self._let_go(gesture, scene, layout)
            case "right" | "wheel":
                row = None if scene is None else row_at(scene, layout, *gesture.place)
                if row is None:
                    return []
                if gesture.kind == "right":
                    return self._mute(scene, row[0])
                self.selected = row[0]
                return self._change_gain(scene, gesture.steps * GAIN_STEP_DB)
            case "grab":
                row = None if scene is None else row_at(scene, layout, *gesture.place)
                self._held = row[0] if row is not None and row[1] == "fader" else None
        asked = self._pull(scene, layout, gesture.place[0])
        if gesture.kind in ("click", "drop"):
            self._held = None
        return asked

    def _let_go(self, gesture: Gesture, scene: Scene | None, layout: Layout) -> list[Control]:
        """A click is for what is there; what was dragged within the picture is pinned there."""
        if layout.fraction(*gesture.start) is not None:
            if gesture.kind == "drop" or gesture.is_shifted:
                return self.pin(scene, layout, *gesture.place)
            return self.click(scene, layout, *gesture.place)
        if scene is None:
            return []
        row = row_at(scene, layout, *gesture.place)
        if row is None or row != row_at(scene, layout, *gesture.start):
            return []
        if row[1] == "chip":
            return self._mute(scene, row[0])
        return self.click(scene, layout, *gesture.place)

    def _pull(self, scene: Scene | None, layout: Layout, x: int) -> list[Control]:
        """The fader that is held follows the mouse."""
        if scene is None or self._held is None:
            return []
        fader = fader_of(scene, layout, self._held)
        if fader is None:
            return []
        self.selected = self._held
        return self._set_gain(scene, self._held, gain_at(fader, x))

    def click(self, scene: Scene | None, layout: Layout, x: int, y: int) -> list[Control]:
        """A click at a pixel of the view: hear what sounds there in the picture, or solo a row."""
        point = layout.fraction(x, y)
        if point is not None:
            if scene is not None:
                self.selected = object_at(scene, *point)
            return [self._control("click", x=point[0], y=point[1])]
        row = None if scene is None else row_at(scene, layout, x, y)
        if row is None:
            return []
        self.selected = row[0]
        return [self._control("solo", object_id=row[0])]

    def pin(self, scene: Scene | None, layout: Layout, x: int, y: int) -> list[Control]:
        """Put an object at a pixel of the picture, where it stays."""
        point = layout.fraction(x, y)
        if point is None:
            return []
        if scene is not None:
            self.selected = object_at(scene, *point)
        return [self._control("pin", x=point[0], y=point[1])]

    def key(
        self, key: int, scene: Scene | None, layout: Layout, pointer: tuple[int, int]
    ) -> list[Control]:
        """A key as OpenCV numbers it; unknown ones ask for nothing."""
        if key in UP_KEYS or key in DOWN_KEYS:
            return self._change_gain(scene, GAIN_STEP_DB if key in UP_KEYS else -GAIN_STEP_DB)
        letter = chr(key).lower() if 0 <= key < 127 else ""
        asked: list[Control] = []
        match letter:
            case "s":
                asked = self.click(scene, layout, *pointer)
            case "p":
                asked = self.pin(scene, layout, *pointer)
            case "u":
                asked = self._unpin(scene, layout, pointer)
            case letter if letter in _PLAIN:
                asked = [self._control(_PLAIN[letter])]
            case "v":
                self.view = VIEWS[(VIEWS.index(self.view) + 1) % len(VIEWS)]
            case "[" | "]":
                asked = self._look_ahead(1 if letter == "]" else -1)
            case _ if letter.isdecimal():
                asked = self._mute(scene, int(letter))
        return asked

    def set_gains(self, scene: Scene | None) -> dict[int, float]:
        """What was set here so lately that the scene need not show it yet."""
        if scene is None:
            return {}
        return {
            object_id: gain
            for object_id, (gain, set_ns) in self._gains.items()
            if scene.capture_ns - set_ns <= _SCENE_LAG_NS
        }

    def quit(self) -> Control:
        """End the run."""
        return self._control("quit")

    def _look_ahead(self, steps: int) -> list[Control]:
        now_ms = self.lookahead_ms
        if now_ms is None or not self.positions_ms:
            return []
        nearest = min(self.positions_ms, key=lambda one: abs(one - now_ms))
        place = self.positions_ms.index(nearest) + steps
        if not 0 <= place < len(self.positions_ms):
            return []
        self.lookahead_ms = self.positions_ms[place]
        return [self._control("lookahead", value=self.lookahead_ms)]

    def _unpin(
        self, scene: Scene | None, layout: Layout, pointer: tuple[int, int]
    ) -> list[Control]:
        """Let go of what is selected; where that is not pinned, of what the mouse is at."""
        if scene is None:
            return []
        point = layout.fraction(*pointer)
        row = row_at(scene, layout, *pointer)
        pointed = object_at(scene, *point) if point is not None else row and row[0]
        pinned = next((one for one in (self.selected, pointed) if is_pinned(scene, one)), None)
        if pinned is None:
            return []
        self.selected = pinned
        return [self._control("unpin", object_id=pinned)]

    def _mute(self, scene: Scene | None, object_id: int) -> list[Control]:
        if object_id != RESIDUAL_ID and (scene is None or set_gain_of(scene, object_id) is None):
            return []
        self.selected = object_id
        return [self._control("mute", object_id=object_id)]

    def _change_gain(self, scene: Scene | None, step_db: float) -> list[Control]:
        if scene is None or self.selected is None:
            return []
        gain = self._gain_now(scene, self.selected)
        if gain is None:
            return []
        largest_db = _MOST_STEPS * GAIN_STEP_DB
        step_db = min(max(step_db, -largest_db), largest_db)
        return self._set_gain(scene, self.selected, in_linear(in_db(gain) + step_db))

    def _gain_now(self, scene: Scene, object_id: int) -> float | None:
        told = set_gain_of(scene, object_id)
        # The scene lags behind quick presses.
        return None if told is None else self.set_gains(scene).get(object_id, told)

    def _set_gain(self, scene: Scene, object_id: int, gain: float) -> list[Control]:
        if gain == self._gain_now(scene, object_id):
            return []
        self._gains[object_id] = (gain, scene.capture_ns)
        return [self._control("gain", object_id=object_id, value=gain)]

    def _control(
        self,
        kind: ControlKind,
        *,
        x: float | None = None,
        y: float | None = None,
        object_id: int | None = None,
        value: float | None = None,
    ) -> Control:
        self._count += 1
        return Control(
            stream=self.stream,
            sequence=self._count - 1,
            kind=kind,
            x=x,
            y=y,
            object_id=object_id,
            value=value,
        )
