"""``python -m training COMMAND``: everything that makes, teaches and judges checkpoints."""

from __future__ import annotations

import importlib
import sys
from types import MappingProxyType

# What each does stands first in its module; `python -m training COMMAND --help` has the rest.
COMMANDS = MappingProxyType(
    {
        "prepare": "training.prepare",
        "distill": "training.distill",
        "attention": "training.attention",
        "sound": "training.sound",
        "sight": "training.sight",
        "look": "training.look",
        "joint": "training.joint",
        "separate": "training.separate",
        "together": "training.together",
        "table": "training.table",
        "report": "training.report",
        "listen": "training.listen",
        "judgements": "training.judgements",
        "ship": "training.ship",
        "card": "training.card",
        "reopen": "training.reopen",
        "import": "training.published",
    }
)


def main() -> int:
    """Hand over to the command's own ``main``."""
    name = sys.argv[1] if len(sys.argv) > 1 else "--help"
    if name in ("-h", "--help"):
        print(__doc__.strip(), *(f"  {command}" for command in COMMANDS), sep="\n")
        return 0
    if name not in COMMANDS:
        print(f"error: no command {name!r}; there are {', '.join(COMMANDS)}", file=sys.stderr)
        return 2
    module = importlib.import_module(COMMANDS[name])
    sys.argv[:2] = [f"training {name}"]
    return int(module.main() or 0)


if __name__ == "__main__":
    sys.exit(main())
