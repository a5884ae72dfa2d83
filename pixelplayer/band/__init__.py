"""The virtual band: instruments drawn and sounded by code alone, with true stems and places."""

from pixelplayer.band.backdrop import backdrop
from pixelplayer.band.figures import draw
from pixelplayer.band.players import INSTRUMENTS, play

__all__ = ["INSTRUMENTS", "backdrop", "draw", "play"]
