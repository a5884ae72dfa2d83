"""A small model, once for all that looks at it."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.fakes.tiny_model import (
    write_tiny_model,
)


@pytest.fixture(scope="module")
def model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("precisions") / "model"
    write_tiny_model(folder)
    return folder
