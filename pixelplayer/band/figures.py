"""How the five instruments look while they play.

``phase`` in [0, 1) is one cycle of the playing motion: a bow goes down and up again, a plectrum
crosses the strings and returns, two mallets strike in turn (at 0 and at 0.5). ``loudness`` in
[0, 1] is how far strings and the instrument itself swing; at 0 they are at rest.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from types import MappingProxyType

import numpy as np

from pixelplayer.band.canvas import Canvas, Colour, Picture, Points, box, mirrored, smooth
from pixelplayer.band.players import generator, player

_IVORY: Colour = (215, 232, 240)
_INK: Colour = (28, 24, 26)
_STEEL: Colour = (196, 190, 184)
_IRON: Colour = (62, 58, 56)


@dataclass(frozen=True, slots=True)
class _Pose:
    """What one drawing depends on besides its instrument."""

    phase: float
    loudness: float
    paint: tuple[Colour, Colour, Colour]  # light, middle, dark

    @property
    def swing(self) -> float:
        """-1..1..-1 over one cycle."""
        return float(-np.cos(2.0 * np.pi * self.phase))

    @property
    def shake(self) -> float:
        """The quick vibration of a string, dying away between strokes, -1..1."""
        since = (2.0 * self.phase) % 1.0
        return float(self.loudness * (1.0 - 0.7 * since) * np.cos(10.0 * np.pi * since))


_GUITAR_OUTLINE = (
    (0.0, 0.435), (0.10, 0.445), (0.150, 0.50), (0.142, 0.57), (0.122, 0.625), (0.145, 0.69),
    (0.200, 0.765), (0.205, 0.86), (0.135, 0.94), (0.0, 0.96),
)  # fmt: skip


def _guitar(canvas: Canvas, pose: _Pose) -> None:
    light, middle, dark = pose.paint
    _easel(canvas)
    outline = smooth(mirrored(_GUITAR_OUTLINE))
    canvas.fill((outline - (0.5, 0.7)) * 1.05 + (0.5, 0.7), dark)
    canvas.shade(outline, light, middle, np.array([(0.42, 0.66), (0.72, 0.95)]))
    canvas.disc((0.5, 0.625), 0.070, dark)
    canvas.disc((0.5, 0.625), 0.062, _IVORY)
    canvas.disc((0.5, 0.625), 0.054, _INK)
    guard = [(0.555, 0.63), (0.59, 0.665), (0.60, 0.73), (0.56, 0.735), (0.535, 0.69)]
    canvas.fill(smooth(guard), dark)
    head = [(0.47, 0.135), (0.455, 0.04), (0.5, 0.028), (0.545, 0.04), (0.53, 0.135)]
    for y in (0.055, 0.082, 0.109):
        for x in (0.438, 0.562):
            canvas.stroke(np.array([(0.5, y), (x, y)]), 0.010, _STEEL)
            canvas.disc((x, y), 0.013, _IVORY)
    canvas.fill(np.array(head), dark)
    neck = np.array([(0.474, 0.13), (0.526, 0.13), (0.532, 0.58), (0.468, 0.58)])
    canvas.shade(neck, (52, 66, 92), (30, 38, 56), np.array([(0.47, 0.3), (0.53, 0.3)]))
    for fret in range(1, 14):
        y = 0.13 + 0.69 * (1.0 - 2.0 ** (-fret / 12.0))
        canvas.stroke(np.array([(0.474, y), (0.526, y)]), 0.004, _STEEL)
        if fret in (3, 5, 7, 9, 12):
            canvas.disc((0.5, y - 0.012), 0.006, _IVORY)
    canvas.fill(box(0.425, 0.815, 0.575, 0.843), _INK)
    canvas.fill(box(0.447, 0.815, 0.553, 0.823), _IVORY)
    _vibrating_strings(canvas, pose, count=6, half_widths=(0.020, 0.044), ends=(0.13, 0.82))
    x, y = 0.5 + 0.085 * pose.swing, 0.725 + 0.012 * np.sin(2.0 * np.pi * pose.phase)
    plectrum = [(x, y + 0.050), (x - 0.042, y - 0.030), (x, y - 0.042), (x + 0.042, y - 0.030)]
    canvas.fill(smooth(plectrum), (60, 50, 205))
    canvas.stroke(np.array([(x - 0.016, y - 0.018), (x + 0.012, y - 0.018)]), 0.008, _IVORY)


_VIOLIN_OUTLINE = (
    (0.0, 0.428), (0.080, 0.434), (0.132, 0.470), (0.140, 0.525), (0.122, 0.565),
    (0.144, 0.592), (0.142, 0.598), (0.100, 0.618), (0.088, 0.655), (0.104, 0.692),
    (0.158, 0.706), (0.161, 0.712), (0.160, 0.745), (0.174, 0.805), (0.160, 0.880),
    (0.095, 0.932), (0.0, 0.942),
)  # fmt: skip


def _violin(canvas: Canvas, pose: _Pose) -> None:
    light, middle, dark = pose.paint
    _pole(canvas, 0.60)
    canvas.tilt_by(24.0)
    outline = smooth(mirrored(_VIOLIN_OUTLINE))
    canvas.fill((outline - (0.5, 0.69)) * 1.045 + (0.5, 0.69), dark)
    canvas.shade(outline, light, middle, np.array([(0.40, 0.50), (0.66, 0.92)]))
    for side in (-1.0, 1.0):
        hole = [(0.088, 0.60), (0.072, 0.60), (0.066, 0.65), (0.096, 0.70), (0.084, 0.73)]
        canvas.stroke(_curve([(0.5 + side * x, y) for x, y in hole]), 0.010, _INK)
        canvas.disc((0.5 + side * 0.082, 0.603), 0.009, _INK)
        canvas.disc((0.5 + side * 0.078, 0.727), 0.010, _INK)
    neck = np.array([(0.481, 0.12), (0.519, 0.12), (0.530, 0.60), (0.470, 0.60)])
    canvas.shade(neck, (58, 52, 56), _INK, np.array([(0.47, 0.3), (0.53, 0.3)]))
    for y, side in ((0.072, -1), (0.088, 1), (0.104, -1), (0.120, 1)):
        canvas.stroke(np.array([(0.5, y), (0.5 + side * 0.05, y - 0.006)]), 0.012, _INK)
        canvas.disc((0.5 + side * 0.055, y - 0.007), 0.012, _INK)
    canvas.fill(box(0.482, 0.055, 0.518, 0.135), dark)
    canvas.disc((0.5, 0.045), 0.026, dark)
    canvas.disc((0.5, 0.045), 0.011, middle)
    tail = np.array([(0.468, 0.745), (0.532, 0.745), (0.512, 0.90), (0.488, 0.90)])
    canvas.fill(tail, _INK)
    rest = [(0.46, 0.935), (0.385, 0.93), (0.335, 0.875), (0.37, 0.845), (0.43, 0.86)]
    canvas.fill(smooth(rest), _INK)
    canvas.fill(np.array([(0.445, 0.695), (0.555, 0.695), (0.545, 0.672), (0.455, 0.672)]), _IVORY)
    _vibrating_strings(canvas, pose, count=4, half_widths=(0.012, 0.028), ends=(0.115, 0.75))
    _bow(canvas, 0.13 * pose.swing)


def _bow(canvas: Canvas, shift: float) -> None:
    """A bow across the strings, moved along itself by ``shift``."""
    turn = np.deg2rad(-13.0)
    axis = np.array([np.cos(turn), np.sin(turn)])
    side = np.array([-axis[1], axis[0]])
    middle = np.array([0.5, 0.64]) + shift * axis

    def at(x: float, y: float) -> Points:
        return np.asarray(middle + x * axis + y * side, dtype=np.float64)

    canvas.stroke(np.array([at(-0.31, 0.0), at(0.32, 0.0)]), 0.012, _IVORY)
    stick = [at(-0.335, -0.040), at(-0.1, -0.026), at(0.15, -0.026), at(0.33, -0.036)]
    canvas.stroke(np.array(stick), 0.014, (38, 56, 104))
    canvas.fill(np.array([at(-0.315, -0.038), at(-0.245, -0.032), at(-0.25, 0.008),
                          at(-0.31, 0.008)]), _INK)  # fmt: skip
    canvas.disc((float(at(-0.28, -0.014)[0]), float(at(-0.28, -0.014)[1])), 0.008, _IVORY)
    canvas.fill(np.array([at(0.30, -0.042), at(0.338, -0.038), at(0.328, 0.008)]), _IVORY)


def _trumpet(canvas: Canvas, pose: _Pose) -> None:
    light, middle, dark = pose.paint
    _pole(canvas, 0.60)
    canvas.tilt_by(-3.0 * pose.loudness * (1.0 + pose.swing))
    turns = [(0.30, 0.59), (0.235, 0.565), (0.215, 0.505), (0.235, 0.445), (0.30, 0.42)]
    tubes = [
        [(0.07, 0.42), (0.66, 0.42), (0.72, 0.445), (0.735, 0.50), (0.72, 0.555), (0.66, 0.58),
         (0.30, 0.58)],
        [(0.30, 0.58), *turns[1:4], (0.30, 0.47), (0.62, 0.47)],
    ]  # fmt: skip
    for tube in tubes:
        _tube(canvas, _curve(tube), 0.032, pose.paint)
    upper = [(0.56, 0.452), (0.70, 0.440), (0.80, 0.405), (0.875, 0.335), (0.935, 0.245)]
    lower = [(0.935, 0.705), (0.875, 0.615), (0.80, 0.545), (0.70, 0.510), (0.56, 0.498)]
    bell = np.concatenate([_curve(upper), _curve(lower)])
    canvas.fill((bell - (0.75, 0.475)) * 1.02 + (0.75, 0.475), dark)
    canvas.shade(bell, light, dark, np.array([(0.72, 0.36), (0.76, 0.66)]))
    edge = _curve(upper)[8:]
    down = np.array([0.0, 1.0])
    shine = np.concatenate([edge + 0.03 * down, edge[::-1] + 0.055 * down])
    canvas.fill(shine, _paler(light))
    rim = [(0.935, 0.235), (0.965, 0.32), (0.972, 0.475), (0.965, 0.63), (0.935, 0.715),
           (0.915, 0.63), (0.908, 0.475), (0.915, 0.32)]  # fmt: skip
    canvas.fill(smooth(rim), light)
    canvas.fill((smooth(rim) - (0.94, 0.475)) * (0.62, 0.92) + (0.94, 0.475), dark)
    for valve in range(3):
        x = 0.405 + 0.075 * valve
        pressed = 0.045 * pose.loudness * (np.sin(2.0 * np.pi * (pose.phase + valve / 3.0)) > 0.2)
        canvas.stroke(np.array([(x, 0.30 + pressed), (x, 0.40)]), 0.014, _STEEL)
        canvas.disc((x, 0.295 + pressed), 0.026, _IVORY)
        canvas.shade(box(x - 0.030, 0.36, x + 0.030, 0.655), light, dark,
                     np.array([(x - 0.022, 0.5), (x + 0.034, 0.5)]))  # fmt: skip
        canvas.fill(box(x - 0.033, 0.36, x + 0.033, 0.378), middle)
        canvas.fill(box(x - 0.033, 0.637, x + 0.033, 0.66), middle)
    canvas.fill(np.array([(0.03, 0.388), (0.052, 0.388), (0.10, 0.410), (0.10, 0.430),
                          (0.052, 0.452), (0.03, 0.452)]), _STEEL)  # fmt: skip


def _flute(canvas: Canvas, pose: _Pose) -> None:
    light, middle, dark = pose.paint
    _pole(canvas, 0.50)
    canvas.tilt_by(-27.0 + 3.0 * pose.loudness * pose.swing)
    canvas.fill(box(0.015, 0.462, 0.985, 0.538), dark)
    canvas.shade(box(0.015, 0.468, 0.985, 0.532), light, dark,
                 np.array([(0.5, 0.482), (0.5, 0.54)]))  # fmt: skip
    for x0, x1 in ((0.015, 0.04), (0.265, 0.30), (0.78, 0.81), (0.965, 0.985)):
        canvas.shade(box(x0, 0.452, x1, 0.548), _paler(light), middle,
                     np.array([(0.5, 0.46), (0.5, 0.545)]))  # fmt: skip
    canvas.fill(smooth([(0.11, 0.49), (0.16, 0.438), (0.21, 0.49), (0.16, 0.528)]), _STEEL)
    canvas.fill(smooth([(0.142, 0.482), (0.16, 0.468), (0.178, 0.482), (0.16, 0.494)]), _INK)
    canvas.stroke(np.array([(0.32, 0.552), (0.77, 0.552)]), 0.012, _STEEL)
    for key in range(8):
        x = 0.345 + 0.056 * key + (0.02 if key > 3 else 0.0)
        beat = np.sin(2.0 * np.pi * (pose.phase + 0.37 * key))
        lift = 0.022 * (1.0 - pose.loudness * (beat > 0.0))
        canvas.stroke(np.array([(x, 0.548), (x + 0.012, 0.485 - lift)]), 0.012, _INK)
        canvas.disc((x, 0.482 - lift), 0.032, _INK)
        canvas.disc((x, 0.478 - lift), 0.028, _STEEL)
        canvas.disc((x - 0.005, 0.473 - lift), 0.014, (238, 236, 232))
    for x in (0.86, 0.915):
        canvas.disc((x, 0.478), 0.026, _INK)
        canvas.disc((x, 0.475), 0.021, _STEEL)


_BARS = 11


def _marimba(canvas: Canvas, pose: _Pose) -> None:
    light, middle, dark = pose.paint
    for x in (0.085, 0.915):
        canvas.stroke(np.array([(x, 0.50), (x, 0.90)]), 0.030, (58, 52, 50))
        canvas.stroke(np.array([(x - 0.05, 0.90), (x + 0.05, 0.90)]), 0.026, (46, 42, 40))
    canvas.stroke(np.array([(0.085, 0.80), (0.915, 0.80)]), 0.018, (58, 52, 50))
    for bar in range(_BARS):
        x = _bar_x(bar)
        end = 0.86 - 0.024 * bar
        canvas.shade(box(x - 0.026, 0.55, x + 0.026, end), (236, 226, 214), (128, 112, 98),
                     np.array([(x - 0.02, 0.6), (x + 0.03, 0.6)]))  # fmt: skip
        canvas.fill(box(x - 0.026, end - 0.012, x + 0.026, end), (96, 84, 76))
    head = pose.loudness * abs(np.sin(2.0 * np.pi * pose.phase))
    struck = 3 if pose.phase < 0.25 or pose.phase >= 0.75 else 7
    for bar in range(_BARS):
        x, half = _bar_x(bar), 0.175 - 0.0075 * bar
        dip = 0.008 if bar == struck and head < 0.3 and pose.loudness > 0.0 else 0.0
        y = 0.505 + dip
        canvas.fill(box(x - 0.034, y - half, x + 0.034, y + half + 0.014), dark)
        canvas.shade(box(x - 0.034, y - half, x + 0.034, y + half), light, middle,
                     np.array([(x, y - half), (x, y + half)]))  # fmt: skip
    for offset in (-0.62, 0.62):
        ends = [(_bar_x(bar), 0.505 + offset * (0.175 - 0.0075 * bar)) for bar in (0, _BARS - 1)]
        canvas.stroke(np.array(ends), 0.008, _IVORY)
    for bar, turn in ((3, 0.0), (7, 0.5)):
        # Each mallet is down at its own half of the cycle and high at the other.
        lift = 0.5 - 0.5 * np.cos(2.0 * np.pi * (pose.phase - turn))
        x, y = _bar_x(bar), 0.475 - 0.26 * lift
        grip = 0.10 if turn == 0.0 else -0.10
        canvas.stroke(np.array([(x - grip * 1.6, y - 0.20), (x, y)]), 0.016, (120, 178, 214))
        canvas.disc((x, y), 0.050, _INK)
        canvas.disc((x, y), 0.045, (64, 60, 200))
        canvas.disc((x - 0.012, y - 0.014), 0.017, (122, 116, 232))


def _bar_x(bar: int) -> float:
    return 0.08 + 0.84 * (bar + 0.5) / _BARS


def _pole(canvas: Canvas, top: float) -> None:
    """A stand with a round foot."""
    canvas.stroke(np.array([(0.5, top), (0.5, 0.93)]), 0.018, _IRON)
    canvas.fill(smooth([(0.38, 0.955), (0.5, 0.925), (0.62, 0.955), (0.5, 0.968)]), (52, 48, 46))


def _easel(canvas: Canvas) -> None:
    """Two feet on which a body leans."""
    for x in (0.38, 0.62):
        canvas.stroke(np.array([(0.5, 0.80), (x, 0.985)]), 0.022, _IRON)
    canvas.stroke(np.array([(0.41, 0.955), (0.59, 0.955)]), 0.022, _IRON)


def _vibrating_strings(
    canvas: Canvas,
    pose: _Pose,
    *,
    count: int,
    half_widths: tuple[float, float],
    ends: tuple[float, float],
) -> None:
    """Strings from the nut (first of each pair) to the bridge, bent as they swing."""
    along = np.linspace(0.0, 1.0, 13)
    for string in range(count):
        place = 2.0 * string / (count - 1) - 1.0
        bend = 0.010 * pose.shake * (-1.0) ** string * np.sin(np.pi * along)
        width = half_widths[0] + (half_widths[1] - half_widths[0]) * along
        line = np.stack([0.5 + place * width + bend, ends[0] + (ends[1] - ends[0]) * along], 1)
        canvas.stroke(line, 0.0035, _IVORY)


def _tube(canvas: Canvas, line: Points, width: float, paint: tuple[Colour, Colour, Colour]) -> None:
    """A polished pipe along ``line``: dark edges, a bright stripe above the middle."""
    light, middle, dark = paint
    canvas.stroke(line, width * 1.25, dark)
    canvas.stroke(line, width, middle)
    canvas.stroke(line - (0.0, 0.15 * width), width * 0.45, light)
    canvas.stroke(line - (0.0, 0.22 * width), width * 0.15, _paler(light))


def _curve(points: list[tuple[float, float]]) -> Points:
    """An open smooth curve through ``points``."""
    closed = smooth([points[0], *points, points[-1]])
    return closed[8 : 8 * len(points) + 1]


def _paler(colour: Colour) -> Colour:
    blue, green, red = (round(255 - 0.45 * (255 - value)) for value in colour)
    return blue, green, red


_COPPER = ((120, 168, 236), (64, 108, 196), (30, 48, 104))
_GOLD = ((120, 214, 252), (58, 160, 226), (18, 84, 142))
_SILVER = ((240, 234, 228), (184, 176, 168), (96, 88, 82))
_WOODS = (
    ((120, 190, 240), (60, 130, 205), (24, 52, 96)),  # honey
    ((88, 128, 226), (36, 56, 168), (16, 20, 66)),  # cherry
    ((170, 216, 242), (120, 178, 220), (44, 74, 116)),  # spruce
    ((70, 110, 176), (34, 60, 112), (14, 26, 52)),  # walnut
)
_Paint = tuple[Colour, Colour, Colour]


@dataclass(frozen=True, slots=True)
class _Figure:
    shape: Callable[[Canvas, _Pose], None]
    paints: tuple[_Paint, ...]


_FIGURES: Mapping[str, _Figure] = MappingProxyType(
    {
        "guitar": _Figure(
            _guitar, (*_WOODS[:3], ((190, 150, 84), (130, 84, 36), (58, 32, 14)))
        ),  # the last is blue
        "violin": _Figure(
            _violin,
            (
                ((60, 118, 214), (24, 62, 150), (12, 26, 64)),
                ((48, 88, 184), (22, 40, 112), (12, 18, 48)),
                ((84, 150, 228), (40, 92, 178), (18, 40, 80)),
            ),
        ),
        "trumpet": _Figure(
            _trumpet, (_GOLD, _SILVER, ((120, 168, 236), (64, 108, 196), (30, 48, 104)))
        ),
        "flute": _Figure(_flute, (_SILVER, ((92, 84, 82), (52, 46, 46), (20, 18, 20)), _GOLD)),
        "marimba": _Figure(_marimba, (_WOODS[1], _WOODS[3], _WOODS[0])),
    }
)


def draw(instrument: str, size_px: int, seed: int, phase: float, loudness: float = 1.0) -> Picture:
    """The playing instrument, uint8 ``(size_px, size_px, 4)`` BGRA, transparent around it.

    The seed chooses colour, tilt, size and handedness. Raises ``ValueError`` on an unknown
    instrument or a size below 16 pixels.
    """
    player(instrument)
    if size_px < 16:
        raise ValueError(f"an instrument needs 16 pixels or more, got {size_px}")
    rng = generator(seed, instrument)
    figure = _FIGURES[instrument]
    paint = _varied(figure.paints[int(rng.integers(len(figure.paints)))], rng)
    pose = _Pose(phase % 1.0, float(np.clip(loudness, 0.0, 1.0)), paint)
    tilt = float(rng.uniform(-7.0, 7.0)) + 1.5 * pose.loudness * pose.swing
    canvas = Canvas(size_px, tilt, float(rng.uniform(0.84, 0.93)), int(rng.choice([-1, 1])))
    figure.shape(canvas, pose)
    return canvas.sprite()


def _varied(paint: _Paint, rng: np.random.Generator) -> _Paint:
    gains = rng.uniform(0.88, 1.08) * rng.uniform(0.94, 1.06, 3)

    def tinted(colour: Colour) -> Colour:
        blue, green, red = np.minimum(255, np.rint(np.array(colour) * gains)).astype(int).tolist()
        return blue, green, red

    light, middle, dark = paint
    return tinted(light), tinted(middle), tinted(dark)
