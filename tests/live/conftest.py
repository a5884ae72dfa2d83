"""Real servers for the tests of this folder: sound, camera, screen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.live.display import Display
from tests.live.mjpeg import MjpegCamera
from tests.live.pulse import PulseServer


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.live)


@pytest.fixture
def pulse() -> Iterator[PulseServer]:
    server = PulseServer()
    yield server
    server.close()


@pytest.fixture
def camera() -> Iterator[MjpegCamera]:
    server = MjpegCamera()
    yield server
    server.close()


@pytest.fixture
def display() -> Iterator[Display]:
    screen = Display()
    yield screen
    screen.close()
