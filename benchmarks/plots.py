"""Small plots as SVG, of whatever a benchmark kept: no script, no other file.

Which plot a value gets is told by its shape: many numbers are a distribution, pairs are points,
named numbers are bars.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from html import escape
from typing import Any

import numpy as np

WIDTH, HEIGHT = 460, 170
_LEFT, _BOTTOM, _TOP, _RIGHT = 54, 24, 10, 12
_LEAST_NUMBERS = 8  # fewer are no distribution
_LEAST_POINTS = 4
_BINS = 30
_BAR_PX = 20
_LABEL_PX = 170


def plot(value: Any) -> str | None:
    """The plot of a value of a benchmark's JSON; None where there is nothing to see."""
    if isinstance(value, Mapping):
        return _bars(value)
    if isinstance(value, Sequence) and not isinstance(value, str):
        if _are_numbers(value) and len(value) >= _LEAST_NUMBERS:
            return _histogram(np.array(value, float))
        points = [row[:2] for row in value if _are_numbers(row) and len(row) >= 2]
        if len(points) == len(value) >= _LEAST_POINTS:
            return _points(np.array(points, float))
    return None


def _histogram(values: np.ndarray) -> str:
    """How often what was measured; the median marked."""
    counts, edges = np.histogram(values, _BINS)
    x = _scale(edges[0], edges[-1], _LEFT, WIDTH - _RIGHT)
    y = _scale(0, counts.max(), HEIGHT - _BOTTOM, _TOP)
    shapes = [
        f'<rect class="mark" x="{x(a):.1f}" y="{y(count):.1f}" '
        f'width="{max(x(b) - x(a) - 1, 0.5):.1f}" height="{y(0) - y(count):.1f}">'
        f"<title>{_short(a)} to {_short(b)}: {count}</title></rect>"
        for count, a, b in zip(counts, edges[:-1], edges[1:], strict=True)
    ]
    middle = float(np.median(values))
    shapes.append(
        f'<line class="median" x1="{x(middle):.1f}" x2="{x(middle):.1f}" y1="{_TOP}" '
        f'y2="{y(0):.1f}"><title>median {_short(middle)}</title></line>'
    )
    return _framed(shapes, (edges[0], edges[-1]), (0, float(counts.max())), HEIGHT)


def _points(points: np.ndarray) -> str:
    """One against the other; a line where the first only grows, as time does."""
    (left, low), (right, high) = points.min(axis=0), points.max(axis=0)
    x = _scale(left, right, _LEFT, WIDTH - _RIGHT)
    y = _scale(low, high, HEIGHT - _BOTTOM, _TOP)
    shapes = []
    if np.all(np.diff(points[:, 0]) > 0):
        path = " ".join(f"{x(a):.1f},{y(b):.1f}" for a, b in points)
        shapes.append(f'<polyline class="line" points="{path}"/>')
    else:
        shapes += [
            f'<circle class="mark" cx="{x(a):.1f}" cy="{y(b):.1f}" r="3">'
            f"<title>{_short(a)}, {_short(b)}</title></circle>"
            for a, b in points
        ]
    return _framed(shapes, (left, right), (low, high), HEIGHT)


def _bars(named: Mapping[str, Any]) -> str | None:
    """Named numbers; of named distributions their medians."""
    values = {
        name: float(np.median(value)) if isinstance(value, Sequence) else float(value)
        for name, value in named.items()
        if _is_number(value) or (isinstance(value, Sequence) and value and _are_numbers(value))
    }
    if len(values) < len(named) or len(values) < 2:
        return None
    low, high = min(0.0, *values.values()), max(0.0, *values.values())
    x = _scale(low, high, _LABEL_PX, WIDTH - 60)
    shapes = []
    for row, (name, value) in enumerate(values.items()):
        top = _TOP + row * _BAR_PX
        start, stop = sorted((x(0), x(value)))
        shapes += [
            f'<text class="label" x="{_LABEL_PX - 6}" y="{top + 13}" text-anchor="end">'
            f"{escape(name[:26])}<title>{escape(name)}</title></text>",
            f'<rect class="mark" x="{start:.1f}" y="{top + 3}" width="{stop - start:.1f}" '
            f'height="{_BAR_PX - 6}"/>',
            f'<text class="label" x="{stop + 4:.1f}" y="{top + 13}">{_short(value)}</text>',
        ]
    height = 2 * _TOP + _BAR_PX * len(values)
    return _svg(shapes, height)


def _framed(
    shapes: Sequence[str], across: tuple[float, float], up: tuple[float, float], height: int
) -> str:
    base = height - _BOTTOM
    axes = [
        f'<line class="axis" x1="{_LEFT}" x2="{WIDTH - _RIGHT}" y1="{base}" y2="{base}"/>',
        f'<text class="label" x="{_LEFT}" y="{height - 8}">{_short(across[0])}</text>',
        f'<text class="label" x="{WIDTH - _RIGHT}" y="{height - 8}" text-anchor="end">'
        f"{_short(across[1])}</text>",
        f'<text class="label" x="{_LEFT - 6}" y="{base}" text-anchor="end">{_short(up[0])}</text>',
        f'<text class="label" x="{_LEFT - 6}" y="{_TOP + 10}" text-anchor="end">'
        f"{_short(up[1])}</text>",
    ]
    return _svg([*axes, *shapes], height)


def _svg(shapes: Sequence[str], height: int) -> str:
    return (
        f'<svg viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}" role="img">'
        f"{''.join(shapes)}</svg>"
    )


def _scale(low: float, high: float, start: float, stop: float) -> Any:
    span = (high - low) or 1.0
    return lambda value: start + (value - low) / span * (stop - start)


def _is_number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool) and math.isfinite(value)


def _are_numbers(value: Any) -> bool:
    return (
        isinstance(value, Sequence)
        and not isinstance(value, str)
        and all(_is_number(one) for one in value)
    )


def _short(value: float) -> str:
    return f"{value:.4g}"
