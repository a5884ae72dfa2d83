"""``python -m realtime keys`` and ``serve``: what is needed to have a stage on another host."""

from __future__ import annotations

import argparse
import os
import signal
import socket
from pathlib import Path
from threading import Event
from types import FrameType

from realtime.allocator import settle_heap
from realtime.clock import SystemClock
from realtime.command_line import parse
from realtime.compose import with_engine
from realtime.errors import UsageError
from realtime.graph import STAGES
from realtime.remote.keys import keys_folder, make_pair, trust
from realtime.remote.serving import Host, check_host
from realtime.screen import Screen

LISTEN = "tcp://127.0.0.1:7000"
_COMPUTES = ("model", "engine", "precision", "threads-per-network")
_MOVABLE = tuple(name for name, entry in STAGES.items() if entry.kind == "stage")


def add_keys(parser: argparse.ArgumentParser) -> None:
    """What ``keys`` takes."""
    parser.add_argument("--trust", metavar="NAME=KEY", help="what the other host's command printed")
    parser.add_argument("--keys", type=Path, metavar="DIR", help="where the keys are")


def add_serve(parser: argparse.ArgumentParser) -> None:
    """What ``serve`` takes."""
    parser.add_argument("--listen", default=LISTEN, metavar="tcp://HOST:PORT", help=LISTEN)
    parser.add_argument(
        "--stages", default=",".join(_MOVABLE), metavar="A,B", help="that may be asked for"
    )
    for name in _COMPUTES:
        parser.add_argument(f"--{name}", metavar="VALUE", help="as for run_live.py")
    parser.add_argument("--keys", type=Path, metavar="DIR", help="where the keys are")


def run_keys(options: argparse.Namespace, screen: Screen) -> int:
    """Make this host's keys, or know another's; returns 0."""
    folder = _folder(options)
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


def run_serve(options: argparse.Namespace, screen: Screen) -> int:
    """Run stages for players until it is interrupted; returns 0."""
    settle_heap()
    stages = tuple(name.strip() for name in options.stages.split(","))
    if strange := set(stages) - set(_MOVABLE):
        raise UsageError(f"--stages {min(strange)}: wanted some of {', '.join(_MOVABLE)}")
    check_host(options.listen, _folder(options))  # before engines are opened, which takes a while
    given = {name: getattr(options, name.replace("-", "_")) for name in _COMPUTES}
    line = [f"--{name}={value}" for name, value in given.items() if value is not None]
    asked = with_engine(parse(line), screen.say)
    left = Event()

    def leave(number: int, frame: FrameType | None) -> None:
        left.set()

    host = Host(
        listen=options.listen,
        keys=_folder(options),
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


def _folder(options: argparse.Namespace) -> Path:
    folder: Path = keys_folder(os.environ) if options.keys is None else options.keys
    return folder
