"""The virtual band: instruments drawn and sounded by code alone, with true stems and places."""

from pixelplayer.band.backdrop import backdrop
from pixelplayer.band.demo import demo_scene
from pixelplayer.band.figures import draw
from pixelplayer.band.players import INSTRUMENTS, play
from pixelplayer.band.scene import PlacedInstrument, Scene, scene

__all__ = [
    "INSTRUMENTS",
    "PlacedInstrument",
    "Scene",
    "backdrop",
    "demo_scene",
    "draw",
    "play",
    "scene",
]
