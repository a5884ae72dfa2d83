"""What makes a stage, and what several of them ask of the model."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import TypeAlias

from engines.model import open_model
from realtime.clock import Clock
from realtime.dial import Dial, dial_at
from realtime.options import Options
from realtime.plan import Plan
from realtime.stage import Stage

Maker: TypeAlias = Callable[[Options, Plan, Clock], Stage]


def planned_dial(options: Options) -> Dial:
    """Where the dial stands as the run begins."""
    spec = open_model(Path(options.model.model)).spec
    return dial_at(spec, options.separation.lookahead)
