"""Real servers for the tests of this folder: sound, camera, screen."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.fakes.tiny_model import write_tiny_model
from tests.live.display import Display
from tests.live.mjpeg import MjpegCamera
from tests.live.pulse import PulseServer


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.live)


@pytest.fixture(scope="session")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder whose networks are random and quick."""
    folder = tmp_path_factory.mktemp("model")
    write_tiny_model(folder)
    return folder


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
