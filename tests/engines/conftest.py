from __future__ import annotations

import shutil
from pathlib import Path

import pytest

from tests.fakes.tiny_model import write_tiny_model, write_tiny_published_model


@pytest.fixture(scope="session")
def tiny_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A model folder that tests only read."""
    folder = tmp_path_factory.mktemp("tiny") / "model"
    write_tiny_model(folder)
    return folder


@pytest.fixture(scope="session")
def tiny_published_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with a sound network of the paper's kind."""
    folder = tmp_path_factory.mktemp("published") / "model"
    write_tiny_published_model(folder)
    return folder


@pytest.fixture
def own_model(tiny_model: Path, tmp_path: Path) -> Path:
    """A model folder that the test may damage."""
    folder = tmp_path / "model"
    shutil.copytree(tiny_model, folder)
    return folder
