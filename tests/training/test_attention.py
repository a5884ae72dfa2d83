"""Evidence for a photograph's name, place by place; the teacher's maps are made up here."""

import numpy as np
import torch

from training.attention import EXAMPLES, choose, evidence, learn_names
from training.photos import Photos

SIDE, FEATURES = 6, 12


def made_up_maps(count: int) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Noise, but for one place in each that shows its class, and one that any class may show."""
    drawn = torch.Generator().manual_seed(0)
    maps = torch.randn(count, SIDE * SIDE, FEATURES, generator=drawn)
    names = torch.arange(count) % 3
    places = torch.randint(SIDE * SIDE, (count,), generator=drawn)
    maps[torch.arange(count), places, names] += 8.0
    maps[torch.arange(count), (places + 7) % (SIDE * SIDE), 5] += 8.0  # a player
    return maps, names, places


def test_the_evidence_is_where_the_class_shows_and_not_where_the_player_is() -> None:
    maps, names, places = made_up_maps(1040)
    reading = learn_names(maps[:1000], names[:1000], classes=3, seed=0)
    found = evidence(reading, maps[1000:], names[1000:])
    assert found.shape == (40, SIDE, SIDE)
    assert found.dtype == np.uint8
    flat = found.reshape(40, -1)
    right = flat.argmax(axis=1) == places[1000:].numpy()
    assert right.mean() > 0.9
    players = flat[np.arange(40), (places[1000:].numpy() + 7) % (SIDE * SIDE)]
    assert np.median(players) < 128


def test_all_busy_photographs_are_looked_at_and_some_plain_ones() -> None:
    rng = np.random.default_rng(0)
    plain = np.full((30, 32, 32, 3), 250, np.uint8)
    busy = rng.integers(0, 255, (5, 32, 32, 3), np.uint8)
    photos = Photos(
        pixels=np.concatenate([plain, busy]),
        labels=np.array(["bell"] * 35),
        names=np.array([f"bell/{number}" for number in range(35)]),
        held_out=np.zeros(35, bool),
        evidence={},
    )
    chosen = choose(photos, rng)
    assert set(range(30, 35)) <= set(chosen.tolist())
    assert len(chosen) == len(set(chosen.tolist())) == 5 + EXAMPLES
