"""What there is beside a run.

python -m realtime remix SESSION --gain guitar=+6    a recorded session mixed again
python -m realtime keys                              this host's keys, made once
python -m realtime keys --trust NAME=KEY             know another host by its key
python -m realtime serve --listen tcp://0.0.0.0:7000 run stages for players that are known
python -m realtime completion bash                   the options of `pixelplayer`, for a shell
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping, Sequence
from typing import NamedTuple

from pixelplayer.one_line import OneLineParser

# As in run_live.py: the networks' own threads need the cores.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from realtime import completion
from realtime.command import failing
from realtime.remix import command as remix
from realtime.remote import command as remote
from realtime.screen import Screen


class _Command(NamedTuple):
    help: str
    takes: Callable[[argparse.ArgumentParser], None]
    run: Callable[[argparse.Namespace, Screen], int]


_COMMANDS: Mapping[str, _Command] = {
    "remix": _Command("a recorded session with other gains", remix.add_arguments, remix.run),
    "keys": _Command(
        "make this host's keys; know another host's", remote.add_keys, remote.run_keys
    ),
    "serve": _Command("run stages for players elsewhere", remote.add_serve, remote.run_serve),
    "completion": _Command(
        "complete the options in a shell", completion.add_arguments, completion.run
    ),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0; 2 where it cannot be, after a line that says why; 130 when it was interrupted."""
    parser = OneLineParser(prog="python -m realtime", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    for name, one in _COMMANDS.items():
        made = commands.add_parser(name, help=one.help, description=one.help)
        one.takes(made)
        made.set_defaults(run=one.run)
    options = parser.parse_args(arguments)
    screen = Screen(sys.stderr)
    with failing(screen) as outcome:
        outcome.exit_code = options.run(options, screen)
    return outcome.exit_code


if __name__ == "__main__":
    sys.exit(main())
