"""The built-in duet of ``--demo``: guitar and flute, eight bars in A minor that loop.

The flute plays above the guitar, where few of their partials meet: what anybody hears first should
be a duet that comes apart well. ``scene`` makes those that do not.
"""

from __future__ import annotations

import numpy as np

from pixelplayer.band.players import generator, perform_loop
from pixelplayer.band.scene import Scene, staged
from pixelplayer.band.score import line

_STAGE_SEED = 26  # a honey-coloured guitar and a golden flute before a wine-red wall
_SOUND_SEED = 2018
_TEMPO = 96.0  # beats per minute: eight bars of four beats are 20 s
_DURATION_S = 20.0

# Pitch, length in beats and, after !, loudness in tenths. "-" rests, "+" sounds together.
_GUITAR = """
    A2/1!7 E3/.5!5 A3/.5!5 C4/.5!6 A3/.5!5 E3+C4/1!5
    F2/.5!6 C4/.5!7 F4/.5!7 A4/.5!8 G4/.5!7 F4/.5!6 E4/.5!7 C4/.5!6
    C3/1!7 G3/.5!5 C4/.5!5 E4/.5!6 C4/.5!5 G3+E4/1!5
    G2/.5!6 B3/.5!7 D4/.5!7 G4/.5!8 F4/.5!7 E4/.5!6 D4/.5!7 B3/.5!6
    A2+E3+A3+C4/1!8 -/.5 E3/.5!5 A3/.5!6 C4/.5!6 E4/.5!7 C4/.5!6
    F2+C3+A3/1!8 -/.5 C3/.5!5 F3/.5!6 A3/.5!6 C4/.5!7 A3/.5!6
    D3+A3+D4+F4/1!8 A3/.5!5 D4/.5!6 F4/.5!7 D4/.5!6 A4/.5!7 F4/.5!6
    E3+B3+E4/1!8 G#3/.5!6 B3/.5!6 D4/.5!7 B3/.5!6 G#3/.5!6 E3/.5!5
"""
_FLUTE = """
    -/.5 E5/.5!7 A5/1!8 B5/.5!7 C6/1.5!9
    -/2 A5/.5!6 C6/.5!7 F6/.75!8 -/.25
    E6/1.5!8 D6/.5!7 C6/1!8 G5/1!7
    -/2 B5/.5!6 D6/.5!7 G6/.75!9 -/.25
    E6/1!8 C6/.5!7 A5/.5!7 E5/1!6 -/1
    F6/1!8 C6/.5!7 A5/.5!7 F5/1!6 -/1
    D6/.5!7 E6/.5!7 F6/1!9 E6/.5!8 D6/.5!7 -/1
    B5/1!8 G#5/.5!7 B5/.5!7 E6/1.25!9 -/.75
"""


def demo_scene(rate_hz: int) -> Scene:
    """Guitar (left) and flute (right), 20 s; the last sample is followed by the first."""
    parts = []
    for name, text in (("guitar", _GUITAR), ("flute", _FLUTE)):
        notes = line(text, 60.0 / _TEMPO)
        samples = perform_loop(name, notes, generator(_SOUND_SEED, name), _DURATION_S, rate_hz)
        parts.append((name, notes, samples))
    return staged(parts, np.random.default_rng(_STAGE_SEED), rate_hz)
