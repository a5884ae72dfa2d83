"""Reads what ``--profile`` wrote."""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True, kw_only=True)
class Steps:
    """One stage's steps that gave something, by their start: ``(n,)`` seconds, ``(n,)`` ms."""

    starts_s: NDArray[np.float64]
    durations_ms: NDArray[np.float64]

    @property
    def spans_s(self) -> NDArray[np.float64]:
        """From when to when each step took, ``(n, 2)`` seconds."""
        return np.stack([self.starts_s, self.starts_s + self.durations_ms / 1e3], axis=1)


def steps(trace: Path, stages: Collection[str]) -> Mapping[str, Steps]:
    """The steps of these stages. An event is a line: an hour's are too many to hold at once."""
    found: dict[str, list[tuple[float, float]]] = {stage: [] for stage in stages}
    with trace.open(encoding="utf-8") as lines:
        for line in lines:
            if not line.startswith('{"ph": "X"'):
                continue
            event = json.loads(line.rstrip(",\n"))
            if event["name"] in found:
                found[event["name"]].append((event["ts"] / 1e6, event["dur"] / 1e3))
    return {stage: _steps(taken) for stage, taken in found.items()}


def _steps(taken: list[tuple[float, float]]) -> Steps:
    table = np.array(sorted(taken), np.float64).reshape(-1, 2)
    return Steps(starts_s=table[:, 0], durations_ms=table[:, 1])
