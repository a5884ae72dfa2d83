"""Completion of the command's options for a shell, written by shtab."""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Mapping
from types import MappingProxyType

from realtime.command_line import parser, words_of
from realtime.errors import UsageError
from realtime.page_options import BROWSER
from realtime.screen import Screen

SHELLS = ("bash", "zsh", "fish", "tcsh")
COMMAND = "pixelplayer"

# A file, or the word; shtab itself has either.
_SOURCE = "_pixelplayer_source"
_PREAMBLE: Mapping[str, str] = MappingProxyType(
    {
        "bash": f'{_SOURCE}() {{ compgen -W "{BROWSER}" -- "$1"; _shtab_compgen_files "$1"; }}',
        "zsh": f"{_SOURCE}() {{ _alternative 'words:word:({BROWSER})' 'files:file:_files'; }}",
    }
)


def add_arguments(command: argparse.ArgumentParser) -> None:
    """What it takes."""
    command.add_argument("shell", choices=SHELLS)


def run(options: argparse.Namespace, screen: Screen) -> int:
    """Print the script; returns 0, raises UsageError without shtab."""
    written = script(options.shell)
    try:
        print(written, flush=True)
    except BrokenPipeError:
        # Who reads has enough. What is left in the buffer would be written at the end, in vain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
    return 0


def script(shell: str) -> str:
    """What the shell has to read.

    Raises:
        UsageError: shtab is not installed, or too old for that shell.
    """
    try:
        import shtab
    except ImportError as error:
        raise UsageError("completions are written by shtab; run: pip install shtab") from error
    if shell not in shtab.SUPPORTED_SHELLS:
        raise UsageError(f"this shtab does not know {shell}; run: pip install --upgrade shtab")
    made = parser()
    made.prog = COMMAND
    kinds = {
        "DIR": shtab.DIRECTORY,
        "FILE": shtab.FILE,
        f"FILE|{BROWSER}": {**shtab.FILE, **dict.fromkeys(_PREAMBLE, _SOURCE)}
        | {"fish": f"{BROWSER} {shtab.FILE.get('fish', '')}"},
        "FILE.toml": shtab.FILE,
    }
    for action in made._actions:
        action.choices = words_of(action.dest.replace("_", "-")) or action.choices
        if action.metavar in kinds:
            action.complete = kinds[action.metavar]  # type: ignore[attr-defined]
    written: str = shtab.complete(made, shell, preamble=_PREAMBLE.get(shell, ""))
    return written
