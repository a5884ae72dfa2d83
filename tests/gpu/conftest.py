"""Everything here needs a CUDA device."""

import pytest
import torch


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    if torch.cuda.is_available():
        return
    reason = pytest.mark.skip(reason="torch finds no CUDA device")
    for item in items:
        if item.get_closest_marker("gpu"):
            item.add_marker(reason)
