"""Tests marked ``gpu`` run where there is one; what is kept for users is kept apart for tests."""

import os
from collections.abc import Iterator
from pathlib import Path

import pytest

from engines import cuda
from engines.errors import EngineError

LIVE = Path(__file__).parent / "live"


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if LIVE in item.path.parents:
            # Of two processes that share the tests, one has all that play and capture, in turns.
            item.add_marker(pytest.mark.xdist_group("live"))
    try:
        cuda.device()
    except EngineError as error:
        skipped = pytest.mark.skip(reason=str(error))
    else:
        return
    for item in items:
        if item.get_closest_marker("gpu"):
            item.add_marker(skipped)


@pytest.fixture(autouse=True, scope="session")
def own_folders(tmp_path_factory: pytest.TempPathFactory) -> Iterator[None]:
    """One cache and one set of settings for all tests, and for what they start."""
    before = {name: os.environ.get(name) for name in ("XDG_CACHE_HOME", "XDG_CONFIG_HOME")}
    os.environ["XDG_CACHE_HOME"] = str(tmp_path_factory.mktemp("cache"))
    os.environ["XDG_CONFIG_HOME"] = str(tmp_path_factory.mktemp("config"))
    yield
    for name, value in before.items():
        if value is None:
            del os.environ[name]
        else:
            os.environ[name] = value
