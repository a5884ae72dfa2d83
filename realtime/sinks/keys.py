"""Keys and clicks to what they ask for. Pure."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from types import MappingProxyType

from realtime.clock import NS_PER_S
from realtime.messages import RESIDUAL_ID, Control, ControlKind, Scene
from realtime.sinks.layout import Layout
from realtime.sinks.viewer import gain_of, object_at, strip_at
from realtime.sinks.views import VIEWS, View

GAIN_STEP_DB = 1.5
MOST_GAIN = 8.0

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

    def click(self, scene: Scene | None, layout: Layout, x: int, y: int) -> list[Control]:
        """A click at a pixel of the view: solo what sounds there, in the picture or its row."""
        point = layout.fraction(x, y)
        if point is not None:
            if scene is not None:
                self.selected = object_at(scene, *point)
            return [self._control("click", x=point[0], y=point[1])]
        row = None if scene is None else strip_at(scene, layout, x, y)
        if row is None:
            return []
        self.selected = row
        return [self._control("solo", object_id=row)]

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
            case letter if letter in _PLAIN:
                asked = [self._control(_PLAIN[letter])]
            case "v":
                self.view = VIEWS[(VIEWS.index(self.view) + 1) % len(VIEWS)]
            case "[" | "]":
                asked = self._look_ahead(1 if letter == "]" else -1)
            case _ if letter.isdecimal():
                asked = self._mute(scene, int(letter))
        return asked

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

    def _mute(self, scene: Scene | None, object_id: int) -> list[Control]:
        if object_id != RESIDUAL_ID and (scene is None or gain_of(scene, object_id) is None):
            return []
        self.selected = object_id
        return [self._control("mute", object_id=object_id)]

    def _change_gain(self, scene: Scene | None, step_db: float) -> list[Control]:
        if scene is None or self.selected is None:
            return []
        effective = gain_of(scene, self.selected)
        if effective is None:
            return []
        gain, set_ns = self._gains.get(self.selected, (effective or 1.0, scene.capture_ns))
        # The scene lags behind quick presses, and tells nothing about what is muted.
        if effective > 0.0 and scene.capture_ns - set_ns > _SCENE_LAG_NS:
            gain = effective
        gain = min(gain * 10.0 ** (step_db / 20.0), MOST_GAIN)
        self._gains[self.selected] = (gain, scene.capture_ns)
        return [self._control("gain", object_id=self.selected, value=gain)]

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
