"""What outlives a stage comes back as it was, and nothing else is taken for it."""

from __future__ import annotations

import math

import numpy as np
import pytest

from realtime.keepsake import MOST_CHARACTERS, KeepsakeError, packed, unpacked


def test_values_and_arrays_come_back_to_the_last_bit() -> None:
    small = np.array([[1.5, -0.0], [np.nextafter(np.float32(1), np.float32(2)), 3e-38]], np.float32)
    state = {
        "small": small,
        "large": np.arange(3, dtype=np.float64) / 7,
        "none": None,
        "level": -math.inf,
        "pairs": [[1, 0.25], [2, np.float32(0.5)]],
        "inside": {"name": "flute"},
    }
    text = packed(state)
    assert "\n" not in text
    found = unpacked(text)
    assert found.keys() == state.keys()
    np.testing.assert_array_equal(found["small"], small)
    np.testing.assert_array_equal(found["large"], state["large"])
    assert found["small"].dtype == np.float32
    assert found["large"].dtype == np.float64
    found["small"][0, 0] = 2.0  # it is the stage's own
    assert (found["none"], found["level"]) == (None, -math.inf)
    assert found["pairs"] == [[1, 0.25], [2, 0.5]]
    assert found["inside"] == {"name": "flute"}


def test_too_much_is_not_kept() -> None:
    with pytest.raises(KeepsakeError, match="characters"):
        packed({"all": np.zeros(MOST_CHARACTERS, np.float32)})


@pytest.mark.parametrize("value", [object(), np.zeros(2, np.complex64), {1, 2}])
def test_what_is_of_no_known_kind_is_not_kept(value: object) -> None:
    with pytest.raises(KeepsakeError, match="not kept"):
        packed({"value": value})


@pytest.mark.parametrize(
    "text",
    [
        "",
        "[1]",
        "[" * 100_000,
        '{"a": {"dtype": "float32", "shape": [2], "data": "AAAA"}}',
        '{"a": {"dtype": "float32", "shape": "x", "data": ""}}',
        '{"a": {"dtype": "object", "shape": [1], "data": ""}}',
        '{"a": {"dtype": "float32", "shape": [1], "data": 7}}',
    ],
)
def test_what_is_no_state_is_refused(text: str) -> None:
    with pytest.raises(KeepsakeError):
        unpacked(text)
