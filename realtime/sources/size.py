"""How large the pictures are that sources give."""

from __future__ import annotations

LONGEST_SIDE_PX = 1280  # a larger picture costs much to carry and shows nothing more


def reduced(width: int, height: int, longest_side_px: int) -> tuple[int, int]:
    """(width, height), in proportion, with neither side longer than ``longest_side_px``."""
    longest = max(width, height)
    if longest <= longest_side_px:
        return width, height
    scale = longest_side_px / longest
    return max(1, round(width * scale)), max(1, round(height * scale))
