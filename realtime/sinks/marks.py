"""Marks on the window's picture: that a recording is on, and what came of a wish. Pure."""

from __future__ import annotations

from realtime.desk import Part, Present, Recording
from realtime.picture import SEMIBOLD, Colour, Picture, draw_text, fill_box, text_width
from realtime.sinks.console import Console
from realtime.sinks.hand import Place
from realtime.sinks.layout import Layout

SHOWN_NS = 8_000_000_000  # how long a remark stays

_GROUND: Colour = (32, 29, 27)
_RED: Colour = (64, 64, 232)
_TEXT: Colour = (238, 235, 232)
_WARNING: Colour = (70, 176, 250)


class Marks:
    """What there is to be seen of the desk at an instant."""

    def __init__(self, console: Console) -> None:
        self._console = console
        self._numbers: dict[Part | None, int] = {}  # of the remarks that were seen; None: takes
        self._text = ""
        self._is_refusal = False
        self._until_ns = 0

    def turn(self, now_ns: int) -> None:
        """See what is new."""
        self._see(None, self._console.recording, now_ns)
        for part in self._console.parts:
            self._see(part, self._console.present(part), now_ns)
        if now_ns >= self._until_ns:
            self._text = ""

    def _see(self, part: Part | None, told: Present | Recording | None, now_ns: int) -> None:
        if told is None:
            return
        is_new = self._numbers.get(part, told.number) != told.number
        self._numbers[part] = told.number
        if is_new and told.said:
            self._text, self._is_refusal = told.said, told.is_refusal
            self._until_ns = now_ns + SHOWN_NS

    def draw(self, view: Picture, layout: Layout, now_ns: int) -> None:
        """Draw them into the view, over its picture."""
        elapsed_s = self._console.elapsed_s(now_ns)
        if elapsed_s is not None:
            _draw_recording(view, layout, elapsed_s)
        if self._text:
            _draw_remark(view, layout, self._text, _WARNING if self._is_refusal else _TEXT)


def _draw_recording(view: Picture, layout: Layout, elapsed_s: float) -> None:
    """A red dot and the time, in the upper right corner."""
    size, pad = max(12, layout.px(20)), layout.px(10)
    text = clock_text(elapsed_s)
    dot = size * 3 // 5
    width = 3 * pad + dot + text_width(text, size, SEMIBOLD)
    height = size + pad
    _, top, right, _ = layout.picture
    x0, y0 = right - pad - width, top + pad
    fill_box(view, (x0, y0, x0 + width, y0 + height), _GROUND, height // 3)
    middle = y0 + height // 2
    left = x0 + pad
    fill_box(view, (left, middle - dot // 2, left + dot, middle - dot // 2 + dot), _RED, dot // 2)
    baseline = middle + round(0.35 * size)
    draw_text(view, text, (left + dot + pad, baseline), size, _TEXT, weight=SEMIBOLD)


def _draw_remark(view: Picture, layout: Layout, text: str, colour: Colour) -> None:
    """Lines on a dark ground along the lower edge."""
    x0, _, x1, y1 = layout.picture
    size, pad = max(11, layout.px(17)), layout.px(12)
    lines = wrapped(text, x1 - x0 - 4 * pad, size)
    step = round(1.4 * size)
    width = 2 * pad + max(text_width(line, size) for line in lines)
    top = y1 - pad - len(lines) * step - pad
    fill_box(view, (x0 + pad, top, x0 + pad + width, y1 - pad), _GROUND, layout.px(8))
    for number, line in enumerate(lines):
        baseline = top + pad // 2 + number * step + size
        draw_text(view, line, (x0 + 2 * pad, baseline), size, colour)


def draw_drag(view: Picture, layout: Layout, start: Place, place: Place) -> None:
    """A cross where the mouse would pin something, while it drags within the picture."""
    if layout.fraction(*start) is None or layout.fraction(*place) is None:
        return
    x, y = place
    arm, half = layout.px(14), max(1, layout.px(1.5))
    for colour, rim in ((_GROUND, half), (_TEXT, 0)):
        long, wide = arm + rim, half + rim
        fill_box(view, (x - long, y - wide, x + long, y + wide), colour)
        fill_box(view, (x - wide, y - long, x + wide, y + long), colour)


def clock_text(seconds: float) -> str:
    """``1:05``, or ``1:00:05`` from an hour on."""
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{rest:02}" if hours else f"{minutes}:{rest:02}"


def wrapped(text: str, width_px: int, size_px: int) -> list[str]:
    """The text in lines of at most this width; a word that is longer is cut where it must be."""
    lines = [""]
    for word in text.split():
        longer = f"{lines[-1]} {word}".strip()
        if text_width(longer, size_px) <= width_px:
            lines[-1] = longer
            continue
        lines.append("")
        for letter in word:
            if lines[-1] and text_width(lines[-1] + letter, size_px) > width_px:
                lines.append("")
            lines[-1] += letter
    return [line for line in lines if line]
