"""Events that are seen and heard, as a camera and a microphone would tell of them."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

RATE_HZ = 48_000
CELLS = (18, 24)


@dataclass(frozen=True)
class Scene:
    """``events_s`` happen; the camera tells of each ``later_s`` later than the microphone."""

    events_s: np.ndarray
    later_s: float
    times_ns: np.ndarray  # of the pictures

    @property
    def picture_events_s(self) -> np.ndarray:
        return self.events_s + self.later_s

    @property
    def world_s(self) -> np.ndarray:
        """What happened by then is on the pictures."""
        return self.times_ns / 1e9 - self.later_s


def scene(seed: int, later_s: float, pictures_per_s: float, events: int = 15) -> Scene:
    rng = np.random.default_rng(seed)
    events_s = 1.5 + np.cumsum(rng.uniform(0.5, 1.3, events))
    end_s = events_s[-1] + 1.5
    times_s = np.arange(0.3, end_s, 1 / pictures_per_s) + rng.uniform(0, 0.03)
    return Scene(events_s, later_s, np.round(times_s * 1e9).astype(np.int64))


def flashing(given: Scene, seed: int, lit_s: float = 0.16, greys: float = 60.0) -> np.ndarray:
    """A part of a noisy picture becomes light; the room's light drifts."""
    rng = np.random.default_rng(seed)
    since_s = given.world_s[:, None] - given.events_s
    is_lit = ((since_s >= 0) & (since_s < lit_s)).any(axis=1)
    part = np.zeros(CELLS)
    part[4:11, 6:14] = rng.uniform(0.2, 1.0, (7, 8)) * greys
    drift = 8 * np.sin(given.world_s / 3)
    looks = 40 + rng.uniform(0, 90, CELLS) + is_lit[:, None, None] * part
    looks = looks + drift[:, None, None] + rng.normal(0, 1, (len(is_lit), *CELLS))
    return looks.astype(np.float32)


def clapping(given: Scene, seed: int) -> np.ndarray:
    """An edge moves to the left until it meets something, stays there, and goes back softly."""
    rng = np.random.default_rng(seed)
    apart = np.ones(len(given.times_ns))
    for event_s, still_s, back_s in zip(
        given.events_s,
        rng.uniform(0.12, 0.25, len(given.events_s)),
        rng.uniform(0.15, 0.3, len(given.events_s)),
        strict=True,
    ):
        since_s = given.world_s - event_s
        nears = (since_s > -0.2) & (since_s <= 0)
        apart[nears] = -since_s[nears] / 0.2
        apart[(since_s > 0) & (since_s < still_s)] = 0
        goes = (since_s >= still_s) & (since_s < still_s + back_s)
        apart[goes] = np.sin((since_s[goes] - still_s) / back_s * np.pi / 2)
    edge = 8 + 8 * apart
    across = 60 / (1 + np.exp(-1.5 * (np.arange(CELLS[1]) - edge[:, None])))
    looks = rng.uniform(0, 90, CELLS) + np.repeat(across[:, None, :], CELLS[0], axis=1)
    return (looks + rng.normal(0, 0.5, looks.shape)).astype(np.float32)


def sounding(given: Scene, seed: int, noise_db: float = -50.0) -> np.ndarray:
    """Claps over noise and hum, at RATE_HZ."""
    rng = np.random.default_rng(seed)
    length = round((given.events_s[-1] + 1.5) * RATE_HZ)
    samples = rng.normal(0, 10 ** (noise_db / 20), length)
    samples += 0.05 * np.sin(2 * np.pi * 50 * np.arange(length) / RATE_HZ)
    decay = np.exp(-np.arange(RATE_HZ // 20) / RATE_HZ / 0.010)
    for event_s in given.events_s:
        start = round(event_s * RATE_HZ)
        samples[start : start + len(decay)] += 0.5 * rng.normal(0, 1, len(decay)) * decay
    return samples.astype(np.float32)
