"""A recorder that is given noise, and comes to its end."""

import numpy as np

from .examples import end
from .sent import TOPICS

STEP = 600  # samples


def noise(rows, samples=STEP, seed=0):
    return np.random.default_rng(seed).normal(0, 0.1, (rows, samples)).astype(np.float32)


def finish(recorder):
    recorder.step(0, {topic: [end(topic)] for topic in TOPICS})
    assert recorder.finished
    recorder.close()
