"""A line through points, as a picture that every browser shows."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from xml.sax.saxutils import escape

import numpy as np

_WIDTH, _HEIGHT, _LEFT, _BOTTOM, _MARGIN = 720, 420, 70, 50, 30
_COLOURS = ("#0072b2", "#d55e00", "#009e73", "#cc79a7")  # told apart by the colour-blind too


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """Points in order of x, each with a name or none."""

    name: str
    x: Sequence[float]
    y: Sequence[float]
    labels: Sequence[str]


def draw(path: Path, title: str, x_name: str, y_name: str, lines: Sequence[Line]) -> None:
    """Write an SVG file.

    Raises:
        OSError: it cannot be written.
    """
    every_x = np.concatenate([line.x for line in lines])
    every_y = np.concatenate([*(line.y for line in lines), [0.0]])
    x_ticks, y_ticks = _ticks(0.0, every_x.max()), _ticks(every_y.min(), every_y.max())

    def place(x: float, y: float) -> tuple[float, float]:
        across = (x - x_ticks[0]) / (x_ticks[-1] - x_ticks[0])
        up = (y - y_ticks[0]) / (y_ticks[-1] - y_ticks[0])
        return (
            _LEFT + across * (_WIDTH - _LEFT - _MARGIN),
            _HEIGHT - _BOTTOM - up * (_HEIGHT - _BOTTOM - 2 * _MARGIN),
        )

    parts = [_text(_WIDTH / 2, 20, title)]
    for tick in x_ticks:
        x, y = place(tick, y_ticks[0])
        parts += [_rule(x, y, *place(tick, y_ticks[-1])), _text(x, y + 18, f"{tick:g}")]
    for tick in y_ticks:
        x, y = place(x_ticks[0], tick)
        parts += [_rule(x, y, *place(x_ticks[-1], tick)), _text(x - 8, y + 4, f"{tick:g}", "end")]
    parts.append(_text(_WIDTH / 2, _HEIGHT - 10, x_name))
    parts.append(_text(_LEFT, 2 * _MARGIN - 16, y_name, "start"))
    for number, line in enumerate(lines):
        colour = _COLOURS[number % len(_COLOURS)]
        points = [place(x, y) for x, y in zip(line.x, line.y, strict=True)]
        joined = " ".join(f"{x:.1f},{y:.1f}" for x, y in points)
        parts.append(f'<polyline points="{joined}" fill="none" stroke="{colour}" />')
        for (x, y), label in zip(points, line.labels, strict=True):
            parts.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3.5" fill="{colour}" />')
            parts.append(_text(x + 6, y - 8, label, "start"))
        parts.append(_text(_WIDTH - _MARGIN, 2 * _MARGIN + 18 * number, line.name, "end", colour))
    body = "\n".join(parts)
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {_WIDTH} {_HEIGHT}"'
    style = 'font-family="sans-serif" font-size="12" stroke-width="2"'
    text = f'{head} {style}>\n<rect width="100%" height="100%" fill="white" />\n{body}\n</svg>\n'
    path.write_text(text, encoding="utf-8")


def _ticks(low: float, high: float) -> list[float]:
    """Round numbers around a range."""
    span = max(high - low, 1e-9)
    step = 10.0 ** np.floor(np.log10(span))
    step *= next(factor for factor in (0.2, 0.5, 1.0, 2.0) if span / (factor * step) <= 8)
    return [
        float(n) * step for n in range(int(np.floor(low / step)), int(np.ceil(high / step)) + 1)
    ]


def _text(x: float, y: float, text: str, anchor: str = "middle", colour: str = "#333") -> str:
    where = f'x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" fill="{colour}"'
    return f"<text {where}>{escape(text)}</text>"


def _rule(x0: float, y0: float, x1: float, y1: float) -> str:
    ends = f'x1="{x0:.1f}" y1="{y0:.1f}" x2="{x1:.1f}" y2="{y1:.1f}"'
    return f'<line {ends} stroke="#ddd" stroke-width="1" />'
