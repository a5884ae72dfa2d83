"""Examples that are learned from several times: which, how often, and in which light."""

from __future__ import annotations

import itertools
from collections import Counter

import pytest
import torch

from training.relighting import crossed, mirrored, relit
from training.stock import Stock, drawn, to_bytes

CPU = torch.device("cpu")


def numbered(batch: int):
    for start in itertools.count(0, batch):
        numbers = torch.arange(start, start + batch)
        yield numbers, numbers * 10


def test_parts_of_an_example_stay_together() -> None:
    for first, second in itertools.islice(drawn(numbered(4), Stock(8, CPU), batch=5, uses=3), 50):
        assert torch.equal(first * 10, second)


def test_each_is_used_as_often_as_is_asked_on_average() -> None:
    made = 0

    def counted():
        nonlocal made
        for batch in numbered(4):
            made += 4
            yield batch

    used: Counter[int] = Counter()
    for numbers, _ in itertools.islice(drawn(counted(), Stock(64, CPU), batch=6, uses=3), 400):
        used.update(numbers.tolist())
    assert sum(used.values()) == 2400
    assert made == pytest.approx(800, abs=4)
    assert len(used) > 0.8 * made


def test_the_newest_take_the_place_of_the_oldest() -> None:
    stock = Stock(8, CPU)
    for batch in itertools.islice(numbered(4), 5):
        stock.add(batch)
    numbers, _ = stock.draw(500)
    assert set(numbers.tolist()) == set(range(12, 20))
    with pytest.raises(ValueError, match="a batch of 9 in a stock of 8"):
        stock.add((torch.zeros(9),))


def test_bytes_are_the_pictures() -> None:
    pictures = torch.rand(2, 3, 4, 4)
    assert (to_bytes(pictures).float() / 255 - pictures).abs().max() <= 0.5 / 255 + 1e-6


def test_another_light_leaves_what_is_where() -> None:
    torch.manual_seed(0)
    pictures = torch.full((64, 3, 32, 32), 0.3)
    pictures[:, :, 8:16, 8:16] = 0.8  # something bright
    lit = relit(pictures)
    assert lit.min() >= 0
    assert lit.max() <= 1
    inside, outside = lit[:, :, 9:15, 9:15].mean((1, 2, 3)), lit[:, :, 20:, 20:].mean((1, 2, 3))
    assert (inside > outside).all()
    assert outside.std() > 0.03  # and no two alike


def test_pictures_and_cells_are_mirrored_together() -> None:
    torch.manual_seed(0)
    cells = torch.arange(14).expand(32, 14, 14).clone()
    pictures = cells.repeat_interleave(2, 1).repeat_interleave(2, 2)[:, None].float()
    turned, truth = mirrored(pictures, cells)
    assert torch.equal(turned[:, 0, ::2, ::2].long(), truth)
    share = (truth[:, 0, 0] == 13).float().mean()
    assert 0.2 < share < 0.8


def test_a_scene_is_continued_by_another_beyond_a_line() -> None:
    torch.manual_seed(0)
    cells = torch.arange(64)[:, None, None].expand(64, 14, 14).clone()
    pictures = cells.repeat_interleave(2, 1).repeat_interleave(2, 2)[:, None].float()
    mixed, truth = crossed(pictures, cells)
    assert torch.equal(mixed[:, 0, ::2, ::2].long(), truth)
    assert (truth[:, :, 0] == torch.arange(64)[:, None]).all()  # it begins with its own
    is_other = truth[:, 0, -1] != torch.arange(64)
    assert 0.1 < is_other.float().mean() < 0.6
    assert (truth[:, 0, -1][is_other] == (torch.arange(64)[is_other] - 1) % 64).all()
