"""Tests marked ``gpu`` run where there is one."""

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
