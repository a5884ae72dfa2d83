import pytest

from realtime.lip_sync import NOT_ACCEPTABLE, NOT_SEEN, SEEN, verdict


@pytest.mark.parametrize(
    ("sound_early_ms", "expected"),
    [
        (-190.0, NOT_ACCEPTABLE),
        (-180.0, SEEN),
        (-120.0, NOT_SEEN),
        (0.0, NOT_SEEN),
        (40.0, NOT_SEEN),
        (50.0, SEEN),
        (95.0, NOT_ACCEPTABLE),
    ],
)
def test_the_limits(sound_early_ms: float, expected: str) -> None:
    assert verdict(sound_early_ms) == expected
