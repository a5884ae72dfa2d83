"""Completion of the command's options for a shell, written by shtab."""

from __future__ import annotations

import argparse

from realtime.command_line import choices, parser
from realtime.errors import UsageError
from realtime.page_options import BROWSER
from realtime.screen import Screen

SHELLS = ("bash", "zsh", "tcsh")
COMMAND = "pixelplayer"


def add_arguments(command: argparse.ArgumentParser) -> None:
    """What it takes."""
    command.add_argument("shell", choices=SHELLS)


def run(options: argparse.Namespace, screen: Screen) -> int:
    """Print the script; returns 0, raises UsageError without shtab."""
    print(script(options.shell))
    return 0


def script(shell: str) -> str:
    """What the shell has to read.

    Raises:
        UsageError: shtab is not installed.
    """
    try:
        import shtab
    except ImportError as error:
        raise UsageError("completions are written by shtab; run: pip install shtab") from error
    made = parser()
    made.prog = COMMAND
    kinds = {
        "DIR": shtab.DIRECTORY,
        "FILE": shtab.FILE,
        f"FILE|{BROWSER}": shtab.FILE,
        "FILE.toml": shtab.FILE,
    }
    for action in made._actions:
        action.choices = choices(action.dest.replace("_", "-")) or action.choices
        if action.metavar in kinds:
            action.complete = kinds[action.metavar]  # type: ignore[attr-defined]
    written: str = shtab.complete(made, shell)
    return written
