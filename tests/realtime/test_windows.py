from __future__ import annotations

import numpy as np
import pytest

from realtime.windows import ColumnWindow


def test_holds_the_newest_columns_however_they_come() -> None:
    random = np.random.default_rng(1)
    every = random.standard_normal((3, 200)).astype(np.float32)
    window = ColumnWindow(3, 16, np.float32, -7.0)
    while window.stop < 200:
        window.append(every[:, window.stop : window.stop + random.integers(0, 40)])
        held = window.between(window.stop - 16, window.stop)
        past = np.full((3, max(16 - window.stop, 0)), -7.0, np.float32)
        expected = np.concatenate([past, every[:, max(window.stop - 16, 0) : window.stop]], axis=1)
        np.testing.assert_array_equal(held, expected)


def test_refuses_columns_that_it_does_not_hold() -> None:
    window = ColumnWindow(1, 4, np.float32, 0.0)
    window.append(np.zeros((1, 9), np.float32))
    for start, stop in ((4, 6), (6, 10), (8, 7)):
        with pytest.raises(IndexError, match="are held"):
            window.between(start, stop)
