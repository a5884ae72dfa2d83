"""What eyes learn from, step by step: composed scenes, and a teacher's lessons.

Both are made by processes of their own, and each is used once, or several times in another light.
"""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import partial

import numpy as np
import torch
from torch.utils.data import DataLoader

from training.corpus import Pictures, open_pictures
from training.distill import lessons
from training.footage import open_footage
from training.grounds import dead_leaves, panes, surroundings
from training.insight import Insight
from training.relighting import crossed, mirrored, relit
from training.scenes import SceneMaker, ScenePictures, far_away, plain_scenes, side_by_side
from training.stock import Example, Stock, drawn, to_bytes
from training.teacher import open_teacher

GROUNDS = 150  # of each kind
UNSEEN = 64  # scenes of each kind that are judged
STOCK = 8192  # scenes, and as many lessons, where they are used more than once


@dataclass(frozen=True, slots=True, eq=False)
class School:
    """Endless ``scenes`` (pictures, cells) and ``lessons`` (pictures, maps, labels), in batches.

    ``unseen`` scenes, by kind, are of photographs that are kept out.
    """

    scenes: Iterator[Example]
    lessons: Iterator[Example]
    unseen: Mapping[str, Example]


def open_school(
    options: argparse.Namespace,
    classes: list[str],
    insight: Insight,
    *,
    seed: int,
    device: torch.device,
) -> School:
    """As the options of ``training.sight`` say; examples that are used again stay on ``device``."""
    pictures = open_pictures(options.data, options.work)
    scenes, unseen = _scenes(options, pictures, classes, seed)
    teacher = open_teacher(options.data)
    taught = lessons(pictures, teacher, insight, seed=seed, batch=options.lessons)
    made = iter(DataLoader(taught, batch_size=None, num_workers=options.workers))
    if options.uses == 1:
        return School(scenes, made, unseen)
    return School(
        _scenes_again(scenes, options, device), _lessons_again(made, options, device), unseen
    )


def _scenes(
    options: argparse.Namespace, seen: Pictures, classes: list[str], seed: int
) -> tuple[Iterator[Example], dict[str, Example]]:
    """What to learn from, and pictures and cells that are not: near, far, and photographs."""
    photos, others = seen.known, seen.other
    rng = np.random.default_rng(options.seed)
    players = open_footage(options.data / "clips")  # in front of them instruments are played
    grounds = [
        *surroundings(photos, GROUNDS, rng),
        *(part for _ in range(2) for part in surroundings(players, GROUNDS, rng)),
        *(dead_leaves(rng) for _ in range(GROUNDS)),
        *(panes(rng) for _ in range(GROUNDS)),
    ]
    maker = SceneMaker(photos, others, classes, held_out=False, grounds=grounds)
    pictures = ScenePictures(maker, batch=options.batch, seed=seed)
    held_out = SceneMaker(photos, others, classes, held_out=True)
    makes = {
        "near": partial(held_out.picture, layout=side_by_side),
        "far": partial(held_out.picture, layout=far_away),
    }
    if held_out.scenic:
        makes["photographs"] = held_out.photograph
    unseen = {name: plain_scenes(make, UNSEEN) for name, make in makes.items()}
    return iter(DataLoader(pictures, batch_size=None, num_workers=options.workers)), unseen


def _scenes_again(
    made: Iterator[Example], options: argparse.Namespace, device: torch.device
) -> Iterator[Example]:
    """Scenes of a stock, each time mirrored, cut and lit in another way."""
    compact = ((to_bytes(pictures), cells) for pictures, cells in made)
    stock = Stock(STOCK, device)
    for pictures, cells in drawn(compact, stock, batch=options.batch, uses=options.uses):
        varied, truth = crossed(*mirrored(pictures.float() / 255, cells))
        yield relit(varied), truth


def _lessons_again(
    made: Iterator[Example], options: argparse.Namespace, device: torch.device
) -> Iterator[Example]:
    """Lessons of a stock, each time mirrored and lit in another way."""
    compact = ((to_bytes(pictures), maps, labels) for pictures, maps, labels in made)
    stock = Stock(STOCK, device)
    for pictures, maps, labels in drawn(compact, stock, batch=options.lessons, uses=options.uses):
        varied, seen = mirrored(pictures.float() / 255, maps)
        yield relit(varied), seen, labels
