"""What is needed to have a stage on another host.

python -m realtime keys                              this host's keys, made once
python -m realtime keys --trust NAME=KEY             know another host by its key
python -m realtime serve --listen tcp://0.0.0.0:7000 run stages for players that are known
"""

from __future__ import annotations

import argparse
import os
import signal
import socket
import sys
from collections.abc import Sequence
from pathlib import Path
from threading import Event
from types import FrameType

# As in run_live.py: the networks' own threads need the cores.
os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

from realtime.allocator import settle_heap
from realtime.clock import SystemClock
from realtime.command import failing
from realtime.command_line import parse
from realtime.compose import with_engine
from realtime.errors import UsageError
from realtime.graph import STAGES
from realtime.remote.keys import keys_folder, make_pair, trust
from realtime.remote.serving import Host
from realtime.screen import Screen

LISTEN = "tcp://127.0.0.1:7000"
_COMPUTES = ("model", "engine", "precision", "threads-per-network")
_MOVABLE = tuple(name for name, entry in STAGES.items() if entry.kind == "stage")


def main(arguments: Sequence[str] | None = None) -> int:
    """Returns 0; 2 where it cannot be, after a line that says why; 130 when it was interrupted."""
    options = _parser().parse_args(arguments)
    screen = Screen(sys.stderr)
    with failing(screen) as outcome:
        folder = keys_folder(os.environ) if options.keys is None else options.keys
        outcome.exit_code = options.run(options, folder, screen)
    return outcome.exit_code


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m realtime", description=__doc__)
    parser.formatter_class = argparse.RawDescriptionHelpFormatter
    commands = parser.add_subparsers(required=True, metavar="COMMAND")
    keys = commands.add_parser("keys", help="make this host's keys; know another host's")
    keys.add_argument("--trust", metavar="NAME=KEY", help="what the other host's command printed")
    keys.set_defaults(run=_keys)
    serve = commands.add_parser("serve", help="run stages for players elsewhere")
    serve.add_argument("--listen", default=LISTEN, metavar="tcp://HOST:PORT", help=LISTEN)
    serve.add_argument(
        "--stages", default=",".join(_MOVABLE), metavar="A,B", help="that may be asked for"
    )
    for name in _COMPUTES:
        serve.add_argument(f"--{name}", metavar="VALUE", help="as for run_live.py")
    serve.set_defaults(run=_serve)
    for command in (keys, serve):
        command.add_argument("--keys", type=Path, metavar="DIR", help="where the keys are")
    return parser


def _keys(options: argparse.Namespace, folder: Path, screen: Screen) -> int:
    if options.trust is not None:
        name, _, key = options.trust.partition("=")
        print(f"{name} is known: {trust(folder, name, key)}")
        return 0
    pair, is_new = make_pair(folder)
    here = socket.gethostname().partition(".")[0]
    print(f"{'made' if is_new else 'found'} {folder / 'private.key'}: it stays here, for you alone")
    print("on every other host that is to know this one, run:")
    print(f"    python -m realtime keys --trust {here}={pair.public.hex()}")
    print(
        f"where this host serves, put in place of {here} what the player's --place calls it "
        f"(--place sight=tcp://{here}:7000)"
    )
    return 0


def _serve(options: argparse.Namespace, folder: Path, screen: Screen) -> int:
    settle_heap()
    stages = tuple(name.strip() for name in options.stages.split(","))
    if strange := set(stages) - set(_MOVABLE):
        raise UsageError(f"--stages {min(strange)}: wanted some of {', '.join(_MOVABLE)}")
    given = {name: getattr(options, name.replace("-", "_")) for name in _COMPUTES}
    line = [f"--{name}={value}" for name, value in given.items() if value is not None]
    asked = with_engine(parse(line), screen.say)
    left = Event()

    def leave(number: int, frame: FrameType | None) -> None:
        left.set()

    host = Host(
        listen=options.listen,
        keys=folder,
        stages=stages,
        options=asked,
        clock=SystemClock(),
        tell=screen.say,
    )
    for name in ("SIGINT", "SIGTERM"):
        signal.signal(getattr(signal, name), leave)
    screen.say(f"waits at {host.address} for {', '.join(stages)}; Ctrl-C ends it")
    try:
        host.serve(left)
    finally:
        host.close()
    return 0


if __name__ == "__main__":
    sys.exit(main())
