"""``python -m training COMMAND``: everything that makes, teaches and judges checkpoints."""

from __future__ import annotations

import importlib
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Command:
    """A module with a ``main``, and what it is for, in a line."""

    module: str
    purpose: str


GROUPS: Mapping[str, Mapping[str, Command]] = MappingProxyType(
    {
        "the paper's training, of videos or of a bank": {
            "prepare": Command("training.prepare", "videos become a data set in the MUSIC layout"),
            "separate": Command(
                "training.separate", "both networks end to end, by Mix-and-Separate"
            ),
            "together": Command(
                "training.together", "the whole table's networks, side by side from the same sounds"
            ),
        },
        "how well it separates": {
            "table": Command("training.table", "NSDR, SIR and SAR of all methods (Table 1)"),
            "report": Command("training.report", "a page of mixtures to look at and to listen to"),
            "listen": Command("training.listen", "a listening test as one page"),
            "judgements": Command("training.judgements", "its answers as Tables 4 and 5"),
        },
        "a live model, step by step": {
            "attention": Command(
                "training.attention", "where in photographs the instruments are (wants a teacher)"
            ),
            "distill": Command("training.distill", "eyes learn what a teacher sees"),
            "sound": Command("training.sound", "ears learn to separate, told by class"),
            "sight": Command("training.sight", "eyes learn the words of the ears, cell by cell"),
            "look": Command("training.look", "what eyes say of pictures, for new ears to learn by"),
            "joint": Command("training.joint", "ears (a U-Net) and eyes learn together"),
            "ship": Command("training.ship", "what was trained becomes a model folder"),
            "card": Command("training.card", "what a model folder's README says, made anew"),
        },
        "from models that there are": {
            "reopen": Command("training.reopen", "go on from a model folder"),
            "import": Command("training.published", "the published weights become a model folder"),
        },
    }
)
COMMANDS: Mapping[str, Command] = MappingProxyType(
    {name: command for group in GROUPS.values() for name, command in group.items()}
)


def overview() -> str:
    """What there is, by what people want."""
    width = max(map(len, COMMANDS))
    groups = [
        "\n".join(
            [f"{wish}:", *(f"  {name:{width}}  {one.purpose}" for name, one in group.items())]
        )
        for wish, group in GROUPS.items()
    ]
    more = "`python -m training COMMAND --help` says more; docs/models.md, in which order."
    return "\n\n".join([str(__doc__).strip().replace("``", "`"), *groups, more])


def main() -> int:
    """Hand over to the command's own ``main``."""
    name = sys.argv[1] if len(sys.argv) > 1 else "--help"
    if name in ("-h", "--help"):
        print(overview())
        return 0
    if name not in COMMANDS:
        there = ", ".join(COMMANDS)
        print(f"error: no command {name!r}; there are {there}; run with --help", file=sys.stderr)
        return 2
    module = importlib.import_module(COMMANDS[name].module)
    sys.argv[:2] = [f"training {name}"]
    return int(module.main())


if __name__ == "__main__":
    sys.exit(main())
