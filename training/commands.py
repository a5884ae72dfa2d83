"""How the commands end: what cannot be used, and what cannot go on, is one line and a status."""

from __future__ import annotations

import functools
import sys
from collections.abc import Callable
from pathlib import Path
from typing import ParamSpec

from pixelplayer.networks.checkpoint import CheckpointError
from pixelplayer.spec import SpecError
from training.whole import TrainingError

_Given = ParamSpec("_Given")


class UnusableError(Exception):
    """What a command was given cannot be used; the message says what was found and what to do."""


def make_work(folder: Path) -> None:
    """Make the folder that ``--work`` names, where there is none.

    Raises:
        UnusableError: that cannot be.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise UnusableError(
            f"--work {folder} cannot be a folder ({error.strerror}); name another"
        ) from error


def command(main: Callable[_Given, int]) -> Callable[_Given, int]:
    """A command's ``main`` that tells such errors.

    Returns:
        The same, whose status is 2 for what cannot be used, and 1 where the work could not go on.
    """

    @functools.wraps(main)
    def told(*given: _Given.args, **named: _Given.kwargs) -> int:
        try:
            return main(*given, **named)
        except (UnusableError, CheckpointError, SpecError) as error:
            print(f"error: {error}", file=sys.stderr)
            return 2
        except TrainingError as error:
            print(f"error: {error}", file=sys.stderr)
            return 1

    return told
