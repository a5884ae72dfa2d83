"""Tests marked ``gpu`` run where there is one; what is kept for users is kept apart for tests."""

import os
from collections.abc import Iterator

import pytest

from engines import cuda
from engines.errors import EngineError


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
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
